"""Examples seen a little differently: rotated, flipped and sheared, as the reference trains its adapter.

A window is turned as a whole, so that its motion stays one motion. The copies are encoded once, like the examples.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.prediction import NO_EVENT
from pipeline.preprocessing import Frames, checked_frames

MAX_ROTATION_DEG, MAX_SHEAR_DEG = 10.0, 5.0
FLIPPED_SHARE = 0.5


def augmented(frames: npt.ArrayLike, random: np.random.Generator, *, flip: bool = True) -> Frames:
    """Give a window's frames as they might have been seen as well.

    Parameters
    ----------
    frames : uint8 (T, H, W)
    random : numpy.random.Generator
    flip : bool
        Left and right may be exchanged; to be left out where classes differ by it (letters, directions).

    Returns
    -------
    uint8 (T, H, W)
        The nearest pixel's value each, so that only 127, 255 and 0 occur; 127 from outside.

    Raises
    ------
    ValueError
        The frames have another shape or type.
    """
    array = checked_frames(frames)
    turned = math.radians(random.uniform(-MAX_ROTATION_DEG, MAX_ROTATION_DEG))
    sheared = math.tan(math.radians(random.uniform(-MAX_SHEAR_DEG, MAX_SHEAR_DEG)))
    mirrored = bool(random.random() < FLIPPED_SHARE) and flip
    _, height, width = array.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x -= (width - 1) / 2
    y -= (height - 1) / 2
    if mirrored:
        x = -x
    x = x + sheared * y
    source_x = np.rint(math.cos(turned) * x + math.sin(turned) * y + (width - 1) / 2).astype(np.int64)
    source_y = np.rint(math.cos(turned) * y - math.sin(turned) * x + (height - 1) / 2).astype(np.int64)
    inside = (source_x >= 0) & (source_x < width) & (source_y >= 0) & (source_y < height)
    seen = array[:, source_y.clip(0, height - 1), source_x.clip(0, width - 1)]
    return np.where(inside, seen, np.uint8(NO_EVENT))
