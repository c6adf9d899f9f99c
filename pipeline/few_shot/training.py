"""Training on the user's examples in a thread of its own, while the stream goes on. Importing this imports no torch."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.classifier import FewShotClassifier, TrainingProgress
from pipeline.few_shot.errors import FewShotError, TrainingCancelled
from pipeline.few_shot.examples import Examples
from pipeline.few_shot.familiarity import familiarity_of
from pipeline.few_shot.shown import RowTexts
from pipeline.few_shot.taught import FeatureSetting, TaughtClass, TaughtClasses, misfit
from pipeline.model_errors import first_line
from pipeline.prediction import Floats

PROBE_FROM = 4
"""Examples of each class."""
FEATURE_LENGTH = 3.0
"""The adapter learns beside the features, faster beside short ones; CLIPs give about 10, other encoders anything."""


@dataclass(frozen=True)
class TrainingResult:
    """How a training ended: with something taught, with a sentence for the user, or (both None) cancelled."""

    taught: TaughtClasses | None = None
    message: str | None = None


@dataclass(frozen=True)
class Lesson:
    """Everything that a training depends on.

    Attributes
    ----------
    features : float32 (N, T, C)
    labels : int64 (N,)
    classes : tuple of TaughtClass, length K
    texts : float32 (K, C)
    scale : float
        s = exp(logit_scale).
    setting : FeatureSetting
    """

    features: Floats
    labels: npt.NDArray[np.int64]
    classes: tuple[TaughtClass, ...]
    texts: Floats
    scale: float
    setting: FeatureSetting


OnResult: TypeAlias = Callable[[TrainingResult], None]


class Training:
    """One training in the background.

    Parameters
    ----------
    examples : Examples
        Those of rows that are not judged any more are left out.
    texts : RowTexts
        The classes: all rows that are judged, whether they have examples or not.
    setting : FeatureSetting
        What the features of the running stream are.
    method : str or None
        A name of `METHODS`. None: what `method_for` names.
    on_progress, on_result : callable
        Called on the training's thread; the result once, at the end.
    """

    def __init__(
        self,
        examples: Examples,
        texts: RowTexts,
        setting: FeatureSetting,
        *,
        on_progress: Callable[[TrainingProgress], None],
        on_result: OnResult,
        method: str | None = None,
    ) -> None:
        self._examples, self._texts, self._setting, self._method = examples, texts, setting, method
        self._on_progress, self._on_result = on_progress, on_result
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, name="teaching", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """End it within an epoch."""
        self._cancel.set()

    def join(self, timeout: float) -> bool:
        """Wait for its end; False where it has not ended in time."""
        if self._thread.is_alive():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            result = TrainingResult(taught=self._taught())
        except TrainingCancelled:
            result = TrainingResult()
        except FewShotError as error:
            result = TrainingResult(message=str(error))
        except (RuntimeError, MemoryError, ValueError) as error:
            # torch's own words for memory and devices; the stream goes on with what was there.
            result = TrainingResult(message=f"The training failed ({first_line(error)}): use fewer examples.")
        self._on_result(result)

    def _taught(self) -> TaughtClasses:
        places = {row.id: place for place, row in enumerate(self._texts.rows)}
        used = [example for example in self._examples.all if example.row in places]
        if not used:
            raise FewShotError("No class has an example yet: hold Teach on a class and show it.")
        for example in used:
            if reason := misfit(example.setting, self._setting):
                raise FewShotError(f"An example does not fit any more: {reason}.")
        labels = np.array([places[example.row] for example in used])
        lesson = Lesson(
            features=np.stack([example.features for example in used]),
            labels=labels,
            classes=tuple(TaughtClass(row.label, row.prompts) for row in self._texts.rows),
            texts=self._texts.features,
            scale=self._texts.scale,
            setting=replace(self._setting),
        )
        return taught_by(lesson, self._method, on_progress=self._on_progress, cancel=self._cancel)


def taught_by(
    lesson: Lesson,
    method: str | None = None,
    *,
    on_progress: Callable[[TrainingProgress], None] | None = None,
    cancel: threading.Event | None = None,
) -> TaughtClasses:
    """Train: the same lesson and method give the same outcome, in the window and from the command line.

    Parameters
    ----------
    lesson : Lesson
    method : str or None
        See `Training`.

    Raises
    ------
    FewShotError, TrainingCancelled
    """
    from pipeline.few_shot.methods import make_classifier

    name = method or method_for(np.bincount(lesson.labels, minlength=len(lesson.classes)).tolist())
    settings = {"feature_length": FEATURE_LENGTH} if name == "adapter" else {}
    classifier: FewShotClassifier = make_classifier(name, lesson.scale, **settings)
    classifier.fit(lesson.features, lesson.labels, lesson.texts, on_progress=on_progress, cancel=cancel)
    familiarity = familiarity_of(lesson.features, lesson.labels)
    return TaughtClasses(classifier, lesson.classes, lesson.setting, familiarity)


def method_for(counts: list[int]) -> str:
    """Name the method for classes with so many examples each: what serves new things best (`experiments.teaching`).

    With few examples the nearest class mean, which cannot go far astray; with more the linear probe. NeuroCLIP's
    adapter is as good from eight examples on, and takes a hundred times as long.
    """
    return "probe" if len(counts) > 1 and min(counts) >= PROBE_FROM else "mean"
