"""NeuroCLIP's event-frame module: the events of one timestep become one picture of three values.

With n_p(y, x) the number of events of polarity p at a pixel and θ a threshold, the frame is 127 everywhere,
255 where n_0 > θ, and then 0 where n_1 > θ, so that polarity 1 wins (NeuroCLIP, arXiv 2306.12073).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import psutil

from pipeline.compiled import Words, compiled, fetch_early, plain, words_of
from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution
from pipeline.frame_lists import MAX_TIME_US, PlaceList
from pipeline.prediction import NO_EVENT

MAX_THRESHOLD = 65_534
"""Counts saturate one above the threshold and are held in 16 bits."""
BLOCK = 128
"""Events looked at together; they stay in the processor's nearest cache."""
AHEAD = 512
"""Events from here on are fetched from memory while these are marked: else one waits for the other."""
NO_LIMIT_US = (1 << 63) - 1
SPARSE_PART = 16
"""With fewer events than one in so many pixels, a frame is drawn event by event."""
_NOT = -1
_ON = np.uint32(31)
"""Bit that holds the polarity where places are noted."""
_PLACE = np.uint32(0x7FFFFFFF)

Canvas = Callable[[], npt.NDArray[np.uint8]]
"""Gives room for the next frame, uint8 (H, W), C-contiguous, its content arbitrary; the same until that is complete."""


@compiled
def _belonging(
    words: Words, first: int, last: int, start_us: int, end_us: int, newest_us: int, max_gap_us: int
) -> tuple[int, int]:
    """Find the first event that does not belong to the timestep, and the greatest time before it."""
    for i in range(first, last):
        time = words[2 * i]
        if time < start_us or time >= end_us or time - newest_us > max_gap_us:
            return i, newest_us
        newest_us = max(newest_us, time)
    return last, newest_us


@compiled
def _locate(
    words: Words,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    places: npt.NDArray[np.uint32],
    listed: int,
) -> tuple[bool, int]:
    """List the pixel and polarity of each event, from place `listed` on; give whether all belong, and the newest time.

    Without a branch, and without Python's rule for negative places, the compiler does several events at once.
    """
    columns, begin = np.uint64(width), np.uint64(first)
    outside, newest = 0, newest_us
    for i in range(np.uint64(last - first)):
        time = words[np.uint64(2) * (begin + i)]
        outside += (time < start_us) | (time >= end_us)
        newest = max(newest, time)
        word = np.uint64(words[np.uint64(2) * (begin + i) + np.uint64(1)])
        y, x = (word >> np.uint64(16)) & np.uint64(0xFFFF), word & np.uint64(0xFFFF)
        on = (word >> np.uint64(32)) & np.uint64(1)
        places[np.uint64(listed) + i] = np.uint32((y * columns + x) | (on << np.uint64(31)))
    return outside == 0 and newest - newest_us <= max_gap_us, newest


@compiled
def _mark(
    words: Words,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    seen: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint32],
) -> tuple[int, int]:
    """Note which polarities each pixel has seen; θ = 0.

    No branch on the polarity, which is as good as random: polarity p sets bit p.
    """
    while first < last:
        end = min(first + BLOCK, last)
        block = end
        belong, newest = _locate(words, first, block, start_us, end_us, newest_us, max_gap_us, width, places, 0)
        if not belong:
            block, newest = _belonging(words, first, block, start_us, end_us, newest_us, max_gap_us)
        count = np.uint64(block - first)
        whole = count - count % np.uint64(4)
        for i in range(np.uint64(0), whole, np.uint64(4)):  # a line of the processor's cache holds four events
            fetch_early(words, np.uint64(2) * (np.uint64(first) + i + np.uint64(AHEAD)))
            for k in range(i, i + np.uint64(4)):
                place = places[k]
                seen[place & _PLACE] |= np.uint8(1) + np.uint8(place >> _ON)
        for i in range(whole, count):
            place = places[i]
            seen[place & _PLACE] |= np.uint8(1) + np.uint8(place >> _ON)
        first, newest_us = block, newest
        if block < end:
            break
    return first, newest_us


@compiled
def _draw_and_list(
    words: Words,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    pixels: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint32],
    listed: int,
) -> tuple[int, int]:
    """Draw events into the frame at once and list their places from place `listed` on; θ = 0.

    Of the frame's values the lowest bit says that there was no polarity 1. Polarity 0 copies it to the highest bit
    (127 becomes 255; 255 and 0 stay), polarity 1 clears all.
    """
    while first < last:
        end = min(first + BLOCK, last)
        block = end
        belong, newest = _locate(words, first, block, start_us, end_us, newest_us, max_gap_us, width, places, listed)
        if not belong:
            block, newest = _belonging(words, first, block, start_us, end_us, newest_us, max_gap_us)
        count, at = np.uint64(block - first), np.uint64(listed)
        for i in range(np.uint64(0), count, np.uint64(4)):  # a line of the processor's cache holds four events
            fetch_early(words, np.uint64(2) * (np.uint64(first) + i + np.uint64(AHEAD)))
        for i in range(at, at + count):
            place = places[i]
            value = pixels[place & _PLACE]
            no_event_on = np.uint8(place >> _ON) - np.uint8(1)
            pixels[place & _PLACE] = (value | np.uint8(value << np.uint8(7))) & no_event_on
        listed += block - first
        first, newest_us = block, newest
        if block < end:
            break
    return first, newest_us


@compiled
def _wipe_listed(pixels: npt.NDArray[np.uint8], places: npt.NDArray[np.uint32], listed: int) -> None:
    """Leave the frame as if nothing had been drawn."""
    for i in range(listed):
        pixels[places[i] & _PLACE] = NO_EVENT


@compiled
def _move_listed(
    pixels: npt.NDArray[np.uint8], places: npt.NDArray[np.uint32], listed: int, seen: npt.NDArray[np.uint8]
) -> None:
    """Note as seen what was drawn."""
    for i in range(listed):
        place = places[i] & _PLACE
        seen[place] = np.uint8(1) + np.uint8(pixels[place] == 0)


@compiled
def _draw_seen(seen: npt.NDArray[np.uint8], pixels: npt.NDArray[np.uint8]) -> None:
    """Turn the seen polarities into the frame's values and forget them."""
    for i in range(seen.size):
        bits = seen[i]
        off_or_nothing = np.uint8(NO_EVENT) + np.uint8(128) * (bits & np.uint8(1))
        pixels[i] = np.uint8(0) if bits & np.uint8(2) else np.uint8(off_or_nothing)
        seen[i] = 0


@compiled
def _count(
    words: Words,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    counts: npt.NDArray[np.uint16],
    enough: int,
) -> tuple[int, int]:
    """Count events per pixel and polarity up to `enough`; θ > 0."""
    columns = np.uint64(width)
    stopped, newest_us = _belonging(words, first, last, start_us, end_us, newest_us, max_gap_us)
    for i in range(np.uint64(first), np.uint64(stopped)):
        word = np.uint64(words[np.uint64(2) * i + np.uint64(1)])
        y, x = (word >> np.uint64(16)) & np.uint64(0xFFFF), word & np.uint64(0xFFFF)
        place = (y * columns + x) * np.uint64(2) + ((word >> np.uint64(32)) & np.uint64(1))
        count = counts[place]
        counts[place] = count + np.uint16(count < enough)
    return stopped, newest_us


@compiled
def _draw_counts(counts: npt.NDArray[np.uint16], pixels: npt.NDArray[np.uint8], enough: int) -> None:
    """Turn the counts into the frame's values and forget them."""
    for i in range(pixels.size):
        off = counts[2 * i] == enough
        on = counts[2 * i + 1] == enough
        pixels[i] = np.uint8(0) if on else (np.uint8(255) if off else np.uint8(NO_EVENT))
        counts[2 * i] = 0
        counts[2 * i + 1] = 0


class Exposure:
    """The event frame of the timestep that is going on: events go in, at the end the frame is there.

    Coordinates and polarities are not looked at again: events from outside the resolution would be written
    outside the arrays. Sources check them, and so does `event_frames`.

    Parameters
    ----------
    resolution : Resolution
    threshold : int
        θ, 0 to `MAX_THRESHOLD`.

    Raises
    ------
    ValueError
        The threshold or the resolution is out of range.
    """

    def __init__(self, resolution: Resolution, threshold: int) -> None:
        if not 0 <= threshold <= MAX_THRESHOLD:
            raise ValueError(f"The threshold must be from 0 to {MAX_THRESHOLD:,}, not {threshold:,}.")
        if resolution.width < 1 or resolution.height < 1:
            raise ValueError(f"A sensor has at least one pixel, not {resolution}.")
        self._width = resolution.width
        self._enough = threshold + 1
        self._seen = np.zeros(resolution.pixels if threshold == 0 else 0, np.uint8)
        self._counts = np.zeros(2 * resolution.pixels if threshold else 0, np.uint16)
        self._places = np.empty(max(resolution.pixels // SPARSE_PART, BLOCK), np.uint32)
        self._listed = _NOT
        """Pixels drawn into the frame one by one, so that they can be wiped again; `_NOT`: drawn as a whole."""
        self._listing = True
        """Whether the events of the frame that goes on are drawn one by one."""
        self.few = PlaceList(self._width, 0 if threshold else resolution.pixels // SPARSE_PART)
        """Cuts timesteps of few events without drawing them, while `cuts_lists`."""
        self._begun = False
        self._added = 0
        self._canvas: Canvas | None = None
        self._frame = np.empty((resolution.height, resolution.width), np.uint8)
        self._flat = self._frame.reshape(-1)

    def prepare(self) -> None:
        """Compile all loops, or load them from the cache: now rather than at the first event."""
        words, limits, places, empty = words_of(plain(NO_EVENTS)), (0, 0, 0, 0), self._places, self._flat[:0]
        if self._enough > 1:
            _count(words, 0, 0, *limits, self._width, self._counts, self._enough)
            _draw_counts(self._counts[:0], empty, self._enough)
            return
        _draw_and_list(words, 0, 0, *limits, self._width, self._flat, places, 0)
        _wipe_listed(self._flat, places, 0)
        _move_listed(self._flat, places, 0, self._seen)
        _mark(words, 0, 0, *limits, self._width, self._seen, places)
        _draw_seen(empty, empty)
        self.few.prepare()

    @property
    def cuts_lists(self) -> bool:
        """Whether `few` may go on with the frame; what it lists may be added to, and developed, as ever."""
        return self._listing and not self._begun and self.few.most > 0

    def expose(self, frame: npt.NDArray[np.uint8]) -> None:
        """Draw the next frame, of which nothing was added yet, into `frame`, uint8 (H, W), C-contiguous."""
        self._frame, self._flat = frame, frame.reshape(-1)
        self._listed = _NOT

    def draw_in(self, canvas: Canvas | None) -> None:
        """Draw each frame where `canvas` says, so that it need not be copied there; None: all in one place."""
        if self._canvas is not None:  # what was drawn so far: the room may soon be another frame's
            self._frame = self._frame.copy()
            self._flat = self._frame.reshape(-1)
            if not self._begun:
                self._listed = _NOT
        self._canvas = canvas

    def add(
        self,
        words: Words,
        first: int,
        last: int,
        start_us: int = -MAX_TIME_US,
        end_us: int = MAX_TIME_US,
        newest_us: int = 0,
        max_gap_us: int = NO_LIMIT_US,
    ) -> tuple[int, int]:
        """Add events from number `first` up to the first that does not belong, at most up to `last`.

        An event belongs when its time is in [start_us, end_us) and at most `max_gap_us` after the newest so far.

        Returns
        -------
        stopped : int
            Number of the first event that was not added; `last` when all were.
        newest_us : int
            The greatest time so far.
        """
        if self._enough > 1:
            return _count(
                words, first, last, start_us, end_us, newest_us, max_gap_us, self._width, self._counts, self._enough
            )
        limits = start_us, end_us, newest_us, max_gap_us
        if not self._begun:
            self._begin()
        if self._listing:
            room = len(self._places) - self._listed
            stopped, newest_us = _draw_and_list(
                words, first, min(last, first + room), *limits, self._width, self._flat, self._places, self._listed
            )
            self._listed += stopped - first
            if stopped == last or stopped < first + room:
                return stopped, newest_us
            self._stop_listing()
            first, limits = stopped, (start_us, end_us, newest_us, max_gap_us)
        stopped, newest_us = _mark(words, first, last, *limits, self._width, self._seen, self._places)
        self._added += stopped - first
        return stopped, newest_us

    def develop(self) -> npt.NDArray[np.uint8]:
        """End the frame and give it; what is added later belongs to the next one, drawn where the canvas says then.

        Without a canvas, that is in its place.
        """
        if self._enough > 1:
            self._find_room()
            _draw_counts(self._counts, self._flat, self._enough)
            return self._frame
        if not self._begun:
            self._begin()
        if not self._listing:
            self._find_room()
            _draw_seen(self._seen, self._flat)
            self._listing = self._added < len(self._places) // 2
        self._begun = False
        return self._frame

    def clear(self) -> None:
        """Start afresh; the frame that was developed last stays until something is added."""
        if self._begun and not self._listing:
            self._seen.fill(0)
        self._begun = False
        self._counts.fill(0)
        self.few.clear()

    def _begin(self) -> None:
        """Begin a frame without events: while they are few, it costs no more than they do."""
        self._begun, self._added = True, 0
        if self.few.events:
            self._listing, self._added = False, self.few.move(self._seen)
        if not self._listing:
            self._listed = _NOT
            return
        self._find_room()
        if self._listed == _NOT:
            self._flat.fill(NO_EVENT)
        else:
            _wipe_listed(self._flat, self._places, self._listed)
        self._listed = 0

    def _find_room(self) -> None:
        if self._canvas is not None:
            self.expose(self._canvas())

    def _stop_listing(self) -> None:
        """There are many events in this frame: mark them, and draw all pixels at its end."""
        _move_listed(self._flat, self._places, self._listed, self._seen)
        self._added, self._listed, self._listing = self._listed, _NOT, False


def event_frames(
    events: EventArray,
    resolution: Resolution | tuple[int, int],
    *,
    timesteps: int | None = None,
    timestep_us: int | None = None,
    timestep_events: int | None = None,
    threshold: int = 0,
) -> npt.NDArray[np.uint8]:
    """Turn a whole recording into event frames, cut in one of three ways.

    Parameters
    ----------
    events : EventArray, shape (n,)
        Fields timestamp (µs), x, y (px), polarity (0 or 1).
    resolution : (width, height)
        px
    timesteps : int
        Cut into so many parts of equal event count, n // timesteps each; the last takes the rest
        (spikingjelly's ``split_by="number"``, which the paper's data sets use).
    timestep_us : int
        Cut into parts of so many µs, from the first event on; the last one may be unfinished.
    timestep_events : int
        Cut into parts of so many events; the last one may be unfinished.
    threshold : int
        θ: a pixel counts as seen with more than so many events.

    Returns
    -------
    uint8 (T, H, W)
        127; 255 where polarity 0 was seen; 0 where polarity 1 was.

    Raises
    ------
    ValueError
        Not exactly one of the three, a value out of range, or events that do not fit.
    """
    resolution = Resolution(*resolution)
    exposure = Exposure(resolution, threshold)
    events = _checked(events, resolution)
    given = {"timesteps": timesteps, "timestep_us": timestep_us, "timestep_events": timestep_events}
    chosen = [(name, value) for name, value in given.items() if value is not None]
    if len(chosen) != 1:
        raise ValueError(f"Give exactly one of {', '.join(given)}; given: {', '.join(n for n, _ in chosen) or 'none'}.")
    name, value = chosen[0]
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value:,}.")
    bounds = _BOUNDS[name](events, value, resolution)
    frames = _room_for(len(bounds) - 1, resolution)
    words = words_of(events)
    for number in range(len(bounds) - 1):
        exposure.expose(frames[number])
        exposure.add(words, int(bounds[number]), int(bounds[number + 1]))
        exposure.develop()
    return frames


def _bounds_of_parts(events: EventArray, parts: int, _: Resolution) -> npt.NDArray[np.int64]:
    bounds = np.arange(parts + 1, dtype=np.int64) * (len(events) // parts)
    bounds[-1] = len(events)
    return bounds


def _bounds_of_time(events: EventArray, timestep_us: int, resolution: Resolution) -> npt.NDArray[np.int64]:
    times = np.ascontiguousarray(events["timestamp"])
    if not len(times):
        return np.zeros(1, np.int64)
    if np.any(times[1:] < times[:-1]):
        raise ValueError("The events are not in order of time: sort them by their timestamp first.")
    if times[0] < -MAX_TIME_US or times[-1] >= MAX_TIME_US:
        raise ValueError("The events have timestamps beyond all time: the recording is damaged.")
    steps = (int(times[-1]) - int(times[0])) // timestep_us + 1
    _check_room(steps, resolution)
    starts = int(times[0]) + np.arange(steps, dtype=np.int64) * timestep_us
    return np.append(np.searchsorted(times, starts), len(times))


def _bounds_of_counts(events: EventArray, count: int, _: Resolution) -> npt.NDArray[np.int64]:
    return np.append(np.arange(0, len(events), count, dtype=np.int64), len(events))


_BOUNDS = {"timesteps": _bounds_of_parts, "timestep_us": _bounds_of_time, "timestep_events": _bounds_of_counts}


def _room_for(frames: int, resolution: Resolution) -> npt.NDArray[np.uint8]:
    _check_room(frames, resolution)
    return np.empty((frames, resolution.height, resolution.width), np.uint8)


def _check_room(frames: int, resolution: Resolution) -> None:
    needed = frames * resolution.pixels
    free = psutil.virtual_memory().available
    if needed > free:
        raise ValueError(
            f"{frames:,} event frames of {resolution} pixels need {needed / 1e9:,.1f} GB and {free / 1e9:,.1f} GB "
            "are free: take longer timesteps or fewer events."
        )


def _checked(events: EventArray, resolution: Resolution) -> EventArray:
    """Give the events as EVENT_DTYPE after looking at every coordinate and polarity."""
    kinds = {name: events.dtype[name].kind for name in events.dtype.names or ()}
    if events.ndim != 1 or any(kinds.get(name, "O") not in "iub" for name in EVENT_DTYPE.names or ()):
        raise ValueError(
            f"Events are a one-dimensional structured array with the integer fields timestamp, x, y and polarity, "
            f"not {events.dtype} of shape {events.shape}."
        )
    for name, size in (("x", resolution.width), ("y", resolution.height), ("polarity", 2)):
        values = events[name]
        if len(values) and (values.min() < 0 or values.max() >= size):
            wrong = int(np.flatnonzero((values < 0) | (values >= size))[0])
            raise ValueError(
                f"Event {wrong:,} has {name} = {int(values[wrong])}, and {name} must be from 0 to {size - 1} "
                f"(resolution {resolution})."
            )
    return plain(events)
