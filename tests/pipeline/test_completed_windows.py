"""The inference thread with an encoder that does not keep up: what was left out is encoded while no frames come."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

import pipeline as nc
from pipeline.few_shot.shown import ShownWindow
from pipeline.prediction import EventFrame, Floats, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.worker import RecognitionWorker
from tests.pipeline.test_worker import PATIENCE_S, Heard, request
from tests.pipeline.tiny_clip import WaitingFrames, save_folder, some_frames

T = 5
PROMPTS = PromptList.of(["star", "cup"], PRESETS["plain"])


@dataclass
class Encoder:
    """The image encoder of all models: counts its calls; one of them waits, or fails."""

    calls: list[int] = field(default_factory=list)
    holds: int = 0
    """The call that waits, counted from 1."""
    fails_from: int = 10**6
    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def __call__(self, model: nc.ClipModel, frames: npt.NDArray[np.uint8], normalisation: str, view: str) -> Floats:
        self.calls.append(len(frames))
        if len(self.calls) >= self.fails_from:
            raise RuntimeError("a driver hiccuped")
        if len(self.calls) == self.holds:
            self.reached.set()
            assert self.opened.wait(PATIENCE_S)
        return frame_features(model, frames, normalisation, view)


frame_features = nc.ClipModel.frame_features


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> Encoder:
    made = Encoder()
    monkeypatch.setattr(nc.ClipModel, "frame_features", lambda *given: made(*given))
    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_folder(folder / "first")
    return folder


@pytest.fixture
def feed() -> WaitingFrames:
    return WaitingFrames()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def worker(feed: WaitingFrames, heard: Heard, models: Path, encoder: Encoder) -> Iterator[RecognitionWorker]:
    worker = RecognitionWorker(
        feed, on_prediction=heard.add, on_model_state=heard.add, on_notice=heard.add, timesteps=T
    )
    worker.set_prompts(PROMPTS)
    worker.start()
    worker.load_model(request(models, "first"))
    heard.wait_ready("first")
    encoder.calls.clear()
    yield worker
    encoder.opened.set()
    assert worker.stop(PATIENCE_S)


def lasting(frames: list[EventFrame], each_us: int) -> list[EventFrame]:
    """Give frames of timesteps so long, complete right now: 1 µs is less than any encoder needs, an hour is more."""
    now_ns = time.monotonic_ns()
    return [
        replace(frame, start_us=frame.index * each_us, end_us=(frame.index + 1) * each_us, completed_ns=now_ns)
        for frame in frames
    ]


def fast_stream(count: int, first: int = 0) -> list[EventFrame]:
    return lasting(some_frames(count, first=first), 1)


def exact_cosines(models: Path, frames: list[EventFrame], texts: list[str]) -> Floats:
    model = nc.load_model(f"local-dir:{models / 'first'}", device="cpu", precision="fp32")
    f = frame_features(model, np.stack([frame.pixels for frame in frames]))
    return nc.mean_cosine(f, model.text_features([f"a photo of a {text}" for text in texts]))


def complete(heard: Heard, end_us: int) -> Prediction:
    """Wait until this window was judged with all its timesteps encoded."""
    return heard.wait_prediction(lambda prediction: (prediction.end_us, prediction.encoded) == (end_us, T))


@pytest.mark.parametrize("ends", [False, True])
def test_a_window_that_stays_is_completed_and_judged_once_more(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path, encoder: Encoder, ends: bool
) -> None:
    frames = fast_stream(T)
    feed.put(frames)
    if ends:
        worker.stream_ended()
    last = complete(heard, T)
    assert [prediction.encoded for prediction in heard.predictions] == [1, T]
    assert encoder.calls == [1] * T
    assert last.cosines == pytest.approx(exact_cosines(models, frames, ["star", "cup"]), abs=1e-5)
    assert last.latency_ms == 0


def test_an_encoder_that_keeps_up_judges_each_window_once(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, encoder: Encoder
) -> None:
    hour_us = 3_600_000_000
    frames = lasting(some_frames(T + 3), hour_us)
    feed.put(frames[:T])
    heard.wait_prediction()
    for frame in frames[T:]:
        feed.put([frame])
        heard.wait_prediction(lambda prediction, end_us=frame.end_us: prediction.end_us == end_us)  # type: ignore[misc]
    assert all(prediction.encoded == T for prediction in heard.predictions)
    assert sum(encoder.calls) == T + 3
    ends = [prediction.end_us for prediction in heard.predictions]
    assert len(ends) == len(set(ends))


def test_new_frames_go_before_what_was_left_out(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path, encoder: Encoder
) -> None:
    encoder.holds = 3
    frames = fast_stream(T + 2)
    feed.put(frames[:T])
    assert encoder.reached.wait(PATIENCE_S)  # two of the first window are encoded, and the third is under way
    feed.put(frames[T:])
    encoder.opened.set()
    last = complete(heard, T + 2)
    assert [(p.end_us, p.encoded) for p in heard.predictions] == [(T, 1), (T + 2, 4), (T + 2, T)]
    assert encoder.calls == [1] * 5  # number 5 alone was left out
    assert last.cosines == pytest.approx(exact_cosines(models, frames[2:], ["star", "cup"]), abs=1e-5)


def test_new_prompts_are_judged_before_the_window_is_complete(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path, encoder: Encoder
) -> None:
    encoder.holds = 3
    frames = fast_stream(T)
    feed.put(frames)
    assert encoder.reached.wait(PATIENCE_S)
    worker.set_prompts(PromptList.of(["fish", "dog"], PRESETS["plain"]))
    encoder.opened.set()
    last = complete(heard, T)
    assert [(p.labels[0], p.encoded) for p in heard.predictions] == [("star", 1), ("fish", 3), ("fish", T)]
    assert last.cosines == pytest.approx(exact_cosines(models, frames, ["fish", "dog"]), abs=1e-5)


def test_another_view_is_judged_at_once_and_completed(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    feed.put(fast_stream(T))
    complete(heard, T)
    worker.set_view("fit")
    heard.wait(lambda: [prediction.encoded for prediction in heard.predictions] == [1, T, 1, T])


def test_something_else_is_judged_beside_a_window_that_is_completed(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    feed.put(fast_stream(T))
    complete(heard, T)
    worker.set_something_else(True)
    feed.put(fast_stream(2, first=T))
    last = heard.wait_prediction(lambda p: (p.end_us, p.encoded, len(p.labels)) == (T + 2, T, 3))
    assert last.labels[-1] == "something else"


def test_what_is_taught_is_what_was_judged(worker: RecognitionWorker, heard: Heard, feed: WaitingFrames) -> None:
    shown: list[ShownWindow] = []
    worker.watch_windows(shown.append)
    feed.put(fast_stream(T))
    complete(heard, T)
    (window,) = shown
    assert window.features.shape[0] == T
    assert (window.features == window.features[-1]).all()


def test_a_failure_while_completing_is_told_once_and_not_tried_over_and_over(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, encoder: Encoder
) -> None:
    encoder.fails_from = 2
    feed.put(fast_stream(T))
    heard.wait(lambda: heard.notices)
    worker.set_prompts(PromptList.of(["fish"], PRESETS["plain"]))
    heard.wait_prediction(lambda prediction: prediction.labels == ("fish",))
    assert encoder.calls == [1, 1]
    encoder.fails_from = 10**6
    feed.put(fast_stream(1, first=T))
    complete(heard, T + 1)
    assert len(heard.notices) == 1
