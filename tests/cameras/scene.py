"""What a camera sees: events in order of time, played back as fast as one likes."""

from __future__ import annotations

import math

import numpy as np

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution


class Scene:
    """Events that a camera sees from the moment on that its stream starts.

    Parameters
    ----------
    events : EventArray, shape (n,), in order of time
        The first one is seen at once, the others as much later as their timestamps say (µs).
    pace : float
        How many times faster than real time the camera's clock runs; `math.inf`: as fast as the program reads.
    repeat : bool
        Begin again after the last event, for ever.
    """

    def __init__(self, events: EventArray = NO_EVENTS, *, pace: float = 1.0, repeat: bool = False) -> None:
        if pace <= 0:
            raise ValueError(f"The pace {pace} does not go forward.")
        times = events["timestamp"].astype(np.int64)
        if len(times) and (np.diff(times) < 0).any():
            raise ValueError("The events of a scene must be in order of time.")
        self.pace = pace
        self._events = events
        self._times = times - times[0] if len(times) else times
        self._lap_us = int(self._times[-1]) + 1 if repeat and len(times) else 0
        self.rewind()

    def rewind(self) -> None:
        """Show everything from the beginning."""
        self._next = 0
        self._lap = 0

    @property
    def over(self) -> bool:
        """Whether the last event was taken."""
        return self._next >= len(self._events)

    def take(self, until_us: float, most: int) -> EventArray:
        """Give the next events before `until_us` (µs since the first), at most `most`.

        Their timestamps are µs since the first event.
        """
        taken = [self._take(until_us, most)]
        while self.over and self._lap_us and (left := most - sum(map(len, taken))):
            self._next, self._lap = 0, self._lap + 1
            taken.append(self._take(until_us, left))
            if not len(taken[-1]):
                break
        return np.concatenate(taken)

    def _take(self, until_us: float, most: int) -> EventArray:
        """Give events of this lap."""
        start = self._lap * self._lap_us
        end = len(self._times)
        if not math.isinf(until_us):
            end = int(np.searchsorted(self._times, until_us - start, side="left"))
        end = max(min(end, self._next + most), self._next)
        taken = self._events[self._next : end].copy()
        taken["timestamp"] = self._times[self._next : end] + start
        self._next = end
        return taken

    def skip(self, until_us: float) -> None:
        """Let the events before `until_us` pass unseen."""
        while len(self.take(until_us, len(self._events))):
            pass


def moving_dot(
    resolution: Resolution, *, events_per_s: int = 200_000, seconds: float = 2.0, seed: int = 0
) -> EventArray:
    """Draw events around a dot that goes round the sensor once in `seconds`, at random times; the same for a seed."""
    random = np.random.default_rng(seed)
    count = round(events_per_s * seconds)
    events = np.zeros(count, EVENT_DTYPE)
    times = np.sort(random.integers(0, round(seconds * 1e6), count))
    angle = 2 * np.pi * times / (seconds * 1e6)
    size = np.array(resolution)[:, None]
    place = size / 2 + size / 4 * np.stack([np.cos(angle), np.sin(angle)]) + random.normal(0, 3, (2, count))
    events["timestamp"] = times
    events["x"], events["y"] = np.clip(place.astype(int), 0, size - 1)
    events["polarity"] = random.integers(0, 2, count)
    return events


def fitted(events: EventArray, seen_by: Resolution, resolution: Resolution) -> EventArray:
    """Give the events as a sensor of another size would see the whole of the picture: squeezed to its size."""
    squeezed = events.copy()
    for name, before, after in zip(("x", "y"), seen_by, resolution, strict=True):
        squeezed[name] = events[name].astype(np.int64) * after // before
    return squeezed
