"""What can be shown: a drawing of this program, polygons, or a grey picture, each with the word for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.simulation.drawing import Drawing, Texture, texture
from pipeline.simulation.shapes import SHAPES, WHITE, label

Bitmap: TypeAlias = npt.NDArray[Any]
"""How much ink each pixel has, (h, w): bool, uint8 (255: all), or float 0 to 1."""

_MARGIN = 0.95
"""A picture's longer side, as a share of its square: what is at the edge is softened too."""
_FEW_TEXELS = 12
_SOFT_TEXELS = 6.0
"""A picture of few pixels that is enlarged gets its edges back, about as soft as this."""
_EDGE = 0.4
"""That much ink is where its edges are."""


@dataclass(frozen=True)
class Thing:
    """Something to show.

    Attributes
    ----------
    label : str
        As a person would type it.
    picture : Drawing, Texture or Bitmap
        Areas within −1 to 1 (`pipeline.simulation.drawing`); cover and light; or ink on nothing.
    """

    label: str
    picture: Drawing | Texture | Bitmap


def thing(what: str | Thing | Drawing | Texture | Bitmap, name: str = "") -> Thing:
    """Make something that a scene can show.

    Parameters
    ----------
    what : str, Drawing, Texture or Bitmap
        The name of a drawing in `SHAPES`, areas, cover and light, or a picture of ink such as a handwritten digit.
    name : str
        Its label; of a drawing in `SHAPES` its name with the article by default.

    Raises
    ------
    ValueError
        There is no drawing of that name, or the picture is empty or of another shape.
    """
    if isinstance(what, Thing):
        return what
    if isinstance(what, str):
        if what not in SHAPES:
            raise ValueError(f'The simulation has no object "{what}": choose from {", ".join(SHAPES)}.')
        return Thing(name or label(what), SHAPES[what]())
    if isinstance(what, np.ndarray) and (what.ndim != 2 or not what.size):
        raise ValueError(f"A picture of ink has rows and columns, not the shape {what.shape}.")
    return Thing(name, what)


def texture_of(what: Thing, size: int) -> Texture:
    """Paint a thing as a square of `size` texels."""
    picture = what.picture
    if isinstance(picture, Texture):
        cover, light = (_fitted(values, size) for values in (picture.cover, picture.light))
        return Texture(cover, light)
    if isinstance(picture, np.ndarray):
        ink = np.clip(picture.astype(np.float32) / np.float32(255 if picture.dtype == np.uint8 else 1), 0, 1)
        cover = _fitted(ink, size)
        steeper = max(1.0, _MARGIN * size / max(ink.shape) / _SOFT_TEXELS)  # so few pixels that it would look blurred
        cover = np.clip((cover - np.float32(_EDGE)) * np.float32(steeper) + np.float32(_EDGE), 0, 1)
        return Texture(cover, cover * np.float32(WHITE))
    return texture(picture, size)


class Levels:
    """A texture in several sizes, each half as large as the one before: far away, a smaller one is looked at."""

    def __init__(self, largest: Texture) -> None:
        self._levels = [largest]
        while len(self._levels[-1].cover) >= 2 * _FEW_TEXELS:
            self._levels.append(_halved(self._levels[-1]))

    def at(self, scale: float) -> Texture:
        """Give the one for a thing whose half is `scale` px: of at most two texels a pixel, where there is one."""
        for level in self._levels:
            if len(level.cover) <= 4 * scale:
                return level
        return self._levels[-1]


def dark_on_light(picture: Texture) -> Texture:
    """Give the picture with its shades turned round: what was lighter than its ground is as much darker."""
    cover = picture.cover
    shade = np.divide(picture.light, cover, out=np.full_like(cover, 0.5), where=cover > 0)
    return Texture(cover, cover * turned_round(shade))


def turned_round(shade: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Turn the logarithm of shades round, so that contrasts stay: 0.92 becomes 0.12, and 0.12 becomes 0.92."""
    turned = np.clip(np.float32(_TURNING) / np.maximum(shade, np.float32(0.02)), 0.01, 1)
    return np.asarray(turned, np.float32)


_TURNING = 0.11


def _fitted(picture: npt.NDArray[np.float32], size: int) -> npt.NDArray[np.float32]:
    """Scale a picture into a square, its middle in the middle; what is of one value inside it stays so."""
    rows, columns = picture.shape
    texels_a_pixel = _MARGIN * size / max(rows, columns)
    down, across = (_even_resampling(count, size, texels_a_pixel) for count in (rows, columns))
    fitted: npt.NDArray[np.float32] = (down @ picture.astype(np.float64) @ across.T).astype(np.float32)
    return np.clip(fitted, 0, 1)


def _resampling(count: int, size: int, texels_a_pixel: float) -> npt.NDArray[np.float64]:
    """Weights (size, count) of the old samples for each new one: a soft curve up, a mean down."""
    at = (np.arange(size) + 0.5 - size / 2) / texels_a_pixel + count / 2 - 0.5
    away = np.abs(at[:, None] - np.arange(count)[None, :])
    weights: npt.NDArray[np.float64]
    if texels_a_pixel >= 1:  # the cubic B-spline: nothing rings
        near, far = (4 - 6 * away**2 + 3 * away**3) / 6, np.clip(2 - away, 0, None) ** 3 / 6
        weights = np.where(away < 1, near, far)
    else:
        weights = np.clip(1 - away * texels_a_pixel, 0, None) * texels_a_pixel
    return weights


def _even_resampling(count: int, size: int, texels_a_pixel: float) -> npt.NDArray[np.float64]:
    """The same, but each mean is over weights that come to 1, those of samples beyond the edge counted."""
    beyond = int(np.ceil(size / texels_a_pixel)) + 2
    weights = _resampling(count + 2 * beyond, size, texels_a_pixel)
    inside: npt.NDArray[np.float64] = (weights / weights.sum(axis=1, keepdims=True))[:, beyond : beyond + count]
    return inside


def _halved(picture: Texture) -> Texture:
    count = len(picture.cover)
    weights = _resampling(count, count // 2, (count // 2) / count)

    def smaller(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        result: npt.NDArray[np.float32] = (weights @ values.astype(np.float64) @ weights.T).astype(np.float32)
        return result

    return Texture(smaller(picture.cover), smaller(picture.light))
