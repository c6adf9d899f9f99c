"""What is where: drawings that appear in turn and are waved before the sensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.compiled import compiled
from pipeline.events import Resolution
from pipeline.simulation.drawing import Texture, texture
from pipeline.simulation.shapes import SHAPES, label

LogImage = npt.NDArray[np.float32]
"""Natural logarithm of the light at each pixel, float32 (H, W)."""

_LIGHT_STEPS = 1 << 13
_DARKEST = 0.01
_LOG_OF_LIGHT = np.log(np.maximum(np.arange(_LIGHT_STEPS + 2) / _LIGHT_STEPS, _DARKEST)).astype(np.float32)


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
    names: tuple[str, ...]
    """What is shown in turn."""

    def truth(self, time_us: int) -> str:
        """What can be seen at this time, as a person would type it; empty when nothing or too little."""

    def render(self, time_us: int, out: LogImage) -> Region:
        """Draw the light at this time into `out`, which holds the last picture; give the region that may differ."""

    def step_us(self, time_us: int) -> int:
        """How far the next picture may be from the one at this time, µs, to catch the motion between them."""


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
    background : float
        Shade of the ground, above 0 and up to 1.
    """

    period_us: int = 2_600_000
    enter_us: int = 400_000
    leave_us: int = 300_000
    size: float = 0.68
    pace: float = 0.65
    background: float = 0.25


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


class WavingScene:
    """Drawings that come near one after another, are waved, and go away again.

    Parameters
    ----------
    resolution : Resolution
    names : sequence of str
        Of `SHAPES`, in the order in which they appear, again and again; none: all of them.
    seed : int
        Decides how each is waved.
    style : WavingStyle

    Raises
    ------
    ValueError
        There is no drawing of a name.
    """

    def __init__(
        self, resolution: Resolution, names: Sequence[str] = (), seed: int = 0, style: WavingStyle | None = None
    ) -> None:
        self.resolution = resolution
        self.names = tuple(names) or tuple(SHAPES)
        for name in self.names:
            if name not in SHAPES:
                raise ValueError(f'The simulation has no object "{name}": choose from {", ".join(SHAPES)}.')
        self._seed = seed
        self._style = style or WavingStyle()
        self._half = self._style.size / 2 * min(resolution)
        self._textures: dict[str, Texture] = {}
        self._motion: tuple[int, _Motion] | None = None
        self._drawn: Region | None = None

    def truth(self, time_us: int) -> str:
        """Name, with its article, of the thing that is at least half way near; empty in between."""
        number, within = divmod(time_us, self._style.period_us)
        seen = self._style.enter_us // 2 <= within < self._style.period_us - self._style.leave_us // 2
        return label(self._name(number)) if seen else ""

    def render(self, time_us: int, out: LogImage) -> Region:
        """See `Scene.render`."""
        number = time_us // self._style.period_us
        pose = self._pose(time_us)
        region = pose.region(self.resolution)
        if self._drawn is None:
            out.fill(_log_of(self._style.background))
            changed = Region(0, 0, self.resolution.height, self.resolution.width)
        else:
            changed = region.joined(self._drawn)
        drawn = self._texture(self._name(number))
        if not changed.empty:
            _draw(out, *changed, *pose, drawn.cover, drawn.light, self._style.background, _LOG_OF_LIGHT)
        self._drawn = region
        return changed

    def step_us(self, time_us: int) -> int:
        """As long as it takes the fastest corner to go nearly two pixels, but 2 to 8 ms."""
        corners_now, corners_later = (_corners(self._pose(at)) for at in (time_us, time_us + 1000))
        fastest = float(np.hypot(*(corners_later - corners_now)).max())
        return int(np.clip(1000 * _PIXELS_A_STEP / max(fastest, 1e-3), _SHORTEST_US, _LONGEST_US))

    def _name(self, number: int) -> str:
        return self.names[number % len(self.names)]

    def _texture(self, name: str) -> Texture:
        """The drawing at about the size at which it is shown: made when it first appears."""
        if name not in self._textures:
            self._textures[name] = texture(SHAPES[name](), max(16, round(2.1 * self._half)))
        return self._textures[name]

    def _pose(self, time_us: int) -> Pose:
        number, within = divmod(time_us, self._style.period_us)
        if self._motion is None or self._motion[0] != number:
            self._motion = number, _Motion(np.random.default_rng([self._seed, number]))
        return self._motion[1].pose(within, self._style, self.resolution, self._half)


_PIXELS_A_STEP = 1.8
_FARTHEST = 0.02
_SHORTEST_US = 2_000
_LONGEST_US = 8_000


class _Motion:
    """One way of waving a thing: slow sines of its place, turn, narrowing and size."""

    def __init__(self, random: np.random.Generator) -> None:
        self._hertz = random.uniform([0.75, 1.0, 0.6, 0.5, 0.6], [1.05, 1.4, 0.95, 0.8, 0.9])
        self._phases = random.uniform(0, 2 * np.pi, 5)

    def pose(self, within_us: int, style: WavingStyle, resolution: Resolution, half: float) -> Pose:
        across, up, turn, narrow, size = np.sin(2 * np.pi * self._hertz * within_us / 1e6 + self._phases)
        near = min(_come(within_us, style.enter_us), _come(style.period_us - within_us, style.leave_us))
        return Pose(
            x=resolution.width / 2 + 0.10 * style.pace * resolution.width * across,
            y=resolution.height / 2 + 0.08 * style.pace * resolution.height * up,
            scale=half * near * (1 + 0.06 * style.pace * size),
            turn=0.24 * style.pace * turn,
            narrow=1 - 0.10 * style.pace * (1 + narrow),
        )


def _come(since_us: int, lasting_us: int) -> float:
    """How near a thing has come, almost 0 to 1, softly."""
    share = min(1.0, since_us / lasting_us)
    return _FARTHEST + (1 - _FARTHEST) * share * share * (3 - 2 * share)


def _corners(pose: Pose) -> npt.NDArray[np.float64]:
    """X and y of the drawing's four corners, (2, 4), px."""
    u = np.array([-1, 1, 1, -1]) * pose.narrow * pose.scale
    v = np.array([-1, -1, 1, 1]) * pose.scale
    cos, sin = np.cos(pose.turn), np.sin(pose.turn)
    return np.stack([pose.x + cos * u - sin * v, pose.y + sin * u + cos * v])


def _log_of(light: float) -> np.float32:
    return np.float32(_LOG_OF_LIGHT[round(light * _LIGHT_STEPS)])


@compiled
def _draw(
    out: LogImage,
    top: int,
    left: int,
    bottom: int,
    right: int,
    x: float,
    y: float,
    scale: float,
    turn: float,
    narrow: float,
    cover: npt.NDArray[np.float32],
    light: npt.NDArray[np.float32],
    background: float,
    log_of_light: npt.NDArray[np.float32],
) -> None:
    """Look up, bilinearly, what the drawing shows at each pixel's middle; around it lies the background."""
    size = cover.shape[0]
    texels = np.float32(size / 2)
    ground = np.float32(background)
    steps = np.float32(log_of_light.size - 2)
    nothing = log_of_light[int(ground * steps + np.float32(0.5))]
    along_u = np.float32(np.cos(turn) / (scale * narrow)) * texels
    down_u = np.float32(np.sin(turn) / (scale * narrow)) * texels
    along_v = np.float32(-np.sin(turn) / scale) * texels
    down_v = np.float32(np.cos(turn) / scale) * texels
    middle = texels - np.float32(0.5)
    last = np.float32(size - 1)
    for row in range(top, bottom):
        dy = np.float32(row + 0.5 - y)
        row_u = dy * down_u + middle
        row_v = dy * down_v + middle
        for column in range(left, right):
            dx = np.float32(column + 0.5 - x)  # from the pixel itself, so that the region makes no difference
            u = dx * along_u + row_u
            v = dx * along_v + row_v
            if u >= 0 and v >= 0 and u < last and v < last:
                i, j = int(v), int(u)
                a, b = v - np.float32(i), u - np.float32(j)
                upper, lower = np.float32(1) - a, a
                near, far = np.float32(1) - b, b
                covered = upper * (near * cover[i, j] + far * cover[i, j + 1]) + lower * (
                    near * cover[i + 1, j] + far * cover[i + 1, j + 1]
                )
                if covered > 0:
                    shown = upper * (near * light[i, j] + far * light[i, j + 1]) + lower * (
                        near * light[i + 1, j] + far * light[i + 1, j + 1]
                    )
                    shown += (np.float32(1) - covered) * ground
                    out[row, column] = log_of_light[int(shown * steps + np.float32(0.5))]
                else:
                    out[row, column] = nothing
            else:
                out[row, column] = nothing
