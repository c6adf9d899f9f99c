"""Runs a program on a bus with cameras, from the command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.base import SourceError
from tests.cameras.actions import ActionError, parse_faults, perform
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import Faults
from tests.cameras.models import MODELS
from tests.cameras.preload import obstacle
from tests.cameras.scene import Scene, fitted, moving_dot
from tests.cameras.usb_bus import USB2, UsbBus

_USAGE = "python -m tests.cameras [options] MODEL[:SERIAL] ... -- COMMAND [ARGUMENT ...]"
_CANNOT = 77
"""The exit status of automake's and meson's tests that are skipped."""


@dataclass(frozen=True)
class Timed:
    """An action at a time, in seconds after the program's start."""

    at_s: float
    action: str


def main(arguments: Sequence[str]) -> int:
    """Run a program as the command line says; give its exit status, as a shell does."""
    ours, command = _split(arguments)
    options = _parser().parse_args(ours)
    if not command:
        _parser().error("no COMMAND after --")
    if (reason := obstacle()) is not None:
        print(f"skipped: {reason}", file=sys.stderr)
        return _CANNOT
    try:
        cameras = [_camera(options, text) for text in options.camera]
        timed = [Timed(float(at), action) for at, action in options.at]
    except (ActionError, SourceError, OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    with UsbBus() as bus:
        if not options.unplugged:
            for camera in cameras:
                bus.plug_in(camera, bus=USB2 if options.usb2 else None)
        with _control(options.control, bus, cameras):
            process = bus.popen(command, privileged=not options.ordinary_user)
            status = _accompany(process, bus, cameras, timed)
    if options.report:
        told = [{"serial": each.serial, "sent": each.sent, "requests": len(each.requests)} for each in cameras]
        options.report.write_text(json.dumps(told) + "\n", encoding="utf-8")
    return status


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    words = list(arguments)
    at = words.index("--") if "--" in words else len(words)
    return words[:at], words[at + 1 :]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.cameras", usage=_USAGE, description="Run a program that sees event cameras on its USB."
    )
    add = parser.add_argument
    add("camera", nargs="+", metavar="MODEL[:SERIAL]", help=f"one of {', '.join(MODELS)}")
    add("--events", type=Path, metavar="FILE", help="a recording, or an .npy file; a moving dot without it")
    add("--rate", type=int, default=200_000, metavar="N", help="events per second of the dot (default 200000)")
    add("--pace", type=float, default=1.0, metavar="X", help="times as fast as real time; inf: as fast as it is read")
    add("--once", action="store_true", help="do not begin again after the last event")
    add("--clock-us", type=int, default=0, metavar="N", help="what the clock shows when the stream starts")
    add("--firmware", type=int, metavar="N", help="its version, where the model tells one")
    add("--usb2", action="store_true", help="plugged into a USB 2 port")
    add("--unplugged", action="store_true", help="not plugged in at the start")
    add("--fault", action="append", default=[], metavar="NAME=VALUE", help="from the start; see faults.py")
    add("--at", action="append", default=[], nargs=2, metavar=("SECONDS", "ACTION"), help="see actions.py")
    add("--control", type=Path, metavar="SOCKET", help="a UNIX socket that takes actions, one a line")
    add("--ordinary-user", action="store_true", help="permissions count, even for the superuser")
    add("--report", type=Path, metavar="FILE", help="JSON at the end: events sent, requests seen")
    return parser


def _camera(options: argparse.Namespace, text: str) -> EventCamera:
    model, _, serial = text.partition(":")
    if model not in MODELS:
        raise ActionError(f"There is no camera {model}, only {', '.join(MODELS)}.")
    kind = MODELS[model]
    named: dict[str, Any] = {"serial": serial} if serial else {}
    if options.firmware is not None and model != "evk4":
        named["firmware"] = options.firmware
    scene = Scene(_events(options, kind.resolution), pace=options.pace, repeat=not options.once)
    faults = Faults(**parse_faults(dict(word.partition("=")[::2] for word in options.fault)))  # type: ignore[arg-type]
    return kind(scene=scene, clock_us=options.clock_us, faults=faults, **named)


def _events(options: argparse.Namespace, resolution: Resolution) -> EventArray:
    if options.events is None:
        return moving_dot(resolution, events_per_s=options.rate)
    if options.events.suffix == ".npy":
        events: EventArray = np.load(options.events)
        if events.dtype.names is None or not set(EVENT_DTYPE.names or ()) <= set(events.dtype.names):
            raise ValueError(f"{options.events} has no fields {', '.join(EVENT_DTYPE.names or ())}.")
        size = Resolution(int(events["x"].max(initial=0)) + 1, int(events["y"].max(initial=0)) + 1)
        fits = size.width <= resolution.width and size.height <= resolution.height
        return events if fits else fitted(events, size, resolution)
    from pipeline.reading import read_recording  # here: it starts a process, and loads a library for it

    recording = read_recording(options.events)
    return fitted(recording.events, recording.resolution, resolution)


def _accompany(
    process: subprocess.Popen[Any], bus: UsbBus, cameras: Sequence[EventCamera], actions: Sequence[Timed]
) -> int:
    """Let things happen at their times until the program ends; give its status."""
    timers = [threading.Timer(timed.at_s, _announced, (bus, cameras, timed.action)) for timed in actions]
    for timer in timers:
        timer.daemon = True
        timer.start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the program
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    status = int(process.wait())
    for timer in timers:
        timer.cancel()
    return status if status >= 0 else 128 - status


def _announced(bus: UsbBus, cameras: Sequence[EventCamera], action: str) -> None:
    try:
        perform(bus, cameras, action)
    except (ActionError, RuntimeError) as error:
        print(f"error: {error}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _control(path: Path | None, bus: UsbBus, cameras: Sequence[EventCamera]) -> Iterator[None]:
    """Take actions from a UNIX socket, one a line, each answered by ``ok`` or ``error: …``."""
    if path is None:
        yield
        return
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        threading.Thread(target=_listen, args=(listener, bus, cameras), daemon=True).start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            path.unlink(missing_ok=True)


def _listen(listener: socket.socket, bus: UsbBus, cameras: Sequence[EventCamera]) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:  # shut down
            return
        with connection, connection.makefile("rw", encoding="utf-8") as lines, contextlib.suppress(OSError):
            for line in lines:
                try:
                    perform(bus, cameras, line)
                    lines.write("ok\n")
                except (ActionError, RuntimeError) as error:
                    lines.write(f"error: {error}\n")
                lines.flush()
