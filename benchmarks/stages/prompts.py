"""A prompt typed beside many others, until it stands in a prediction."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pipeline as nc
from benchmarks.frame_feed import WaitingFrames, made_frames
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from benchmarks.random_models import random_folder
from pipeline.model_choice import BUNDLED
from pipeline.prediction import ModelState, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from pipeline.worker import ModelRequest, RecognitionWorker

TITLE = "A prompt typed, until it stands in the next prediction"
PATIENCE_S = 300.0


def measure(effort: Effort) -> StageResult:
    """Add one prompt to 100, with the bundled model and, unless quick, ViT-B-32."""
    present = effort.size(100, 3)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in (BUNDLED.name,) if effort.quick else (BUNDLED.name, "ViT-B-32"):
            place = BUNDLED if name == BUNDLED.name else random_folder(name, Path(folder) / name)
            model = f"local-dir:{place}"
            with _Typing(model, present) as own:
                contenders = [
                    Contender(OWN, own.type_one),
                    Contender("encoding all prompts again", _all_again(model, present)),
                ]
                figures += compare(
                    f"{name}, {present} prompts present",
                    contenders,
                    effort,
                    unit="ms",
                    of_seconds=lambda seconds: seconds * 1e3,
                    more_is_better=False,
                )
    return StageResult(TITLE, tuple(figures))


def _rows(count: int, more: int = 0) -> tuple[str, ...]:
    return (*(f"a thing number {number}" for number in range(count)), *(f"a new thing {n}" for n in range(more)))


class _Typing:
    """The inference thread at work on a stream, and somebody who types."""

    def __init__(self, model: str, present: int) -> None:
        self._present, self._typed = present, 0
        self._news = threading.Condition()
        self._newest: Prediction | None = None
        self._state = ModelState("none")
        self._feed = WaitingFrames()
        self._worker = RecognitionWorker(
            self._feed, on_prediction=self._predicted, on_model_state=self._changed, on_notice=lambda text: None
        )
        self._model = model

    def __enter__(self) -> _Typing:
        self._worker.start()
        self._worker.set_prompts(PromptList.of(_rows(self._present), PRESETS["plain"]))
        self._worker.load_model(ModelRequest(self._model, device="cpu"))
        self._feed.put(made_frames(10))
        self._wait_for(self._present)
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.stop()

    def type_one(self) -> float:
        """Type one more prompt than before; gives the seconds until it is judged."""
        self._typed += 1
        prompts = PromptList.of(_rows(self._present, self._typed), PRESETS["plain"])
        start = time.perf_counter()
        self._worker.set_prompts(prompts)
        self._wait_for(self._present + self._typed)
        return time.perf_counter() - start

    def _wait_for(self, labels: int) -> None:
        def there() -> bool:
            if self._state.status == "failed":
                raise RuntimeError(self._state.message)
            return self._newest is not None and len(self._newest.labels) == labels

        with self._news:
            if not self._news.wait_for(there, PATIENCE_S):
                raise RuntimeError("The prompt never stood in a prediction.")

    def _predicted(self, prediction: Prediction) -> None:
        with self._news:
            self._newest = prediction
            self._news.notify_all()

    def _changed(self, state: ModelState) -> None:
        with self._news:
            self._state = state
            self._news.notify_all()


def _all_again(name: str, present: int) -> Callable[[], None]:
    model = nc.load_model(name, device="cpu", deterministic=False)
    frames = made_frames(10)

    def run() -> None:
        recogniser = Recogniser(model)  # knows no text yet
        recogniser.set_prompts(PromptList.of(_rows(present, 1), PRESETS["plain"]))
        recogniser.push(frames)

    return run
