"""Zero-shot: the classes' texts alone; examples are not looked at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from pipeline.clip import checked_weights
from pipeline.few_shot.classifier import FewShotClassifier, TrainingWatch
from pipeline.few_shot.shots import Shots, unit
from pipeline.prediction import Floats


@dataclass(frozen=True)
class ZeroShotSettings:
    """How cosines become logits.

    Attributes
    ----------
    scaling : "window" or "reference"
        s · mean cosine, as the window shows it, or with NeuroCLIP's √T beside s. The order of classes is the same.
    timestep_weights : T floats, optional
        Weights of the timesteps in the mean, oldest first (NeuroCLIP's post-search).
    """

    scaling: Literal["window", "reference"] = "window"
    timestep_weights: tuple[float, ...] | None = None


class ZeroShot(FewShotClassifier):
    """The mean over the timesteps of the cosine between frame and text."""

    name = "zero-shot"
    Settings = ZeroShotSettings

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        return []

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        timesteps = windows.shape[1]
        factor = self.scale * (math.sqrt(timesteps) if self.settings.scaling == "reference" else 1.0)
        return factor * mean_cosines(windows, self.prompts, self.settings.timestep_weights)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        return None


def mean_cosines(windows: Floats, prompts: Floats, timestep_weights: tuple[float, ...] | None = None) -> Floats:
    """Give each window's mean cosine with each text, (N, T, C) and (K, C) to (N, K)."""
    frames = unit(windows)
    if timestep_weights is None:
        means = frames.mean(axis=1)
    else:
        weights = np.asarray(checked_weights(timestep_weights, windows.shape[1]), np.float32)
        means = np.einsum("ntc,t->nc", frames, weights)
    return np.asarray(means @ unit(prompts).T, np.float32)
