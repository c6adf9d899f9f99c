"""Areas of one shade, and their anti-aliased picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.compiled import compiled

Points: TypeAlias = npt.NDArray[np.float64]
"""A closed line, shape (n, 2), x to the right and y down."""

_FINE = 4
"""Samples a texel across and down."""


@dataclass(frozen=True)
class Area:
    """What lies inside an odd number of closed lines, in one shade.

    Attributes
    ----------
    shade : float
        Share of the light that is thrown back, above 0 and up to 1.
    outlines : tuple of float64 arrays (n, 2)
    """

    shade: float
    outlines: tuple[Points, ...]


Drawing: TypeAlias = tuple[Area, ...]
"""Areas in the order in which they are painted, within −1 to 1."""


@dataclass(frozen=True)
class Texture:
    """A drawing as a square picture.

    Attributes
    ----------
    cover : float32 (n, n)
        Share of the texel that the drawing covers, 0 to 1.
    light : float32 (n, n)
        Light thrown back by that share.
    """

    cover: npt.NDArray[np.float32]
    light: npt.NDArray[np.float32]


def polygon(*points: tuple[float, float]) -> Points:
    """A closed line through these points."""
    return np.array(points, np.float64)


def ellipse(x: float, y: float, radius_x: float, radius_y: float | None = None, corners: int = 96) -> Points:
    """An ellipse, or a circle where one radius is given."""
    angles = np.linspace(0.0, 2 * np.pi, corners, endpoint=False)
    return np.stack([x + radius_x * np.cos(angles), y + (radius_y or radius_x) * np.sin(angles)], axis=-1)


def arc(x: float, y: float, radius_x: float, radius_y: float, first: float, last: float, corners: int = 48) -> Points:
    """Part of an ellipse from one angle (degrees, 0 to the right, 90 down) to another: an open line."""
    angles = np.radians(np.linspace(first, last, corners))
    return np.stack([x + radius_x * np.cos(angles), y + radius_y * np.sin(angles)], axis=-1)


def curve(*control: tuple[float, float], corners: int = 32) -> Points:
    """A Bézier curve with these control points: an open line."""
    points = np.array(control, np.float64)[:, None, :]
    at = np.linspace(0.0, 1.0, corners)[None, :, None]
    while len(points) > 1:
        points = points[:-1] * (1 - at) + points[1:] * at
    result: Points = np.broadcast_to(points[0], (corners, 2)).copy()
    return result


def joined(*lines: Points) -> Points:
    """One closed line along all of these."""
    return np.concatenate(lines)


def rounded(points: Points, radius: float) -> Points:
    """A closed line with its corners rounded, each up to half of its shorter side."""
    corners = []
    for before, corner, after in zip(np.roll(points, 1, axis=0), points, np.roll(points, -1, axis=0), strict=True):
        sides = before - corner, after - corner
        lengths = [float(np.hypot(*side)) for side in sides]
        reach = min(radius, *(length / 2 for length in lengths))
        first, last = (corner + side * (reach / length) for side, length in zip(sides, lengths, strict=True))
        corners.append(curve(tuple(first), tuple(corner), tuple(last), corners=12))
    return joined(*corners)


def area(shade: float, *outlines: Points) -> Area:
    """What lies inside an odd number of these closed lines."""
    return Area(shade, outlines)


def stroke(shade: float, line: Points, width: float) -> tuple[Area, ...]:
    """An open line drawn with a round pen."""
    pieces: list[Area] = []
    for start, end in pairwise(line):
        along = end - start
        length = float(np.hypot(*along))
        if length == 0:
            continue
        side = np.array([-along[1], along[0]]) * (width / 2 / length)
        pieces.append(Area(shade, (np.array([start + side, end + side, end - side, start - side]),)))
    pieces += [Area(shade, (ellipse(x, y, width / 2, corners=24),)) for x, y in line]
    return tuple(pieces)


def texture(drawing: Drawing, size: int) -> Texture:
    """Paint a drawing, −1 to 1 across `size` texels, with 16 samples a texel."""
    fine = size * _FINE
    shades = np.zeros((fine, fine), np.float32)
    for each in drawing:
        sides = np.concatenate([_sides(outline) for outline in each.outlines])
        _paint(shades, (sides + 1) * (fine / 2), np.float32(each.shade))
    blocks = shades.reshape(size, _FINE, size, _FINE)
    cover = np.asarray((blocks > 0).mean(axis=(1, 3)), np.float32)
    return Texture(cover, blocks.mean(axis=(1, 3), dtype=np.float32))


def mirrored(points: Points) -> Points:
    """The line on the other side of the vertical axis."""
    other_side: Points = points * np.array([-1.0, 1.0])
    return other_side


def drawing(*parts: Area | Sequence[Area]) -> Drawing:
    """Areas and strokes, one after another."""
    return tuple(each for part in parts for each in ([part] if isinstance(part, Area) else part))


def _sides(outline: Points) -> Points:
    """The sides of a closed line, (n, 4): x and y of both ends."""
    return np.concatenate([outline, np.roll(outline, -1, axis=0)], axis=1)


@compiled
def _paint(shades: npt.NDArray[np.float32], sides: npt.NDArray[np.float64], shade: np.float32) -> None:
    """Set the samples inside an odd number of lines, row by row."""
    rows, columns = shades.shape
    top = min(sides[:, 1].min(), sides[:, 3].min())
    bottom = max(sides[:, 1].max(), sides[:, 3].max())
    crossings = np.empty(len(sides))
    for row in range(max(int(top), 0), min(int(bottom) + 1, rows)):
        y = row + 0.5
        found = 0
        for i in range(len(sides)):
            x0, y0, x1, y1 = sides[i]
            if (y0 <= y) != (y1 <= y):
                crossings[found] = x0 + (y - y0) / (y1 - y0) * (x1 - x0)
                found += 1
        ordered = np.sort(crossings[:found])
        for pair in range(0, found - 1, 2):
            first = max(int(np.ceil(ordered[pair] - 0.5)), 0)
            last = min(int(np.ceil(ordered[pair + 1] - 0.5)), columns)
            for column in range(first, last):
                shades[row, column] = shade
