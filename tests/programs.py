"""The program as a user starts it: real child processes, and what they print."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "main.py"
PERSON = ROOT.parent / "shared" / "recordings" / "dvxplorer_person.aedat4"
PATIENCE_S = 90.0
"""Much longer than anything takes here, also on a busy machine."""


@dataclass(frozen=True)
class Finished:
    status: int
    out: str
    err: str

    @property
    def error_lines(self) -> list[str]:
        return [line for line in self.err.splitlines() if line.startswith("error:")]


def environment(**changes: str) -> dict[str, str]:
    """Give this environment without a display, with the changes."""
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    kept = {name: value for name, value in os.environ.items() if name not in screens}
    return kept | {"OMP_NUM_THREADS": "2"} | changes


def command(*arguments: str | Path) -> list[str]:
    return [sys.executable, str(MAIN), *map(str, arguments)]


def run_main(*arguments: str | Path, timeout: float = PATIENCE_S, cwd: Path | None = None, **changes: str) -> Finished:
    done = subprocess.run(
        command(*arguments), capture_output=True, text=True, timeout=timeout, cwd=cwd, env=environment(**changes)
    )
    return Finished(done.returncode, done.stdout, done.stderr)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def wait_until(condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Look again and again at something that another process does and does not announce."""
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
