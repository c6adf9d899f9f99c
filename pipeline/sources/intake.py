"""From packets of events to batches: checked, in order of time, of bounded size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.compiled import plain, words_of
from pipeline.events import EventArray, Resolution, chosen, first_at
from pipeline.sources.base import EventBatch
from pipeline.sources.good_events import are_good, prepare_checks

if TYPE_CHECKING:
    import dv_processing as dv

MAX_BATCH_EVENTS = 100_000
MAX_BATCH_US = 10_000
NATIVE_ERRORS = (RuntimeError, IndexError, ValueError, OverflowError, MemoryError, OSError)
"""What dv-processing's C++ exceptions become. Their text holds a native stack, and is never for the user."""


def checked(events: EventArray, resolution: Resolution) -> EventArray:
    """Leave out events outside the sensor, make the polarity 0 or 1, and sort by time (stably) where needed.

    A damaged file may hold anything, and a coordinate outside would be written past the end of a picture by
    compiled code. When all is well the array itself is given back.

    Parameters
    ----------
    events : EventArray, shape (n,)
    resolution : Resolution, px

    Returns
    -------
    EventArray, shape (m,), m <= n
    """
    if not len(events):
        return events
    if are_good(words_of(plain(events)), *resolution):
        return events
    x, y = events["x"].view(np.uint16), events["y"].view(np.uint16)  # what is negative becomes large
    events = chosen(events, (x < resolution.width) & (y < resolution.height))
    events["polarity"] = events["polarity"] != 0
    times = events["timestamp"]
    if (times[1:] < times[:-1]).any():
        events = chosen(events, np.argsort(times, kind="stable"))
    return events


def not_before(events: EventArray, told_us: int) -> EventArray:
    """Give events in order of time, those before `told_us` at that time (µs): that it was over was told already.

    When none is before it the array itself is given back.
    """
    if not len(events) or int(events[0]["timestamp"]) >= told_us:
        return events
    late = first_at(events, told_us)
    lifted = events.copy()
    lifted["timestamp"][:late] = told_us
    return lifted


class Intake:
    """Takes packets of any size, and gives them in pieces of at most `batch_us` and `MAX_BATCH_EVENTS`.

    Events of the same microsecond stay together, even where they are more.

    Attributes
    ----------
    outside : int
        Events left out so far because they were outside the sensor.
    last_us : int or None
        Time of the last event given.
    """

    def __init__(self, resolution: Resolution, batch_us: int = MAX_BATCH_US) -> None:
        self.outside = 0
        self._batch_us = batch_us
        self.last_us: int | None = None
        self._resolution = resolution
        self._events: EventArray | None = None
        self._store: dv.EventStore | None = None
        self._next = 0
        prepare_checks()

    def check(self, store: dv.EventStore) -> tuple[EventArray, dv.EventStore | None]:
        """Give the store's events, checked, and the store itself when they are all that it holds, as it holds them."""
        raw = store.numpy()
        events = self.good(raw)
        return events, store if events is raw else None

    def good(self, raw: EventArray) -> EventArray:
        """Give the events, checked (see `checked`), and count those that are left out."""
        events = checked(raw, self._resolution)
        self.outside += len(raw) - len(events)
        return events

    def put(self, events: EventArray, store: dv.EventStore | None = None) -> None:
        """Take checked events; what was put before must have been taken."""
        self._events, self._store, self._next = events, store, 0

    @property
    def newest_us(self) -> int | None:
        """Time of the newest event that was put and not yet taken."""
        return int(self._events[-1]["timestamp"]) if self._events is not None and len(self._events) else None

    def clear(self) -> None:
        """Forget what was put and not taken."""
        self._events = self._store = None

    def take(self) -> EventBatch | None:
        """Give the next piece; None when there is none."""
        if self._events is None or self._next >= len(self._events):
            self._events = self._store = None
            return None
        start, end = self._next, self._end_of_piece(self._events)
        piece, store = self._events[start:end], self._store
        if store is not None and len(piece) < len(self._events):
            store = store.slice(start, end - start)
        self._next = end
        self.last_us = int(piece[-1]["timestamp"])
        return EventBatch(piece, self.last_us + 1, store)

    def _end_of_piece(self, events: EventArray) -> int:
        times = events["timestamp"]
        end = self._next + MAX_BATCH_EVENTS
        if end < len(times):
            same = int(times[end])
            end = first_at(events, same)
            if end <= self._next:
                end = first_at(events, same + 1)
        else:
            end = len(times)
        limit_us = int(times[self._next]) + self._batch_us
        if int(times[end - 1]) >= limit_us:
            end = first_at(events, limit_us)
        return end
