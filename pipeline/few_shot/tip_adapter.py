"""Tip-Adapter: a cache of the examples beside the texts, without any training (Zhang et al., arXiv 2111.03930)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.classifier import FewShotClassifier, TrainingWatch, shaped
from pipeline.few_shot.shots import Shots, window_features
from pipeline.few_shot.zero_shot import mean_cosines
from pipeline.prediction import Floats


@dataclass(frozen=True)
class TipAdapterSettings:
    """The two numbers of the method.

    Attributes
    ----------
    alpha : float
        Weight of the examples beside the texts.
    beta : float
        Sharpness: how fast the weight of an example falls with its distance.
    """

    alpha: float = 1.0
    beta: float = 5.5


class TipAdapter(FewShotClassifier):
    """s · cosine with the text + α Σ exp(-β (1 - cosine with an example)) over the class's examples."""

    name = "tip"
    Settings = TipAdapterSettings
    _keys: npt.NDArray[np.float32]
    _labels: npt.NDArray[np.int64]

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        self._keys, self._labels = window_features(shots.features), shots.labels
        return []

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        by_text: npt.NDArray[np.floating] = self.scale * mean_cosines(windows, self.prompts)
        nearness = np.exp(-self.settings.beta * (1 - window_features(windows) @ self._keys.T))
        classes = np.eye(len(self.prompts), dtype=np.float32)[self._labels]
        by_example: npt.NDArray[np.floating] = self.settings.alpha * nearness @ classes
        return by_text + by_example

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"keys": self._keys, "labels": self._labels}

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        labels = np.asarray(arrays["labels"], np.int64)
        self._labels = shaped({"labels": labels}, "labels", (labels.size,))
        if labels.size and (labels.min() < 0 or labels.max() >= len(self.prompts)):
            raise ValueError("labels are beyond the classes")
        self._keys = np.asarray(shaped(arrays, "keys", (labels.size, self.prompts.shape[1])), np.float32)
