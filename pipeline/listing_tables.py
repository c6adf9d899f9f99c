"""Tables of what can be had on this machine: cameras and models."""

from __future__ import annotations

import sys

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pipeline.listing import ask_for_cameras, find_webcams
from pipeline.sources.camera_faults import no_camera
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.webcam_discovery import WebcamFound

WIDE = 250


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
    answer = ask_for_cameras(closely=True)
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
