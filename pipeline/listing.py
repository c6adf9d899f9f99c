"""What can be had on this machine: cameras and models, for people and for the window's menus."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.capture.entry import open_log
from pipeline.sources.base import SourceError
from pipeline.sources.camera_discovery import list_cameras
from pipeline.sources.camera_faults import no_camera
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.webcam_discovery import WebcamFound, list_webcams

PATIENCE_S = 10.0
CLOSE_PATIENCE_S = 60.0
"""Cameras that do not answer are asked one after the other, for seconds each."""
WIDE = 250
_CLOSELY = "closely"
_WEBCAMS = "webcams"


def find_cameras() -> tuple[CameraFound, ...]:
    """Look for cameras in a process of its own, since a driver may hang or crash; none where it does."""
    answer = _ask([])
    return tuple(answer) if isinstance(answer, list) else ()


def find_webcams() -> tuple[WebcamFound, ...]:
    """Look for webcams: on Linux at once, elsewhere in a process of its own; none where that hangs or crashes."""
    if sys.platform not in ("win32", "darwin"):
        return list_webcams()
    answer = _answer_of([_WEBCAMS], PATIENCE_S)
    return tuple(WebcamFound(**entry) for entry in answer) if isinstance(answer, list) else ()


def print_cameras() -> int:
    """Print tables of the event cameras and of the webcams; gives the exit status, 1 when there is no event camera."""
    status = _print_event_cameras()
    if webcams := find_webcams():
        _print_webcams(webcams)
    return status


def _print_webcams(webcams: tuple[WebcamFound, ...]) -> None:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("Webcam", "Name", "Device"):
        table.add_column(title, overflow="fold")
    for webcam in webcams:
        table.add_row(str(webcam.number), escape(webcam.name), escape(webcam.address))
    console = _console()
    console.print("\nOrdinary cameras, for --webcam NUMBER", markup=False)
    console.print(table)


def _console() -> Console:
    """A script gets one line a camera, a terminal as many as its width asks for."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else WIDE)


def _print_event_cameras() -> int:
    answer = _ask([_CLOSELY])
    if isinstance(answer, str):
        print(f"error: {answer}", file=sys.stderr)
        return 1
    if not answer:
        print(f"error: {no_camera(None)}", file=sys.stderr)
        return 1
    _console().print(_table(answer))
    for camera in answer:
        if camera.obstacle:
            print(f"{camera.maker} {camera.label}: {camera.obstacle}")
    return 0


def _table(cameras: list[CameraFound]) -> Table:
    """Put each camera into a row; what is in the way of one needs more room and follows below."""
    titles = ("Maker", "Model", "Serial", "Resolution", "Driver", "Firmware", "Connection", "Address", "")
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for camera in cameras:
        state = "cannot be opened" if camera.obstacle else "in a slow port" if camera.slow else "ready"
        table.add_row(
            camera.maker,
            camera.model,
            camera.serial,
            str(camera.resolution or ""),
            camera.driver,
            camera.firmware,
            camera.speed,
            camera.address,
            state,
        )
    return table


def _ask(words: list[str]) -> list[CameraFound] | str:
    """Let a process look for event cameras; gives what it found, or why it could not."""
    answer = _answer_of(words, CLOSE_PATIENCE_S if words else PATIENCE_S)
    if answer is None:
        return "The cameras could not be listed, since a driver hung or crashed: unplug them and plug them in again."
    return answer if isinstance(answer, str) else [CameraFound.from_json(entry) for entry in answer]


def _answer_of(words: list[str], patience_s: float) -> Any:
    """Give what a process that looks says, from JSON; None where it hangs or crashes."""
    command = [sys.executable, "-m", "pipeline.listing", *words]
    with open_log() as log:
        try:
            asked = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=log, text=True, timeout=patience_s, check=True
            )
            return json.loads(asked.stdout)
        except (subprocess.SubprocessError, OSError, ValueError):
            return None


def print_models() -> int:
    """Print a table of the models that can be had; gives the exit status."""
    from pipeline.clip import list_models

    table = Table(box=None, pad_edge=False)
    for title in ("Model", "Weights", "Parameters", "Here"):
        table.add_column(title, no_wrap=True, overflow="fold")
    table.add_column("", overflow="fold")
    for model in list_models():
        parameters = f"{model.parameters / 1e6:.0f} M" if model.parameters else ""
        here = ("yes" if model.size is None else f"yes, {model.size / 1e6:.0f} MB") if model.here else "no"
        table.add_row(model.name, model.tag, parameters, here, model.remark)
    console = Console(highlight=False)
    console.print(table)
    console.print("\nAny other open_clip architecture: --model NAME --pretrained TAG_OR_FILE", markup=False)
    return 0


def _answer(words: list[str]) -> None:
    """Write what is found to standard output, as JSON: a list of cameras, or a sentence that says what went wrong."""
    out = os.dup(1)
    os.dup2(2, 1)  # drivers print to standard output too
    try:
        cameras = list_webcams() if _WEBCAMS in words else list_cameras(closely=_CLOSELY in words)
        found: object = [asdict(camera) for camera in cameras]
    except SourceError as error:
        found = str(error)
    with os.fdopen(out, "w", encoding="utf-8") as file:
        json.dump(found, file)


if __name__ == "__main__":
    _answer(sys.argv[1:])
