"""Cuts what a recording gives into pieces short enough to be played one after another at a pace."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.events import NO_EVENTS, EventArray, first_at, joined
from pipeline.sources.base import EventBatch, Source

SAME_MOMENT_US = 20_000
"""Events this much out of order are no jump in time."""
MAX_HISTORY_EVENTS = 5_000_000
_LAST_TIME_US = (1 << 62) - 1


@dataclass(frozen=True)
class Piece:
    """Events of [start_us, batch.until_us); `jumped`: time does not go on from the piece before."""

    batch: EventBatch
    start_us: int
    jumped: bool


class Playhead:
    """A place in a recording that moves on piece by piece.

    Parameters
    ----------
    source : Source
        Seekable.
    max_gap_us : int
        Where nothing happens for longer than this, the time is not played but jumped over.
    """

    def __init__(self, source: Source, max_gap_us: int) -> None:
        self._source = source
        self.max_gap_us = max_gap_us
        self._start_us = source.info.start_us
        self._batch = EventBatch(NO_EVENTS, 0)
        self._times: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._position = 0
        self._now_us: int | None = None
        """Up to where pieces were given; None where the next event begins anew."""

    def next(self, step_us: int | None) -> Piece | None:
        """Give the next piece, of at most `step_us` (None: as large as the source gave it); None at the end.

        Raises
        ------
        SourceError
            The rest cannot be read.
        """
        if self._position == len(self._times) and not self._load():
            return None
        first_us = int(self._times[self._position])
        now_us = self._now_us
        jumped = now_us is None or not -SAME_MOMENT_US <= first_us - now_us <= self.max_gap_us
        start_us = first_us if now_us is None or jumped else now_us
        stop = len(self._times)
        until_us = max(self._batch.until_us, int(self._times[-1]) + 1)
        if step_us is not None and until_us > start_us + step_us:
            until_us = start_us + step_us
            stop = self._place_of(until_us)
            if stop == self._position and until_us >= _LAST_TIME_US:
                stop += 1  # at the end of all time a step leads nowhere
        piece = Piece(self._part(self._position, stop, until_us), start_us, jumped)
        self._position, self._now_us = stop, until_us
        return piece

    def seek(self, time_us: int, history_us: int) -> EventArray:
        """Go to this time, and give the events of the `history_us` before it."""
        self._source.seek(max(self._start_us, time_us - history_us))
        self._drop()
        history: deque[EventArray] = deque()
        while self._load():
            self._position = self._place_of(time_us)
            history.append(self._batch.events[: self._position])
            while sum(map(len, history)) > MAX_HISTORY_EVENTS and len(history) > 1:
                history.popleft()
            if self._position < len(self._times):
                break
        return joined(history)

    def rewind(self) -> None:
        """Go back to the beginning."""
        self._source.seek(self._start_us)
        self._drop()

    def _drop(self) -> None:
        self._position = len(self._times)
        self._now_us = None

    def _load(self) -> bool:
        """Read until there are events; False at the end."""
        while (batch := self._source.read()) is not None:
            if len(batch.events):
                self._batch = batch
                self._times = batch.events["timestamp"]
                self._position = 0
                return True
        return False

    def _place_of(self, time_us: int) -> int:
        """Give the number of the batch's first event that is not before this time, at or after the position."""
        return first_at(self._batch.events, min(time_us, _LAST_TIME_US), self._position)

    def _part(self, first: int, stop: int, until_us: int) -> EventBatch:
        batch = self._batch
        if first == 0 and stop == len(self._times):
            return EventBatch(batch.events, until_us, batch.store)
        store = batch.store.slice(first, stop - first) if batch.store is not None and stop > first else None
        return EventBatch(batch.events[first:stop], until_us, store)
