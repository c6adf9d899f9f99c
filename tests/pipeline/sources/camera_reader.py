"""What a test does with a camera, as a program of its own: the make-believe bus is loaded with the process.

python -m tests.pipeline.sources.camera_reader [--without PACKAGE] TASK [ARGUMENT ...] writes a JSON object to stdout.
With --without, it is as if this package were not installed, where the program looks whether it is.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from pipeline.sources import camera_discovery, camera_watch
from pipeline.sources.base import CameraSpec, EventBatch, Source, SourceError, SourceLost
from pipeline.sources.camera_discovery import list_cameras, open_camera
from tests.pipeline.sources.contract import check_closing, check_info, check_seeking, error_of, read_until
from tests.programs import wait_until


def found() -> object:
    return [asdict(camera) for camera in list_cameras()]


def found_closely() -> object:
    return [asdict(camera) for camera in list_cameras(closely=True)]


def read(count: str, file: str, serial: str | None = None) -> object:
    """Save the first events; tell what the camera is and how far its clock is from this machine's, in µs."""
    source = open_camera(CameraSpec(serial))
    events = read_until(source, lambda batch, so_far: so_far >= int(count))
    ahead_us = int(events["timestamp"][-1]) - time.time_ns() // 1000
    np.save(file, events[: int(count)])
    source.close()
    return {"info": asdict(source.info), "ahead_us": ahead_us}


def error(serial: str | None = None) -> object:
    return error_of(lambda: open_camera(CameraSpec(serial)))


def keep_the_contract() -> object:
    for _ in range(2):
        source = open_camera(CameraSpec())
        check_info(source)
        assert len(read_until(source, lambda batch, so_far: so_far >= 2000))
        check_seeking(source)
        check_closing(source)
    return True


def wait_before_a_still_scene() -> object:
    """Tell by how much time moved on without any event, in µs."""
    source = open_camera(CameraSpec())
    first = source.read()
    assert first is not None
    begin_us = first.until_us
    events = read_until(source, lambda batch, so_far: batch.until_us > begin_us + 300_000)
    source.close()
    return {"events": len(events), "begins_ahead_us": begin_us - time.time_ns() // 1000}


def lose_and_find() -> object:
    """Read until the camera is unplugged, wait for its return, and read on."""
    opened: list[Source] = []

    def is_there() -> bool:
        try:
            opened.append(open_camera(CameraSpec()))
        except SourceError:
            return False
        return True

    wait_until(is_there)
    try:
        read_until(opened[0], lambda batch, so_far: False)
        raise AssertionError("the camera stayed")
    except SourceLost as lost:
        message = str(lost)
    opened[0].close()
    wait_until(is_there)
    events = read_until(opened[1], lambda batch, so_far: so_far > 2000)
    opened[1].close()
    return {"message": message, "events_after": len(events)}


def lose(serial: str | None = None) -> object:
    """Read until the camera is gone; tell why, and what was told before."""
    source = open_camera(CameraSpec(serial))
    notices: list[str] = []

    def listen(batch: EventBatch, so_far: int) -> bool:
        if notice := source.take_notice():
            notices.append(notice)
        return False

    try:
        read_until(source, listen)
    except SourceLost as lost:
        return {"message": str(lost), "restarting": lost.restarting, "notices": notices}
    raise AssertionError("the camera stayed")


def read_on(seconds: str) -> object:
    """Read for so long of the camera's time, after the first events; tell what was noticed and how many came."""
    source = open_camera(CameraSpec())
    notices = [source.take_notice()]
    first = read_until(source, lambda batch, so_far: so_far > 0)
    goal_us = int(first["timestamp"][0]) + float(seconds) * 1e6
    events = read_until(source, lambda batch, so_far: batch.until_us > goal_us)
    notices.append(source.take_notice())
    source.close()
    return {"notices": [notice for notice in notices if notice], "events": len(events)}


def doubt() -> object:
    """Read one that shows nothing and gives no signs of life, with little patience, until it shows something."""
    camera_watch.DOUBTFUL_S = 0.5
    source = open_camera(CameraSpec())
    events = read_until(source, lambda batch, so_far: so_far > 2000)
    source.close()
    return len(events)


TASKS: dict[str, Callable[..., object]] = {
    task.__name__: task
    for task in (
        found, read, error, keep_the_contract, wait_before_a_still_scene, lose_and_find, lose, read_on, found_closely,
        doubt,
    )
}  # fmt: skip

if __name__ == "__main__":
    words = sys.argv[1:]
    if words[0] == "--without":
        missing, words = words[1], words[2:]
        installed = camera_discovery._installed
        camera_discovery._installed = lambda package: package != missing and installed(package)
    out = os.dup(1)
    os.dup2(2, 1)  # drivers print to standard output too
    with os.fdopen(out, "w") as file:
        json.dump(TASKS[words[0]](*words[1:]), file)
