"""Event frames within one process, for stages that need no capture process."""

from __future__ import annotations

import threading

import numpy as np

from pipeline.prediction import EventFrame


class WaitingFrames:
    """A `pipeline.feed.FrameFeed` that is filled by hand."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: list[EventFrame] = []
        self._woken = False

    def put(self, frames: list[EventFrame]) -> None:
        """Let these frames be there."""
        with self._changed:
            self._frames += frames
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        """Sleep until a frame is there, `wake` was called, or the time is over; True when a frame is there."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or bool(self._frames), timeout_s)
            self._woken = False
            return bool(self._frames)

    def wake(self) -> None:
        """End a `wait` that is going on, or the next one."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def take(self, newest: int | None = None) -> list[EventFrame]:
        """Give all frames that are there, or only the newest so many."""
        with self._changed:
            frames, self._frames = self._frames, []
            return frames if newest is None else frames[-newest:]


def made_frames(count: int, *, height: int = 260, width: int = 346, seed: int = 0) -> list[EventFrame]:
    """Make event frames of a ring that moves, one every 30 ms."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    frames = []
    for index in range(count):
        pixels = np.full((height, width), 127, np.uint8)
        ring = np.abs(np.hypot(x - (40 + 12 * index) % width, y - height // 2) - height / 5) < 3
        pixels[ring] = random.choice(np.array([0, 255], np.uint8), int(ring.sum()))
        frames.append(EventFrame(index, 0, 30_000 * index, 30_000 * (index + 1), 5_000, pixels))
    return frames
