"""What a test does with a camera, as a program of its own: the make-believe bus is loaded with the process.

python -m tests.pipeline.sources.camera_reader TASK [ARGUMENT ...] writes a JSON object to stdout.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from pipeline.sources.base import CameraSpec, SourceError, SourceLost
from pipeline.sources.camera import CameraSource, list_cameras
from tests.pipeline.sources.contract import check_closing, check_info, check_seeking, error_of, read_until
from tests.programs import wait_until


def found() -> object:
    return [asdict(camera) for camera in list_cameras()]


def read(count: str, file: str, serial: str | None = None) -> object:
    """Save the first events; tell what the camera is and how far its clock is from this machine's, in µs."""
    source = CameraSource(CameraSpec(serial))
    events = read_until(source, lambda batch, so_far: so_far >= int(count))
    ahead_us = int(events["timestamp"][-1]) - time.time_ns() // 1000
    np.save(file, events[: int(count)])
    source.close()
    return {"info": asdict(source.info), "ahead_us": ahead_us}


def error(serial: str | None = None) -> object:
    return error_of(lambda: CameraSource(CameraSpec(serial)))


def keep_the_contract() -> object:
    for _ in range(2):
        source = CameraSource(CameraSpec())
        check_info(source)
        assert len(read_until(source, lambda batch, so_far: so_far >= 2000))
        check_seeking(source)
        check_closing(source)
    return True


def wait_before_a_still_scene() -> object:
    """Tell by how much time moved on without any event, in µs."""
    source = CameraSource(CameraSpec())
    begin_us = source.read().until_us
    events = read_until(source, lambda batch, so_far: batch.until_us > begin_us + 300_000)
    source.close()
    return {"events": len(events), "begins_ahead_us": begin_us - time.time_ns() // 1000}


def lose_and_find() -> object:
    """Read until the camera is unplugged, wait for its return, and read on."""
    opened: list[CameraSource] = []

    def is_there() -> bool:
        try:
            opened.append(CameraSource(CameraSpec()))
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


def lose() -> object:
    """Read until the camera is gone."""
    source = CameraSource(CameraSpec())
    return error_of(lambda: read_until(source, lambda batch, so_far: False))


TASKS: dict[str, Callable[..., object]] = {
    task.__name__: task
    for task in (found, read, error, keep_the_contract, wait_before_a_still_scene, lose_and_find, lose)
}

if __name__ == "__main__":
    print(json.dumps(TASKS[sys.argv[1]](*sys.argv[2:])))
