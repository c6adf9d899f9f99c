"""Things that come near one after another and are waved, or are waved all at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.events import Resolution
from pipeline.simulation.ground import Ground
from pipeline.simulation.scene import PaintedScene, Pose, Shown
from pipeline.simulation.things import Thing

FARTHEST = 0.02
_CROWD_REACH = 0.22
"""How far a thing in a crowd goes from its place, as a share of the place."""


@dataclass(frozen=True)
class WavingStyle:
    """How the things are shown.

    Attributes
    ----------
    period_us : int
        From the appearance of one thing to that of the next.
    enter_us, leave_us : int
        Of that, coming near and going away.
    size : float
        Of a thing, as a share of the picture's shorter side.
    pace : float
        1: waved by a lively hand. Half of it, half as far in the same time.
    background : Ground
        Shade of the ground, above 0 and up to 1, or a texture (`pipeline.simulation.ground`).
    dark_on_light : bool
        Light and dark turned round, the ground too: each contrast stays, with the other sign.
    reach : float
        How far across the picture it is waved; 2 is twice as far.
    spin_hz : float
        Full turns a second, besides the waving.
    """

    period_us: int = 2_600_000
    enter_us: int = 400_000
    leave_us: int = 300_000
    size: float = 0.68
    pace: float = 0.65
    background: Ground = 0.25
    dark_on_light: bool = False
    reach: float = 1.0
    spin_hz: float = 0.0


class Wave(NamedTuple):
    """What waving does at a moment: sines from −1 to 1 of place, turn, narrowing and size."""

    across: float
    up: float
    turn: float
    narrow: float
    size: float


class Motion:
    """One way of waving a thing: slow sines, of frequencies and phases that a seed decides."""

    def __init__(self, *seed: int) -> None:
        random = np.random.default_rng(seed)
        self._hertz = random.uniform([0.75, 1.0, 0.6, 0.5, 0.6], [1.05, 1.4, 0.95, 0.8, 0.9])
        self._phases = random.uniform(0, 2 * np.pi, 5)

    def wave(self, seconds: float) -> Wave:
        """The sines at this time."""
        return Wave(*np.sin(2 * np.pi * self._hertz * seconds + self._phases).tolist())


def waved(
    wave: Wave, style: WavingStyle, middle: tuple[float, float], reach: tuple[float, float], half: float, seconds: float
) -> Pose:
    """Where a thing is that is waved around `middle`, at most `reach` px from it at a pace of 1."""
    return Pose(
        x=middle[0] + reach[0] * style.pace * style.reach * wave.across,
        y=middle[1] + reach[1] * style.pace * style.reach * wave.up,
        scale=half * (1 + 0.06 * style.pace * wave.size),
        turn=0.24 * style.pace * wave.turn + 2 * np.pi * style.spin_hz * seconds,
        narrow=1 - 0.10 * style.pace * (1 + wave.narrow),
    )


def hand_reach(resolution: Resolution) -> tuple[float, float]:
    """How far a lively hand waves a thing across and up, px."""
    return 0.10 * resolution.width, 0.08 * resolution.height


def come(since_us: int, lasting_us: int) -> float:
    """How near a thing has come, almost 0 to 1, softly."""
    share = min(1.0, max(0.0, since_us / lasting_us))
    return FARTHEST + (1 - FARTHEST) * share * share * (3 - 2 * share)


class WavingScene(PaintedScene):
    """Things that come near one after another, are waved, and go away again, in the order given, again and again.

    Parameters
    ----------
    resolution : Resolution
    things : sequence of str or Thing
        See `PaintedScene`.
    seed : int
        Decides how each is waved.
    style : WavingStyle

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
        style: WavingStyle | None = None,
    ) -> None:
        self._style = style or WavingStyle()
        half = self._style.size / 2 * min(resolution)
        super().__init__(resolution, things, half, self._style.background, dark=self._style.dark_on_light)
        self._seed = seed
        self._motion: tuple[int, Motion] | None = None

    def labels(self, time_us: int) -> tuple[str, ...]:
        """The thing that is at least half way near; none in between."""
        number, within = divmod(time_us, self._style.period_us)
        seen = self._style.enter_us // 2 <= within < self._style.period_us - self._style.leave_us // 2
        return (self.things[number % len(self.things)].label,) if seen else ()

    def shown(self, time_us: int) -> Sequence[Shown]:
        """The one thing, coming, waved or going."""
        style = self._style
        number, within = divmod(time_us, style.period_us)
        if self._motion is None or self._motion[0] != number:
            self._motion = number, Motion(self._seed, number)
        near = min(come(within, style.enter_us), come(style.period_us - within, style.leave_us))
        middle = self.resolution.width / 2, self.resolution.height / 2
        seconds = within / 1e6
        wave = self._motion[1].wave(seconds)
        pose = waved(wave, style, middle, hand_reach(self.resolution), self._half * near, seconds)
        return (Shown(number % len(self.things), pose),)


class CrowdedScene(PaintedScene):
    """Several things at once, each waved in its own place, for as long as one likes.

    Parameters
    ----------
    resolution : Resolution
    things : sequence of str or Thing
        All are there; see `PaintedScene`.
    seed : int
        Decides the places and how each is waved.
    style : WavingStyle
        Its `size` is a share of a thing's place; nothing comes or goes.

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
        style: WavingStyle | None = None,
    ) -> None:
        self._style = style or WavingStyle(size=0.85)
        count = len(things) or 12
        columns = max(1, round(np.sqrt(count * resolution.width / resolution.height)))
        rows = -(-count // columns)
        self._place = resolution.width / columns, resolution.height / rows
        half = self._style.size / 2 * min(self._place)
        super().__init__(resolution, things, half, self._style.background, dark=self._style.dark_on_light)
        random = np.random.default_rng(seed)
        places = random.permutation(rows * columns)[: len(self.things)]
        around = random.uniform(-0.08, 0.08, (len(places), 2))
        self._middles = [
            ((place % columns + 0.5 + x) * self._place[0], (place // columns + 0.5 + y) * self._place[1])
            for place, (x, y) in zip(places.tolist(), around.tolist(), strict=True)
        ]
        self._motions = [Motion(seed, number) for number in range(len(self.things))]

    def labels(self, time_us: int) -> tuple[str, ...]:
        """All of them."""
        return tuple(each.label for each in self.things)

    def shown(self, time_us: int) -> Sequence[Shown]:
        """Each around its place."""
        seconds = time_us / 1e6
        reach = _CROWD_REACH * self._place[0], _CROWD_REACH * self._place[1]
        return tuple(
            Shown(number, waved(motion.wave(seconds), self._style, middle, reach, self._half, seconds))
            for number, (motion, middle) in enumerate(zip(self._motions, self._middles, strict=True))
        )
