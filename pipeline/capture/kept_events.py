"""The events of the newest timesteps, kept while a class is shown, so that its windows can be written down.

Kept are exactly the events that the framer put into each timestep, known by the number of its event frame: whatever
the stream is cut by, wherever it jumps, the same event frames can be made of them again.
"""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from pipeline.events import EVENT_DTYPE, EventArray, Resolution, chosen, joined

MOST_EVENTS = 24_000_000
"""Kept at a time: 384 MB."""
SUFFIX = ".npz"


@dataclass(frozen=True)
class WindowEvents:
    """A window's events.

    Attributes
    ----------
    events : EventArray, shape (n,)
        Timestep by timestep.
    counts : int64 (T,)
        How many of them each timestep has.
    resolution : Resolution, px
    """

    events: EventArray
    counts: npt.NDArray[np.int64]
    resolution: Resolution


class _Timestep(NamedTuple):
    number: int
    events: EventArray
    resolution: Resolution


class KeptTimesteps:
    """Keeps what a framer puts into its timesteps, while it is on. In the framer's thread.

    Parameters
    ----------
    most_events : int
        The oldest timesteps go where there are more.
    """

    def __init__(self, most_events: int = MOST_EVENTS) -> None:
        self._most = most_events
        self._on = False
        self._whole = False
        """Whether all events of the timestep that goes on are kept."""
        self._parts: list[EventArray] = []
        self._timesteps: deque[_Timestep] = deque()
        self._events = 0

    @property
    def on(self) -> bool:
        """Whether anything is kept."""
        return self._on

    def begin(self) -> None:
        """Keep from now on; the timestep that goes on is not whole, and is not kept."""
        if not self._on:
            self._on, self._whole = True, False

    def end(self) -> None:
        """Keep nothing any more, and forget what was kept."""
        self._on = False
        self._parts, self._events = [], 0
        self._timesteps.clear()

    def add(self, events: EventArray) -> None:
        """Take events of the timestep that goes on."""
        if self._on and len(events):
            self._parts.append(chosen(events, slice(None)))  # what a source gives may lie in memory that it uses again

    def complete(self, index: int, resolution: Resolution) -> None:
        """The timestep is complete, and its frame has this number and size."""
        if not self._on:
            return
        if self._whole:
            events = joined(self._parts)
            self._timesteps.append(_Timestep(index, events, resolution))
            self._events += len(events)
        while self._events > self._most:
            self._events -= len(self._timesteps.popleft().events)
        self._parts, self._whole = [], True

    def drop(self) -> None:
        """The timestep that goes on is given up; the next one begins with its first event."""
        self._parts, self._whole = [], True

    def window(self, first: int, timesteps: int) -> WindowEvents | None:
        """Give the events of so many timesteps from that of frame `first` on; None where one is not kept."""
        found = [each for each in self._timesteps if first <= each.number < first + timesteps]
        if len(found) < timesteps:
            return None
        events = joined([each.events for each in found])
        return WindowEvents(events, np.array([len(each.events) for each in found]), found[0].resolution)


def write_window(path: Path, window: WindowEvents) -> None:
    """Write a window's events quickly, for `read_window`: the stream goes on meanwhile.

    Raises
    ------
    OSError
        It cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    columns: dict[str, Any] = {name: np.ascontiguousarray(window.events[name]) for name in EVENT_DTYPE.names or ()}
    with part.open("wb") as file:
        np.savez(file, counts=window.counts, resolution=np.array(window.resolution, np.int64), **columns)
    os.replace(part, path)


def read_window(path: Path) -> WindowEvents:
    """Read what `write_window` wrote.

    Raises
    ------
    OSError, ValueError, KeyError
        There is no such file, or it is something else.
    """
    with np.load(path, allow_pickle=False) as found:
        counts = np.asarray(found["counts"], np.int64)
        events = np.empty(int(counts.sum()), EVENT_DTYPE)
        for name in EVENT_DTYPE.names or ():
            events[name] = found[name]
        width, height = found["resolution"].tolist()
        return WindowEvents(events, counts, Resolution(width, height))
