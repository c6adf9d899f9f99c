"""Pictures in which a thing is there twice: what "two stars" means."""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

from experiments.pretrain_mini.drawings import SIDE
from experiments.pretrain_mini.frames import Pyramid
from experiments.pretrain_mini.pictures import halved


def twins(pyramid: Pyramid, which: npt.NDArray[np.int64], rng: np.random.Generator) -> Pyramid:
    """Put each of these pictures twice into one, side by side at half its size, at random heights."""
    small = SIDE // 2
    large = np.zeros((len(which), 2, SIDE, SIDE), np.uint8)
    heights = rng.integers(0, small + 1, (len(which), 2))
    for row, picture in enumerate(which.tolist()):
        for column, top in enumerate(heights[row].tolist()):
            place = slice(column * small, (column + 1) * small)
            large[row, :, top : top + small, place] = pyramid.middle[picture]
    middle = halved(large)
    near = np.zeros((len(which), *pyramid.distance.shape[1:]), np.uint8)  # an edge may be anywhere
    return Pyramid(large, middle, halved(middle), near)


@cache
def plural(name: str) -> str:
    """Give the plural of a thing's name."""
    import inflect

    return inflect.engine().plural_noun(name) or name
