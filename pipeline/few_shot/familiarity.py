"""How much a window looks like what was taught. No torch.

A classifier only tells its classes from each other: of a window that shows none of them it says nothing, and its
logits have no common scale with those of other texts. So what was taught decides in so far as a window looks like the
examples:

    p(row) = φ · p_taught(row) + (1 - φ) · p_text(row)        φ = 1 / (1 + exp(4 (d - middle) / half))

with d = 1 - cosine between the window's feature and the nearest class mean of the examples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.shots import unit, window_features
from pipeline.prediction import Floats

LEAST_OWN = 0.05
"""Examples that were shown at one go are more alike than the thing will be later: less than this is not believed."""
FARTHER = 2.5
"""Where only one class has examples: so many times their own distance is half familiar."""


@dataclass(frozen=True)
class Familiarity:
    """What is needed to tell it.

    Attributes
    ----------
    means : float32 (M, C)
        Unit vectors: the mean direction of each class that has examples.
    middle, half : float
        Distance that is half familiar; from there to an example's own usual distance, which is 98 % familiar.
    """

    means: Floats
    middle: float
    half: float

    def of(self, features: Floats) -> float:
        """Give φ, 0 to 1, of one window's features (T, C)."""
        distance = 1 - float((self.means @ window_features(features[None])[0]).max())
        return 1 / (1 + math.exp(min(700.0, 4 * (distance - self.middle) / self.half)))


def familiarity_of(features: Floats, labels: npt.NDArray[np.int64]) -> Familiarity:
    """Learn from examples, (N, T, C) and (N,), what is familiar.

    Halfway between an example's distance to the mean of the others of its class and that to the nearest other class.
    """
    directions = window_features(features)
    known = np.unique(labels)
    sums = np.stack([directions[labels == label].sum(axis=0) for label in known])
    means = unit(sums)
    places = np.searchsorted(known, labels)
    counts = np.bincount(places)
    others = unit(sums[places] - directions)
    own = 1 - (others * directions).sum(axis=1)
    usual = max(LEAST_OWN, float(own[counts[places] > 1].mean()) if (counts > 1).any() else 0.0)
    middle = FARTHER * usual
    if len(known) > 1:
        cosines = directions @ means.T
        cosines[np.arange(len(places)), places] = -np.inf
        other = float(1 - cosines.max(axis=1).mean())
        middle = max((usual + other) / 2, usual + LEAST_OWN)
    return Familiarity(means, middle, middle - usual)
