"""What is where: a scene is light over time, and most are painted from things, where they are, and a ground."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.events import Resolution
from pipeline.simulation.ground import Ground
from pipeline.simulation.painting import LOG_OF_LIGHT, paint_ground, paint_plain, paint_thing, take_logarithm
from pipeline.simulation.shapes import SHAPES
from pipeline.simulation.things import Levels, Thing, dark_on_light, texture_of, thing, turned_round

LogImage = npt.NDArray[np.float32]
"""Natural logarithm of the light at each pixel, float32 (H, W)."""


class Region(NamedTuple):
    """Rows `top` to `bottom` and columns `left` to `right`, the ends left out."""

    top: int
    left: int
    bottom: int
    right: int

    def joined(self, other: Region) -> Region:
        """The smallest region that holds both."""
        if self.empty or other.empty:
            return other if self.empty else self
        return Region(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    @property
    def empty(self) -> bool:
        return self.top >= self.bottom or self.left >= self.right


NOWHERE = Region(0, 0, 0, 0)


class Scene(Protocol):
    """Light over time. Everything is a function of time and of what the scene was made with."""

    resolution: Resolution

    def labels(self, time_us: int) -> tuple[str, ...]:
        """What can be seen well at this time, each as a person would type it."""

    def truth(self, time_us: int) -> str:
        """The one thing that can be seen at this time; empty when there is none, too little of it, or several."""

    def render(self, time_us: int, out: LogImage) -> Region:
        """Draw the light at this time into `out`, which holds the last picture; give the region that may differ."""

    def step_us(self, time_us: int) -> int:
        """How far the next picture may be from the one at this time, µs, to catch the motion between them."""


class Pose(NamedTuple):
    """Where a drawing is: its middle (px), half its size (px), turned (rad), narrowed (1: seen from the front)."""

    x: float
    y: float
    scale: float
    turn: float
    narrow: float

    def region(self, resolution: Resolution) -> Region:
        """The pixels that the drawing may touch."""
        across, up = abs(np.cos(self.turn)), abs(np.sin(self.turn))
        half_x = self.scale * (across * self.narrow + up) + 2
        half_y = self.scale * (up * self.narrow + across) + 2
        left, right = np.clip([self.x - half_x, self.x + half_x + 1], 0, resolution.width)
        top, bottom = np.clip([self.y - half_y, self.y + half_y + 1], 0, resolution.height)
        return Region(int(top), int(left), int(bottom), int(right))


class Shown(NamedTuple):
    """A thing of the scene's, where it is, and how much of what is behind it is covered (1: all)."""

    number: int
    pose: Pose
    opacity: float = 1.0


_PIXELS_A_STEP = 1.8
_SHORTEST_US = 2_000
_LONGEST_US = 8_000


class PaintedScene(ABC):
    """Things on a ground, at any time where `shown` says, the last on top.

    Parameters
    ----------
    resolution : Resolution
    things : sequence of str, Thing
        Names in `SHAPES`, or what `pipeline.simulation.things.thing` makes of pictures; none: all of `SHAPES`.
    half : float
        Half the size (px) at which the things are shown, about.
    ground : Ground
    dark : bool
        Light and dark are turned round: dark things on a lighter ground.

    Raises
    ------
    ValueError
        There is no drawing of a name.
    """

    def __init__(
        self, resolution: Resolution, things: Sequence[str | Thing], half: float, ground: Ground, *, dark: bool
    ) -> None:
        self.resolution = resolution
        self.things = tuple(thing(each) for each in (things or tuple(SHAPES)))
        self._half = half
        self._dark = dark
        shades = np.array(ground, np.float32)
        self._ground = turned_round(shades) if dark else shades
        """Without axes where it is the same everywhere."""
        self._light = np.zeros((resolution.height, resolution.width), np.float32)
        self._levels: dict[int, Levels] = {}
        self._drawn: list[Region] | None = None
        self._drawn_shift = (0.0, 0.0)

    @abstractmethod
    def shown(self, time_us: int) -> Sequence[Shown]:
        """What is where at this time."""

    @abstractmethod
    def labels(self, time_us: int) -> tuple[str, ...]:
        """See `Scene.labels`."""

    def truth(self, time_us: int) -> str:
        """See `Scene.truth`."""
        labels = self.labels(time_us)
        return labels[0] if len(labels) == 1 else ""

    def ground_shift(self, time_us: int) -> tuple[float, float]:
        """How far the ground has moved to the right and down, px."""
        return 0.0, 0.0

    def render(self, time_us: int, out: LogImage) -> Region:
        """See `Scene.render`."""
        shown = self.shown(time_us)
        shift = self.ground_shift(time_us) if self._ground.ndim else (0.0, 0.0)
        regions = [each.pose.region(self.resolution) for each in shown]
        if self._drawn is None or shift != self._drawn_shift:
            changed = [Region(0, 0, self.resolution.height, self.resolution.width)]
        else:
            changed = [now.joined(before) for now, before in _pairs(regions, self._drawn)]
        for region in changed:
            if self._ground.ndim:
                paint_ground(self._light, *region, self._ground, *shift)
            else:
                paint_plain(self._light, *region, float(self._ground))
        for each, region in zip(shown, regions, strict=True):
            if not region.empty:
                drawn = self._levels_of(each.number).at(each.pose.scale)
                paint_thing(self._light, *region, *each.pose, drawn.cover, drawn.light, each.opacity)
        everything = NOWHERE
        for region in changed:
            take_logarithm(self._light, *region, LOG_OF_LIGHT, out)
            everything = everything.joined(region)
        self._drawn, self._drawn_shift = regions, shift
        return everything

    def step_us(self, time_us: int) -> int:
        """As long as it takes the fastest corner to go nearly two pixels, but 2 to 8 ms."""
        fastest = 1e-3
        for now, later in zip(self.shown(time_us), self.shown(time_us + 1000), strict=False):
            fastest = max(fastest, float(np.hypot(*(_corners(later.pose) - _corners(now.pose))).max()))
        if self._ground.ndim:
            now_at, later_at = self.ground_shift(time_us), self.ground_shift(time_us + 1000)
            fastest = max(fastest, float(np.hypot(later_at[0] - now_at[0], later_at[1] - now_at[1])))
        return int(np.clip(1000 * _PIXELS_A_STEP / fastest, _SHORTEST_US, _LONGEST_US))

    def _levels_of(self, number: int) -> Levels:
        """The thing at about the size at which it is shown: made when it first appears."""
        if number not in self._levels:
            painted = texture_of(self.things[number], max(16, round(2.1 * self._half)))
            self._levels[number] = Levels(dark_on_light(painted) if self._dark else painted)
        return self._levels[number]


def _pairs(now: list[Region], before: list[Region]) -> list[tuple[Region, Region]]:
    """Pair the regions of the same thing now and before: joined, they cover both with little else."""
    longest = max(len(now), len(before))
    return list(
        zip([*now, *[NOWHERE] * (longest - len(now))], [*before, *[NOWHERE] * (longest - len(before))], strict=True)
    )


def _corners(pose: Pose) -> npt.NDArray[np.float64]:
    """X and y of the drawing's four corners, (2, 4), px."""
    u = np.array([-1, 1, 1, -1]) * pose.narrow * pose.scale
    v = np.array([-1, -1, 1, 1]) * pose.scale
    cos, sin = np.cos(pose.turn), np.sin(pose.turn)
    return np.stack([pose.x + cos * u - sin * v, pose.y + sin * u + cos * v])
