"""Cuts a stream of events into timesteps and gives an event frame for each."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator

import numpy as np

from pipeline.capture.kept_events import KeptTimesteps
from pipeline.capture.messages import FramerSettings
from pipeline.compiled import Words, plain, words_of
from pipeline.event_framing import NO_LIMIT_US, Canvas, Exposure
from pipeline.events import EventArray, Resolution
from pipeline.frame_lists import MAX_TIME_US, Column, FrameLists, Passing
from pipeline.prediction import EventFrame

MAX_GAP_US = 2_000_000
"""A jump ahead in time longer than this, and than a window, starts a new segment."""
MAX_TIMESTEP_US = 3_600_000_000
MAX_TIMESTEPS = 10_000


class Framer:
    """Event frames of a stream that comes in pieces of any size.

    With a fixed time, a timestep is [start, start + timestep_us), and the first one of a segment starts at the
    segment's first event, or where a live source has told that nothing happened so far. A timestep without
    events is a frame like any other. With a fixed number of events, a timestep is
    [first event's time, last event's time + 1).

    A segment is a stretch of time without a jump. A new one begins at an event from before the timestep's
    start, at one later than the one before by more than a window and `MAX_GAP_US`, and after `reset`. Events out
    of order within a timestep belong to it all the same.

    How the stream was cut into pieces makes no difference to the frames.

    Parameters
    ----------
    resolution : Resolution
        Every event pushed must lie inside, with polarity 0 or 1: sources have checked that.
    settings : FramerSettings
    index, segment : int
        Of the first frame.
    kept : KeptTimesteps, optional
        Given the events of each timestep.
    canvas : callable, optional
        Gives room for each frame.

    Raises
    ------
    ValueError
        A setting is out of range.
    """

    def __init__(
        self,
        resolution: Resolution,
        settings: FramerSettings,
        *,
        index: int = 0,
        segment: int = 0,
        kept: KeptTimesteps | None = None,
        canvas: Canvas | None = None,
    ) -> None:
        _check(settings)
        self._kept = KeptTimesteps() if kept is None else kept
        self._kept.drop()
        self._resolution = resolution
        self._by_count = settings.timestep_events
        self._timestep_us = settings.timestep_us
        self._window_us = settings.timesteps * settings.timestep_us
        self._max_gap_us = max(self._window_us, MAX_GAP_US)
        self._exposure = Exposure(resolution, settings.threshold)
        self._index = index
        self._segment = segment
        self._start_us: int | None = None
        """Of the current timestep, or with a fixed number of events and none yet of the one before."""
        self._newest_us = 0
        """Greatest time of an event in this segment."""
        self._told_us = 0
        """What the source has told, as far as this segment's timesteps have followed."""
        self._events = 0
        """In the current timestep."""
        self._exposure.prepare()
        self._exposure.draw_in(canvas)

    @property
    def index(self) -> int:
        """Of the next frame."""
        return self._index

    @property
    def segment(self) -> int:
        """Of the next frame."""
        return self._segment

    def push(self, events: EventArray, until_us: int = 0) -> Iterator[EventFrame]:
        """Take the next events and give each timestep as it completes.

        The iterator must be used up. A frame's pixels change with the next one, or lie where the canvas said.

        Parameters
        ----------
        events : EventArray, shape (n,)
        until_us : int
            The source has given everything before this time: timesteps of a fixed time that end by then are
            complete, at most one window of them in a call. 0 when it cannot tell.
        """
        events = plain(events)
        words, position, count = words_of(events), 0, len(events)
        while position < count:
            time_us = int(words[2 * position])
            if not self._belongs(time_us):
                if abs(time_us) >= MAX_TIME_US:
                    position += 1
                    continue
                yield from self._go_to(time_us)
            position = self._add(events, words, position)
            if self._events == self._by_count:
                yield self._complete(self._newest_us + 1)
        if self._goes_through(until_us):
            yield from self._complete_up_to(self._told_us)

    def push_into(
        self, lists: FrameLists, wanted: Callable[[], int], events: EventArray, until_us: int = 0
    ) -> Iterator[EventFrame | None]:
        """Do as `push`, but write frames of few events to `lists` where that can be: many in one step.

        Parameters
        ----------
        lists : FrameLists
        wanted : callable
            Gives how many frames may be written there now; 0: all come as pictures.
        events, until_us
            As for `push`.

        Yields
        ------
        EventFrame or None
            None: some were written.
        """
        events = plain(events)
        words, position = words_of(events), 0
        while position < len(events):
            if most := self._most_listed(wanted):
                position, completed = self._cut(words, position, lists, most)
                if completed:
                    yield None
                if completed == most or position == len(events):
                    continue
            position = yield from self._take(events, words, position)
        if not self._goes_through(until_us):
            return
        while self._is_complete_by(self._told_us):
            if most := self._most_listed(wanted):
                self._cut(words, position, lists, most)
                yield None
            else:
                yield self._complete_timestep()

    def flush(self) -> EventFrame | None:
        """End the segment and give its unfinished timestep, up to its last event; None when that holds no event."""
        frame = self._complete(self._newest_us + 1) if self._events else None
        self.reset()
        return frame

    def reset(self) -> None:
        """Drop the unfinished timestep: the next event begins a new segment."""
        self._segment += 1
        self._start_us = None
        self._events = 0
        self._kept.drop()
        self._exposure.clear()

    def draw_in(self, canvas: Canvas | None) -> None:
        """Draw each frame from the next one on where `canvas` says; None: in the framer's own memory."""
        self._exposure.draw_in(canvas)

    def _begin(self, start_us: int) -> None:
        """Begin a segment."""
        self._start_us = start_us
        self._newest_us = start_us - 1
        self._told_us = start_us

    def _go_to(self, time_us: int) -> Iterator[EventFrame]:
        """Make the current timestep the one that an event at this time belongs to."""
        if self._start_us is None:
            self._begin(time_us)
        elif self._jumps(time_us):
            if self._by_count is None and self._events and time_us >= self._start_us + self._timestep_us:
                yield self._complete_timestep()
            self.reset()
            self._begin(time_us)
        elif self._by_count is None:
            yield from self._complete_up_to(time_us)
        elif not self._events:
            self._start_us = time_us

    def _belongs(self, time_us: int) -> bool:
        """Whether an event at this time is of the current timestep, where that has a fixed time; no gap fits in it."""
        start_us = self._start_us
        return start_us is not None and self._by_count is None and 0 <= time_us - start_us < self._timestep_us

    def _goes_through(self, until_us: int) -> bool:
        """Let time pass up to `until_us`, but no more than a window of it; whether timesteps may be complete by it."""
        if until_us <= 0 or self._by_count is not None:
            return False
        until_us = min(until_us, MAX_TIME_US)
        if self._start_us is None:
            self._begin(until_us)
            return False
        self._told_us = max(self._told_us, min(until_us, self._start_us + self._window_us))
        return True

    def _jumps(self, time_us: int) -> bool:
        assert self._start_us is not None
        known_us = max(self._newest_us, self._told_us - 1)
        return time_us < self._start_us or time_us - known_us > self._max_gap_us

    def _complete_up_to(self, time_us: int) -> Iterator[EventFrame]:
        while self._is_complete_by(time_us):
            yield self._complete_timestep()

    def _is_complete_by(self, time_us: int) -> bool:
        assert self._start_us is not None
        return self._start_us + self._timestep_us <= time_us

    def _complete_timestep(self) -> EventFrame:
        assert self._start_us is not None
        return self._complete(self._start_us + self._timestep_us)

    def _most_listed(self, wanted: Callable[[], int]) -> int:
        """Give how many frames may be written as lists from here on; 0 where the next one cannot be."""
        cuts = self._exposure.cuts_lists and self._by_count is None and self._start_us is not None
        return wanted() if cuts and not self._kept.on else 0

    def _cut(self, words: Words, position: int, lists: FrameLists, most: int) -> tuple[int, int]:
        """Write frames as lists; give the number of the first event that was not added, and how many frames."""
        assert self._start_us is not None
        places, table = lists.places, np.empty((most, len(Column)), np.int64)
        passing = Passing(self._start_us, self._newest_us, self._told_us, self._timestep_us, self._max_gap_us)
        few = self._exposure.few
        position, completed, passing = few.cut(words, position, passing, places, self._index % len(places), table)
        self._start_us, self._newest_us, self._events = passing.start_us, passing.newest_us, few.events
        if completed:
            lists.announce(table[:completed], self._index, self._segment)
            self._index += completed
        return position, completed

    def _take(self, events: EventArray, words: Words, position: int) -> Generator[EventFrame, None, int]:
        """Take events of one timestep from `position` on, and give what completes; gives the number of the next."""
        time_us = int(words[2 * position])
        if not self._belongs(time_us):
            if abs(time_us) >= MAX_TIME_US:
                return position + 1
            index = self._index
            yield from self._go_to(time_us)
            if index != self._index:
                return position  # what begins now may be cut another way
        position = self._add(events, words, position)
        if self._events == self._by_count:
            yield self._complete(self._newest_us + 1)
        return position

    def _add(self, events: EventArray, words: Words, position: int) -> int:
        """Add the events from `position` on that belong to the current timestep; give the number of the next."""
        stopped = self._expose(words, position)
        if self._kept.on:
            self._kept.add(events[position:stopped])
        return stopped

    def _expose(self, words: Words, position: int) -> int:
        """Draw what `_add` adds."""
        assert self._start_us is not None
        if self._by_count is None:
            last, end_us, max_gap_us = len(words) // 2, self._start_us + self._timestep_us, NO_LIMIT_US
        else:
            last = min(len(words) // 2, position + self._by_count - self._events)
            end_us, max_gap_us = MAX_TIME_US, self._max_gap_us
        stopped, self._newest_us = self._exposure.add(
            words, position, last, self._start_us, end_us, self._newest_us, max_gap_us
        )
        self._events += stopped - position
        return stopped

    def _complete(self, end_us: int) -> EventFrame:
        """End the current timestep; the next one starts where it ends."""
        assert self._start_us is not None
        pixels = self._exposure.develop()
        self._kept.complete(self._index, self._resolution)
        frame = EventFrame(
            index=self._index,
            segment=self._segment,
            start_us=self._start_us,
            end_us=end_us,
            events=self._events,
            pixels=pixels,
            completed_ns=time.monotonic_ns(),
        )
        self._index += 1
        self._events = 0
        if self._by_count is None:
            self._start_us = end_us
        return frame


def _check(settings: FramerSettings) -> None:
    """Raise ValueError with one sentence when a setting is out of range."""
    if not 1 <= settings.timestep_us <= MAX_TIMESTEP_US:
        raise ValueError(f"A timestep lasts from 1 µs to an hour, not {settings.timestep_us:,} µs.")
    if settings.timestep_events is not None and settings.timestep_events < 1:
        raise ValueError(f"A timestep holds at least one event, not {settings.timestep_events:,}.")
    if not 1 <= settings.timesteps <= MAX_TIMESTEPS:
        raise ValueError(f"A window has from 1 to {MAX_TIMESTEPS:,} timesteps, not {settings.timesteps:,}.")
