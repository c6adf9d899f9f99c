"""Live windows where the encoder is slower than the stream: a real model whose calls take a clock's time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pytest

import pipeline as nc
from pipeline.encoder_pace import EncoderPace
from pipeline.prediction import EventFrame, Floats, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from tests.pipeline.tiny_clip import in_portions, renumbered, save_folder, some_frames

T = 10
INTERVAL_S = 0.030
PROMPTS = PromptList.of(["star", "cup", "dog"], PRESETS["plain"])


@dataclass
class Encoder:
    """The model's image encoder, as slow as is wanted by a clock of its own."""

    model: nc.ClipModel
    frame_s: float = 0.001
    now_s: float = 100.0
    calls: list[int] = field(default_factory=list)
    """Frames of each call."""

    def encode(self, frames: npt.NDArray[np.uint8], normalisation: str, view: str) -> Floats:
        self.calls.append(len(frames))
        self.now_s += self.frame_s * len(frames)
        return nc.ClipModel.frame_features(self.model, frames, normalisation, view)

    def recogniser(self, **others: object) -> Recogniser:
        """Make a live recogniser that looks at this clock."""
        made = Recogniser(
            self.model,
            **{"timesteps": T, "pace": EncoderPace(clock=lambda: self.now_s), **others},  # type: ignore[arg-type]
        )
        made.set_prompts(PROMPTS)
        return made


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    return nc.load_model(f"local-dir:{save_folder(tmp_path_factory.mktemp('tiny'))}", device="cpu", precision="fp32")


@pytest.fixture
def encoder(model: nc.ClipModel, monkeypatch: pytest.MonkeyPatch) -> Encoder:
    made = Encoder(model)
    monkeypatch.setattr(model, "frame_features", made.encode)
    return made


def stamped(frames: list[EventFrame], from_s: float = 100.0, interval_s: float = INTERVAL_S) -> list[EventFrame]:
    """Give frames that are complete one after the other."""
    return [
        replace(frame, completed_ns=round((from_s + interval_s * place) * 1e9))
        for place, frame in enumerate(frames, start=1)
    ]


@dataclass
class Turn:
    """One judgement of the newest window."""

    prediction: Prediction
    frames: list[EventFrame]
    """Those that had come."""
    encoded: list[int]
    """Calls of the encoder."""
    latency_s: float


def live(recogniser: Recogniser, encoder: Encoder, frames: list[EventFrame]) -> Iterator[Turn]:
    """Judge as the inference thread does: the newest frames that are there, then those that came meanwhile."""
    position = 0
    while position < len(frames):
        encoder.now_s = max(encoder.now_s, frames[position].completed_ns / 1e9)
        there = [frame for frame in frames[position:] if frame.completed_ns / 1e9 <= encoder.now_s]
        position += len(there)
        before = len(encoder.calls)
        prediction = recogniser.push(there[-T:])
        if prediction is not None:
            latency_s = encoder.now_s - there[-1].completed_ns / 1e9
            yield Turn(prediction, there, encoder.calls[before:], latency_s)


def same_numbers(one: Prediction | None, other: Prediction | None) -> bool:
    """Whether two predictions are of one window and equal to the bit."""
    assert one is not None
    assert other is not None
    assert (one.start_us, one.end_us, one.timesteps) == (other.start_us, other.end_us, other.timesteps)
    return one.cosines.tobytes() == other.cosines.tobytes() and (
        one.probabilities.tobytes() == other.probabilities.tobytes()
    )


def features_of(model: nc.ClipModel, frames: list[EventFrame]) -> Floats:
    """Encode frames as the model does, without a slow encoder's call."""
    return nc.ClipModel.frame_features(model, np.stack([frame.pixels for frame in frames]))


def cosines_of(model: nc.ClipModel, frames: list[EventFrame], weights: list[int]) -> Floats:
    """Compute cosines from the definition, each frame counted so many times."""
    features = features_of(model, frames)
    sampled = np.repeat(features, weights, axis=0).astype(np.float64)
    texts = model.text_features(list(PROMPTS.texts())).astype(np.float64)
    return nc.mean_cosine(sampled, texts).astype(np.float32)


# --- an encoder that keeps up ---


@pytest.mark.parametrize("sizes", [(1,), (1, 3, 2), (4,), (T,)])
def test_an_encoder_that_keeps_up_gives_the_numbers_of_every_frame_encoded(
    encoder: Encoder, sizes: tuple[int, ...]
) -> None:
    pace = EncoderPace(clock=lambda: encoder.now_s)
    pace.encoded(1, 0.001)
    sampling, exact = encoder.recogniser(pace=pace), encoder.recogniser(pace=None)
    for portion in in_portions(stamped(some_frames(40)), *sizes):
        found = sampling.push(portion)
        expected = exact.push(portion)
        if expected is None:
            assert found is None
            continue
        assert same_numbers(found, expected)
        assert found is not None
        assert found.encoded == T
        assert sampling.unencoded == 0


def test_an_encoder_of_unknown_speed_encodes_the_newest_frame_first(encoder: Encoder) -> None:
    recogniser = encoder.recogniser()
    prediction = recogniser.push(stamped(some_frames(T)))
    assert encoder.calls == [1, T - 1]
    assert prediction is not None
    assert prediction.encoded == T
    exact = encoder.recogniser(pace=None).push(some_frames(T))
    assert exact is not None
    assert prediction.cosines == pytest.approx(exact.cosines, abs=1e-6)


def test_a_slow_first_call_costs_no_more_than_the_first_window(encoder: Encoder) -> None:
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(T + 2))
    encoder.frame_s = 2.0
    first = recogniser.push(frames[:T])
    encoder.frame_s = 0.001
    second = recogniser.push(frames[T : T + 1])
    assert first is not None
    assert second is not None
    assert (first.encoded, second.encoded) == (1, T)


def test_where_it_is_not_known_when_frames_came_every_frame_is_encoded(encoder: Encoder) -> None:
    encoder.frame_s = 3.0
    recogniser = encoder.recogniser()
    found = [recogniser.push(portion) for portion in in_portions(some_frames(3 * T), T)]
    assert encoder.calls == [T, T, T]
    assert all(prediction is not None and prediction.encoded == T for prediction in found)


# --- an encoder that does not ---


@pytest.mark.parametrize("frame_s", [0.035, 0.060, 0.100, 0.300, 0.700])
def test_a_label_comes_two_frames_time_late_however_slow_the_encoder_is(encoder: Encoder, frame_s: float) -> None:
    encoder.frame_s = frame_s
    turns = list(live(encoder.recogniser(), encoder, stamped(some_frames(200))))
    assert len(turns) > 190 * INTERVAL_S / frame_s - 2
    assert max(len(turn.frames) for turn in turns) <= frame_s / INTERVAL_S + 1
    for turn in turns:
        assert turn.encoded == [1]
        assert turn.latency_s < frame_s + (INTERVAL_S if turn is not turns[-1] else frame_s + 1e-6)
        assert turn.prediction.end_us == turn.frames[-1].end_us
        assert turn.prediction.timesteps == T
    steady = turns[len(turns) // 2 : -1]
    each = max(1, frame_s / INTERVAL_S)
    assert all(T / each - 1 <= turn.prediction.encoded <= T / each + 1 for turn in steady)


def test_windows_that_were_not_judged_are_counted_as_ever(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    turns = list(live(encoder.recogniser(), encoder, stamped(some_frames(100))))
    assert len(turns) + turns[-1].prediction.skipped_windows == 100 - T + 1


def test_a_timestep_that_is_not_encoded_has_the_feature_of_the_nearest_one(
    encoder: Encoder, model: nc.ClipModel
) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(T + 6))
    recogniser.push(frames[:T])
    only = cosines_of(model, frames[T - 1 : T], [T])
    recogniser.push(frames[T : T + 3])
    prediction = recogniser.push(frames[T + 3 :])
    assert prediction is not None
    # Of timesteps 6 to 15, numbers 9, 12 and 15 were encoded.
    assert prediction.encoded == 3
    encoded = [frames[9], frames[12], frames[15]]
    assert prediction.cosines == pytest.approx(cosines_of(model, encoded, [5, 3, 2]), abs=1e-5)
    assert np.abs(prediction.cosines - only).max() > 1e-4
    # Without the rule for ties, 9 and 12 would be taken for others: 10 is nearer to 9, 11 to 12, 13 to 12, 14 to 15.
    shown = recogniser.shown_window()
    assert shown is not None
    features = features_of(model, encoded)
    np.testing.assert_allclose(shown.features, np.repeat(features, [5, 3, 2], axis=0), atol=1e-5)


def test_of_two_as_near_the_later_stands_in(encoder: Encoder, model: nc.ClipModel) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(T + 2))
    recogniser.push(frames[:T])
    prediction = recogniser.push(frames[T:])
    assert prediction is not None
    # Number 10 lies between 9 and 11.
    expected = cosines_of(model, [frames[9], frames[11]], [8, 2])
    assert prediction.cosines == pytest.approx(expected, abs=1e-5)


def test_weights_of_timesteps_hold_for_the_places_in_the_window(encoder: Encoder, model: nc.ClipModel) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser(timestep_weights=[1] + [0] * (T - 1))
    frames = stamped(some_frames(T + 5))
    recogniser.push(frames[:T])
    prediction = recogniser.push(frames[T:])
    assert prediction is not None
    assert prediction.encoded == 2
    assert prediction.cosines == pytest.approx(cosines_of(model, [frames[T - 1]], [1]), abs=1e-5)


def test_an_encoder_that_becomes_faster_is_used_in_full_again(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(300))
    slow = list(live(recogniser, encoder, frames[:150]))
    encoder.frame_s = 0.010
    fast = list(live(recogniser, encoder, frames[150:]))
    assert all(turn.prediction.encoded <= 4 for turn in slow[5:])
    assert all(turn.prediction.encoded == T for turn in fast[8:])
    assert all(turn.latency_s < 0.015 for turn in fast[8:])


def test_a_slower_playback_lets_an_encoder_keep_up(encoder: Encoder) -> None:
    encoder.frame_s = 0.050
    recogniser = encoder.recogniser()
    frames = some_frames(160)
    turns = list(live(recogniser, encoder, stamped(frames[:80])))
    assert turns[-1].prediction.encoded < T
    slower = stamped(frames[80:], from_s=100 + 80 * INTERVAL_S, interval_s=4 * INTERVAL_S)
    assert list(live(recogniser, encoder, slower))[-1].prediction.encoded == T


# --- a stream that is held ---


def test_a_window_that_is_completed_has_the_exact_numbers(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    frames = stamped(some_frames(40))
    recogniser = encoder.recogniser()
    sampled = list(live(recogniser, encoder, frames))[-1].prediction
    left = recogniser.unencoded
    assert left == T - sampled.encoded > 0
    newer: Prediction | None = None
    for step in range(left):
        assert recogniser.unencoded == left - step
        newer = recogniser.encode_another()
        assert (newer is None) == (step < left - 1)
    exact = encoder.recogniser(pace=None)
    expected = [exact.push([frame]) for frame in frames][-1]
    assert newer is not None
    assert newer.encoded == T
    assert newer.skipped_windows == sampled.skipped_windows
    assert recogniser.unencoded == 0
    assert same_numbers(newer, expected)
    assert np.abs(newer.cosines - sampled.cosines).max() > 1e-5


def test_the_newest_timesteps_are_completed_first(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    frames = stamped(some_frames(T))
    recogniser = encoder.recogniser()
    recogniser.push(frames)
    recogniser.encode_another()
    shown = recogniser.shown_window()
    assert shown is not None
    expected = features_of(encoder.model, frames[-2:])
    np.testing.assert_allclose(shown.features, np.repeat(expected, [T - 1, 1], axis=0), atol=1e-5)


def test_a_stream_that_goes_on_leaves_what_was_not_completed(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    frames = stamped(some_frames(T + 3))
    recogniser = encoder.recogniser()
    recogniser.push(frames[:T])
    recogniser.encode_another()
    before = len(encoder.calls)
    prediction = recogniser.push(frames[T:])
    assert encoder.calls[before:] == [1]
    assert prediction is not None
    assert prediction.encoded == 3  # and numbers 8 and 9 of the window before


def test_a_recording_shorter_than_a_window_is_completed_too(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    assert recogniser.push(stamped(some_frames(4))) is None
    assert recogniser.unencoded == 0
    first = recogniser.repeat(partial=True)
    assert first is not None
    assert (first.timesteps, first.encoded, recogniser.unencoded) == (4, 1, 3)
    last = [recogniser.encode_another() for _ in range(3)][-1]
    assert last is not None
    assert (last.timesteps, last.encoded) == (4, 4)


# --- what else is asked ---


def test_other_prompts_are_judged_by_the_features_there_are(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    recogniser.push(stamped(some_frames(T)))
    before = len(encoder.calls)
    recogniser.set_prompts(PromptList.of(["fish"], PRESETS["plain"]))
    again = recogniser.repeat()
    assert again is not None
    assert (again.labels, again.encoded) == (("fish",), 1)
    assert len(encoder.calls) == before


def test_another_view_is_judged_by_the_newest_frame_first(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(T))
    recogniser.push(frames)
    for _ in range(T - 1):
        recogniser.encode_another()
    recogniser.set_view("fit")
    assert recogniser.shown_window() is None
    before = len(encoder.calls)
    again = recogniser.repeat()
    assert encoder.calls[before:] == [1]
    assert again is not None
    assert again.encoded == 1
    last = [recogniser.encode_another() for _ in range(T - 1)][-1]
    expected = encoder.recogniser(pace=None, view="fit").push(frames)
    assert last is not None
    assert expected is not None
    assert last.cosines == pytest.approx(expected.cosines, abs=1e-6)


def test_another_window_length_keeps_what_is_encoded(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    frames = stamped(some_frames(T + 3))
    recogniser.push(frames[:T])
    recogniser.push(frames[T:])
    recogniser.set_timesteps(4)
    shorter = recogniser.repeat()
    assert shorter is not None
    assert (shorter.timesteps, shorter.encoded, recogniser.unencoded) == (4, 2, 2)
    recogniser.set_timesteps(6)
    assert recogniser.repeat() is None
    assert [recogniser.encode_another() for _ in range(recogniser.unencoded)] == [None, None]
    assert recogniser.unencoded == 0


def test_another_model_goes_on_with_its_newest_frame(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser, following = encoder.recogniser(), encoder.recogniser()
    recogniser.push(stamped(some_frames(T)))
    following.go_on_from(recogniser)
    before = len(encoder.calls)
    prediction = following.repeat()
    assert encoder.calls[before:] == [1]
    assert prediction is not None
    assert prediction.encoded == 1


def test_a_jump_in_time_is_judged_by_the_newest_frame_first(encoder: Encoder) -> None:
    encoder.frame_s = 0.100
    recogniser = encoder.recogniser()
    turns = list(live(recogniser, encoder, stamped(some_frames(60))))
    there = renumbered(some_frames(T, seed=4), first=60, segment=1)
    prediction = recogniser.push(stamped(there, encoder.now_s, 0.0001))
    assert turns
    assert prediction is not None
    assert (prediction.encoded, prediction.timesteps, prediction.segment) == (1, T, 1)


def test_analysis_encodes_every_frame_however_slow_the_encoder_is(encoder: Encoder) -> None:
    encoder.frame_s = 5.0
    frames = stamped(some_frames(37))
    outcomes = []
    for recogniser in (encoder.recogniser(), encoder.recogniser(pace=None)):
        predictions = [p for portion in in_portions(frames, 3, 11) for p in recogniser.analyse(portion)]
        outcomes.append(predictions + recogniser.finish())
    assert len(outcomes[0]) == 37 - T + 1
    assert all(prediction.encoded == T for prediction in outcomes[0])
    assert all(same_numbers(one, other) for one, other in zip(*outcomes, strict=True))
