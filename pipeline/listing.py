"""The cameras that are plugged in, looked for in a process of its own.

python -m pipeline.listing [closely | webcams] writes them as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from typing import Any

from pipeline.capture.entry import open_log
from pipeline.sources.base import SourceError
from pipeline.sources.camera_discovery import list_cameras
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.webcam_discovery import WebcamFound, list_webcams

PATIENCE_S = 10.0
CLOSE_PATIENCE_S = 60.0
"""Cameras that do not answer are asked one after the other, for seconds each."""
_CLOSELY = "closely"
_WEBCAMS = "webcams"


def find_cameras() -> tuple[CameraFound, ...]:
    """Look for cameras in a process of its own, since a driver may hang or crash; none where it does."""
    answer = ask_for_cameras()
    return tuple(answer) if isinstance(answer, list) else ()


def find_webcams() -> tuple[WebcamFound, ...]:
    """Look for webcams: on Linux at once, elsewhere in a process of its own; none where that hangs or crashes."""
    if sys.platform not in ("win32", "darwin"):
        return list_webcams()
    answer = _answer_of([_WEBCAMS], PATIENCE_S)
    return tuple(WebcamFound(**entry) for entry in answer) if isinstance(answer, list) else ()


def ask_for_cameras(*, closely: bool = False) -> list[CameraFound] | str:
    """Let a process look for event cameras; gives what it found, or why it could not.

    With `closely`, each is opened for a moment to see whether it can be.
    """
    answer = _answer_of([_CLOSELY] if closely else [], CLOSE_PATIENCE_S if closely else PATIENCE_S)
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
