"""Event frames of few events as lists of pixels: a compiled loop cuts many timesteps out of a packet in one call.

A picture of 640 x 480 pixels takes longer to be written, and to be fetched by another process, than it takes to read
the few thousand events in it. Where the frame goes to another process anyway, their places are handed over instead,
and the picture is drawn where it is used.
"""

from __future__ import annotations

from enum import IntEnum, auto
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.compiled import Words, compiled, plain, words_of
from pipeline.events import NO_EVENTS

MAX_TIME_US = 1 << 62
"""Beyond this a timestamp is damage, not time."""
Places = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]


class Passing(NamedTuple):
    """Where a stream that is cut by time stands, in µs of its own.

    Attributes
    ----------
    start_us : int
        Of the timestep that goes on.
    newest_us : int
        Greatest time of an event.
    told_us : int
        Timesteps that end by then are complete.
    timestep_us, max_gap_us : int
        Length of a timestep, and of a time without events that is no gap.
    """

    start_us: int
    newest_us: int
    told_us: int
    timestep_us: int
    max_gap_us: int


class Column(IntEnum):
    """Of the table of timesteps that were completed."""

    START_US = 0
    END_US = auto()
    OFF = auto()
    """Places of events of polarity 0, at the beginning of the list. One may stand there several times."""
    ON = auto()
    """Those of polarity 1, behind them."""


class FrameLists(Protocol):
    """Where frames go as lists of places."""

    @property
    def places(self) -> Places:
        """Room for each frame, (slots, n): frame i in place i % slots."""

    def announce(self, table: Numbers, index: int, segment: int) -> None:
        """Give on the frames that the table tells of, the first of them number `index`."""


@compiled
def _list(
    words: Words,
    position: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    columns: np.uint64,
    pending: Places,
    off: int,
    on: int,
) -> tuple[int, int, int, int]:
    """List events up to the first outside the timestep; gives its number, the greatest time and the counts."""
    one, two, first, stop = np.uint64(1), np.uint64(2), np.uint64(position), np.uint64(position)
    while stop < np.uint64(last):
        time = words[two * stop]
        if time < start_us or time >= end_us:
            break
        newest_us = max(newest_us, time)
        stop += one
    front, back = np.uint64(off), np.uint64(len(pending) - 1 - on)
    for i in range(first, stop):
        word = np.uint64(words[two * i + one])
        y, x = (word >> np.uint64(16)) & np.uint64(0xFFFF), word & np.uint64(0xFFFF)
        polarity = (word >> np.uint64(32)) & one
        place = np.uint32(y * columns + x)
        pending[front] = place  # without a branch: written to both ends, and kept at one
        pending[back] = place
        front += one - polarity
        back -= polarity
    counts = np.int64(front), len(pending) - 1 - np.int64(back)  # with int() numba would leave them unsigned
    return np.int64(stop), newest_us, *counts  # type: ignore[return-value]


@compiled
def _cut(
    words: Words,
    position: int,
    last: int,
    now: Numbers,
    told_us: int,
    timestep_us: int,
    max_gap_us: int,
    width: int,
    pending: Places,
    lists: Places,
    slot: int,
    table: Numbers,
) -> tuple[int, int]:
    """See `PlaceList.cut`; `now` is (start, greatest time, places of polarity 0, places of polarity 1)."""
    start_us, newest_us, off, on = now[0], now[1], now[2], now[3]
    columns, size, done = np.uint64(width), len(pending), 0
    while True:
        due_us = told_us
        if position < last:
            time = words[2 * position]
            if time < start_us or time >= MAX_TIME_US or time - max(newest_us, told_us - 1) > max_gap_us:
                break
            due_us = max(due_us, time)
        while start_us + timestep_us <= due_us and done < len(table):
            lists[slot, :off] = pending[:off]
            lists[slot, off : off + on] = pending[size - on :]
            table[done, 0], table[done, 1] = start_us, start_us + timestep_us
            table[done, 2], table[done, 3] = off, on
            done, slot = done + 1, (slot + 1) % len(lists)
            start_us, off, on = start_us + timestep_us, 0, 0
        end_us, room = start_us + timestep_us, size - off - on
        if position == last or end_us <= due_us or room == 0:
            break
        position, newest_us, off, on = _list(
            words, position, min(last, position + room), start_us, end_us, newest_us, columns, pending, off, on
        )
    now[0], now[1], now[2], now[3] = start_us, newest_us, off, on
    return position, done


@compiled
def _mark_places(places: Places, bit: int, seen: npt.NDArray[np.uint8]) -> None:
    for i in range(len(places)):
        seen[places[i]] |= np.uint8(bit)


class PlaceList:
    """The timestep that goes on, as the places (y * width + x) of its events.

    Parameters
    ----------
    width : int
        Of the sensor, px.
    most : int
        Events of a timestep at most.
    """

    def __init__(self, width: int, most: int) -> None:
        self._width = width
        self._pending = np.empty(most, np.uint32)
        """Those of polarity 0 from the beginning on, those of polarity 1 from the end on."""
        self._now = np.zeros(4, np.int64)
        self.events = 0
        """In the timestep that goes on."""

    @property
    def most(self) -> int:
        return len(self._pending)

    def prepare(self) -> None:
        """Compile the loops, or load them from the cache."""
        lists, table = np.empty((1, self.most), np.uint32), np.empty((0, len(Column)), np.int64)
        self.cut(words_of(plain(NO_EVENTS)), 0, Passing(0, 0, 0, 1, 0), lists, 0, table)
        _mark_places(self._pending[:0], 1, np.empty(0, np.uint8))

    def cut(
        self, words: Words, first: int, passing: Passing, lists: Places, slot: int, table: Numbers
    ) -> tuple[int, int, Passing]:
        """Add events from number `first` on, and write the list of each timestep that is complete.

        It stops at the last event, where `table` is full, and before an event that needs a closer look: one from
        before the timestep, one after a gap in time, one too many for a list.

        Parameters
        ----------
        words : Words, shape (2n,)
        first : int
        passing : Passing
            Where the stream stands.
        lists : uint32 (slots, at least `most`)
            Written to in turn, from `slot` on.
        slot : int
        table : int64 (most timesteps, len(Column))
            Filled in from its beginning.

        Returns
        -------
        stopped : int
            Number of the first event that was not added.
        completed : int
            Timesteps.
        passing : Passing
            Where the stream stands now.
        """
        now = self._now
        now[0], now[1] = passing.start_us, passing.newest_us
        stopped, completed = _cut(
            words, first, len(words) // 2, now, passing.told_us, passing.timestep_us, passing.max_gap_us, self._width,
            self._pending, lists, slot, table,
        )  # fmt: skip
        self.events = int(now[2] + now[3])
        return stopped, completed, passing._replace(start_us=int(now[0]), newest_us=int(now[1]))

    def move(self, seen: npt.NDArray[np.uint8]) -> int:
        """Note as seen (bit p: polarity p) what is listed, and forget it; gives the number of events."""
        events, off, on = self.events, int(self._now[2]), int(self._now[3])
        _mark_places(self._pending[:off], 1, seen)
        _mark_places(self._pending[self.most - on :], 2, seen)
        self.clear()
        return events

    def clear(self) -> None:
        """Forget the events of the timestep that goes on."""
        self._now[2] = self._now[3] = self.events = 0
