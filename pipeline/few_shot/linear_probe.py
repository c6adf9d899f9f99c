"""Linear probe: multinomial logistic regression on the windows' features, texts not looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.classifier import FewShotClassifier, TrainingProgress, TrainingWatch, shaped
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.shots import LENGTH_FLOOR, Shots, window_features
from pipeline.prediction import Floats

Numbers: TypeAlias = npt.NDArray[np.float64]
SLOPE = 1e-7
"""Where no coordinate of the gradient is steeper, the minimum is found."""


@dataclass(frozen=True)
class LinearProbeSettings:
    """How the regression is regularised and found.

    Attributes
    ----------
    inverse_penalty : float
        C of the objective C · Σ cross-entropy + ½ ‖W‖², for features whose coordinates have deviation 1.
    steps : int
        At most so many of L-BFGS.
    """

    inverse_penalty: float = 0.1
    steps: int = 100


class LinearProbe(FewShotClassifier):
    """Logistic regression on window features that were centred and scaled by the examples' own mean and spread."""

    name = "probe"
    Settings = LinearProbeSettings
    _weight: npt.NDArray[np.float32]
    _bias: npt.NDArray[np.float32]
    _centre: npt.NDArray[np.float32]
    _spread: float
    _known: npt.NDArray[np.bool_]

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        if not len(shots.labels):
            raise FewShotError("Nothing can be taught without an example: capture at least one.")
        directions = window_features(shots.features)
        self._centre = directions.mean(axis=0)
        self._spread = max(float(np.square(directions - self._centre).mean() ** np.float32(0.5)), LENGTH_FLOOR)
        self._known = np.asarray(shots.per_class) > 0
        inputs = ((directions - self._centre) / self._spread).astype(np.float64)
        known = np.flatnonzero(self._known)
        targets = np.searchsorted(known, shots.labels)
        found = _regress(inputs, targets, len(known), self.settings, watch)
        self._weight = np.zeros((shots.classes, inputs.shape[1]), np.float32)
        self._bias = np.zeros(shots.classes, np.float32)
        self._weight[known], self._bias[known] = found.weight, found.bias
        return found.losses

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        inputs = (window_features(windows) - self._centre) / self._spread
        return np.where(self._known, inputs @ self._weight.T + self._bias, -np.inf)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        return {
            "weight": self._weight,
            "bias": self._bias,
            "centre": self._centre,
            "spread": np.array([self._spread], np.float32),
            "known": self._known.astype(np.uint8),
        }

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        classes, width = self.prompts.shape
        self._weight = np.asarray(shaped(arrays, "weight", (classes, width)), np.float32)
        self._bias = np.asarray(shaped(arrays, "bias", (classes,)), np.float32)
        self._centre = np.asarray(shaped(arrays, "centre", (width,)), np.float32)
        self._spread = float(shaped(arrays, "spread", (1,))[0])
        self._known = shaped(arrays, "known", (classes,)) > 0


@dataclass(frozen=True)
class _Regression:
    weight: npt.NDArray[np.float64]
    bias: npt.NDArray[np.float64]
    losses: list[float]


def _regress(
    inputs: Numbers, targets: npt.NDArray[np.intp], classes: int, settings: LinearProbeSettings, watch: TrainingWatch
) -> _Regression:
    """Minimise the objective, which has one minimum, from zero; in float64."""
    from scipy.optimize import minimize  # as long to import as the program takes to open its window

    count, width = inputs.shape
    one_hot = np.eye(classes)[targets]
    losses: list[float] = []

    def objective(flat: Numbers) -> tuple[float, Numbers]:
        weight, bias = _parted(flat, classes, width)
        logits = inputs @ weight.T + bias
        logits -= logits.max(axis=1, keepdims=True)
        log_shares = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        error = -float((one_hot * log_shares).sum()) / count
        strength = 1 / (settings.inverse_penalty * count)
        wrong = (np.exp(log_shares) - one_hot) / count
        slope = np.concatenate([(wrong.T @ inputs + strength * weight).ravel(), wrong.sum(axis=0)])
        losses.append(error)
        watch.report(TrainingProgress(min(len(losses), settings.steps), settings.steps, error))
        return error + strength * float(np.square(weight).sum()) / 2, slope

    options = {"maxiter": settings.steps, "maxfun": 2 * settings.steps, "ftol": 0.0, "gtol": SLOPE}
    found = minimize(objective, np.zeros(classes * (width + 1)), method="L-BFGS-B", jac=True, options=options)
    return _Regression(*_parted(found.x, classes, width), losses)


def _parted(flat: Numbers, classes: int, width: int) -> tuple[Numbers, Numbers]:
    """Give weights, (K, C), and biases, (K,), that lie one after the other."""
    return flat[: classes * width].reshape(classes, width), flat[classes * width :]
