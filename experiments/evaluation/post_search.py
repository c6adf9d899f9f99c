"""Weights of the timesteps that suit a data set: the reference's post-search.

The reference tries every combination of four weights for ten timesteps, on the test samples. Here one timestep's weight
is changed at a time until none gets better, on training samples: the test stays a test.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.shots import unit
from pipeline.prediction import Floats

WEIGHTS = (0.25, 0.5, 0.75, 1.0)
MOST_ROUNDS = 20


def search_timestep_weights(features: Floats, labels: npt.NDArray[np.int64], prompts: Floats) -> tuple[float, ...]:
    """Find weights with which most of the windows are named rightly.

    Parameters
    ----------
    features : float32 (n, T, C)
    labels : int64 (n,)
    prompts : float32 (K, C)

    Returns
    -------
    T floats from `WEIGHTS`
        All 1 where nothing is better than that.
    """
    cosines = unit(features) @ unit(prompts).T
    weights = np.ones(cosines.shape[1], np.float32)
    best = _right(cosines, weights, labels)
    for _ in range(MOST_ROUNDS):
        before = best
        for timestep in range(len(weights)):
            for weight in WEIGHTS:
                tried = weights.copy()
                tried[timestep] = weight
                right = _right(cosines, tried, labels)
                if right > best:
                    best, weights = right, tried
        if best == before:
            break
    return tuple(weights.tolist())


def _right(cosines: Floats, weights: Floats, labels: npt.NDArray[np.int64]) -> int:
    return int((np.einsum("ntk,t->nk", cosines, weights).argmax(axis=1) == labels).sum())
