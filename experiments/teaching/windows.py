"""Windows of simulated things: ten event frames of 30 ms each, as the application makes them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline.event_framing import event_frames
from pipeline.events import Resolution
from pipeline.simulation.drawing import Texture
from pipeline.simulation.pixel_model import DAYLIGHT, PixelModel
from pipeline.simulation.saccades import SaccadeScene, SaccadeStyle
from pipeline.simulation.scene import PaintedScene, Pose, Scene, Shown
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.things import Thing
from pipeline.simulation.waving import WavingScene, WavingStyle

Floats = npt.NDArray[np.float32]
Frames = npt.NDArray[np.uint8]

SENSOR = Resolution(346, 260)
TIMESTEPS, TIMESTEP_US = 10, 30_000
_COME_US = 600_000
"""A waved thing has come near by then."""
_BACKGROUND = 0.25
_MARGIN_US = 20_000


@dataclass(frozen=True)
class Window:
    """One window to be made.

    Attributes
    ----------
    picture : int
        What is shown: a number that the data set knows.
    motion : str
        ``saccades``, ``waving``; ``left`` and ``right`` (across the picture), ``clockwise`` and ``counter-clockwise``.
    dark : bool
        Ink darker than its ground.
    size : float
        As a share of the sensor's shorter side.
    seed : int
        Of motion and noise.
    """

    picture: int
    motion: Literal["saccades", "waving", "left", "right", "clockwise", "counter-clockwise"]
    dark: bool
    size: float
    seed: int


class CrossingScene(PaintedScene):
    """One thing that goes straight across, or turns in its place.

    Parameters
    ----------
    window : Window
        Its motion decides the direction, its seed all else.
    thing : Thing
    """

    def __init__(self, window: Window, thing: Thing) -> None:
        half = window.size / 2 * min(SENSOR)
        super().__init__(SENSOR, [thing], half, _BACKGROUND, dark=window.dark)
        random = np.random.default_rng([window.seed, 1])
        side = min(SENSOR)
        self._sign = 1 if window.motion in ("right", "clockwise") else -1
        self._turns = window.motion in ("clockwise", "counter-clockwise")
        self._speed = random.uniform(0.3, 0.9) * (2 * np.pi if self._turns else side)
        """rad/s, or px/s."""
        self._turn = random.uniform(-np.pi, np.pi) if self._turns else random.uniform(-0.3, 0.3)
        self._x = SENSOR.width / 2 + side * random.uniform(-0.12, 0.12)
        self._y = SENSOR.height / 2 + side * random.uniform(-0.12, 0.12)

    def labels(self, time_us: int) -> tuple[str, ...]:
        """The thing, all the time."""
        return (self.things[0].label,)

    def shown(self, time_us: int) -> tuple[Shown, ...]:
        """The thing, half of the way done in the middle of the window."""
        way = self._sign * self._speed * (time_us - TIMESTEPS * TIMESTEP_US / 2) / 1e6
        x, turn = (self._x, self._turn + way) if self._turns else (self._x + way, self._turn)
        return (Shown(0, Pose(x, self._y, self._half, turn, 1.0)),)


def window_frames(window: Window, cover: Floats, light: Floats) -> Frames:
    """Show a drawing for 300 ms and give its event frames, uint8 (10, H, W).

    Parameters
    ----------
    window : Window
    cover, light : float32 (n, n)
        Coverage, and the light thrown back by it, both 0 to 1.
    """
    scene, start_us = _scene(window, Thing("shown", Texture(cover, light)))
    settings = replace(DAYLIGHT, noise_hz=0.05)
    simulation = Simulation(scene, PixelModel(SENSOR, settings, window.seed))
    simulation.skip_to(start_us)
    end_us = start_us + TIMESTEPS * TIMESTEP_US
    events = simulation.up_to(end_us + _MARGIN_US)
    edges = np.searchsorted(events["timestamp"], start_us + TIMESTEP_US * np.arange(TIMESTEPS + 1))
    parts = [events[first:last] for first, last in pairwise(edges.tolist())]
    return np.concatenate([event_frames(part, SENSOR, timesteps=1) for part in parts])


def _scene(window: Window, thing: Thing) -> tuple[Scene, int]:
    """Give the scene and where in it the window begins, µs."""
    common: dict[str, Any] = {"size": window.size, "background": _BACKGROUND, "dark_on_light": window.dark}
    match window.motion:
        case "saccades":
            saccades = SaccadeStyle(**common)
            return SaccadeScene(SENSOR, [thing], window.seed, saccades), saccades.fade_us
        case "waving":
            return WavingScene(SENSOR, [thing], window.seed, WavingStyle(**common)), _COME_US
        case _:
            return CrossingScene(window, thing), 0
