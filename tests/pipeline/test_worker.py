"""The inference thread, with real models, real threads and a feed within this process."""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

import pipeline as nc
from pipeline import vit_graph_clip
from pipeline.model_errors import Following
from pipeline.prediction import EventFrame, Floats, ModelState, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.torch_clip import TorchClip
from pipeline.worker import ModelRequest, RecognitionWorker, WorkerState
from tests.pipeline.tiny_clip import WaitingFrames, renumbered, save_folder, some_frames, tiny_config

T = 4
PATIENCE_S = 60.0
PROMPTS = PromptList.of(["star", "cup"], PRESETS["plain"])


@dataclass
class Heard:
    """Everything that a worker has said, in order; a test waits until something is there."""

    items: list[Prediction | ModelState | str | Mapping[int, str]] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, item: Prediction | ModelState | str | Mapping[int, str]) -> None:
        with self.changed:
            self.items.append(item)
            self.changed.notify_all()

    @property
    def predictions(self) -> list[Prediction]:
        return [item for item in self.items if isinstance(item, Prediction)]

    @property
    def states(self) -> list[ModelState]:
        return [item for item in self.items if isinstance(item, ModelState)]

    @property
    def notices(self) -> list[str]:
        return [item for item in self.items if isinstance(item, str)]

    def wait(self, condition: Callable[[], object]) -> None:
        with self.changed:
            assert self.changed.wait_for(condition, PATIENCE_S), f"heard so far: {self.items}"

    def wait_ready(self, name: str) -> ModelState:
        self.wait(lambda: any(state.status == "ready" and state.name == name for state in self.states))
        return self.states[-1]

    def wait_prediction(self, condition: Callable[[Prediction], object] = lambda prediction: True) -> Prediction:
        self.wait(lambda: any(condition(prediction) for prediction in self.predictions))
        return next(prediction for prediction in reversed(self.predictions) if condition(prediction))


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    save_folder(folder / "first", seed=0)
    save_folder(folder / "second", seed=1)
    return folder


@pytest.fixture
def feed() -> WaitingFrames:
    return WaitingFrames()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def worker(feed: WaitingFrames, heard: Heard) -> Iterator[RecognitionWorker]:
    worker = RecognitionWorker(
        feed, on_prediction=heard.add, on_model_state=heard.add, on_notice=heard.add, timesteps=T
    )
    worker.set_prompts(PROMPTS)
    worker.start()
    yield worker
    assert worker.stop(PATIENCE_S)


@pytest.fixture
def ready(worker: RecognitionWorker, heard: Heard, models: Path) -> RecognitionWorker:
    """A worker with the first model."""
    worker.load_model(request(models, "first"))
    heard.wait_ready("first")
    return worker


def request(models: Path, name: str) -> ModelRequest:
    return ModelRequest(f"local-dir:{models / name}", device="cpu", precision="fp32")


@dataclass
class Gate:
    """A tokenizer's or an encoder's call that waits; shows that other things go on meanwhile."""

    reached: threading.Event = field(default_factory=threading.Event)
    opened: threading.Event = field(default_factory=threading.Event)

    def wait(self, *_: object) -> None:
        self.reached.set()
        assert self.opened.wait(PATIENCE_S)


# --- models ---


def test_a_model_is_loaded_with_progress_and_reported_ready(
    worker: RecognitionWorker, heard: Heard, models: Path
) -> None:
    worker.load_model(request(models, "first"))
    ready = heard.wait_ready("first")
    assert (ready.tag, ready.device, ready.precision, ready.trained) == ("folder", "cpu", "fp32", True)
    loading = heard.states[:-1]
    assert loading
    assert all(state.status == "loading" and state.message for state in loading)


def test_a_failure_keeps_the_model_there_was(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path
) -> None:
    ready.load_model(ModelRequest("ViT-B-33"))
    heard.wait(lambda: heard.states[-1].status == "failed")
    assert "ViT-B-32" in heard.states[-1].message
    feed.put(some_frames(T))
    assert heard.wait_prediction().labels == ("star", "cup")


def test_predictions_go_on_with_the_old_model_until_the_new_one_takes_over(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = some_frames(T + 2)
    feed.put(frames[:T])
    before = heard.wait_prediction()
    gate = Gate()
    monkeypatch.setattr(vit_graph_clip, "check_weights_file", gate.wait)
    ready.load_model(request(models, "second"))
    assert gate.reached.wait(PATIENCE_S)
    feed.put(frames[T : T + 1])
    heard.wait_prediction(lambda prediction: prediction.end_us == frames[T].end_us)
    gate.opened.set()
    heard.wait_ready("second")
    # Nothing more comes in, and still the last window is judged by the new model, with all its frames encoded anew.
    heard.wait(lambda: heard.items.index(heard.states[-1]) < len(heard.items) - 1)
    after = heard.predictions[-1]
    assert after.end_us == frames[T].end_us
    assert np.abs(after.cosines - before.cosines).max() > 1e-3
    second = nc.load_model(f"local-dir:{models / 'second'}", device="cpu")
    f = second.encode_frames(np.stack([frame.pixels for frame in frames[1 : T + 1]]))
    g = second.encode_texts(["a photo of a star", "a photo of a cup"])
    assert after.cosines == pytest.approx(nc.mean_cosine(f, g).numpy(), abs=1e-4)


def test_frames_seen_before_there_was_a_model_are_judged_when_it_is_ready(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path
) -> None:
    frames = some_frames(T + 3)
    feed.put(frames)
    worker.load_model(request(models, "first"))
    assert heard.wait_prediction().end_us == frames[-1].end_us


def test_cancelling_says_what_is_in_use_and_nothing_more_of_what_was_loading(
    ready: RecognitionWorker, heard: Heard, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(vit_graph_clip, "check_weights_file", gate.wait)
    ready.load_model(request(models, "second"))
    assert gate.reached.wait(PATIENCE_S)
    ready.cancel_loading()
    assert (heard.states[-1].status, heard.states[-1].name) == ("ready", "first")
    said = len(heard.states)
    gate.opened.set()
    monkeypatch.undo()
    ready.load_model(request(models, "first"))
    heard.wait(lambda: heard.states[-1].status == "ready" and len(heard.states) > said)
    assert all(str(models / "first") in state.name or state.name == "first" for state in heard.states[said:])


def test_cancelling_the_first_model_leaves_none(
    worker: RecognitionWorker, heard: Heard, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(vit_graph_clip, "check_weights_file", gate.wait)
    worker.load_model(request(models, "first"))
    assert gate.reached.wait(PATIENCE_S)
    worker.cancel_loading()
    assert heard.states[-1].status == "none"
    gate.opened.set()


def test_cancelling_nothing_says_nothing(ready: RecognitionWorker, heard: Heard) -> None:
    said = len(heard.states)
    ready.cancel_loading()
    assert len(heard.states) == said


def test_the_newest_request_wins(worker: RecognitionWorker, heard: Heard, models: Path) -> None:
    for name in ("first", "second", "first", "second"):
        worker.load_model(request(models, name))
    heard.wait_ready("second")
    assert [state.name for state in heard.states if state.status == "ready"] == ["second"]


# --- predictions ---


def test_a_prediction_for_each_window_while_frames_come_slowly(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    frames = some_frames(T + 3)
    for frame in frames:
        feed.put([replace(frame, completed_ns=time.monotonic_ns())])
        if frame.index >= T - 1:
            latest = heard.wait_prediction(lambda p, end_us=frame.end_us: p.end_us == end_us)  # type: ignore[misc]
            assert latest.skipped_windows == 0
            assert latest.latency_ms > 0
    assert len(heard.predictions) == 4


def test_when_frames_come_fast_the_newest_window_wins_and_the_rest_is_counted(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    frames = some_frames(50)
    feed.put(frames[:T])
    heard.wait_prediction()
    feed.put(frames[T:])
    last = heard.wait_prediction(lambda prediction: prediction.end_us == frames[-1].end_us)
    assert len(heard.predictions) + last.skipped_windows == 50 - T + 1


def test_new_prompts_are_judged_at_once_on_the_last_window_although_no_frame_comes(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    frames = some_frames(T)
    feed.put(frames)
    heard.wait_prediction()
    ready.set_prompts(PromptList.of(["dog", "star", "fish"], PRESETS["events"]))
    repeated = heard.wait_prediction(lambda prediction: len(prediction.labels) == 3)
    assert repeated.labels == ("dog", "star", "fish")
    assert repeated.end_us == frames[-1].end_us


def test_predictions_go_on_while_a_long_list_of_prompts_is_encoded(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = some_frames(T + 1)
    feed.put(frames[:T])
    heard.wait_prediction()
    gate = Gate()
    original = nc.ClipModel.text_features
    calls: list[int] = []

    def slowly(model: nc.ClipModel, texts: list[str]) -> Floats:
        calls.append(len(texts))
        if len(calls) == 2:
            gate.wait()
        return original(model, texts)

    monkeypatch.setattr(nc.ClipModel, "text_features", slowly)
    ready.set_prompts(PromptList.of([f"thing {number}" for number in range(100)], PRESETS["plain"]))
    assert gate.reached.wait(PATIENCE_S)
    feed.put(frames[T:])
    gate.opened.set()
    between = heard.wait_prediction(lambda prediction: prediction.end_us == frames[T].end_us)
    heard.wait_prediction(lambda prediction: len(prediction.labels) == 100)
    first = next(p for p in heard.predictions if p.end_us == between.end_us)
    assert first.labels == ("star", "cup")
    assert sum(calls) == 100
    assert max(calls) < 40


def test_view_normalisation_and_timesteps_are_changed_on_the_last_window(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    feed.put(some_frames(T))
    seen = [heard.wait_prediction()]
    changes: list[Callable[[], None]] = [
        lambda: ready.set_view("fit"),
        lambda: ready.set_normalisation("reference"),
        lambda: ready.set_timesteps(2),
    ]
    for change in changes:
        count = len(heard.predictions)
        change()
        heard.wait(lambda count=count: len(heard.predictions) > count)  # type: ignore[misc]
        seen.append(heard.predictions[-1])
    assert seen[-1].timesteps == 2
    for one, next_one in itertools.pairwise(seen):
        assert np.abs(one.cosines - next_one.cosines).max() > 1e-6


@pytest.mark.parametrize(
    "change",
    [
        lambda worker: worker.set_view("round"),
        lambda worker: worker.set_normalisation("none"),
        lambda worker: worker.set_timesteps(0),
    ],
)
def test_settings_out_of_range_are_refused_where_they_are_made(
    worker: RecognitionWorker, change: Callable[[RecognitionWorker], None]
) -> None:
    with pytest.raises(ValueError, match=r"choose one of|at least one"):
        change(worker)


def test_a_stream_that_ends_before_a_window_is_full_is_judged_as_it_is(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    feed.put(some_frames(T - 1))
    ready.stream_ended()
    assert heard.wait_prediction().timesteps == T - 1


def test_a_short_stream_that_ended_before_the_model_was_ready_is_judged_too(
    worker: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path
) -> None:
    feed.put(some_frames(T - 1))
    worker.stream_ended()
    worker.load_model(request(models, "first"))
    assert heard.wait_prediction().timesteps == T - 1


def test_a_jump_in_time_begins_a_new_window(ready: RecognitionWorker, heard: Heard, feed: WaitingFrames) -> None:
    feed.put(some_frames(T))
    heard.wait_prediction()
    later = renumbered(some_frames(T, seed=9), first=T, segment=1)
    feed.put(later)
    assert heard.wait_prediction(lambda prediction: prediction.segment == 1).start_us == later[0].start_us


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_a_model_in_use_is_taken_in_one_call_from_then_on_and_predicts_the_same(
    worker: RecognitionWorker,
    heard: Heard,
    feed: WaitingFrames,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    precision: str,
) -> None:
    gate, changed, use_one_call = Gate(), Queue[bool](), TorchClip.use_one_call

    def later(model: TorchClip, following: Following) -> None:
        gate.wait()
        use_one_call(model, following)
        changed.put(model._images.one_call is not None)

    monkeypatch.setattr(TorchClip, "use_one_call", later)
    tower = {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None}
    place = f"local-dir:{save_folder(tmp_path / 'm', tiny_config() | {'vision_cfg': tower})}"
    worker.load_model(ModelRequest(place, device="cpu", precision=precision))
    heard.wait_ready("m")
    feed.put(some_frames(T))
    before = heard.wait_prediction()
    gate.opened.set()
    assert changed.get(timeout=PATIENCE_S)
    feed.put(renumbered(some_frames(T), first=T, segment=1))
    after = heard.wait_prediction(lambda prediction: prediction.segment == 1)
    assert np.array_equal(after.probabilities, before.probabilities)


# --- what goes wrong ---


def bad_frames(first: int) -> list[EventFrame]:
    """Frames that no model can take."""
    return [replace(f, pixels=f.pixels.astype(np.uint16)) for f in some_frames(T, first=first)]


def test_a_prediction_that_fails_is_told_once_and_the_worker_goes_on(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames, caplog: pytest.LogCaptureFixture
) -> None:
    feed.put(bad_frames(0))
    heard.wait(lambda: heard.notices)
    assert "goes on" in heard.notices[0]
    feed.put(bad_frames(T))
    good = renumbered(some_frames(T), first=2 * T, segment=1)
    feed.put(good)
    heard.wait_prediction(lambda prediction: prediction.segment == 1)
    assert len(heard.notices) == 1
    assert "a prediction failed" in caplog.text
    assert ready.state is WorkerState.RUNNING


def test_a_text_that_is_too_long_is_told_once(ready: RecognitionWorker, heard: Heard, feed: WaitingFrames) -> None:
    long_row = "very " * 90 + "long"
    ready.set_prompts(PromptList.of(["cup", long_row], PRESETS["plain"]))
    heard.wait(lambda: heard.notices)
    assert "77 tokens" in heard.notices[0]
    assert len(heard.notices[0]) < 150
    ready.set_prompts(PromptList.of(["cup", long_row, "fish"], PRESETS["plain"]))
    feed.put(some_frames(T))
    heard.wait_prediction(lambda prediction: len(prediction.labels) == 3)
    assert len(heard.notices) == 1


def test_what_is_to_be_said_of_rows_comes_by_their_ids(feed: WaitingFrames, heard: Heard, models: Path) -> None:
    notices: list[Mapping[int, str]] = []
    arrived = threading.Event()

    def take(about_rows: Mapping[int, str]) -> None:
        notices.append(about_rows)
        arrived.set()

    worker = RecognitionWorker(
        feed,
        on_prediction=heard.add,
        on_model_state=heard.add,
        on_notice=heard.add,
        on_prompt_notices=take,
        timesteps=T,
    )
    worker.set_prompts(PromptList.of(["cup", "very " * 90], PRESETS["plain"]))
    worker.start()
    worker.load_model(request(models, "first"))
    assert arrived.wait(PATIENCE_S)
    assert worker.stop(PATIENCE_S)
    assert list(notices[0]) == [1]
    assert heard.notices == []


def test_a_feed_that_fails_ends_the_worker_with_one_sentence(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames
) -> None:
    feed.error = OSError("the ring is gone")
    feed.wake()
    heard.wait(lambda: heard.notices)
    assert ready.state is WorkerState.FAULTED
    assert "the ring is gone" in heard.notices[0]


def test_weights_that_are_damaged_are_reported_within_the_states(
    worker: RecognitionWorker, heard: Heard, tmp_path: Path
) -> None:
    folder = save_folder(tmp_path / "broken")
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": {}}))
    worker.load_model(ModelRequest(str(folder), device="cpu"))
    heard.wait(lambda: heard.states and heard.states[-1].status == "failed")
    assert "\n" not in heard.states[-1].message


# --- the thread ---


def test_states_from_start_to_stop(feed: WaitingFrames, heard: Heard) -> None:
    worker = RecognitionWorker(feed, on_prediction=heard.add, on_model_state=heard.add, on_notice=heard.add)
    assert worker.state is WorkerState.STOPPED
    assert worker.stop()
    worker.start()
    with pytest.raises(RuntimeError, match="make another one"):
        worker.start()
    assert worker.stop(PATIENCE_S)
    assert worker.state is WorkerState.STOPPED


def test_stopping_while_a_model_loads_waits_for_neither_import_nor_file(
    worker: RecognitionWorker, heard: Heard, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    monkeypatch.setattr(vit_graph_clip, "check_weights_file", gate.wait)
    worker.load_model(request(models, "first"))
    assert gate.reached.wait(PATIENCE_S)
    assert not worker.stop(0.1)
    assert worker.state is WorkerState.STOPPED or worker.stop(0.1) is False
    gate.opened.set()
    assert worker.stop(PATIENCE_S)
    assert not [state for state in heard.states if state.status == "ready"]


def test_nothing_is_computed_while_nothing_comes(
    ready: RecognitionWorker, heard: Heard, feed: WaitingFrames, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.put(some_frames(T))
    heard.wait_prediction()
    ready.set_prompts(PromptList.of(["fish"], PRESETS["plain"]))
    heard.wait_prediction(lambda prediction: prediction.labels == ("fish",))
    # The same wishes again change nothing: no prediction is made for them.
    ready.set_prompts(PromptList.of(["fish"], PRESETS["plain"]))
    ready.set_view("crop")
    feed.put(some_frames(1, first=T))
    heard.wait_prediction(lambda prediction: prediction.end_us == (T + 1) * 1000)
    assert len(heard.predictions) == 3


# --- something else ---


@pytest.fixture
def with_else(feed: WaitingFrames, heard: Heard) -> Iterator[RecognitionWorker]:
    worker = RecognitionWorker(
        feed, on_prediction=heard.add, on_model_state=heard.add, on_notice=heard.add, timesteps=T, something_else=True
    )
    worker.set_prompts(PROMPTS)
    worker.start()
    yield worker
    assert worker.stop(PATIENCE_S)


def test_a_new_model_answers_at_once_and_something_else_follows(
    with_else: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path
) -> None:
    feed.put(some_frames(T))
    with_else.load_model(request(models, "first"))
    heard.wait_prediction(lambda prediction: prediction.labels[-1] == "something else")
    assert heard.predictions[0].labels == ("star", "cup")
    with_else.set_prompts(replace(PROMPTS, template=PRESETS["class"]))
    heard.wait_prediction(lambda prediction: prediction is not heard.predictions[1] and len(prediction.labels) == 2)
    heard.wait(lambda: len(heard.predictions[-1].labels) == 3)


def test_something_else_can_be_switched_off_and_on(
    with_else: RecognitionWorker, heard: Heard, feed: WaitingFrames, models: Path
) -> None:
    feed.put(some_frames(T))
    with_else.load_model(request(models, "first"))
    heard.wait_prediction(lambda prediction: len(prediction.labels) == 3)
    with_else.set_something_else(False)
    heard.wait(lambda: heard.predictions[-1].labels == ("star", "cup"))
    with_else.set_something_else(True)
    heard.wait(lambda: len(heard.predictions[-1].labels) == 3)


def test_a_row_that_a_small_model_does_not_know_is_told_of_once(
    worker: RecognitionWorker, heard: Heard, tmp_path: Path
) -> None:
    folder = save_folder(tmp_path / "mini")
    (folder / "concepts.txt").write_text("star\ncup\ndog\ncat\nfish\n", encoding="utf-8")
    (folder / "something_else.json").write_text('{"unknown_below": 0.9}', encoding="utf-8")
    worker.set_prompts(PromptList.of(["star", "quantum chromodynamics"], PRESETS["plain"]))
    worker.load_model(request(tmp_path, "mini"))
    heard.wait(lambda: heard.notices)
    assert heard.notices == ["“quantum chromodynamics”: The small model may not know this."]
