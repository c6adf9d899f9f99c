"""Made features: windows of classes that are easy or hard to tell apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class MadeWindows:
    """Features (N, T, C), labels (N,), prompts (K, C)."""

    features: Floats
    labels: npt.NDArray[np.int64]
    prompts: Floats


def clusters(classes: int = 4, each: int = 6, *, timesteps: int = 5, width: int = 128, seed: int = 0) -> MadeWindows:
    """Classes around directions of their own, the same for every seed; prompts that point there only roughly."""
    world = np.random.default_rng(1)
    centres = world.normal(size=(classes, width))
    prompts = centres + 8 * world.normal(size=centres.shape)
    random = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), each)
    noise = random.normal(size=(len(labels), timesteps, width))
    features = 0.5 * (centres[labels][:, None] + 1.5 * noise)  # as long as those of a CLIP
    return MadeWindows(features.astype(np.float32), labels, prompts.astype(np.float32))
