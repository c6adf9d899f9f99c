"""Windows of event frames become predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline.graph_clip import GraphClip, GraphTexts
from pipeline.nearest_concepts import towards_concepts
from pipeline.prediction import EventFrame, Floats, Prediction
from pipeline.prompts import PRESETS, PromptList, PromptRow
from pipeline.recogniser import Recogniser
from tests.pipeline.tiny_clip import in_portions, renumbered, save_folder, some_frames

T = 4
PROMPTS = PromptList.of(["star", "cup", "dog"], PRESETS["plain"])


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    return nc.load_model(f"local-dir:{save_folder(tmp_path_factory.mktemp('tiny'))}", device="cpu", precision="fp32")


@pytest.fixture
def recogniser(model: nc.ClipModel) -> Recogniser:
    recogniser = Recogniser(model, timesteps=T)
    recogniser.set_prompts(PROMPTS)
    return recogniser


@pytest.fixture
def encoded(model: nc.ClipModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many pictures went through the image tower, call by call."""
    assert isinstance(model, GraphClip)
    counts, images = [], model.images

    def counted(pictures: Floats) -> Floats:
        counts.append(len(pictures))
        return images(pictures)

    monkeypatch.setattr(model, "images", counted)
    return counts


@pytest.fixture
def texts_encoded(model: nc.ClipModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many texts went through the text tower, call by call."""
    assert isinstance(model._texts, GraphTexts)
    counts, encode_group = [], model._texts.encode_group

    def counted(texts: Sequence[str]) -> Floats:
        counts.append(len(texts))
        return encode_group(texts)

    monkeypatch.setattr(model._texts, "encode_group", counted)
    return counts


def analysed(recogniser: Recogniser, frames: list[EventFrame], *sizes: int) -> list[Prediction]:
    predictions = [p for portion in in_portions(frames, *sizes) for p in recogniser.analyse(portion)]
    return predictions + recogniser.finish()


def numbers(predictions: list[Prediction]) -> list[tuple[object, ...]]:
    return [
        (p.start_us, p.end_us, p.events, p.state, p.timesteps, p.cosines.tobytes(), p.probabilities.tobytes())
        for p in predictions
    ]


# --- live ---


def test_nothing_is_predicted_before_a_window_is_complete(recogniser: Recogniser) -> None:
    frames = some_frames(T)
    assert recogniser.push([]) is None
    assert recogniser.push(frames[: T - 1]) is None
    prediction = recogniser.push(frames[T - 1 :])
    assert prediction is not None
    assert (prediction.start_us, prediction.end_us) == (frames[0].start_us, frames[-1].end_us)
    assert prediction.events == T * 500
    assert (prediction.timesteps, prediction.state, prediction.segment) == (T, "ok", 0)
    assert prediction.labels == ("star", "cup", "dog")
    assert prediction.row_ids == (0, 1, 2)
    assert prediction.probabilities.sum() == pytest.approx(1)
    assert prediction.cosines.dtype == prediction.probabilities.dtype == np.float32


def test_each_frame_is_encoded_once(recogniser: Recogniser, encoded: list[int]) -> None:
    for portion in in_portions(some_frames(12), 1):
        recogniser.push(portion)
    # The first window's frames together, then one at a time.
    assert encoded == [T] + [1] * (12 - T)


def test_of_many_frames_the_newest_window_is_judged_and_the_others_count_as_skipped(
    recogniser: Recogniser, encoded: list[int]
) -> None:
    frames = some_frames(20)
    prediction = recogniser.push(frames)
    assert prediction is not None
    assert prediction.end_us == frames[-1].end_us
    assert prediction.skipped_windows == 20 - T
    assert encoded == [T]


def test_frames_that_were_left_out_count_as_skipped_windows(recogniser: Recogniser) -> None:
    frames = some_frames(30)
    recogniser.push(frames[:T])
    prediction = recogniser.push(frames[-T:])
    assert prediction is not None
    assert prediction.start_us == frames[-T].start_us
    assert prediction.skipped_windows == 30 - T - 1


def test_a_window_holds_consecutive_frames_only(recogniser: Recogniser) -> None:
    frames = some_frames(10)
    assert recogniser.push(frames[:T]) is not None
    assert recogniser.push(frames[6:8]) is None
    prediction = recogniser.push(frames[8:10])
    assert prediction is not None
    assert prediction.start_us == frames[6].start_us


def test_a_window_never_spans_two_segments(recogniser: Recogniser) -> None:
    frames = some_frames(T + 2)
    assert recogniser.push(frames) is not None
    after_jump = renumbered(some_frames(T, seed=5), first=T + 2, segment=1)
    assert recogniser.push(after_jump[: T - 1]) is None
    prediction = recogniser.push(after_jump[T - 1 :])
    assert prediction is not None
    assert (prediction.segment, prediction.start_us) == (1, after_jump[0].start_us)


def test_another_resolution_begins_a_new_window(recogniser: Recogniser) -> None:
    recogniser.push(some_frames(T))
    larger = some_frames(T, size=(60, 80), first=T)
    assert recogniser.push(larger[:-1]) is None
    assert recogniser.push(larger[-1:]) is not None


def test_frames_lost_between_segments_count_where_windows_were_due(recogniser: Recogniser) -> None:
    recogniser.push(some_frames(T))
    prediction = recogniser.push(renumbered(some_frames(T), first=T + 3, segment=1))
    assert prediction is not None
    assert prediction.skipped_windows == 3


# --- no motion ---


@pytest.mark.parametrize(
    ("size", "fewest"),
    [((48, 64), 20), ((480, 640), 307)],
)
def test_a_window_with_almost_no_events_shows_no_motion(
    recogniser: Recogniser, size: tuple[int, int], fewest: int
) -> None:
    def with_events(total: int) -> Prediction:
        frames = some_frames(T, size=size, events=0)
        last = replace(frames[-1], events=total)
        prediction = recogniser.push(renumbered([*frames[:-1], last], first=0, segment=total))
        assert prediction is not None
        return prediction

    still = with_events(fewest - 1)
    assert still.state == "no_motion"
    assert np.isnan(still.probabilities).all()
    assert np.isnan(still.cosines).all()
    assert still.best is None
    assert still.labels == ("star", "cup", "dog")
    moving = with_events(fewest)
    assert moving.state == "ok"
    assert np.isfinite(moving.probabilities).all()


def test_the_limit_for_no_motion_can_be_chosen(model: nc.ClipModel) -> None:
    recogniser = Recogniser(model, timesteps=T, no_motion_events=0)
    recogniser.set_prompts(PROMPTS)
    prediction = recogniser.push(some_frames(T, events=0))
    assert prediction is not None
    assert prediction.state == "ok"


# --- prompts ---


def test_new_prompts_show_in_the_next_prediction_and_only_new_texts_are_encoded(
    recogniser: Recogniser, texts_encoded: list[int]
) -> None:
    recogniser.push(some_frames(T))
    recogniser.set_prompts(PromptList.of(["cup", "fish", "star"], PRESETS["plain"]))
    assert texts_encoded == [1]
    prediction = recogniser.repeat()
    assert prediction is not None
    assert prediction.labels == ("cup", "fish", "star")
    recogniser.set_prompts(PROMPTS)
    assert texts_encoded == [1]


def test_reordered_rows_keep_their_numbers(recogniser: Recogniser) -> None:
    rows = (PromptRow(5, "star"), PromptRow(9, "cup"))
    recogniser.set_prompts(PromptList(rows, PRESETS["plain"]))
    first = recogniser.push(some_frames(T))
    recogniser.set_prompts(PromptList(rows[::-1], PRESETS["plain"]))
    second = recogniser.repeat()
    assert first is not None
    assert second is not None
    assert second.row_ids == (9, 5)
    assert second.cosines == pytest.approx(first.cosines[::-1])


def test_texts_can_be_encoded_in_portions(recogniser: Recogniser, texts_encoded: list[int]) -> None:
    prompts = PromptList.of([f"thing {number}" for number in range(10)], PRESETS["plain"])
    assert [recogniser.prepare(prompts, 4) for _ in range(4)] == [6, 2, 0, 0]
    assert texts_encoded == [4, 4, 2]


def test_rows_beyond_the_tokenizers_reach_are_told(recogniser: Recogniser) -> None:
    notices = recogniser.set_prompts(PromptList.of(["cup", "very " * 80 + "long"], PRESETS["plain"]))
    assert list(notices) == [1]
    assert "77 tokens" in notices[1]


def test_without_rows_there_is_a_prediction_without_labels(model: nc.ClipModel) -> None:
    recogniser = Recogniser(model, timesteps=T)
    recogniser.set_prompts(PromptList.of(["", " "], PRESETS["plain"]))
    prediction = recogniser.push(some_frames(T))
    assert prediction is not None
    assert prediction.labels == ()
    assert prediction.probabilities.shape == (0,)
    assert prediction.best is None


def test_five_hundred_rows(model: nc.ClipModel) -> None:
    recogniser = Recogniser(model, timesteps=T)
    recogniser.set_prompts(PromptList.of([f"thing {number} 🦊" for number in range(500)], PRESETS["plain"]))
    prediction = recogniser.push(some_frames(T))
    assert prediction is not None
    assert prediction.probabilities.shape == (500,)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)


# --- settings ---


def test_view_and_normalisation_apply_to_the_frames_that_are_kept(recogniser: Recogniser, model: nc.ClipModel) -> None:
    frames = some_frames(T)
    before = recogniser.push(frames)
    recogniser.set_view("fit")
    recogniser.set_normalisation("reference")
    after = recogniser.repeat()
    fresh = Recogniser(model, timesteps=T, view="fit", normalisation="reference")
    fresh.set_prompts(PROMPTS)
    expected = fresh.push(frames)
    assert before is not None
    assert after is not None
    assert expected is not None
    assert after.cosines == pytest.approx(expected.cosines, abs=1e-6)
    assert np.abs(after.cosines - before.cosines).max() > 1e-3


def test_a_shorter_window_is_there_at_once_and_a_longer_one_when_it_is_full(recogniser: Recogniser) -> None:
    frames = some_frames(8)
    recogniser.push(frames[:T])
    recogniser.set_timesteps(2)
    shorter = recogniser.repeat()
    assert shorter is not None
    assert (shorter.start_us, shorter.timesteps) == (frames[2].start_us, 2)
    recogniser.set_timesteps(5)
    assert recogniser.push(frames[4:6]) is None
    longer = recogniser.push(frames[6:7])
    assert longer is not None
    assert (longer.start_us, longer.timesteps) == (frames[2].start_us, 5)


def test_temperature_flattens_and_the_references_scale_sharpens(model: nc.ClipModel) -> None:
    best = {}
    for name, recogniser in {
        "plain": Recogniser(model, timesteps=T),
        "warm": Recogniser(model, timesteps=T, temperature=3.0),
        "reference": Recogniser(model, timesteps=T, scale="reference"),
    }.items():
        recogniser.set_prompts(PROMPTS)
        prediction = recogniser.push(some_frames(T))
        assert prediction is not None
        best[name] = float(prediction.probabilities.max())
    assert best["warm"] < best["plain"] < best["reference"]


def test_weights_of_the_timesteps_choose_what_counts(model: nc.ClipModel) -> None:
    frames = some_frames(T)
    weighted = Recogniser(model, timesteps=T, timestep_weights=[0, 0, 0, 2])
    weighted.set_prompts(PROMPTS)
    last_only = Recogniser(model, timesteps=1)
    last_only.set_prompts(PROMPTS)
    a, b = weighted.push(frames), last_only.push(frames[-1:])
    assert a is not None
    assert b is not None
    assert a.cosines == pytest.approx(b.cosines, abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        {"timesteps": 0},
        {"temperature": 0.0},
        {"temperature": float("nan")},
        {"view": "round"},
        {"normalisation": "none"},
        {"scale": "big"},
        {"timestep_weights": [1, 2]},
        {"timestep_weights": [0, 0, 0, 0]},
        {"timestep_weights": [1, -1, 1, 1]},
    ],
)
def test_settings_out_of_range_are_refused_with_their_name(model: nc.ClipModel, wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Recogniser(model, **{"timesteps": T, **wrong})  # type: ignore[arg-type]


def test_another_recogniser_can_go_on_where_one_was(recogniser: Recogniser, model: nc.ClipModel) -> None:
    frames = some_frames(T + 6)
    recogniser.push(frames[: T + 2])
    following = Recogniser(model, timesteps=T)
    following.set_prompts(PROMPTS)
    following.go_on_from(recogniser)
    old, new = recogniser.push(frames[T + 2 :]), following.push(frames[T + 2 :])
    assert old is not None
    assert new is not None
    assert numbers([old]) == numbers([new])
    assert old.skipped_windows == new.skipped_windows == 5


# --- analysis ---


def test_every_window_of_a_recording_is_judged_in_order(recogniser: Recogniser) -> None:
    frames = some_frames(21)
    predictions = analysed(recogniser, frames, 5)
    assert [p.start_us for p in predictions] == [frame.start_us for frame in frames[: 21 - T + 1]]
    assert all(p.skipped_windows == 0 and p.timesteps == T for p in predictions)


def test_the_portions_in_which_frames_come_change_no_bit(model: nc.ClipModel) -> None:
    frames = some_frames(21) + renumbered(some_frames(9, seed=3), first=21, segment=1)
    outcomes = []
    for sizes in [(1,), (30,), (7, 2, 5)]:
        recogniser = Recogniser(model, timesteps=T)
        recogniser.set_prompts(PROMPTS)
        outcomes.append(numbers(analysed(recogniser, frames, *sizes)))
    assert len(outcomes[0]) == (21 - T + 1) + (9 - T + 1)
    assert outcomes[0] == outcomes[1] == outcomes[2]


def test_analysis_encodes_each_frame_once_in_groups(recogniser: Recogniser, encoded: list[int]) -> None:
    analysed(recogniser, some_frames(21), 1)
    assert encoded == [8, 8, 5]


def test_analysis_and_live_agree(model: nc.ClipModel, recogniser: Recogniser) -> None:
    frames = some_frames(12)
    live = Recogniser(model, timesteps=T)
    live.set_prompts(PROMPTS)
    pushed = [prediction for frame in frames if (prediction := live.push([frame])) is not None]
    for a, b in zip(analysed(recogniser, frames, 3), pushed, strict=True):
        assert a.start_us == b.start_us
        assert a.cosines == pytest.approx(b.cosines, abs=1e-5)


def test_a_recording_shorter_than_a_window_gives_one_prediction(recogniser: Recogniser) -> None:
    (prediction,) = analysed(recogniser, some_frames(T - 1), 2)
    assert prediction.timesteps == T - 1
    assert prediction.probabilities.sum() == pytest.approx(1)


def test_a_recording_of_exactly_one_window_gives_one_prediction(recogniser: Recogniser) -> None:
    (prediction,) = analysed(recogniser, some_frames(T), 3)
    assert prediction.timesteps == T


def test_a_recording_without_frames_gives_none(recogniser: Recogniser) -> None:
    assert recogniser.finish() == []


def test_resolutions_in_one_group_are_encoded_apart(recogniser: Recogniser) -> None:
    frames = some_frames(5) + some_frames(6, size=(60, 80), first=5)
    assert len(analysed(recogniser, frames, 11)) == (5 - T + 1) + (6 - T + 1)


# --- something else ---

WORLD = "umbrella\tbrolly\nstar\ncup\tmug\ndog\ncat\nfish\nhouse\ntree\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    """A model with concepts of its own, none of which it takes for the same as another."""
    folder = save_folder(tmp_path_factory.mktemp("world") / "mini")
    (folder / "concepts.txt").write_text(WORLD, encoding="utf-8")
    (folder / "something_else.json").write_text('{"same_meaning": 1.5, "unknown_below": 0.9}', encoding="utf-8")
    return nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")


def judged_with_bank(model: nc.ClipModel, prompts: PromptList, something_else: bool = True) -> Recogniser:
    recogniser = Recogniser(model, timesteps=T, something_else=something_else)
    recogniser.set_prompts(prompts)
    assert recogniser.prepare_bank() == 0
    return recogniser


def test_something_else_is_the_last_row_and_takes_from_all_others_alike(world: nc.ClipModel) -> None:
    frames = some_frames(T)
    plain = judged_with_bank(world, PROMPTS, something_else=False).push(frames)
    recogniser = judged_with_bank(world, PROMPTS)
    prediction = recogniser.push(frames)
    assert plain is not None
    assert prediction is not None
    assert recogniser.labels == prediction.labels == ("star", "cup", "dog", "something else")
    assert prediction.row_ids == (0, 1, 2, -1)
    assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-6)
    np.testing.assert_allclose(prediction.cosines[:3], plain.cosines, atol=1e-6)  # rounded by the size of the product
    left = 1 - prediction.probabilities[3]
    np.testing.assert_allclose(prediction.probabilities[:3], plain.probabilities * left, atol=1e-6)


def test_a_row_that_a_small_world_does_not_name_is_read_by_what_it_is_nearest_to(world: nc.ClipModel) -> None:
    prompts = PromptList.of(["star", "what keeps the rain off"], PRESETS["plain"])
    frames = some_frames(T)
    prediction = judged_with_bank(world, prompts, something_else=False).push(frames)
    assert prediction is not None
    f = world.encode_frames(np.stack([frame.pixels for frame in frames]))
    names = [f"a photo of a {name}" for name in world.bank.names]
    typed = world.encode_texts(["a photo of a star", "a photo of a what keeps the rain off"])
    g = torch.nn.functional.normalize(typed, dim=1).double().numpy()
    g[1] = towards_concepts(g[1:], torch.nn.functional.normalize(world.encode_texts(names), dim=1))[0]
    expected = nc.mean_cosine(f.double().numpy(), g)
    np.testing.assert_allclose(prediction.cosines, expected, atol=1e-5)


def test_its_number_is_that_of_the_concepts_that_are_not_typed(world: nc.ClipModel) -> None:
    frames = some_frames(T)
    prediction = judged_with_bank(world, PromptList.of(["star", "a mug"], PRESETS["plain"])).push(frames)
    assert prediction is not None
    f = world.encode_frames(np.stack([frame.pixels for frame in frames]))
    texts = [f"a photo of a {name}" for name in ("star", "mug", "umbrella", "dog", "cat", "fish", "house", "tree")]
    cosines = nc.mean_cosine(f, world.encode_texts(texts)).double().numpy()
    weights = np.exp(cosines * world.scale)
    other = 0.5 * weights[2:].mean()
    assert prediction.probabilities[2] == pytest.approx(other / (other + 0.25 * weights[:2].sum()), abs=1e-5)
    assert prediction.cosines[2] == pytest.approx(cosines[2:].max(), abs=1e-5)


def test_concepts_that_mean_the_same_as_a_row_do_not_count(model: nc.ClipModel) -> None:
    frames = some_frames(T)
    prediction = judged_with_bank(model, PROMPTS).push(frames)
    assert prediction is not None
    f = model.encode_frames(np.stack([frame.pixels for frame in frames]))
    rows = torch.nn.functional.normalize(model.encode_texts(list(PROMPTS.texts())), dim=1)
    bank = torch.nn.functional.normalize(
        model.encode_texts([f"a photo of a {name}" for name in model.bank.names]), dim=1
    )
    centre = bank.mean(0)
    alike = torch.cosine_similarity((rows - centre)[:, None], (bank - centre)[None], dim=2).amax(0)
    places = [place for place, name in enumerate(model.bank.names) if name not in ("star", "cup", "dog")]
    other = [place for place in places if alike[place] < model.bank.settings.same_meaning]
    assert 0 < len(other) < len(places)
    assert prediction.cosines[3] == pytest.approx(float(nc.mean_cosine(f, bank[other]).max()), abs=1e-5)


def test_until_its_texts_are_encoded_the_rows_are_judged_alone(world: nc.ClipModel) -> None:
    recogniser = Recogniser(world, timesteps=T, something_else=True)
    recogniser.set_prompts(PROMPTS)
    first = recogniser.push(some_frames(T))
    assert recogniser.prepare_bank(5) == 3
    second = recogniser.repeat()
    assert recogniser.prepare_bank(5) == 0
    third = recogniser.repeat()
    assert first is not None and second is not None and third is not None  # noqa: PT018
    assert first.labels == second.labels == ("star", "cup", "dog")
    assert third.labels[3:] == ("something else",)
    recogniser.set_prompts(replace(PROMPTS, template=PRESETS["class"]))
    assert recogniser.labels == ("star", "cup", "dog")
    assert recogniser.bank_waits


def test_switched_off_and_on_again_it_encodes_nothing_anew(world: nc.ClipModel) -> None:
    recogniser = judged_with_bank(world, PROMPTS)
    before = recogniser.labels
    recogniser.set_something_else(False)
    assert recogniser.labels == ("star", "cup", "dog")
    recogniser.set_something_else(True)
    assert not recogniser.bank_waits
    assert recogniser.labels == before


def test_analysis_in_any_portions_gives_the_numbers_of_single_windows(world: nc.ClipModel) -> None:
    frames = some_frames(12)
    whole = analysed(judged_with_bank(world, PROMPTS), frames, 12)
    portions = analysed(judged_with_bank(world, PROMPTS), frames, 1, 3)
    assert numbers(whole) == numbers(portions)
    assert all(prediction.labels[-1] == "something else" for prediction in whole)
    last = judged_with_bank(world, PROMPTS).push(frames[-T:])
    assert last is not None
    np.testing.assert_allclose(whole[-1].probabilities, last.probabilities, atol=1e-5)


def test_no_motion_stays_no_motion(world: nc.ClipModel) -> None:
    prediction = judged_with_bank(world, PROMPTS).push(some_frames(T, events=0))
    assert prediction is not None
    assert prediction.state == "no_motion"
    assert len(prediction.probabilities) == len(prediction.labels) == 4
    assert np.isnan(prediction.probabilities).all()


def test_without_rows_there_is_no_something_else(world: nc.ClipModel) -> None:
    recogniser = Recogniser(world, timesteps=T, something_else=True)
    recogniser.set_prompts(PromptList((), PRESETS["plain"]))
    assert not recogniser.bank_waits
    assert recogniser.labels == ()


def test_where_every_concept_is_typed_nothing_else_is_left(world: nc.ClipModel) -> None:
    names = PromptList.of([line.split("\t")[0] for line in WORLD.split("\n") if line], PRESETS["plain"])
    prediction = judged_with_bank(world, names).push(some_frames(T))
    assert prediction is not None
    assert (prediction.labels[-1], prediction.probabilities[-1], prediction.cosines[-1]) == ("something else", 0, -1)


# --- outside a model's world ---


def test_a_text_far_from_every_concept_is_told_of(world: nc.ClipModel) -> None:
    prompts = PromptList.of(["brolly", "a star", "quantum chromodynamics"], PRESETS["plain"])
    recogniser = judged_with_bank(world, prompts, something_else=False)
    assert recogniser.notices == {2: "The small model may not know this."}


def test_where_all_rows_name_concepts_nothing_needs_to_be_encoded(world: nc.ClipModel) -> None:
    recogniser = Recogniser(world, timesteps=T)
    recogniser.set_prompts(PromptList.of(["brolly", "a star"], PRESETS["plain"]))
    assert not recogniser.bank_waits


def test_a_model_without_concepts_says_nothing_of_the_kind(model: nc.ClipModel) -> None:
    recogniser = judged_with_bank(model, PromptList.of(["quantum chromodynamics"], PRESETS["class"]))
    assert recogniser.labels[-1] == "something else"
    assert recogniser.notices == {}
