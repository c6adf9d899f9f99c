"""What a sensor makes of light that changes: ON and OFF events of every pixel.

A pixel remembers the logarithm of the light at its last event and sends an event when it has changed by a
threshold, which differs a little from pixel to pixel, to the brighter (ON) or darker side (OFF). Between two
pictures the logarithm is taken to change evenly, so an event's time is that of the crossing. This is the model of
ESIM (Rebecq, Gehrig, Scaramuzza: ESIM: an open event camera simulator, CoRL 2018), its refractory period too.

What makes a real sensor worse is modelled as in v2e (Hu, Liu, Delbruck: v2e: from video frames to realistic DVS
events, CVPR Workshops 2021): mismatch of thresholds, hot pixels, noise of two kinds (leakage makes ON events
anywhere, shot noise makes both and grows in the dark), and a bandwidth in proportion to the light: a dark pixel
follows slowly. Here the low-pass is solved exactly for light whose logarithm changes evenly during a step, so that
it hardly matters how long the steps are.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.compiled import compiled
from pipeline.events import EVENT_DTYPE, EventArray, Resolution, joined
from pipeline.simulation.scene import NOWHERE, LogImage, Region

_LOWEST_THRESHOLD = 0.01
_LONG_AGO_US = -(1 << 61)
_DIMMEST = float(np.log(0.005))
"""Logarithm of the least light that the bandwidth tells apart."""
_BANDWIDTHS = 128
_DARK_BANDWIDTH = 0.07
"""What bandwidth is left without any light, as a share of that in full light."""
_SETTLED = 0.004
"""A low-pass this near to its input has arrived."""
_LONGEST_COUNTED_US = 1 << 17
"""Up to this length of a step events are put in order by counting, beyond by comparing."""


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
    bandwidth_hz : float
        Cutoff of the pixels' low-pass in full light (1.0), in proportion less in less; 0: they follow at once.
    illumination : float
        Light on the scene, as a share of full light: bandwidth and noise go by it.
    noise_hz : float
        Events a second and pixel without any change of light (shot noise), in full light.
    noise_dark : float
        How many times more of them there are without light.
    noise_on : float
        Share of ON events among them.
    leak_hz : float
        Events a second and pixel from leakage: ON, and each sets the pixel's memory anew.
    hot_pixels : float
        Share of the pixels that send without reason, `hot_hz` events a second each.
    clock_us : int
        The sensor tells the time in steps of so many µs.
    """

    threshold_on: float = 0.33
    threshold_off: float = 0.33
    mismatch: float = 0.03
    refractory_us: int = 500
    bandwidth_hz: float = 0.0
    illumination: float = 1.0
    noise_hz: float = 0.04
    noise_dark: float = 1.0
    noise_on: float = 0.6
    leak_hz: float = 0.0
    hot_pixels: float = 3e-5
    hot_hz: float = 30.0
    clock_us: int = 1


DAYLIGHT = PixelSettings(bandwidth_hz=600.0, noise_hz=0.02, noise_dark=4.0, noise_on=0.5, leak_hz=0.02)
"""A good sensor in good light."""
DARKNESS = PixelSettings(
    threshold_on=0.30,
    threshold_off=0.36,
    mismatch=0.05,
    refractory_us=1000,
    bandwidth_hz=600.0,
    illumination=0.05,
    noise_hz=0.4,
    noise_dark=4.0,
    noise_on=0.55,
    leak_hz=0.1,
    hot_pixels=2e-4,
    hot_hz=60.0,
)
"""The same one in the dark: slow, blurred and noisy."""


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
        self._seen: LogImage = np.zeros(shape, np.float32)
        """The last picture."""
        self._level: LogImage = np.zeros(shape, np.float32)
        """What the low-pass made of it."""
        self._memory: LogImage = np.zeros(shape, np.float32)
        self._last_us = np.full(resolution.pixels, _LONG_AGO_US, np.int64)
        self._events = np.empty(1 << 14, EVENT_DTYPE)
        self._unsettled = NOWHERE
        """Where the low-pass has not arrived at the last picture."""
        self._log_lights = _DIMMEST * (1 - (np.arange(_BANDWIDTHS) + 0.5) / _BANDWIDTHS)
        self.time_us = 0
        """Of the last picture."""

    def start(self, picture: LogImage, time_us: int, spread: float = 1.0) -> None:
        """Look at this picture as if for a long time already: no events come from it.

        The memories lie anywhere between each pixel's two thresholds, or in so large a share of it around the
        middle: the smaller, the more a pixel lets pass before its first event.
        """
        self._seen[:] = self._level[:] = picture
        self._unsettled = NOWHERE
        # Between its two thresholds, each pixel elsewhere: else all would cross at the same share of a change.
        self._memory[:] = picture + np.float32(spread) * (self._off - self._start_at * (self._on + self._off))
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
        region = region.joined(self._unsettled)
        found = joined([self._changes(picture, time_us, region), self._noise(time_us)])
        if time_us - self.time_us <= _LONGEST_COUNTED_US:
            order = _order(found, self.time_us, time_us)
        else:
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
        lag, ramp = self._low_pass((time_us - self.time_us) / 1e6)
        unsettled = np.array([self._resolution.height, self._resolution.width, 0, 0], np.int64)
        count, row, column = 0, region.top, region.left
        while True:
            count, row, column = _cross(
                self._seen,
                picture,
                self._level,
                self._memory,
                self._on,
                self._off,
                lag,
                ramp,
                self.time_us,
                time_us,
                self._settings.clock_us,
                *region,
                row,
                column,
                unsettled,
                self._events,
                count,
            )
            if row >= region.bottom:
                self._unsettled = Region(*unsettled.tolist())
                return self._events[:count]
            self._events = joined([self._events, np.empty_like(self._events)])

    def _low_pass(self, seconds: float) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """What is left after a step of how far the low-pass was behind, and of the step's own change, by light.

        With the time constant τ and a step of length T they are exp(−T/τ) and (1 − exp(−T/τ)) τ/T; both empty
        where the pixels follow at once.
        """
        settings = self._settings
        if settings.bandwidth_hz <= 0:
            return np.empty(0, np.float32), np.empty(0, np.float32)
        light = np.exp(self._log_lights) * settings.illumination
        cutoff = settings.bandwidth_hz * (light + _DARK_BANDWIDTH) / (1 + _DARK_BANDWIDTH)
        constants = 2 * np.pi * cutoff * seconds
        lag = np.exp(-constants)
        return lag.astype(np.float32), ((1 - lag) / constants).astype(np.float32)

    def _noise(self, time_us: int) -> EventArray:
        """Background noise and hot pixels since the last picture; a function of the seed and that time."""
        settings = self._settings
        random = np.random.default_rng([self._seed, self.time_us])
        seconds, pixels = (time_us - self.time_us) / 1e6, self._resolution.pixels
        most = max(1.0, settings.noise_dark)
        quiet = int(random.poisson(settings.noise_hz * most * pixels * seconds))
        hot = int(random.poisson(settings.hot_hz * len(self._hot) * seconds)) if len(self._hot) else 0
        places = random.integers(pixels, size=quiet + hot)
        if hot:
            places[quiet:] = self._hot[random.integers(len(self._hot), size=hot)]
        polarities = random.random(quiet + hot) < settings.noise_on
        if settings.noise_dark != 1:
            light = np.exp(self._level.ravel()[places]) * settings.illumination
            kept = random.random(quiet + hot) * most < settings.noise_dark + (1 - settings.noise_dark) * light
            kept[quiet:] = True
            places, polarities = places[kept], polarities[kept]
        if settings.leak_hz > 0:
            leaking = random.integers(pixels, size=int(random.poisson(settings.leak_hz * pixels * seconds)))
            self._memory.ravel()[leaking] = self._level.ravel()[leaking]
            places = np.concatenate([places, leaking])
            polarities = np.concatenate([polarities, np.ones(len(leaking), bool)])
        events = np.empty(len(places), EVENT_DTYPE)
        ticks = random.integers(self.time_us, time_us, size=len(places))
        events["timestamp"] = np.maximum(ticks // settings.clock_us * settings.clock_us, self.time_us)
        events["y"], events["x"] = np.divmod(places, self._resolution.width)
        events["polarity"] = polarities
        return events


@compiled
def _cross(
    seen: LogImage,
    picture: LogImage,
    level: LogImage,
    memory: LogImage,
    on: LogImage,
    off: LogImage,
    lag: npt.NDArray[np.float32],
    ramp: npt.NDArray[np.float32],
    start_us: int,
    end_us: int,
    clock_us: int,
    top: int,
    left: int,
    bottom: int,
    right: int,
    row: int,
    column: int,
    unsettled: npt.NDArray[np.int64],
    events: EventArray,
    count: int,
) -> tuple[int, int, int]:
    """Find every crossing of a threshold from pixel (row, column) on.

    Where `events` is full it stops, and goes on from the returned pixel when called again: what a
    pixel has sent already is in its memory. `unsettled` (top, left, bottom, right) grows to hold every pixel
    whose low-pass has not arrived.
    """
    lasting = np.float32(end_us - start_us)
    limited = lag.size > 0
    to_place = np.float32(lag.size / -_DIMMEST)
    for y in range(row, bottom):
        for x in range(column if y == row else left, right):
            shown, before = picture[y, x], level[y, x]
            if shown == before and shown == seen[y, x]:
                continue
            now = shown
            if limited:
                place = int((shown - np.float32(_DIMMEST)) * to_place)
                place = min(max(place, 0), lag.size - 1)
                now = shown - (shown - seen[y, x]) * ramp[place] + (before - seen[y, x]) * lag[place]
                if abs(now - shown) < np.float32(_SETTLED):
                    now = shown
            change = now - memory[y, x]
            while change >= on[y, x] or -change >= off[y, x]:
                if count == events.size:
                    return count, y, x
                crossed = memory[y, x] + (on[y, x] if change > 0 else -off[y, x])
                share = (crossed - before) / (now - before) if now != before else np.float32(0)
                tick = start_us + np.int64(min(max(share, np.float32(0)), np.float32(1)) * lasting)
                event = events[count]
                event.timestamp = min(max(tick // clock_us * clock_us, start_us), end_us - 1)
                event.x, event.y, event.polarity = x, y, 1 if change > 0 else 0
                count += 1
                memory[y, x] = crossed
                change = now - crossed
            if now != shown:
                unsettled[0], unsettled[1] = min(unsettled[0], y), min(unsettled[1], x)
                unsettled[2], unsettled[3] = max(unsettled[2], y + 1), max(unsettled[3], x + 1)
            level[y, x], seen[y, x] = now, shown
    return count, bottom, left


@compiled
def _order(found: EventArray, start_us: int, end_us: int) -> npt.NDArray[np.int64]:
    """Give the places of the events in order of time, those of one time as they are."""
    first = np.zeros(end_us - start_us + 1, np.int64)
    for i in range(found.size):
        first[found[i].timestamp - start_us + 1] += 1
    for tick in range(1, first.size):
        first[tick] += first[tick - 1]
    order = np.empty(found.size, np.int64)
    for i in range(found.size):
        tick = found[i].timestamp - start_us
        order[first[tick]] = i
        first[tick] += 1
    return order


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
