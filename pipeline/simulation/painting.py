"""Paints things on a ground, in light, and takes the logarithm: the compiled loops."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.compiled import compiled

Light = npt.NDArray[np.float32]
"""Light at each pixel, 0 to 1, float32 (H, W)."""
LIGHT_STEPS = 1 << 13
_DARKEST = 0.01
LOG_OF_LIGHT = np.log(np.maximum(np.arange(LIGHT_STEPS + 2) / LIGHT_STEPS, _DARKEST)).astype(np.float32)


@compiled
def paint_plain(light: Light, top: int, left: int, bottom: int, right: int, shade: float) -> None:
    """Cover a region with one shade."""
    light[top:bottom, left:right] = np.float32(shade)


@compiled
def paint_ground(
    light: Light, top: int, left: int, bottom: int, right: int, ground: Light, shift_x: float, shift_y: float
) -> None:
    """Cover a region with a ground that repeats, moved by so many px (bilinear)."""
    rows, columns = ground.shape
    whole_x, whole_y = int(np.floor(shift_x)), int(np.floor(shift_y))
    b, a = np.float32(shift_x - whole_x), np.float32(shift_y - whole_y)
    one = np.float32(1)
    for row in range(top, bottom):
        i = (row - whole_y) % rows
        before_i = (i - 1) % rows
        for column in range(left, right):
            j = (column - whole_x) % columns
            shade = ground[i, j]
            if a != 0 or b != 0:
                before_j = (j - 1) % columns
                near = (one - b) * shade + b * ground[i, before_j]
                far = (one - b) * ground[before_i, j] + b * ground[before_i, before_j]
                shade = (one - a) * near + a * far
            light[row, column] = shade


@compiled
def paint_thing(
    light: Light,
    top: int,
    left: int,
    bottom: int,
    right: int,
    x: float,
    y: float,
    scale: float,
    turn: float,
    narrow: float,
    cover: Light,
    thrown_back: Light,
    opacity: float,
) -> None:
    """Lay a thing over what is there: look up, bilinearly, what it shows at each pixel's middle."""
    size = cover.shape[0]
    texels, strength = np.float32(size / 2), np.float32(opacity)
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
                    shown = upper * (near * thrown_back[i, j] + far * thrown_back[i, j + 1]) + lower * (
                        near * thrown_back[i + 1, j] + far * thrown_back[i + 1, j + 1]
                    )
                    through = np.float32(1) - strength * covered
                    light[row, column] = strength * shown + through * light[row, column]


@compiled
def take_logarithm(
    light: Light, top: int, left: int, bottom: int, right: int, log_of_light: Light, out: npt.NDArray[np.float32]
) -> None:
    """Give the natural logarithm of the light in a region."""
    steps = np.float32(log_of_light.size - 2)
    for row in range(top, bottom):
        for column in range(left, right):
            out[row, column] = log_of_light[int(light[row, column] * steps + np.float32(0.5))]
