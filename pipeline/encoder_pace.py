"""Whether the image encoder keeps up with the timesteps of a live stream, and what stands in where it does not.

An encoder that needs longer for a frame than the stream for a timestep would find more new frames each time that it
is ready, and where several at once take as long as one by one, every window would be new to it: labels would come a
whole window late. Where it only encodes the newest frame each time, they come two frames' time late.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median_low

import numpy as np

from pipeline.prediction import EventFrame

CALLS_KEPT = 5
"""Of the last so many calls of the encoder the median counts."""
AGAIN_BELOW = 0.9
"""Of the time between timesteps: below it an encoder that was too slow keeps up again."""
SPAN_NS = 1_000_000_000
"""The time between timesteps is that of the last second."""
LEAST_SPAN_NS = 100_000_000
"""Too short a time tells nothing: frames come in bursts."""
BURST_NS = 20_000_000
"""Frames that are complete within this time have come together."""


class EncoderPace:
    """Compares what the encoder needs for a frame with the time between timesteps as they arrive.

    Parameters
    ----------
    clock : callable
        Gives seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._seconds: deque[float] = deque(maxlen=CALLS_KEPT)
        """A frame, of the encoder's last calls."""
        self._warm = False
        self._bursts: deque[tuple[int, int]] = deque()
        """Of frames that came together: when the first was complete, in ns, and the number of the last."""
        self._last: EventFrame | None = None
        self._interval_s: float | None = None
        self._behind = False

    @property
    def keeps_up(self) -> bool:
        """Whether all frames may be encoded.

        Not before the encoder was timed; always where it is not known when frames were complete.
        """
        if self._last is None or not self._last.completed_ns:
            return True
        return bool(self._seconds) and not self._behind

    @property
    def frame_s(self) -> float | None:
        """What the encoder needs for a frame, in s; None before it was timed."""
        return median_low(self._seconds) if self._seconds else None

    @property
    def interval_s(self) -> float | None:
        """Time between timesteps, in s; None before the first.

        Until it was measured, the time that a timestep covers in the stream.
        """
        if self._interval_s is not None or self._last is None:
            return self._interval_s
        return (self._last.end_us - self._last.start_us) / 1e6

    @contextmanager
    def timed(self, frames: int) -> Iterator[None]:
        """Time a call of the encoder with so many frames; one that fails does not count."""
        began = self._clock()
        yield
        self.encoded(frames, self._clock() - began)

    def encoded(self, frames: int, seconds: float) -> None:
        """Take what a call of the encoder has taken. The first one warms up: it counts until there is another."""
        if self._seconds and not self._warm:
            self._seconds.clear()
            self._warm = True
        self._seconds.append(seconds / frames)
        self._compare()

    def arrived(self, frame: EventFrame) -> None:
        """Take the next frame of the stream."""
        last, self._last = self._last, frame
        if not frame.completed_ns or last is None or not _follows(last, frame):
            self._bursts.clear()
        if not frame.completed_ns:
            return
        if self._bursts and frame.completed_ns - self._bursts[-1][0] < BURST_NS:
            self._bursts[-1] = self._bursts[-1][0], frame.index
        else:
            self._measure(frame.completed_ns)
            self._bursts.append((frame.completed_ns, frame.index))
        self._compare()

    def _measure(self, now_ns: int) -> None:
        """Measure the time between timesteps by the bursts of the last second, all of which have ended."""
        while self._bursts and self._bursts[0][0] < now_ns - SPAN_NS:
            self._bursts.popleft()
        if not self._bursts:
            return
        (first_ns, first), (last_ns, last) = self._bursts[0], self._bursts[-1]
        if last_ns - first_ns >= LEAST_SPAN_NS:
            self._interval_s = (last_ns - first_ns) / 1e9 / (last - first)

    def _compare(self) -> None:
        frame_s, interval_s = self.frame_s, self.interval_s
        if frame_s is None or interval_s is None:
            return
        self._behind = frame_s >= interval_s * (AGAIN_BELOW if self._behind else 1.0)


def nearest_known(known: Sequence[bool]) -> list[int]:
    """Give for each place the nearest one that is known, the later of two as near; at least one must be."""
    places, wanted = np.flatnonzero(known), np.arange(len(known))
    following = np.searchsorted(places, wanted)
    later = places[np.minimum(following, len(places) - 1)]
    earlier = places[np.maximum(following - 1, 0)]
    nearest: list[int] = np.where(abs(later - wanted) <= abs(wanted - earlier), later, earlier).tolist()
    return nearest


def _follows(last: EventFrame, frame: EventFrame) -> bool:
    """Whether no jump of the stream's time, and no new stream, lies between two frames."""
    return (
        frame.segment == last.segment
        and frame.index > last.index
        and frame.completed_ns >= last.completed_ns
        and last.completed_ns > 0
    )
