"""What can be had on this machine: cameras and models, for people and for the window's menus."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from pipeline.sources.camera import CameraFound, list_cameras, no_camera_message

PATIENCE_S = 10.0


def find_cameras() -> tuple[CameraFound, ...]:
    """Look for cameras in a process of its own, since a driver may hang or crash; none where it does."""
    command = [sys.executable, "-m", "pipeline.listing"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout
    except (subprocess.SubprocessError, OSError):
        return ()
    return tuple(CameraFound(**entry) for entry in json.loads(answer))


def print_cameras() -> int:
    """Print a table of the cameras that are found; gives the exit status, 1 when there are none."""
    found = find_cameras()
    if not found:
        print(f"error: {no_camera_message(None)}", file=sys.stderr)
        return 1
    table = Table("Model", "Serial", "Firmware", "USB address", box=None, pad_edge=False)
    for camera in found:
        table.add_row(camera.model, camera.serial, camera.firmware, camera.address)
    Console(highlight=False).print(table)
    return 0


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


if __name__ == "__main__":
    print(json.dumps([asdict(camera) for camera in list_cameras()]))
