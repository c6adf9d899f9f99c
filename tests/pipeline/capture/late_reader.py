"""Reads a camera on the make-believe bus, is held up for a while, and reads on; a program of its own.

python -m tests.pipeline.capture.late_reader SECONDS writes a JSON object to stdout: what was told (``told``) before and
after, the longest time between two events (``gap_s``), and how long ago the last one was, by its time (``ago_s``).
"""

import json
import os
import sys
import time

import numpy as np

from pipeline.sources.base import CameraSpec, EventBatch, SourceLost
from pipeline.sources.camera_discovery import open_camera

AFTER_US = 1_000_000


class Reader:
    """Opens a camera, and again where its source asks for that, as the capture process does."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.times: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
        self._source = open_camera(CameraSpec())

    def read_until(self, time_us: float) -> None:
        """Read at least one second, and up to this time."""
        begin_us = None
        while begin_us is None or self.times[-1][-1] < max(time_us, begin_us + AFTER_US):
            batch = self._read()
            if len(batch.events):
                self.times.append(batch.events["timestamp"].astype(np.int64))
                begin_us = begin_us or int(self.times[-1][0])

    def close(self) -> None:
        self._source.close()

    def _read(self) -> EventBatch:
        try:
            batch = self._source.read()
        except SourceLost as lost:
            if not lost.restarting:
                raise
            self.told.append(str(lost))
            self._source.close()
            self._source = open_camera(CameraSpec())
            return self._read()
        assert batch is not None
        if notice := self._source.take_notice():
            self.told.append(notice)
        return batch


def main(seconds: str) -> dict[str, object]:
    reader = Reader()
    reader.read_until(0)
    before, reader.told = reader.told, []
    time.sleep(float(seconds))  # this is what happens: nobody reads
    reader.read_until(int(reader.times[-1][-1]) + float(seconds) * 1e6 + AFTER_US)
    ago_s = time.time() - int(reader.times[-1][-1]) / 1e6
    reader.close()
    gap_s = float(np.diff(np.concatenate(reader.times)).max()) / 1e6
    return {"told": [before, reader.told], "gap_s": gap_s, "ago_s": ago_s}


if __name__ == "__main__":
    out = os.dup(1)
    os.dup2(2, 1)  # drivers print to standard output too
    with os.fdopen(out, "w") as file:
        json.dump(main(*sys.argv[1:]), file)
