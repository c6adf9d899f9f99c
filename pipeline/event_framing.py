"""NeuroCLIP's event-frame module: the events of one timestep become one picture of three values.

With n_p(y, x) the number of events of polarity p at a pixel and θ a threshold, the frame is 127 everywhere,
255 where n_0 > θ, and then 0 where n_1 > θ, so that polarity 1 wins (NeuroCLIP, arXiv 2306.12073).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import psutil

from pipeline.compiled import compiled, plain
from pipeline.events import EVENT_DTYPE, EventArray, Resolution

MAX_THRESHOLD = 65_534
"""Counts saturate one above the threshold and are held in 16 bits."""
MAX_TIME_US = 1 << 62
"""Beyond this a timestamp is damage, not time."""

BLOCK = 1024
"""Events looked at together; they stay in the processor's nearest cache."""
NO_LIMIT_US = (1 << 63) - 1
SPARSE_PART = 16
"""With fewer events than one in so many pixels, a frame is drawn event by event."""
_MANY = -1


@compiled
def _belonging(
    events: EventArray, first: int, last: int, start_us: int, end_us: int, newest_us: int, max_gap_us: int
) -> tuple[int, int]:
    """Find the first event that does not belong to the timestep, and the greatest time before it."""
    for i in range(first, last):
        time = events[i].timestamp
        if time < start_us or time >= end_us or time - newest_us > max_gap_us:
            return i, newest_us
        newest_us = max(newest_us, time)
    return last, newest_us


@compiled
def _all_belong(
    events: EventArray, first: int, last: int, start_us: int, end_us: int, newest_us: int, max_gap_us: int
) -> tuple[bool, int]:
    """Look at a block of events at once: without a branch in it the compiler does several a cycle."""
    outside = 0
    newest = newest_us
    for i in range(np.uint64(first), np.uint64(last)):
        time = events[i].timestamp
        outside += (time < start_us) | (time >= end_us)
        newest = max(newest, time)
    return outside == 0 and newest - newest_us <= max_gap_us, newest


@compiled
def _mark(
    events: EventArray,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    seen: npt.NDArray[np.uint8],
) -> tuple[int, int]:
    """Note which polarities each pixel has seen; θ = 0.

    No branch on the polarity, which is as good as random: polarity p sets bit p. Unsigned places spare the
    compiler Python's rule for negative ones. Both times together the loop is three times as fast.
    """
    columns = np.uint32(width)
    while first < last:
        block = min(first + BLOCK, last)
        belong, newest = _all_belong(events, first, block, start_us, end_us, newest_us, max_gap_us)
        if not belong:
            block, newest = _belonging(events, first, block, start_us, end_us, newest_us, max_gap_us)
        for i in range(np.uint64(first), np.uint64(block)):
            event = events[i]
            seen[np.uint32(event.y) * columns + np.uint32(event.x)] |= np.uint8(1) + np.uint8(event.polarity)
        first, newest_us = block, newest
        if not belong:
            break
    return first, newest_us


@compiled
def _mark_listed(
    events: EventArray,
    first: int,
    last: int,
    start_us: int,
    end_us: int,
    newest_us: int,
    max_gap_us: int,
    width: int,
    seen: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint32],
    listed: int,
) -> tuple[int, int]:
    """Do as `_mark`, and list the pixels from place `listed` on, once for each event."""
    columns = np.uint32(width)
    stopped, newest = last, newest_us
    belong, newest = _all_belong(events, first, last, start_us, end_us, newest_us, max_gap_us)
    if not belong:
        stopped, newest = _belonging(events, first, last, start_us, end_us, newest_us, max_gap_us)
    for i in range(np.uint64(first), np.uint64(stopped)):
        event = events[i]
        place = np.uint32(event.y) * columns + np.uint32(event.x)
        seen[place] |= np.uint8(1) + np.uint8(event.polarity)
        places[listed + i - first] = place
    return stopped, newest


@compiled
def _count(
    events: EventArray,
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
    columns = np.uint32(width)
    stopped, newest_us = _belonging(events, first, last, start_us, end_us, newest_us, max_gap_us)
    for i in range(np.uint64(first), np.uint64(stopped)):
        event = events[i]
        place = (np.uint32(event.y) * columns + np.uint32(event.x)) * np.uint32(2) + np.uint32(event.polarity)
        count = counts[place]
        counts[place] = count + np.uint16(count < enough)
    return stopped, newest_us


@compiled
def _draw_seen(seen: npt.NDArray[np.uint8], pixels: npt.NDArray[np.uint8]) -> None:
    """Turn the seen polarities into the frame's values and forget them."""
    for i in range(seen.size):
        bits = seen[i]
        off_or_nothing = np.uint8(127) + np.uint8(128) * (bits & np.uint8(1))
        pixels[i] = np.uint8(0) if bits & np.uint8(2) else np.uint8(off_or_nothing)
        seen[i] = 0


@compiled
def _draw_listed(
    seen: npt.NDArray[np.uint8],
    places: npt.NDArray[np.uint32],
    listed: int,
    before: npt.NDArray[np.uint32],
    listed_before: int,
    pixels: npt.NDArray[np.uint8],
) -> None:
    """Do as `_draw_seen` where few pixels have seen anything: those listed, and those of the frame before."""
    for i in range(listed_before):
        pixels[before[i]] = 127
    for i in range(listed):
        place = places[i]
        bits = seen[place]
        if bits:  # not another time
            pixels[place] = np.uint8(0) if bits & np.uint8(2) else np.uint8(255)
            seen[place] = 0


@compiled
def _draw_counts(counts: npt.NDArray[np.uint16], pixels: npt.NDArray[np.uint8], enough: int) -> None:
    """Turn the counts into the frame's values and forget them."""
    for i in range(pixels.size):
        off = counts[2 * i] == enough
        on = counts[2 * i + 1] == enough
        pixels[i] = np.uint8(0) if on else (np.uint8(255) if off else np.uint8(127))
        counts[2 * i] = 0
        counts[2 * i + 1] = 0


class Exposure:
    """The event frame of the timestep that is going on: events go in, at the end the frame comes out.

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
        most = resolution.pixels // SPARSE_PART
        self._places, self._before = np.empty(most, np.uint32), np.empty(most, np.uint32)
        """Pixels of the events so far, and of the frame before."""
        self._listed, self._listed_before = 0, _MANY
        self._frame: npt.NDArray[np.uint8] | None = None
        """The array that was written last."""
        self._counts = np.zeros(2 * resolution.pixels if threshold else 0, np.uint16)

    def add(
        self,
        events: EventArray,
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
        if self._enough == 1:
            limits = start_us, end_us, newest_us, max_gap_us
            return self._mark(events, first, last, limits)
        return _count(
            events, first, last, start_us, end_us, newest_us, max_gap_us, self._width, self._counts, self._enough
        )

    def _mark(self, events: EventArray, first: int, last: int, limits: tuple[int, int, int, int]) -> tuple[int, int]:
        """Mark events, and list their pixels while they are few: then the frame costs no more than they do."""
        start_us, end_us, newest_us, max_gap_us = limits
        while self._listed != _MANY:
            end = min(last, first + len(self._places) - self._listed)
            stopped, newest_us = _mark_listed(
                events, first, end, start_us, end_us, newest_us, max_gap_us, self._width, self._seen, self._places,
                self._listed,
            )  # fmt: skip
            self._listed += stopped - first
            if stopped < end or stopped == last:
                return stopped, newest_us
            first, self._listed = stopped, _MANY
        return _mark(events, first, last, start_us, end_us, newest_us, max_gap_us, self._width, self._seen)

    def develop(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Write the frame into `pixels`, uint8 (H, W), C-contiguous, and start afresh.

        The same array as the time before must hold what was written then: only what differs is written.
        """
        flat = pixels.reshape(-1)
        if self._enough > 1:
            _draw_counts(self._counts, flat, self._enough)
            return
        if self._listed == _MANY:
            _draw_seen(self._seen, flat)
        else:
            if pixels is not self._frame or self._listed_before == _MANY:
                flat.fill(127)
                self._listed_before = 0
            _draw_listed(self._seen, self._places, self._listed, self._before, self._listed_before, flat)
        self._frame = pixels
        self._places, self._before = self._before, self._places
        self._listed, self._listed_before = 0, self._listed

    def clear(self) -> None:
        """Start afresh."""
        self._seen.fill(0)
        self._listed = 0
        self._counts.fill(0)


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
    for number in range(len(bounds) - 1):
        exposure.add(events, int(bounds[number]), int(bounds[number + 1]))
        exposure.develop(frames[number])
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
