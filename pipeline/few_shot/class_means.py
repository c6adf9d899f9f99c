"""Nearest class mean: a window belongs to the class whose examples lie nearest on average."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.classifier import FewShotClassifier, TrainingWatch, shaped
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.shots import Shots, unit, window_features
from pipeline.prediction import Floats


@dataclass(frozen=True)
class ClassMeanSettings:
    """There is nothing to set."""


class NearestClassMean(FewShotClassifier):
    """s · cosine between a window and the mean direction of a class's examples; texts are not looked at."""

    name = "mean"
    Settings = ClassMeanSettings
    _means: Floats
    _known: npt.NDArray[np.bool_]

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        if not len(shots.labels):
            raise FewShotError("Nothing can be taught without an example: capture at least one.")
        directions = window_features(shots.features)
        counts = np.asarray(shots.per_class)
        sums = np.zeros((shots.classes, directions.shape[1]), np.float64)
        np.add.at(sums, shots.labels, directions)
        self._means = unit(np.asarray(sums / np.maximum(counts, 1)[:, None], np.float32))
        self._known = counts > 0
        return []

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        logits = self.scale * window_features(windows) @ self._means.T
        return np.where(self._known, logits, -np.inf)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {"means": self._means, "known": self._known.astype(np.uint8)}

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        self._means = np.asarray(shaped(arrays, "means", self.prompts.shape), np.float32)
        self._known = shaped(arrays, "known", self.prompts.shape[:1]) > 0
