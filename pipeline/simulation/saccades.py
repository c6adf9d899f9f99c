"""Pictures looked at by a sensor that trembles: three small jumps, as the N-MNIST data set was recorded.

Orchard, Jayawant, Cohen, Thakor: Converting static image datasets to spiking neuromorphic datasets using saccades,
Frontiers in Neuroscience 2015: a sensor on a motor before a screen makes three saccades of 100 ms each along the
sides of a triangle, back to where it began.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.events import Resolution
from pipeline.simulation.ground import Ground
from pipeline.simulation.scene import PaintedScene, Pose, Shown
from pipeline.simulation.things import Thing

SACCADES = 3
_CORNERS = np.array([(0.0, 0.0), (0.5, 1.0), (1.0, 0.0), (0.0, 0.0)]) - np.array([0.5, 0.5])


@dataclass(frozen=True)
class SaccadeStyle:
    """How the sensor looks at a picture.

    Attributes
    ----------
    rounds : int
        Of three saccades, for each picture.
    saccade_us : int
        Of one; at its end the sensor rests for a moment.
    fade_us : int
        While a picture appears, and again while it goes.
    size : float
        Of a picture, as a share of the sensor's shorter side.
    amplitude : float
        Of a saccade, as a share of the picture's size.
    background : Ground
        A texture moves with the picture.
    dark_on_light : bool
        Ink darker than its ground.
    """

    rounds: int = 3
    saccade_us: int = 100_000
    fade_us: int = 100_000
    size: float = 0.7
    amplitude: float = 0.12
    background: Ground = 0.25
    dark_on_light: bool = False

    @property
    def period_us(self) -> int:
        """From one picture to the next."""
        return 2 * self.fade_us + self.rounds * SACCADES * self.saccade_us


class SaccadeScene(PaintedScene):
    """Pictures in turn, each looked at with saccades.

    Parameters
    ----------
    resolution : Resolution
    things : sequence of str or Thing
        See `PaintedScene`.
    seed : int
        Decides how far each picture's triangle is turned.
    style : SaccadeStyle

    Raises
    ------
    ValueError
        There is no drawing of a name.
    """

    def __init__(
        self,
        resolution: Resolution,
        things: Sequence[str | Thing] = (),
        seed: int = 0,
        style: SaccadeStyle | None = None,
    ) -> None:
        self._style = style or SaccadeStyle()
        half = self._style.size / 2 * min(resolution)
        super().__init__(resolution, things, half, self._style.background, dark=self._style.dark_on_light)
        self._seed = seed

    def labels(self, time_us: int) -> tuple[str, ...]:
        """The picture, while the sensor moves."""
        number, within = divmod(time_us, self._style.period_us)
        seen = self._style.fade_us <= within < self._style.period_us - self._style.fade_us
        return (self.things[number % len(self.things)].label,) if seen else ()

    def shown(self, time_us: int) -> Sequence[Shown]:
        """The picture, where the moving sensor sees it."""
        number, within = divmod(time_us, self._style.period_us)
        x, y = self.ground_shift(time_us)
        pose = Pose(self.resolution.width / 2 + x, self.resolution.height / 2 + y, self._half, 0.0, 1.0)
        away = min(within, self._style.period_us - within) / max(self._style.fade_us, 1)
        return (Shown(number % len(self.things), pose, min(1.0, away)),)

    def ground_shift(self, time_us: int) -> tuple[float, float]:
        """Against the sensor's own motion, which starts and stops softly at each corner."""
        style = self._style
        number, within = divmod(time_us, style.period_us)
        moving_us = min(max(within - style.fade_us, 0), style.rounds * SACCADES * style.saccade_us)
        saccade, since_us = divmod(moving_us, style.saccade_us)
        share = since_us / style.saccade_us
        share *= share * share * (10 - 15 * share + 6 * share * share)  # least jerk
        corner = saccade % SACCADES
        at = _CORNERS[corner] * (1 - share) + _CORNERS[corner + 1] * share
        angle = np.random.default_rng([self._seed, number]).uniform(-0.4, 0.4)
        size = 2 * self._half * style.amplitude
        x = size * (np.cos(angle) * at[0] - np.sin(angle) * at[1])
        y = size * (np.sin(angle) * at[0] + np.cos(angle) * at[1])
        return float(x), float(y)
