"""A scene before a sensor, driven by simulated time."""

from __future__ import annotations

import numpy as np

from pipeline.events import NO_EVENTS, EventArray, joined
from pipeline.simulation.pixel_model import PixelModel
from pipeline.simulation.scene import Scene


class Simulation:
    """Events of a scene from time 0 on, step by step.

    The events are a function of time, scene and pixel model: it makes no difference when they are asked for.

    Attributes
    ----------
    time_us : int
        Everything before has been given.
    """

    def __init__(self, scene: Scene, pixels: PixelModel) -> None:
        self.scene = scene
        self._pixels = pixels
        self._picture = np.zeros((scene.resolution.height, scene.resolution.width), np.float32)
        self.skip_to(0)
        self.step()  # compiles or loads the loops now rather than while the stream waits
        self.skip_to(0)

    @property
    def time_us(self) -> int:
        return self._pixels.time_us

    @property
    def next_us(self) -> int:
        """Where the next step ends."""
        return self.time_us + self.scene.step_us(self.time_us)

    def skip_to(self, time_us: int) -> None:
        """Go on from this time; what happened before it is not seen."""
        self.scene.render(time_us, self._picture)
        self._pixels.start(self._picture, time_us)

    def step(self) -> EventArray:
        """Go on by as much as the motion allows, and give the events in between."""
        time_us = self.next_us
        region = self.scene.render(time_us, self._picture)
        return self._pixels.show(self._picture, time_us, region)

    def up_to(self, time_us: int) -> EventArray:
        """Take every step that ends by this time and give the events, in order of time."""
        steps = []
        while self.next_us <= time_us:
            steps.append(self.step())
        return joined(steps) if steps else NO_EVENTS
