"""One interface for everything that tells classes apart by features of windows."""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.errors import TrainingCancelled
from pipeline.few_shot.shots import Shots, checked_shots, checked_windows
from pipeline.prediction import Floats

WINDOWS_TOGETHER = 1024
"""Judged in one call at most, so that a large data set does not fill the memory."""


@dataclass(frozen=True)
class TrainingProgress:
    """How far a training is.

    Attributes
    ----------
    done, total : int
        Epochs, or steps of an optimiser.
    loss : float
        Mean over the last epoch.
    """

    done: int
    total: int
    loss: float


OnProgress: TypeAlias = Callable[[TrainingProgress], None]
"""Called on the training's thread."""


@dataclass(frozen=True)
class TrainingFigures:
    """What can be said of a training afterwards.

    Attributes
    ----------
    shots : tuple of int
        Examples of each class.
    losses : tuple of float
        The loss curve, one value an epoch; empty where nothing is optimised.
    accuracy : float or None
        Share of the examples themselves that come out right; None without any.
    seconds : float
    """

    shots: tuple[int, ...] = ()
    losses: tuple[float, ...] = ()
    accuracy: float | None = None
    seconds: float = 0.0


@dataclass(frozen=True)
class TrainingWatch:
    """One training, as those see it who wait for it: progress outwards, the wish to stop inwards."""

    on_progress: OnProgress | None = None
    cancel: threading.Event | None = None

    def report(self, progress: TrainingProgress) -> None:
        """Tell how far it is.

        Raises
        ------
        TrainingCancelled
        """
        self.stop_if_cancelled()
        if self.on_progress is not None:
            self.on_progress(progress)

    def stop_if_cancelled(self) -> None:
        if self.cancel is not None and self.cancel.is_set():
            raise TrainingCancelled


class NotFittedError(RuntimeError):
    """A classifier was asked before it was taught."""


class FewShotClassifier(ABC):
    """Tells K classes apart by the features of a window's frames. Belongs to one thread at a time.

    Attributes
    ----------
    name : str
        Short name of the method, for files and command lines.
    scale : float
        s = exp(logit_scale) of the CLIP whose features it gets.
    settings : frozen data class
        Numbers of the method, with defaults.
    figures : TrainingFigures
        Of the last `fit`.
    """

    name: ClassVar[str]
    Settings: ClassVar[type[Any]]

    def __init__(self, scale: float, settings: Any = None) -> None:
        self.scale = float(scale)
        self.settings = self.Settings() if settings is None else settings
        self.figures = TrainingFigures()
        self._prompts: Floats | None = None

    # --- what is asked ---

    @property
    def prompts(self) -> Floats:
        """Text feature of each class, float32 (K, C)."""
        if self._prompts is None:
            raise NotFittedError(f"{self.name} was not taught anything yet.")
        return self._prompts

    def fit(
        self,
        features: npt.ArrayLike,
        labels: npt.ArrayLike,
        prompts: npt.ArrayLike,
        *,
        on_progress: OnProgress | None = None,
        cancel: threading.Event | None = None,
    ) -> Self:
        """Learn K classes from examples. A training that fails or is cancelled leaves the classifier as it was.

        Parameters
        ----------
        features : float (N, T, C)
            CLIP features of the frames of N windows, not normalised.
        labels : int (N,)
            0 to K - 1.
        prompts : float (K, C)
            Text feature of each class.
        on_progress : callable, optional
            Given a `TrainingProgress` after each epoch.
        cancel : threading.Event, optional
            Ends the training within an epoch after it is set.

        Raises
        ------
        ValueError
            Shapes that do not fit, labels out of range.
        FewShotError
            Features that are no numbers, or too few examples for this method.
        TrainingCancelled
        """
        shots = checked_shots(features, labels, prompts)
        watch = TrainingWatch(on_progress, cancel)
        watch.stop_if_cancelled()
        begun = time.perf_counter()
        before = self.__dict__.copy()
        try:
            self._prompts = shots.prompts
            losses = self._fit(shots, watch)
        except BaseException:
            self.__dict__.update(before)
            raise
        seconds = time.perf_counter() - begun
        self.figures = TrainingFigures(shots.per_class, tuple(losses), seconds=seconds)
        if len(shots.labels):
            right = self.logits(shots.features).argmax(1) == shots.labels
            self.figures = replace(self.figures, accuracy=float(right.mean()))
        return self

    def logits(self, features: npt.ArrayLike) -> Floats:
        """Give a logit for each class.

        Parameters
        ----------
        features : float (T, C) or (N, T, C)
            Of one window, or of several.

        Returns
        -------
        float32 (K,) or (N, K)
            Minus infinity for a class that the method cannot know, having no example of it.

        Raises
        ------
        ValueError
            Features of another shape.
        NotFittedError
        """
        array = np.asarray(features, np.float32)
        windows = checked_windows(array[None] if array.ndim == 2 else array, self.prompts.shape[1])
        parts = [windows[start : start + WINDOWS_TOGETHER] for start in range(0, len(windows), WINDOWS_TOGETHER)]
        logits = np.concatenate([np.asarray(self._logits(part), np.float32) for part in parts or [windows]])
        return logits[0] if array.ndim == 2 else logits

    def probabilities(self, features: npt.ArrayLike) -> Floats:
        """Give the softmax of the logits, float32 (K,) or (N, K)."""
        logits = self.logits(features).astype(np.float64)
        powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=-1, keepdims=True), np.float32)

    # --- what a method is ---

    @abstractmethod
    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        """Learn; gives the loss curve."""

    @abstractmethod
    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        """Give logits (N, K) for features (N, T, C)."""

    @abstractmethod
    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """Give what was learnt, by name, prompts aside; enough for `restore`."""

    @abstractmethod
    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take what `arrays` gave.

        Raises
        ------
        ValueError, KeyError
            Arrays are missing or have another shape.
        """

    def restore(self, prompts: Floats, arrays: Mapping[str, npt.NDArray[Any]], figures: TrainingFigures) -> Self:
        """Be what was saved.

        Raises
        ------
        ValueError, KeyError
            Arrays are missing or have another shape.
        """
        self._prompts = checked_shots(np.empty((0, 1, prompts.shape[-1])), np.empty(0, np.int64), prompts).prompts
        self._restore(arrays)
        self.figures = figures
        return self


def shaped(arrays: Mapping[str, npt.NDArray[Any]], name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Give the array of this name; raises ValueError where it has another shape, KeyError where there is none."""
    array = arrays[name]
    if array.shape != shape or not np.isfinite(array).all():
        raise ValueError(f"{name} is {array.shape} and not {shape}, or holds what is no number")
    return array
