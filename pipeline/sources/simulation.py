"""A simulated scene as a live source: everything works without a camera."""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.simulation.pixel_model import PixelModel
from pipeline.simulation.scene import WavingScene
from pipeline.simulation.simulation import Simulation
from pipeline.sources.base import READ_PATIENCE_S, EventBatch, SimulationSpec, Source, SourceError, SourceInfo

MAX_READ_US = 20_000
"""At most about so much simulated time in one answer."""
MAX_LATE_US = 200_000
"""Further behind the clock, the simulation leaves out what it missed."""


class SimulationSource(Source):
    """Objects waved one after another before a sensor, as it happens; time 0 is the opening.

    The events are a function of time and seed. Where the machine cannot keep up, or has slept, a stretch of
    time is left out.

    Parameters
    ----------
    spec : SimulationSpec
    clock_ns : callable
        The clock that time goes by, ns.

    Raises
    ------
    SourceError
        The resolution is out of range, or there is no object of a name.
    """

    def __init__(self, spec: SimulationSpec, clock_ns: Callable[[], int] = time.monotonic_ns) -> None:
        width, height = spec.resolution
        if not (16 <= width <= 4096 and 16 <= height <= 4096):
            raise SourceError(
                f"The simulation cannot have {width} × {height} pixels: choose a width and a height from 16 to 4096."
            )
        try:
            scene = WavingScene(spec.resolution, spec.objects, spec.seed)
        except ValueError as error:
            raise SourceError(str(error)) from error
        self.info = SourceInfo(kind="simulation", name="Moving shapes", resolution=spec.resolution)
        self._simulation = Simulation(scene, PixelModel(spec.resolution, seed=spec.seed))
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

    def close(self) -> None:
        """Nothing is held."""

    def _now_us(self) -> int:
        return (self._clock_ns() - self._opened_ns) // 1000
