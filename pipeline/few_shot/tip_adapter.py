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

ALPHAS = tuple(0.25 * 2**step for step in range(13))
BETAS = (1.0, 2.0, 4.0, 5.5, 8.0, 16.0, 32.0, 64.0)
"""What the search tries."""


@dataclass(frozen=True)
class TipAdapterSettings:
    """The two numbers of the method.

    Attributes
    ----------
    alpha : float
        Weight of the examples beside the texts.
    beta : float
        Sharpness: how fast the weight of an example falls with its distance.
    search : bool
        Find both on the examples themselves, each judged by the others, where every class has two at least; the paper
        finds them on validation samples.
    """

    alpha: float = 1.0
    beta: float = 5.5
    search: bool = False


class TipAdapter(FewShotClassifier):
    """s · cosine with the text + α Σ exp(-β (1 - cosine with an example)) over the class's examples."""

    name = "tip"
    Settings = TipAdapterSettings
    _keys: npt.NDArray[np.float32]
    _labels: npt.NDArray[np.int64]
    _alpha: float
    _beta: float

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        keys, alpha, beta = window_features(shots.features), self.settings.alpha, self.settings.beta
        if self.settings.search and min(shots.per_class) > 1:
            by_text = self.scale * mean_cosines(shots.features, shots.prompts)
            alpha, beta = _searched(keys, shots.labels, by_text, watch)
        self._keys, self._labels, self._alpha, self._beta = keys, shots.labels, alpha, beta
        return []

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        by_text: npt.NDArray[np.floating] = self.scale * mean_cosines(windows, self.prompts)
        nearness = np.exp(-self._beta * (1 - window_features(windows) @ self._keys.T))
        classes = np.eye(len(self.prompts), dtype=np.float32)[self._labels]
        by_example: npt.NDArray[np.floating] = self._alpha * nearness @ classes
        return by_text + by_example

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"keys": self._keys, "labels": self._labels, "alpha_beta": np.array([self._alpha, self._beta])}

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        labels = np.asarray(arrays["labels"], np.int64)
        self._labels = shaped({"labels": labels}, "labels", (labels.size,))
        if labels.size and (labels.min() < 0 or labels.max() >= len(self.prompts)):
            raise ValueError("labels are beyond the classes")
        self._keys = np.asarray(shaped(arrays, "keys", (labels.size, self.prompts.shape[1])), np.float32)
        self._alpha, self._beta = shaped(arrays, "alpha_beta", (2,)).tolist()


def _searched(
    keys: Floats, labels: npt.NDArray[np.int64], by_text: Floats, watch: TrainingWatch
) -> tuple[float, float]:
    """Find the α and β with which each example is told best from all the others: least cross-entropy."""
    distance = 1 - keys @ keys.T
    classes = np.eye(by_text.shape[1], dtype=np.float32)[labels]
    best = (np.inf, 0.0, 0.0)
    for beta in BETAS:
        watch.stop_if_cancelled()
        nearness = np.exp(-beta * distance)
        np.fill_diagonal(nearness, 0)
        by_example = nearness @ classes
        for alpha in ALPHAS:
            logits = by_text + alpha * by_example
            most = logits.max(axis=1)
            right = logits[np.arange(len(labels)), labels]
            loss = float((most + np.log(np.exp(logits - most[:, None]).sum(axis=1)) - right).mean())
            best = min(best, (loss, alpha, beta))
    return best[1:]
