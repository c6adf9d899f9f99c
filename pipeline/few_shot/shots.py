"""The examples that a classifier is taught with, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.errors import FewShotError
from pipeline.prediction import Floats

LENGTH_FLOOR = 1e-12
"""Vectors are not divided by less than this."""


@dataclass(frozen=True)
class Shots:
    """Examples of K classes.

    Attributes
    ----------
    features : float32 (N, T, C)
        CLIP features of the N windows' frames, not normalised.
    labels : int64 (N,)
        The class of each window, 0 to K - 1. A class may have no example.
    prompts : float32 (K, C)
        Text feature of each class, of any length.
    """

    features: Floats
    labels: npt.NDArray[np.int64]
    prompts: Floats

    @property
    def classes(self) -> int:
        """K."""
        return len(self.prompts)

    @property
    def per_class(self) -> tuple[int, ...]:
        """How many examples each class has."""
        return tuple(int(count) for count in np.bincount(self.labels, minlength=self.classes))


def checked_shots(features: npt.ArrayLike, labels: npt.ArrayLike, prompts: npt.ArrayLike) -> Shots:
    """Give the examples as arrays of one shape and type.

    Raises
    ------
    ValueError
        Shapes that do not fit together, labels out of range.
    FewShotError
        Features that are no numbers.
    """
    texts = np.ascontiguousarray(prompts, np.float32)
    if texts.ndim != 2 or not texts.size:
        raise ValueError(f"prompts are (K, C) with K and C from 1, not {texts.shape}.")
    windows = checked_windows(features, texts.shape[1])
    classes = np.asarray(labels)
    if classes.shape != (len(windows),) or (classes.size and classes.dtype.kind not in "iu"):
        raise ValueError(f"labels are {len(windows)} integers, one a window, not {classes.dtype} {classes.shape}.")
    if classes.size and (classes.min() < 0 or classes.max() >= len(texts)):
        raise ValueError(f"labels are from 0 to {len(texts) - 1}, as there are {len(texts)} prompts.")
    for name, array in (("examples", windows), ("prompts", texts)):
        if not np.isfinite(array).all():
            raise FewShotError(f"Features of the {name} are no numbers (NaN or infinite): encode them in fp32.")
    return Shots(windows, classes.astype(np.int64), texts)


def checked_windows(features: npt.ArrayLike, width: int) -> Floats:
    """Give features as float32 (N, T, C); raises ValueError where they are not."""
    windows = np.ascontiguousarray(features, np.float32)
    if windows.ndim != 3 or windows.shape[2] != width or not windows.shape[1]:
        raise ValueError(f"features are (N, T, {width}) with T from 1, not {windows.shape}.")
    return windows


def unit(vectors: Floats) -> Floats:
    """Give the vectors along the last axis with length 1; a vector of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, LENGTH_FLOOR), np.float32)


def window_features(features: Floats) -> Floats:
    """Give one unit vector a window, (N, T, C) to (N, C): the mean over its timesteps of the frames' directions.

    The mean has no order: what depends on motion is lost in it.
    """
    return unit(unit(features).mean(axis=1))
