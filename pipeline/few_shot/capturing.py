"""Choosing examples from a running stream: spread over time and motion, empty windows refused. No torch."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.shots import unit
from pipeline.few_shot.shown import ShownWindow

SHOTS = 16
"""Windows that are captured at a time."""
LEAST_APART = 0.5
"""Of a window's length: windows that begin closer to each other show almost the same."""
MOST_CANDIDATES = 256


class WindowCapture:
    """Takes the windows of a stream while something is held up, and chooses among them.

    It wants as much moving stream as gives `wanted` windows that begin half a window apart, and then takes those
    that differ most in time, in how many events they have and in what the encoder sees. May be used by two threads:
    one that adds, one that asks.

    Parameters
    ----------
    wanted : int
        K.
    span_us : (int, int), optional
        Only windows within it count, and it is done with the first one beyond.
    """

    def __init__(self, wanted: int = SHOTS, span_us: tuple[int, int] | None = None) -> None:
        if wanted < 1:
            raise ValueError(f"wanted={wanted}: at least one window is captured.")
        self.wanted = wanted
        self._span = span_us
        self._lock = threading.Lock()
        self._candidates: list[tuple[float, ShownWindow]] = []
        self._moved_us = 0.0
        self._last: ShownWindow | None = None
        self._refused = 0
        self._entered = self._beyond = False

    @property
    def count(self) -> int:
        """How many windows `chosen` would give now."""
        with self._lock:
            return self._count()

    @property
    def refused(self) -> int:
        """How many windows were empty."""
        with self._lock:
            return self._refused

    @property
    def done(self) -> bool:
        """Whether there is enough, or the span is over."""
        with self._lock:
            return self._beyond or (self._span is None and self._count() >= self.wanted)

    def add(self, window: ShownWindow) -> None:
        """Take the next window of the stream."""
        with self._lock:
            if self._span is not None and not self._within(window, *self._span):
                return
            if window.empty:
                self._refused += 1
                self._last = None
                return
            if self._last is None or self._last.segment != window.segment or window.start_us < self._last.start_us:
                # A part that begins anew is as good as one window further.
                self._moved_us += self._apart(window) if self._candidates else 0.0
            else:
                self._moved_us += window.start_us - self._last.start_us
            self._last = window
            self._candidates.append((self._moved_us, window))
            if len(self._candidates) > MOST_CANDIDATES:
                self._candidates = self._candidates[::2]

    def chosen(self) -> tuple[ShownWindow, ...]:
        """Give at most `wanted` windows, in order of time."""
        with self._lock:
            times = np.array([moved for moved, _ in self._candidates])
            windows = [window for _, window in self._candidates]
            count = self._count()
        if not windows:
            return ()
        return tuple(windows[place] for place in sorted(_spread(_places(times, windows), count)))

    def _within(self, window: ShownWindow, start_us: int, end_us: int) -> bool:
        inside = window.start_us >= start_us and window.end_us <= end_us
        self._entered |= inside
        if self._entered and window.end_us > end_us:
            self._beyond = True
        return inside

    def _count(self) -> int:
        if not self._candidates:
            return 0
        apart = self._apart(self._candidates[0][1])
        return min(self.wanted, len(self._candidates), 1 + int(self._moved_us // apart))

    @staticmethod
    def _apart(window: ShownWindow) -> float:
        return max(1.0, LEAST_APART * (window.end_us - window.start_us))


def _places(times: npt.NDArray[np.float64], windows: list[ShownWindow]) -> npt.NDArray[np.float64]:
    """Put each window at a place (n, 2 + C): its share of the time, the rank of its events, and what is seen."""
    span = max(float(times[-1] - times[0]), 1.0)
    events = np.array([window.events for window in windows])
    ranks = events.argsort(kind="stable").argsort(kind="stable") / max(1, len(events) - 1)
    seen = unit(np.stack([window.features.mean(axis=0) for window in windows]))
    return np.column_stack([(times - times[0]) / span, ranks, seen])


def _spread(places: npt.NDArray[np.float64], count: int) -> list[int]:
    """Choose `count` places, each time the one that is farthest from all chosen before; the first one begins."""
    chosen = [0]
    distance = np.linalg.norm(places - places[0], axis=1)
    while len(chosen) < count:
        farthest = int(distance.argmax())
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(places - places[farthest], axis=1))
        distance[chosen] = -1.0
    return chosen
