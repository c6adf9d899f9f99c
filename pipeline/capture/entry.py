"""Where the capture process begins: light, so that nothing can go wrong before it is guarded."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TextIO

from platformdirs import user_log_dir

from pipeline.capture.messages import SetRendering
from pipeline.sources.base import Source, SourceSpec

MAX_LOG_BYTES = 1_000_000
STARTING_PATIENCE_S = 120
"""Compiling the loops on the very first run takes its time."""
WATCHDOG_AFTER_S = 7
"""So much later than the application would the process end itself, should the application be gone."""

Opener = Callable[[SourceSpec], Source]


@dataclass(frozen=True)
class ChildEnds:
    """What the application hands to its capture process."""

    block: Any
    """Shared memory, see `memory`."""
    control: Connection
    """(generation, Command) come here."""
    status: Connection
    """(generation, Status) go here."""
    frame_bell: Connection
    room_bell: Connection
    pictures: bool
    rendering: SetRendering
    opener: Opener | None
    """How sources are opened; None: as everybody does."""


def log_path() -> Path:
    """Where the capture process writes what is of use only for finding bugs."""
    return Path(user_log_dir("neuroclip-live", appauthor=False)) / "capture.log"


def run_child(ends: ChildEnds) -> None:
    """Run the capture process to its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the application decides
    log = _redirect_output()
    faulthandler.enable(file=log)
    arm_watchdog(STARTING_PATIENCE_S, log)
    from pipeline.capture.child import CaptureLoop  # heavy: only now is everything guarded

    sys.exit(CaptureLoop(ends, log).run())


def arm_watchdog(patience_s: float, log: TextIO) -> None:
    """End this process unless armed again in time; works where native code hangs and holds Python's lock."""
    faulthandler.dump_traceback_later(patience_s + WATCHDOG_AFTER_S, exit=True, file=log)


def _redirect_output() -> TextIO:
    """Send what native libraries print to the log: standard output is for data, the terminal for people."""
    log = open_log()
    for standard in (1, 2):
        os.dup2(log.fileno(), standard)
    sys.stdout = sys.stderr = log
    return log


def open_log() -> TextIO:
    """Open the log to write at its end; nowhere where there is no place for one."""
    path = log_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        too_long = path.exists() and path.stat().st_size > MAX_LOG_BYTES
        return path.open("w" if too_long else "a", encoding="utf-8", buffering=1)
    except OSError:  # no home to write to
        return open(os.devnull, "w", encoding="utf-8")
