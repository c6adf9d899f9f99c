"""What a sensor makes of light that changes: ON and OFF events of every pixel.

A pixel remembers the logarithm of the light at its last event and sends an event when it has changed by a
threshold, which differs a little from pixel to pixel, to the brighter (ON) or darker side (OFF). Between two
pictures the logarithm is taken to change evenly, so an event's time is that of the crossing. This is the model of
ESIM (Rebecq, Gehrig, Scaramuzza: ESIM: an open event camera simulator, CoRL 2018); mismatch of thresholds,
background noise and hot pixels are modelled as in v2e (Hu, Liu, Delbruck: v2e: from video frames to
realistic DVS events, CVPR Workshops 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.compiled import compiled
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.simulation.scene import LogImage, Region

_LOWEST_THRESHOLD = 0.01
_LONG_AGO_US = -(1 << 61)


@dataclass(frozen=True)
class PixelSettings:
    """The sensor.

    Attributes
    ----------
    threshold_on, threshold_off : float
        Change of the light's natural logarithm that makes an event.
    mismatch : float
        Standard deviation of the thresholds over the pixels.
    refractory_us : int
        A pixel sends nothing for so long after an event; its memory goes on.
    noise_hz : float
        Events a second and pixel without any change of light (shot noise and leakage).
    noise_on : float
        Share of ON events among them.
    hot_pixels : float
        Share of the pixels that send without reason, `hot_hz` events a second each.
    clock_us : int
        The sensor tells the time in steps of so many µs.
    """

    threshold_on: float = 0.33
    threshold_off: float = 0.33
    mismatch: float = 0.03
    refractory_us: int = 500
    noise_hz: float = 0.04
    noise_on: float = 0.6
    hot_pixels: float = 3e-5
    hot_hz: float = 30.0
    clock_us: int = 1


class PixelModel:
    """A sensor that is shown one picture after another.

    Parameters
    ----------
    resolution : Resolution
    settings : PixelSettings
    seed : int
        Decides the pixels' differences and the noise.
    """

    def __init__(self, resolution: Resolution, settings: PixelSettings | None = None, seed: int = 0) -> None:
        self._resolution = resolution
        self._settings = settings or PixelSettings()
        self._seed = seed
        random = np.random.default_rng(seed)
        shape = (resolution.height, resolution.width)
        self._on = self._thresholds(random, self._settings.threshold_on)
        self._off = self._thresholds(random, self._settings.threshold_off)
        self._start_at = random.random(shape, np.float32)
        hot = round(self._settings.hot_pixels * resolution.pixels)
        self._hot = random.choice(resolution.pixels, hot, replace=False)
        self._previous: LogImage = np.zeros(shape, np.float32)
        self._memory: LogImage = np.zeros(shape, np.float32)
        self._last_us = np.full(resolution.pixels, _LONG_AGO_US, np.int64)
        self._events = np.empty(1 << 14, EVENT_DTYPE)
        self.time_us = 0
        """Of the last picture."""

    def start(self, picture: LogImage, time_us: int) -> None:
        """Look at this picture as if for a long time already: no events come from it."""
        self._previous[:] = picture
        # Between its two thresholds, each pixel elsewhere: else all would cross at the same share of a change.
        self._memory[:] = picture + self._off - self._start_at * (self._on + self._off)
        self._last_us.fill(_LONG_AGO_US)
        self.time_us = time_us

    def show(self, picture: LogImage, time_us: int, region: Region | None = None) -> EventArray:
        """Go on to the next picture and give the events up to there.

        Parameters
        ----------
        picture : float32 (H, W)
            Natural logarithm of the light at `time_us`.
        time_us : int
            Later than the picture before.
        region : Region, optional
            Outside, the picture is as it was.

        Returns
        -------
        EventArray
            In order of time, all in [time of the picture before, time_us).
        """
        region = region or Region(0, 0, self._resolution.height, self._resolution.width)
        found = np.concatenate([self._changes(picture, time_us, region), self._noise(time_us)], dtype=EVENT_DTYPE)
        order = np.argsort(found["timestamp"], kind="stable")
        events = np.empty(len(found), EVENT_DTYPE)
        kept = _rest(found, order, self._last_us, self._resolution.width, self._settings.refractory_us, events)
        self.time_us = time_us
        return events[:kept]

    def _thresholds(self, random: np.random.Generator, mean: float) -> LogImage:
        shape = (self._resolution.height, self._resolution.width)
        spread = random.standard_normal(shape, np.float32) * np.float32(self._settings.mismatch)
        thresholds: LogImage = np.maximum(np.float32(mean) + spread, np.float32(_LOWEST_THRESHOLD))
        return thresholds

    def _changes(self, picture: LogImage, time_us: int, region: Region) -> EventArray:
        """Events from the change between the last picture and this one, pixel by pixel."""
        count, row, column = 0, region.top, region.left
        while True:
            count, row, column = _cross(
                self._previous,
                picture,
                self._memory,
                self._on,
                self._off,
                self.time_us,
                time_us,
                self._settings.clock_us,
                *region,
                row,
                column,
                self._events,
                count,
            )
            if row >= region.bottom:
                return self._events[:count]
            self._events = np.concatenate([self._events, np.empty_like(self._events)], dtype=EVENT_DTYPE)

    def _noise(self, time_us: int) -> EventArray:
        """Background noise and hot pixels since the last picture; a function of the seed and that time."""
        settings = self._settings
        random = np.random.default_rng([self._seed, self.time_us])
        seconds = (time_us - self.time_us) / 1e6
        quiet = int(random.poisson(settings.noise_hz * self._resolution.pixels * seconds))
        hot = int(random.poisson(settings.hot_hz * len(self._hot) * seconds)) if len(self._hot) else 0
        places = random.integers(self._resolution.pixels, size=quiet + hot)
        if hot:
            places[quiet:] = self._hot[random.integers(len(self._hot), size=hot)]
        events = np.empty(quiet + hot, EVENT_DTYPE)
        ticks = random.integers(self.time_us, time_us, size=quiet + hot)
        events["timestamp"] = np.maximum(ticks // settings.clock_us * settings.clock_us, self.time_us)
        events["y"], events["x"] = np.divmod(places, self._resolution.width)
        events["polarity"] = random.random(quiet + hot) < settings.noise_on
        return events


@compiled
def _cross(
    previous: LogImage,
    picture: LogImage,
    memory: LogImage,
    on: LogImage,
    off: LogImage,
    start_us: int,
    end_us: int,
    clock_us: int,
    top: int,
    left: int,
    bottom: int,
    right: int,
    row: int,
    column: int,
    events: EventArray,
    count: int,
) -> tuple[int, int, int]:
    """Find every crossing of a threshold from pixel (row, column) on.

    Where `events` is full it stops, and goes on from the returned pixel when called again: what a
    pixel has sent already is in its memory.
    """
    lasting = np.float32(end_us - start_us)
    for y in range(row, bottom):
        for x in range(column if y == row else left, right):
            before, now = previous[y, x], picture[y, x]
            change = now - memory[y, x]
            while change >= on[y, x] or -change >= off[y, x]:
                if count == events.size:
                    return count, y, x
                level = memory[y, x] + (on[y, x] if change > 0 else -off[y, x])
                share = (level - before) / (now - before) if now != before else np.float32(0)
                tick = start_us + np.int64(min(max(share, np.float32(0)), np.float32(1)) * lasting)
                event = events[count]
                event.timestamp = min(max(tick // clock_us * clock_us, start_us), end_us - 1)
                event.x, event.y, event.polarity = x, y, 1 if change > 0 else 0
                count += 1
                memory[y, x] = level
                change = now - level
            previous[y, x] = now
    return count, bottom, left


@compiled
def _rest(
    found: EventArray,
    order: npt.NDArray[np.int64],
    last_us: npt.NDArray[np.int64],
    width: int,
    refractory_us: int,
    kept: EventArray,
) -> int:
    """Put the events in order, without those that come too soon after another of their pixel."""
    count = 0
    for i in order:
        event = found[i]
        pixel = event.y * width + event.x
        if event.timestamp - last_us[pixel] >= refractory_us:
            last_us[pixel] = event.timestamp
            kept[count] = event
            count += 1
    return count
