"""Reads a camera on the make-believe bus, is held up for a while, and reads on; a program of its own.

python -m tests.pipeline.capture.late_reader SECONDS writes a JSON object to stdout: what was told (``told``) before and
after, and the longest time between two events (``gap_s``).
"""

import json
import os
import sys
import time

import numpy as np

from pipeline.sources.base import CameraSpec, EventBatch, Source
from pipeline.sources.camera_discovery import open_camera

AFTER_US = 1_000_000


def main(seconds: str) -> dict[str, object]:
    source = open_camera(CameraSpec())
    told: list[str] = []
    times = [_read(source, told, 0)]
    before = [*told]
    told.clear()
    time.sleep(float(seconds))  # this is what happens: nobody reads
    begins_us = int(times[0][-1])
    times.append(_read(source, told, begins_us + float(seconds) * 1e6 + AFTER_US))
    source.close()
    return {"told": [before, told], "gap_s": float(np.diff(np.concatenate(times)).max()) / 1e6}


def _read(source: Source, told: list[str], until_us: float) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Read at least one second, and up to this time; gives the times of the events."""
    times: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    while not times or times[-1][-1] < max(until_us, times[0][0] + AFTER_US):
        batch: EventBatch | None = source.read()
        assert batch is not None
        if notice := source.take_notice():
            told.append(notice)
        if len(batch.events):
            times.append(batch.events["timestamp"].astype(np.int64))
    return np.concatenate(times)


if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(2, 1)  # drivers print to standard output too
    with os.fdopen(out, "w") as file:
        json.dump(main(*sys.argv[1:]), file)
