"""The one representation of events, everywhere in the program.

Imports neither torch nor Qt: the capture process starts from here.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

EventArray: TypeAlias = npt.NDArray[np.void]
"""Structured array of EVENT_DTYPE, shape (n,), in order of time."""

EVENT_DTYPE = np.dtype(
    {
        "names": ["timestamp", "x", "y", "polarity"],
        "formats": ["<i8", "<i2", "<i2", "i1"],
        "offsets": [0, 8, 10, 12],
        "itemsize": 16,
    }
)
"""What dv-processing's ``EventStore.numpy()`` gives: timestamp in µs, x and y in px, polarity 0 (OFF) or 1 (ON)."""

NO_EVENTS: EventArray = np.empty(0, EVENT_DTYPE)
NO_EVENTS.flags.writeable = False
_WHOLE = np.dtype(np.complex128)
"""As long as an event. numpy copies single numbers forty times as fast as structures, which go field by field."""


def chosen(events: EventArray, which: slice | npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> EventArray:
    """Copy the events, of EVENT_DTYPE, that a slice, a mask or numbers choose."""
    found = _whole(events)[which]
    return (found.copy() if isinstance(which, slice) else found).view(EVENT_DTYPE)


def first_at(events: EventArray, time_us: int, begin: int = 0) -> int:
    """Give the number of the first event, from `begin` on, that is not before this time.

    The events must be in order of time. numpy's own search would copy all timestamps first, as other fields lie
    between them.
    """
    return bisect_left(events["timestamp"], time_us, begin)


def joined(parts: Collection[EventArray]) -> EventArray:
    """Copy several arrays of EVENT_DTYPE into one, (n,); `numpy.concatenate` would pack the fields."""
    events = np.empty(sum(map(len, parts)), EVENT_DTYPE)
    whole, position = events.view(_WHOLE), 0
    for part in parts:
        whole[position : position + len(part)] = _whole(part)
        position += len(part)
    return events


def _whole(events: EventArray) -> npt.NDArray[np.complex128]:
    if events.dtype != EVENT_DTYPE:  # as others may lie in memory, what follows would be no events
        raise TypeError(f"these are no events of {EVENT_DTYPE}, but of {events.dtype}")
    return events.view(_WHOLE)


class Resolution(NamedTuple):
    """A sensor's size in px."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height

    def __str__(self) -> str:
        return f"{self.width} × {self.height}"


@dataclass(frozen=True)
class Recording:
    """A whole recording in memory.

    Attributes
    ----------
    events : EventArray, shape (n,)
    resolution : Resolution, px
    name : str
        The camera's or file's name, for people.
    """

    events: EventArray
    resolution: Resolution
    name: str

    @property
    def duration_us(self) -> int:
        """From the first event to the last, in µs."""
        times = self.events["timestamp"]
        return int(times[-1] - times[0]) if len(times) else 0
