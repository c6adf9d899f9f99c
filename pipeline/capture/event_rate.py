"""Events a second, over the last second of the wall's clock."""

from __future__ import annotations

from collections import deque

OVER_S = 1.0
_BUCKET_S = 0.05


class EventRate:
    """A moving count in buckets, so that it stays small however often it is told."""

    def __init__(self) -> None:
        self._buckets: deque[tuple[float, int]] = deque()
        self._events = 0

    def add(self, events: int, now_s: float) -> None:
        """So many events have come just now."""
        self._events += events
        if self._buckets and now_s - self._buckets[-1][0] < _BUCKET_S:
            since_s, before = self._buckets[-1]
            self._buckets[-1] = (since_s, before + events)
        else:
            self._buckets.append((now_s, events))

    def value(self, now_s: float) -> float:
        """Give events/s."""
        while self._buckets and now_s - self._buckets[0][0] > OVER_S:
            self._events -= self._buckets.popleft()[1]
        return self._events / OVER_S
