"""OpenVINO computes the frames where it agrees with fp32 and is faster: found out once, kept, never waited for."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline.cache_folder import cache_folder
from pipeline.events import Recording
from pipeline.graph_clip import GraphClip
from pipeline.model_errors import LoadingCancelled, ModelError
from pipeline.openvino_store import (
    BF16,
    INT8,
    MOST_KEPT,
    OPENVINO_PRECISIONS,
    Candidate,
    Outcome,
    check_wanted,
    find_out,
    ir_file,
    is_installed,
    may_gain,
    place_of,
    use_best,
)
from pipeline.prediction import ModelState, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from pipeline.worker import ModelRequest, RecognitionWorker
from tests.pipeline.sources.made_recordings import moving_square
from tests.pipeline.tiny_clip import WaitingFrames, save_folder, some_frames, tiny_config

needs_openvino = pytest.mark.skipif(not is_installed(), reason="needs the extra [fast]: openvino and nncf")
without_openvino = pytest.mark.skipif(is_installed(), reason="the extra [fast] is installed here")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_folder(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def model(folder: Path) -> nc.ClipModel:
    return nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")


# --- what can be had ---


@without_openvino
@pytest.mark.parametrize("precision", OPENVINO_PRECISIONS)
def test_without_the_extra_one_sentence_says_how_to_get_it(folder: Path, precision: str) -> None:
    with pytest.raises(ModelError, match=r"not installed: install it with .*`pip install openvino nncf`") as caught:
        nc.load_model(f"local-dir:{folder}", device="cpu", precision=precision)
    assert "\n" not in str(caught.value)


@without_openvino
def test_without_the_extra_a_timed_load_does_without(folder: Path) -> None:
    model = nc.load_model(f"local-dir:{folder}", device="cpu", deterministic=False)
    assert model.precision in ("fp32", "bf16")
    assert not may_gain(model)


@pytest.mark.parametrize("precision", OPENVINO_PRECISIONS)
def test_it_is_for_the_processor(precision: str) -> None:
    with pytest.raises(ModelError, match="choose --device cpu"):
        check_wanted(precision, "cuda")


def test_precisions_of_torch_need_nothing() -> None:
    for precision in ("auto", "fp32", "bf16", "fp16"):
        check_wanted(precision, "cuda")


@needs_openvino
def test_a_processor_without_the_instructions_is_told_apart() -> None:
    from pipeline.openvino_tower import can_compute, openvino

    known = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    assert [can_compute(precision) for precision in OPENVINO_PRECISIONS] == ["BF16" in known, "INT8" in known]


@needs_openvino
def test_the_bundled_model_needs_none() -> None:
    assert not may_gain(nc.load_model("neuroclip-mini", device="cpu"))


# --- the tower ---


@needs_openvino
def test_openvinos_features_are_those_of_torch(model: nc.ClipModel) -> None:
    frames = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (20, 40, 60))
    exact, texts = model.encode_frames(frames), model.encode_texts(["a star"])
    use(model, BF16)
    assert model.precision == BF16
    rough = model.encode_frames(frames)
    assert (rough.dtype, rough.shape) == (torch.float32, exact.shape)
    assert float(torch.cosine_similarity(exact, rough).min()) > 0.999
    # Frame by frame they are the same, and texts are none of OpenVINO's business.
    assert torch.equal(rough[3:4], model.encode_frames(frames[3:4]))
    assert torch.equal(texts, model.encode_texts(["a star"]))


@needs_openvino
def test_a_model_in_use_changes_between_two_predictions(folder: Path) -> None:
    model = nc.load_model(f"local-dir:{folder}", device="cpu", precision="bf16")
    recogniser = Recogniser(model, timesteps=4)
    recogniser.set_prompts(PromptList.of(("a star", "a cup"), PRESETS["plain"]))
    frames = some_frames(9)
    before = recogniser.push(frames[:8])
    exact = nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")
    assert isinstance(exact, GraphClip)
    use(exact, BF16)
    model.use_image_tower(exact.images, BF16)
    after = recogniser.push(frames[8:])
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(after.probabilities.sum(), 1, atol=1e-5)


@needs_openvino
def test_nothing_is_told_to_openvinos_makers() -> None:
    import sys

    from pipeline.openvino_tower import openvino

    openvino()
    sender = sys.modules["openvino.tools.ovc.telemetry_utils"].tm
    assert sender.__name__ == "openvino.tools.ovc.telemetry_stub"


def use(model: nc.ClipModel, precision: str) -> None:
    """Let OpenVINO compute a model's frames."""
    from pipeline.openvino_tower import converted, tower_from

    probe = torch.zeros(1, 3, model.image_size, model.image_size)
    network = converted(model.torch_tower, probe)
    model.use_image_tower(tower_from(network), precision)


# --- what agrees ---


@needs_openvino
class TestJudging:
    """Features of a recording's frames in fp32 beside those of a candidate."""

    @pytest.fixture
    def stretch(self):  # type: ignore[no-untyped-def]
        from pipeline.openvino_trial import Stretch, event_frames_of

        recording = Recording(moving_square(), nc.Resolution(128, 96), "square")
        events = np.array([frame.events for frame in event_frames_of(recording)])
        count = len(events)
        random = torch.Generator().manual_seed(0)
        texts = torch.eye(6)
        exact = texts[torch.arange(count) * 6 // count] + 0.1 * torch.rand(count, 6, generator=random)
        return Stretch(recording, events, texts, exact)

    def test_the_same_features_agree(self, stretch) -> None:  # type: ignore[no-untyped-def]
        from pipeline.openvino_trial import judged

        for precision in OPENVINO_PRECISIONS:
            found = judged(precision, 3.0, [stretch], [stretch.exact.clone()])
            assert (found.same_answers, found.refused, found.ms) == (1.0, "", 3.0)
            assert found.cosine == pytest.approx(1.0)

    def test_bf16_is_refused_for_one_frame_that_differs(self, stretch) -> None:  # type: ignore[no-untyped-def]
        from pipeline.openvino_trial import judged

        rough = stretch.exact.clone()
        rough[0, 5] += 0.1
        found = judged(BF16, 3.0, [stretch], [rough])
        assert "below 0.999" in found.refused
        # int8 is judged by its answers alone.
        assert judged(INT8, 3.0, [stretch], [rough]).refused == ""

    def test_int8_is_refused_for_other_answers(self, stretch) -> None:  # type: ignore[no-untyped-def]
        from pipeline.openvino_trial import judged

        found = judged(INT8, 3.0, [stretch], [stretch.exact.roll(6, dims=0)])
        assert "fewer than 99%" in found.refused
        assert found.same_answers < 0.99

    def test_what_is_no_number_is_refused(self, stretch) -> None:  # type: ignore[no-untyped-def]
        from pipeline.openvino_trial import judged

        for precision in OPENVINO_PRECISIONS:
            assert judged(precision, 3.0, [stretch], [stretch.exact * torch.nan]).refused


@needs_openvino
def test_examples_lie_over_all_recordings_and_show_something() -> None:
    from pipeline.openvino_trial import event_frames_of, example_frames

    recording = Recording(moving_square(), nc.Resolution(128, 96), "square")
    events = np.array([frame.events for frame in event_frames_of(recording)])
    frames = example_frames([recording] * 3, [events] * 3, 32)
    assert len(frames) == 32
    assert all((frame.pixels != 127).any() for frame in frames)
    assert len({frame.index for frame in frames}) > 5


# --- what is kept ---


def test_an_outcome_is_read_as_it_was_written(tmp_path: Path) -> None:
    outcome = Outcome(INT8, "bf16", 20.5, {BF16: Candidate(refused="it is far off"), INT8: Candidate(9.0, 0.998, 1.0)})
    ir_file(tmp_path, INT8).touch()
    outcome.write(tmp_path)
    assert Outcome.read(tmp_path) == outcome
    assert outcome.usable == (INT8,)
    assert f"{BF16} is not used: it is far off" in outcome.sentences("some model")[1]


def test_an_outcome_whose_network_is_gone_does_not_count(tmp_path: Path) -> None:
    Outcome(INT8, candidates={INT8: Candidate(9.0, 0.998, 1.0)}).write(tmp_path)
    assert Outcome.read(tmp_path) is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"candidates": {"int8": {"colour": "red"}}}', '{"candidates": 3}'])
def test_a_damaged_outcome_does_not_count(tmp_path: Path, text: str) -> None:
    assert Outcome.read(tmp_path) is None
    (tmp_path / "outcome.json").write_text(text)
    assert Outcome.read(tmp_path) is None


@needs_openvino
def test_other_weights_are_another_matter(folder: Path, tmp_path: Path) -> None:
    plans = [nc.load_model(f"local-dir:{each}", device="cpu").plan for each in (folder, save_folder(tmp_path, seed=1))]
    assert place_of(plans[0]) == place_of(plans[0]) != place_of(plans[1])
    assert place_of(plans[0]) != place_of(replace(plans[0], quick_gelu=True))
    assert place_of(plans[0]).is_relative_to(cache_folder())


@needs_openvino
def test_a_trial_that_is_not_wanted_any_more_ends_at_once_and_leaves_nothing(model: nc.ClipModel) -> None:
    cancel = threading.Event()
    threading.Timer(1.0, cancel.set).start()
    start = time.monotonic()
    with pytest.raises(LoadingCancelled):
        find_out(model.plan, cancel, in_background=True)
    assert time.monotonic() - start < 10
    assert list(place_of(model.plan).parent.iterdir()) == []


def test_a_trial_that_cannot_be_made_is_made_again_only_where_it_is_asked_for(
    model: nc.ClipModel, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.safetensors"
    weights.write_bytes(b"no weights")
    plan = replace(model.plan, weights=weights)
    with pytest.raises(ModelError, match="could not be tried"):
        find_out(plan, threading.Event(), in_background=True)
    known = find_out(plan, threading.Event(), in_background=True)
    assert "could not be tried" in known.failure
    assert known.chosen == ""
    with pytest.raises(ModelError, match="could not be tried"):
        find_out(plan, threading.Event(), in_background=False)


@needs_openvino
@pytest.mark.timeout(600)
def test_what_is_asked_for_is_tried_once_on_the_bundled_recordings_and_used_from_then_on(folder: Path) -> None:
    from pipeline.openvino_tower import can_compute

    if not can_compute(BF16):
        pytest.skip("needs a processor with bf16 instructions")
    kept = cache_folder() / "openvino"
    for number in range(MOST_KEPT):
        (kept / f"old-{number}").mkdir(parents=True)
    broken_off, running = kept / "trial-1", kept / "trial-2"
    broken_off.mkdir()
    running.mkdir()
    os.utime(broken_off, (0, 0))
    model = nc.load_model(f"local-dir:{folder}", device="cpu", precision=BF16)
    assert model.precision == BF16
    place = place_of(model.plan)
    outcome = Outcome.read(place)
    assert outcome is not None
    assert set(outcome.candidates) == set(OPENVINO_PRECISIONS)
    for precision, candidate in outcome.candidates.items():
        assert candidate.ms > 0
        assert ir_file(place, precision).is_file() is (not candidate.refused)
    assert outcome.candidates[BF16].cosine >= 0.999
    # So small a model needs no help; asked for, it is computed as asked.
    assert outcome.chosen == ""
    assert not broken_off.exists()
    running.rmdir()
    assert len(list(kept.iterdir())) == MOST_KEPT
    written = (place / "outcome.json").stat().st_mtime_ns
    again = nc.load_model(f"local-dir:{folder}", device="cpu", precision=BF16)
    assert (place / "outcome.json").stat().st_mtime_ns == written
    frames = np.full((1, 32, 32), 127, np.uint8)
    assert torch.equal(again.encode_frames(frames), model.encode_frames(frames))
    # A candidate that does not agree is refused, with the reason.
    refused = {**outcome.candidates, INT8: Candidate(refused="it says other things")}
    replace(outcome, candidates=refused).write(place)
    with pytest.raises(ModelError, match=r"tiny cannot be had in int8 \(it says other things\)"):
        nc.load_model(f"local-dir:{folder}", device="cpu", precision=INT8)
    # What serves better is taken by itself where timing may decide, and only there.
    replace(outcome, chosen=BF16).write(place)
    assert nc.load_model(f"local-dir:{folder}", device="cpu", deterministic=False).precision == BF16
    assert nc.load_model(f"local-dir:{folder}", device="cpu", deterministic=True).precision == "fp32"

    assert not use_best(model, replace(outcome, chosen=""))
    # A kept network that is damaged costs nothing but another trial.
    ir_file(place, BF16).write_text("no network")
    assert nc.load_model(f"local-dir:{folder}", device="cpu", deterministic=False).precision in ("fp32", "bf16")
    assert not place.exists()


@needs_openvino
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_live_stream_goes_on_while_it_is_tried_and_is_faster_afterwards(tmp_path: Path) -> None:
    config = tiny_config(width=384, image_size=224)
    config["vision_cfg"] |= {"layers": 6, "patch_size": 32, "head_width": 64}
    folder = save_folder(tmp_path / "larger", config)
    feed, states, predictions = WaitingFrames(), list[ModelState](), list[Prediction]()
    worker = RecognitionWorker(
        feed, on_prediction=predictions.append, on_model_state=states.append, on_notice=print, timesteps=2
    )
    worker.set_prompts(PromptList.of(("a star", "a cup"), PRESETS["plain"]))
    worker.start()
    try:
        worker.load_model(ModelRequest(f"local-dir:{folder}", device="cpu"))
        known: list[Outcome | None] = [None]
        place = place_of(nc.load_model(f"local-dir:{folder}", device="cpu").plan)
        index, longest_s, number = 0, 0.0, 0
        deadline = time.monotonic() + 800
        while time.monotonic() < deadline:
            feed.put(some_frames(1, first=index))
            index += 1
            begun = time.monotonic()
            ready = any(state.status == "ready" for state in states)
            while ready and index > 4 and len(predictions) == number and time.monotonic() < begun + 30:
                time.sleep(0.005)
            number = len(predictions)
            longest_s = max(longest_s, time.monotonic() - begun)
            known[0] = Outcome.read(place)
            if known[0] is not None and (not known[0].chosen or states[-1].precision == known[0].chosen):
                break
            time.sleep(0.03)
        outcome = known[0]
        assert outcome is not None
        ready_in = [state.precision for state in states if state.status == "ready"]
        assert ready_in[0] in ("fp32", "bf16")
        assert set(ready_in[1:]) <= {"bf16", outcome.chosen}
        assert ready_in[-1] == outcome.chosen or not outcome.chosen
        assert longest_s < 5
    finally:
        assert worker.stop()


def test_openvino_is_not_imported_before_it_is_needed() -> None:
    import subprocess
    import sys

    code = "import sys, pipeline, pipeline.worker; print('openvino' in sys.modules, 'nncf' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["False", "False"]
