"""How iniVation's newer cameras write the time between their 16-bit words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

Words: TypeAlias = npt.NDArray[np.int64]
"""Words of 16 bits each, before they are sent."""

RESET, TIME, WRAP = 0x0001, 0x8000, 0x7000
TIME_BITS = 15
_TIME_MASK = (1 << TIME_BITS) - 1
_MOST_WRAPS = 0xFFF
"""In one word."""


class Mark(NamedTuple):
    """Something else than an event that is said at a time (µs of the clock)."""

    time_us: int
    words: Words


class WordStream:
    """Puts words of time between others.

    The time has 15 bits; another word tells how many times it has wrapped. It is told whenever it moves on, never
    twice, and a wrap tells it too: drivers take a time that does not grow for a fault.

    Parameters
    ----------
    clock_us : int
        What the clock shows at the start.
    reset : bool
        Say first that it was set to zero.
    """

    def __init__(self, clock_us: int, *, reset: bool) -> None:
        self._first = [RESET] if reset else []
        wraps = clock_us >> TIME_BITS
        while wraps:
            some = min(wraps, _MOST_WRAPS)
            self._first.append(WRAP | some)
            wraps -= some
        self._told = -1

    def reset(self) -> None:
        """Say next that the clock was set to zero."""
        self._first = [RESET]
        self._told = -1

    def write(self, time: Words, words: Words, start_us: int, end_us: int, marks: Iterable[Mark] = ()) -> bytes:
        """Give the bytes for the time [start_us, end_us) of the clock.

        Parameters
        ----------
        time : shape (n,), µs, in order
        words : shape (n, k)
            The words of each event.
        marks : of Mark, in order of time
            Each is said in a microsecond of its own, soon after its time, with those before it first.
        """
        said = np.ones((len(time), words.shape[1] + 1), bool)
        said[:, 0] = (np.diff(time, prepend=self._told) > 0) & (time & _TIME_MASK > 0)
        stream = np.concatenate([(TIME | time & _TIME_MASK)[:, None], words], axis=1)[said]
        if len(time):
            self._told = int(time[-1])
        before = np.concatenate([[0], np.cumsum(said.sum(axis=1))])
        wraps = np.arange((start_us >> TIME_BITS) + 1, (end_us >> TIME_BITS) + 1) << TIME_BITS
        others = [Mark(int(wrap), np.array([WRAP | 1])) for wrap in wraps]
        others = sorted(others + _in_free_microseconds(time, start_us, end_us, marks), key=lambda mark: mark.time_us)
        first, self._first = self._first, []
        pieces = [np.array(first, np.int64)]
        done = 0
        for mark, at in zip(others, before[np.searchsorted(time, [mark.time_us for mark in others])], strict=True):
            pieces += [stream[done:at], mark.words]
            done = int(at)
        return np.concatenate([*pieces, stream[done:]]).astype("<u2").tobytes()


def _in_free_microseconds(time: Words, start_us: int, end_us: int, marks: Iterable[Mark]) -> list[Mark]:
    """Give each mark a time at which nothing else is said, and let it say so; late ones say no time."""
    taken = set(time.tolist())
    placed = []
    last = start_us
    for mark in marks:
        at = max(mark.time_us, last + 1)
        while at in taken or not at & _TIME_MASK:
            at += 1
        if at < end_us:
            placed.append(Mark(at, np.concatenate([[TIME | at & _TIME_MASK], mark.words])))
        else:
            placed.append(Mark(end_us, mark.words))
        last = at
    return placed
