"""A simulated scene as a live source: everything works without a camera."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from pipeline.simulation.ground import textured_ground
from pipeline.simulation.led import LedScene
from pipeline.simulation.picture_file import picture_names, read_thing
from pipeline.simulation.pixel_model import DARKNESS, DAYLIGHT, PixelModel, PixelSettings
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.waving import WavingStyle
from pipeline.sources.base import READ_PATIENCE_S, EventBatch, SimulationSpec, SourceError, SourceInfo, Steered

_STRONGER = 6.0
"""Strong noise, in times the usual."""
MAX_READ_US = 20_000
"""At most about so much simulated time in one answer."""
MAX_LATE_US = 200_000
"""Further behind the clock, the simulation leaves out what it missed."""


class SimulationSource(Steered):
    """Objects waved one after another before a sensor, as it happens; time 0 is the opening.

    The events are a function of time, seed, and of what was asked for and when. Where the machine cannot keep up,
    or has slept, a stretch of time is left out.

    Parameters
    ----------
    spec : SimulationSpec
    clock_ns : callable
        The clock that time goes by, ns.

    Raises
    ------
    SourceError
        The resolution is out of range, there is no object of a name, or a picture cannot be read.
    """

    def __init__(self, spec: SimulationSpec, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        width, height = spec.resolution
        if not (16 <= width <= 4096 and 16 <= height <= 4096):
            raise SourceError(
                f"The simulation cannot have {width} × {height} pixels: choose a width and a height from 16 to 4096."
            )
        self._scene = _scene_of(spec)
        self._spec = spec
        self.info = self._info()
        self._simulation = Simulation(self._scene, PixelModel(spec.resolution, sensor_of(spec), spec.seed))
        self._clock_ns = clock_ns
        self._opened_ns = clock_ns()

    def truth(self) -> str:
        """What is shown at the moment up to which events were given; empty between two things."""
        return self._simulation.scene.truth(self._simulation.time_us)

    def read(self) -> EventBatch:
        """Give what has happened since the last time, at most about `MAX_READ_US` of it."""
        late_us = self._now_us() - self._simulation.time_us
        if late_us > MAX_LATE_US:
            self._simulation.skip_to(self._now_us())
        waiting_s = min(READ_PATIENCE_S, (self._simulation.next_us - self._now_us()) / 1e6)
        if waiting_s > 0:
            time.sleep(waiting_s)
        until_us = min(self._now_us(), self._simulation.time_us + MAX_READ_US)
        events = self._simulation.up_to(until_us)
        return EventBatch(events, until_us=self._simulation.time_us)

    def choose(self, names: Sequence[str]) -> None:
        self._scene.choose([name for name in names if name in self._scene.names])

    def change(self, spec: SimulationSpec) -> None:
        spec = replace(spec, resolution=self._spec.resolution, seed=self._spec.seed)
        scene, now_us = _scene_of(spec), self._simulation.time_us
        self._spec, self._scene = spec, scene
        self.info = self._info()
        self._simulation = Simulation(scene, PixelModel(spec.resolution, sensor_of(spec), spec.seed))
        self._simulation.skip_to(now_us)

    def drag(self, x: float, y: float, held: bool) -> None:
        self._scene.hold(x, y)
        if not held:
            self._scene.let_go()

    def close(self) -> None:
        """Nothing is held."""

    def _now_us(self) -> int:
        return (self._clock_ns() - self._opened_ns) // 1000

    def _info(self) -> SourceInfo:
        return SourceInfo(
            kind="simulation",
            name="Moving shapes",
            resolution=self._spec.resolution,
            objects=self._scene.names,
            shown=self._scene.chosen,
        )


def sensor_of(spec: SimulationSpec) -> PixelSettings:
    """Give the sensor in this light and with this noise."""
    settings = DARKNESS if spec.light == "dark" else DAYLIGHT
    if spec.noise == "none":
        return replace(settings, noise_hz=0.0, leak_hz=0.0, hot_pixels=0.0)
    if spec.noise == "strong":
        return replace(
            settings,
            noise_hz=_STRONGER * settings.noise_hz,
            leak_hz=_STRONGER * settings.leak_hz,
            hot_pixels=_STRONGER * settings.hot_pixels,
        )
    return settings


def _scene_of(spec: SimulationSpec) -> LedScene:
    """Make the scene, its pictures read."""
    try:
        others = {
            name: read_thing(path, name) for path, name in zip(spec.pictures, picture_names(spec.pictures), strict=True)
        }
        style = WavingStyle()
        if spec.ground == "textured":
            style = WavingStyle(background=textured_ground(spec.resolution, spec.seed))
        return LedScene(spec.resolution, spec.objects, spec.seed, style, others)
    except ValueError as error:
        raise SourceError(str(error)) from error
