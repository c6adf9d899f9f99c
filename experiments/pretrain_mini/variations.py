"""Other hands than those that drew: pictures bent, slanted, bolder, thinner, as line drawings, in other shades.

The sets draw a thing a few dozen times at most; what a network should learn of them is the thing and not the hand.
Strokes change by the signed distance to their contour, shades by a smooth curve.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from experiments.pretrain_mini.drawings import SIDE
from experiments.pretrain_mini.frames import Bytes, Floats, Pyramid
from experiments.pretrain_mini.hands import FILLED, OUTLINED

SIGNED_STEPS = 4
"""Signed distances are kept as int8 in quarters of a pixel: within the drawing positive."""
_FIELDS = 64
_COARSE = SIDE // 4
_LEAP = 40
"""Change of coverage and light between neighbours, of 510, that a pen would draw."""
_BENT, _WEIGHED, _SHADED = 0.6, 0.45, 0.5
"""Shares of the pictures that are bent, have another stroke weight or other shades."""
_LINED, _LINED_TINTED = 0.12, 0.4
"""Shares that are drawn by their lines alone: of the pictures of one colour, and of those with shades."""

BEND, SLANT, ASPECT, STROKE, LINE = range(5)
Signed = npt.NDArray[np.int8]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def signed_distance(planes: Bytes) -> Signed:
    """Give the distance of each pixel to the nearest line of a drawing, int8 (S, S), in 1/`SIGNED_STEPS` px.

    Lines are its contour and, within, where coverage or lightness leap: what a pen would draw of it.

    Parameters
    ----------
    planes : ndarray
        Coverage and lightness, uint8 (2, S, S).
    """
    from scipy import ndimage

    inked = planes[0] > 127
    within, without = ndimage.distance_transform_edt(inked), ndimage.distance_transform_edt(~inked)
    seen = planes[0].astype(np.int32) + planes[1].astype(np.int32) * planes[0] // 255
    leaps = ndimage.grey_dilation(seen, 3) - ndimage.grey_erosion(seen, 3) > _LEAP
    leaps &= within > 2.5
    if leaps.any():
        within = np.minimum(within, ndimage.distance_transform_edt(~leaps) + 0.5)
    distance = np.where(inked, within - 0.5, 0.5 - without)
    return np.asarray((distance * SIGNED_STEPS).round().clip(-127, 127), np.int8)


def make_fields(seed: int) -> Floats:
    """Give smooth random displacements, float32 (64, 2, 128, 128), with a largest value of 1."""
    rng = np.random.default_rng(seed)
    frequency = np.fft.fftfreq(SIDE) * SIDE
    radius = np.hypot(frequency[:, None], frequency[None])
    fields = np.empty((_FIELDS, 2, SIDE, SIDE), np.float32)
    for field in fields:
        window = np.exp(-0.5 * (radius / rng.uniform(1.0, 3.0)) ** 2)
        for plane in field:
            drawn = np.fft.ifft2(np.fft.fft2(rng.standard_normal((SIDE, SIDE))) * window).real
            drawn -= drawn.mean()
            plane[:] = drawn / np.abs(drawn).max()
    return fields


@dataclass(frozen=True)
class Variation:
    """How each of B pictures is varied."""

    numbers: Floats
    """Columns `BEND` (px), `SLANT` and `ASPECT` (shares), `STROKE` (px added to each side), `LINE` (half width
    of the lines that alone are drawn, px; 0: all is), float32 (B, 5)."""
    fields: Places
    """Which of the displacements, (B,)."""
    shades: Bytes
    """Curves of lightness, (B, 256)."""


def draw_variation(rng: np.random.Generator, signed: Signed, tinted: Flags) -> Variation:
    """Draw at random how pictures with these signed distances (B, S, S) are varied, `tinted` (B,) those with shades."""
    count = len(signed)
    numbers = np.zeros((count, 5), np.float32)
    bent = rng.random(count) < _BENT
    numbers[:, BEND] = np.where(bent, rng.uniform(1.0, 7.0, count), 0.0)
    numbers[:, SLANT] = np.where(bent, rng.normal(0, 0.1, count).clip(-0.25, 0.25), 0.0)
    numbers[:, ASPECT] = np.where(bent, rng.normal(0, 0.1, count).clip(-0.25, 0.25), 0.0)
    weighed = rng.random(count) < _WEIGHED
    heavier = tinted | (rng.random(count) < 0.5)  # thinner, a picture with shades would fall apart at its inner lines
    # A stroke's mean distance to its contour is a quarter of its width: half of each side may go.
    lightest = _mean_depth(signed)
    by = np.where(heavier, rng.uniform(0.5, 3.5, count), -rng.uniform(0.2, 0.8, count) * lightest.clip(0, 4))
    numbers[:, STROKE] = np.where(weighed, by, 0.0)
    lined = rng.random(count) < np.where(tinted, _LINED_TINTED, _LINED)
    numbers[:, LINE] = np.where(lined, rng.uniform(1.0, 3.5, count), 0.0)
    shades = np.tile(np.arange(256, dtype=np.uint8), (count, 1))
    for place in np.flatnonzero(rng.random(count) < _SHADED):
        shades[place] = _curve(rng)
    return Variation(numbers, rng.integers(_FIELDS, size=count), shades)


def varied_look(variation: Variation, look: Places) -> Places:
    """Say how the pictures look then: the lines of a filled drawing are an outlined one."""
    return np.where((variation.numbers[:, LINE] > 0) & (look == FILLED), OUTLINED, look)


def varied(pyramid: Pyramid, signed: Signed, which: Places, variation: Variation, fields: Floats) -> Pyramid:
    """Give these pictures varied, `which` (B,), as a pyramid of their own."""
    count = len(which)
    found = Pyramid(
        np.empty((count, 2, SIDE, SIDE), np.uint8),
        np.empty((count, 2, SIDE // 2, SIDE // 2), np.uint8),
        np.empty((count, 2, SIDE // 4, SIDE // 4), np.uint8),
        np.empty((count, _COARSE, _COARSE), np.uint8),
    )
    large, distance = np.asarray(pyramid.large[which]), np.asarray(pyramid.distance[which])
    _vary(large, np.asarray(signed[which]), distance, variation.numbers, fields, variation.fields,
          variation.shades, *found)  # fmt: skip
    return found


def _mean_depth(signed: Signed) -> npt.NDArray[np.float64]:
    inside = np.maximum(signed, 0).astype(np.float64)
    return np.asarray(inside.sum((1, 2)) / np.maximum((signed > 0).sum((1, 2)), 1) / SIGNED_STEPS)


def _curve(rng: np.random.Generator) -> Bytes:
    """Give lightness as another smooth function of lightness, not always rising."""
    level = np.linspace(0, 1, 256)
    power = level ** np.exp(rng.normal(0, 0.6))
    if rng.random() < 0.4:
        power = 1 - power
    waves = 0.5 + 0.5 * np.cos(np.pi * rng.uniform(0.5, 3.0) * level + rng.uniform(0, 2 * np.pi))
    share = rng.uniform(0, 0.5)
    low = rng.uniform(0, 0.35)
    high = rng.uniform(low + 0.5, 1.0)
    mixed = (1 - share) * power + share * waves
    mixed = (mixed - mixed.min()) / (mixed.max() - mixed.min())
    return np.asarray((low + (high - low) * mixed) * 255, np.uint8)


@numba.njit(cache=True, inline="always")
def _at(plane: npt.NDArray[np.generic], x: float, y: float, outside: float) -> float:
    if x < 0.0 or y < 0.0 or x >= SIDE - 1 or y >= SIDE - 1:
        return outside
    i, j = int(x), int(y)
    a, b = x - i, y - j
    top = plane[j, i] * (1 - a) + plane[j, i + 1] * a
    bottom = plane[j + 1, i] * (1 - a) + plane[j + 1, i + 1] * a
    return float(top * (1 - b) + bottom * b)


@numba.njit(cache=True, nogil=True)
def _vary(
    large: Bytes, signed: Signed, distance: Bytes, numbers: Floats, fields: Floats, chosen: Places, shades: Bytes,
    out_large: Bytes, out_middle: Bytes, out_small: Bytes, out_distance: Bytes,
) -> None:  # fmt: skip
    middle = SIDE * 0.5
    for sample in range(len(large)):
        bend, slant, aspect = numbers[sample, BEND], numbers[sample, SLANT], numbers[sample, ASPECT]
        stroke, line = numbers[sample, STROKE], numbers[sample, LINE]
        field, curve = fields[chosen[sample]], shades[sample]
        wide, high = 1.0 + max(aspect, 0.0), 1.0 + max(-aspect, 0.0)
        # What is slanted, bent or bolder needs more room in the square.
        room = 1.0 + (abs(slant) * 64.0 + 0.5 * bend + max(stroke, 0.0) + line) / 64.0 * 0.6
        for row in range(SIDE):
            for column in range(SIDE):
                fx, fy = (column + 0.5 - middle) * room, (row + 0.5 - middle) * room
                x = (fx + slant * fy) * wide + middle - 0.5 + bend * field[0, row, column]
                y = fy * high + middle - 0.5 + bend * field[1, row, column]
                coverage = _at(large[sample, 0], x, y, 0.0)
                if stroke != 0.0 or line > 0.0:
                    away = _at(signed[sample], x, y, -127.0) / SIGNED_STEPS
                    if line > 0.0:
                        coverage = min(max(line - abs(away) + 0.5, 0.0), 1.0) * 255.0
                    elif stroke > 0.0:
                        coverage = max(coverage, min(max(away + stroke + 0.5, 0.0), 1.0) * 255.0)
                    else:
                        coverage = min(coverage, min(max(away + stroke + 0.5, 0.0), 1.0) * 255.0)
                out_large[sample, 0, row, column] = np.uint8(coverage + 0.5)
                inside_x, inside_y = min(max(x, 0.0), SIDE - 1.001), min(max(y, 0.0), SIDE - 1.001)
                light = _at(large[sample, 1], inside_x, inside_y, 0.0)
                out_large[sample, 1, row, column] = curve[int(light + 0.5)]
        changed = abs(stroke) + line + 2.0
        for row in range(_COARSE):
            for column in range(_COARSE):
                fx, fy = (column * 4 + 2.0 - middle) * room, (row * 4 + 2.0 - middle) * room
                x = (fx + slant * fy) * wide + middle + bend * field[0, row * 4 + 2, column * 4 + 2]
                y = fy * high + middle + bend * field[1, row * 4 + 2, column * 4 + 2]
                i = min(max(int(x * 0.25), 0), _COARSE - 1)
                j = min(max(int(y * 0.25), 0), _COARSE - 1)
                out_distance[sample, row, column] = np.uint8(max(0.0, distance[sample, j, i] * 0.6 - changed))
        _halve(out_large[sample], out_middle[sample])
        _halve(out_middle[sample], out_small[sample])


@numba.njit(cache=True, nogil=True)
def _halve(planes: Bytes, out: Bytes) -> None:
    for plane in range(2):
        for row in range(out.shape[1]):
            for column in range(out.shape[2]):
                r, c = 2 * row, 2 * column
                total = np.int32(planes[plane, r, c]) + planes[plane, r, c + 1]
                total += np.int32(planes[plane, r + 1, c]) + planes[plane, r + 1, c + 1]
                out[plane, row, column] = np.uint8((total + 2) >> 2)
