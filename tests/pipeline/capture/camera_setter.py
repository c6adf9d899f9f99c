"""A capture of a camera on the make-believe bus, as a program of its own: orders come in as lines, answers go out.

python -m tests.pipeline.capture.camera_setter [CONFIG.toml] reads one order a line: ``set KEY VALUE`` (JSON),
``reset``, ``find``, ``forget``, ``record FILE``, ``pixels N`` (places of the white or black pixels of N event frames),
``spent`` (threads, open files and memory of this program and its children), ``camera_frame`` (the next frame of the
camera's other sensor: its shape, and the blue, green, red of its middle).
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from pipeline.capture.messages import (
    CameraState,
    Command,
    FindHotPixels,
    ForgetHotPixels,
    FramerSettings,
    Open,
    Record,
    ResetCamera,
    SetCamera,
    Status,
)
from pipeline.capture.ring import Pixels
from pipeline.capture.supervisor import Capture
from pipeline.sources.base import CameraSpec
from pipeline.sources.camera_config import read_config
from tests.programs import wait_until

_writing = threading.Lock()


def tell(kind: str, content: object) -> None:
    with _writing:
        print(json.dumps({"kind": kind, "content": content}), flush=True)


def heard(status: Status) -> None:
    content = asdict(status)
    if isinstance(status, CameraState):
        content["settings"] = {each.key: each.value for each in status.settings}
        content["defaults"] = {each.key: each.default for each in status.settings}
    tell(type(status).__name__, {key: value for key, value in content.items() if not isinstance(value, Path)})


def lit(capture: Capture, frames: int) -> list[list[int]]:
    """Give x, y and the number of frames of each pixel that sent anything in the next ones."""
    capture.feed.take()
    seen: Counter[tuple[int, int]] = Counter()
    taken = 0
    while taken < frames:
        capture.feed.wait(1.0)
        for frame in capture.feed.take():
            taken += 1
            y, x = np.nonzero(frame.pixels != 127)
            seen.update(zip(x.tolist(), y.tolist(), strict=True))
    return [[x, y, count] for (x, y), count in sorted(seen.items())]


def spent() -> dict[str, int]:
    """Give what this program and its children hold: threads, open files, and memory of their own in bytes.

    What they share is left out: pages of the ring of frames are taken as it is filled for the first time.
    """
    own = psutil.Process()
    family = [own, *own.children(recursive=True)]
    return {
        "threads": sum(each.num_threads() for each in family),
        "files": sum(each.num_fds() for each in family),
        "bytes": sum(each.memory_info().rss - each.memory_info().shared for each in family),
    }


def next_camera_frame(capture: Capture, shown: int) -> tuple[int, object]:
    """Wait for a frame; gives its number, and shape and middle pixel."""
    found: list[tuple[int, Pixels]] = []

    def came() -> bool:
        frame = capture.camera_frame(shown)
        if frame is not None:
            found.append(frame)
        return bool(found)

    wait_until(came)
    number, pixels = found[0]
    height, width = pixels.shape[:2]
    return number, {"shape": pixels.shape, "middle": pixels[height // 2, width // 2].tolist()}


def order(words: list[str]) -> Command | None:
    match words:
        case ["set", key, value]:
            given = json.loads(value)
            return SetCamera(key, tuple(given) if isinstance(given, list) else given)
        case ["reset"]:
            return ResetCamera()
        case ["find"]:
            return FindHotPixels()
        case ["forget"]:
            return ForgetHotPixels()
        case ["record", file]:
            return Record(None if file == "-" else Path(file))
        case _:
            return None


def main(config: str | None = None) -> None:
    shown = 0
    with Capture(heard) as capture:
        camera = None if config is None else read_config(Path(config))
        capture.open(Open(CameraSpec(), FramerSettings(timestep_us=20_000), camera=camera))
        for line in sys.stdin:
            words = line.split(maxsplit=2)
            command = order(words)
            if command is not None:
                capture.send(command)
            elif words[0] == "pixels":
                tell("pixels", lit(capture, int(words[1])))
            elif words[0] == "spent":
                tell("spent", spent())
            elif words[0] == "camera_frame":
                shown, content = next_camera_frame(capture, shown)
                tell("camera_frame", content)


if __name__ == "__main__":
    main(*sys.argv[1:])
