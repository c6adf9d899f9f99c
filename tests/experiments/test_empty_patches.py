"""The trial of leaving out empty patches: what counts as empty, the training, the commands."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import pipeline as nc
from experiments.empty_patches.__main__ import main
from experiments.empty_patches.agreement import Judged, together
from experiments.empty_patches.comparing import Comparison, Row, table
from experiments.empty_patches.tower import (
    LeavingOut,
    TowerSizes,
    new_tower,
    patches_with_events,
    picture_without_events,
)
from experiments.empty_patches.training import Distillation, TrialError, distilled, prepare
from pipeline.bf16_tower import may_pack
from pipeline.mapped_weights import MappedWeights
from pipeline.prediction import NO_EVENT, Floats
from pipeline.preprocessing import CLIPS_OWN, Frames, Preprocessing
from pipeline.vit_graph import PREFIX
from pipeline.vit_sizes import vit_sizes
from tests.pipeline.tiny_clip import save_folder, tiny_config

SIZES = TowerSizes(side=32, patch=8, width=32, layers=2, head_width=16, features=12)
STEPS, BATCH = 6, 4


@pytest.fixture
def preprocessing() -> Preprocessing:
    return Preprocessing(SIZES.side, **CLIPS_OWN)


def frames_of(height: int, width: int, *events: tuple[int, int, int]) -> Frames:
    frame = np.full((1, height, width), NO_EVENT, np.uint8)
    for y, x, value in events:
        frame[0, y, x] = value
    return frame


def shown(preprocessing: Preprocessing, frames: Frames, view: str = "crop", normalisation: str = "clip") -> list[int]:
    """Give the patches of the first frame in which an event shows."""
    pictures = preprocessing.pictures(frames, normalisation=normalisation, view=view)
    nothing = picture_without_events(preprocessing, normalisation)
    return np.flatnonzero(patches_with_events(pictures, nothing, SIZES.patch)[0]).tolist()


@pytest.mark.parametrize("normalisation", ["clip", "reference"])
@pytest.mark.parametrize("size", [(32, 32), (180, 240), (45, 61), (17, 17)])
def test_without_events_all_patches_are_empty(
    preprocessing: Preprocessing, size: tuple[int, int], normalisation: str
) -> None:
    assert shown(preprocessing, frames_of(*size), normalisation=normalisation) == []


@pytest.mark.parametrize("value", [0, 255])
def test_one_event_of_either_polarity_fills_its_patch(preprocessing: Preprocessing, value: int) -> None:
    assert shown(preprocessing, frames_of(32, 32, (0, 0, value))) == [0]
    assert shown(preprocessing, frames_of(32, 32, (7, 8, value), (31, 31, value))) == [1, 15]


def test_what_a_view_leaves_away_is_not_there(preprocessing: Preprocessing) -> None:
    beside, left, right = (16, 7, 0), (16, 8, 0), (16, 39, 255)
    assert shown(preprocessing, frames_of(32, 48, beside)) == []
    assert shown(preprocessing, frames_of(32, 48, beside, left, right)) == [8, 11]
    assert shown(preprocessing, frames_of(32, 48, beside), view="fit") == [8]


def test_a_large_frame_is_looked_at_as_the_encoder_sees_it(preprocessing: Preprocessing) -> None:
    between, seen = (160, 160, 0), (164, 165, 255)
    assert shown(preprocessing, frames_of(320, 320, between)) == []
    assert shown(preprocessing, frames_of(320, 320, between, seen)) == [10]


def test_an_event_that_resizing_spreads_fills_both_patches(preprocessing: Preprocessing) -> None:
    assert shown(preprocessing, frames_of(16, 16, (0, 3, 0))) == [0, 1]


def tower(preprocessing: Preprocessing, from_block: int | None) -> LeavingOut:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return LeavingOut(new_tower(SIZES).eval(), picture_without_events(preprocessing), from_block)


def test_leaving_out_nothing_gives_the_dense_features(preprocessing: Preprocessing) -> None:
    pictures = np.random.default_rng(0).uniform(1, 2, (3, 3, SIZES.side, SIZES.side)).astype(np.float32)
    dense = tower(preprocessing, None)(pictures)
    for from_block in (0, 1):
        assert np.array_equal(tower(preprocessing, from_block)(pictures), dense)
    with torch.random.fork_rng(devices=[]), torch.inference_mode():
        torch.manual_seed(3)
        itself = new_tower(SIZES).eval()(torch.from_numpy(pictures)).numpy()
    np.testing.assert_allclose(dense, itself, rtol=0, atol=1e-5)


def test_an_empty_patch_is_left_out_of_the_blocks_asked_for(preprocessing: Preprocessing) -> None:
    frame = frames_of(32, 32, (3, 3, 0), (20, 20, 255))
    pictures = preprocessing.pictures(frame, normalisation="clip", view="crop")
    dense, later, without = (tower(preprocessing, first)(pictures) for first in (None, 1, 0))
    assert not np.allclose(dense, later, atol=1e-5)
    assert not np.allclose(later, without, atol=1e-5)
    blank = preprocessing.pictures(frames_of(32, 32), normalisation="clip", view="crop")
    assert np.isfinite(tower(preprocessing, 0)(blank)).all()  # the class token alone remains


@pytest.mark.skipif(not may_pack(), reason="this processor has no bf16 instructions")
def test_the_programs_tower_leaves_out_the_same_patches(tmp_path: Path) -> None:
    from experiments.empty_patches.speed import FewerTokens

    model = nc.load_model(str(save_folder(tmp_path / "m", tiny_config(image_size=64))), device="cpu")
    sizes, file = vit_sizes(model.plan), model.plan.weights
    assert sizes is not None
    assert file is not None
    nothing = picture_without_events(model.preprocessing)
    ours = FewerTokens(sizes, MappedWeights(file, prefix=PREFIX).arrays, nothing)
    exact = LeavingOut(model.torch_tower, nothing, 0)
    for events in ([(3, 3, 0), (40, 50, 255)], [], [(y, x, 0) for y in range(64) for x in range(64)]):
        pictures = model.preprocessing.pictures(frames_of(64, 64, *events), normalisation="clip", view="crop")
        one, other = ours(pictures)[0], exact(pictures)[0]
        assert one @ other / (np.linalg.norm(one) * np.linalg.norm(other)) > 0.999


def training(folder: Path, preprocessing: Preprocessing, frames: Frames, features: Floats) -> Distillation:
    def normalised(some: Frames) -> Floats:
        return preprocessing.pictures(some, normalisation="clip", view="crop")

    return Distillation(folder, frames, features, normalised, SIZES, steps=STEPS, batch=BATCH)


def test_training_goes_on_from_its_checkpoint(tmp_path: Path, preprocessing: Preprocessing) -> None:
    rng = np.random.default_rng(0)
    frames = rng.choice(np.array([0, NO_EVENT, 255], np.uint8), (10, SIZES.side, SIZES.side))
    features = rng.normal(size=(10, SIZES.features)).astype(np.float32)
    folders = [tmp_path / name for name in ("whole", "broken")]
    for folder in folders:
        folder.mkdir()
    whole, first = (training(folder, preprocessing, frames, features) for folder in folders)
    losses: list[float] = []
    whole.run(lambda step, loss: losses.append(loss))
    for _ in range(STEPS // 2):
        first.learn()
    first.save()
    with pytest.raises(TrialError, match=r"not fully trained: run .* train"):
        distilled(folders[1], SIZES)
    second = training(folders[1], preprocessing, frames, features)
    assert second.step == STEPS // 2
    rest: list[float] = []
    second.run(lambda step, loss: rest.append(loss))
    assert rest == losses[STEPS // 2 :]
    towers = [distilled(folder, SIZES).state_dict() for folder in folders]
    assert all(torch.equal(towers[0][name], towers[1][name]) for name in towers[0])


def test_frames_and_the_teachers_features_are_made_once(tmp_path: Path) -> None:
    class Teacher:
        def frame_features(self, frames: Frames) -> Floats:
            return np.ones((len(frames), 2), np.float32)

    def never() -> Frames:
        raise AssertionError("made again")

    made = frames_of(4, 4, (1, 1, 0))
    teacher: Callable[[], Teacher] = Teacher
    prepare(tmp_path, lambda: made, teacher)  # type: ignore[arg-type]
    frames, features = prepare(tmp_path, never, never)  # type: ignore[arg-type]
    assert np.array_equal(frames, made)
    assert features.tolist() == [[1.0, 1.0]]


def judged(*labels: str, right: bool = True, turned: float = 0.0) -> Judged:
    features = np.array([[np.cos(turned), np.sin(turned)]] * 2, np.float32)
    return Judged(labels, (right,), features)


def test_windows_without_a_label_in_both_do_not_count() -> None:
    one, other = judged("star", "", "cup", ""), judged("star", "", "star", "cup", turned=np.pi / 3)
    assert one.same_as(other) == [True, False, False]
    np.testing.assert_allclose(one.cosines(other), 0.5, atol=1e-6)
    assert together([one, other]).same_as(together([one, one])) == [True, True, True, False, False]


def test_the_result_says_whether_the_bar_is_reached() -> None:
    whole, other = judged("star", "cup"), judged("star", "star", turned=0.1)
    row = Row("in all", np.array([0.25, 0.75], np.float32), other, whole, other, whole)
    comparison = Comparison((), (row,))
    result = comparison.result([])
    assert "top-1 in only 50.0% of the windows: it has learnt too little" in result.remarks[0]
    assert "(50.0%) misses it" in result.remarks[1]
    assert "(100.0%) reaches it" in result.remarks[1]
    assert "no bf16" in result.remarks[-1]
    assert result.figures[0].values == (50.0,)
    assert table(comparison).row_count == 1


def test_measuring_before_training_is_one_clear_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["measure", "--folder", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: there is no distilled tower in ")
    assert said.endswith("run `python -m experiments.empty_patches train` first.\n")
    assert said.count("\n") == 1
