"""What looks like the examples is judged by what was taught, all else by the texts, with and without something else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipeline as nc
from pipeline.few_shot.familiarity import Familiarity, familiarity_of
from pipeline.few_shot.saving import load_taught, save_taught
from pipeline.few_shot.taught import FeatureSetting, TaughtClass, TaughtClasses
from pipeline.few_shot.training import Lesson, taught_by
from pipeline.prediction import EventFrame, Floats, Prediction
from pipeline.prompts import PRESETS, PromptList, PromptRow
from pipeline.recogniser import Recogniser
from tests.pipeline.tiny_clip import save_folder

T = 4


def windows_around(centre: Floats, count: int, seed: int, spread: float = 0.1) -> Floats:
    noise = np.random.default_rng(seed).normal(size=(count, T, len(centre)))
    return (centre + spread * noise).astype(np.float32)


def centres(count: int, width: int = 32) -> Floats:
    return np.eye(width, dtype=np.float32)[:count]


def test_examples_are_familiar_and_other_things_are_not() -> None:
    star, cup, fish = centres(3)
    features = np.concatenate([windows_around(star, 6, 0), windows_around(cup, 6, 1)])
    found = familiarity_of(features, np.repeat([0, 1], 6))
    assert min(found.of(window) for window in windows_around(star, 5, 2)) > 0.9
    assert max(found.of(window) for window in windows_around(fish, 5, 3)) < 0.05


@pytest.mark.parametrize("count", [1, 4])
def test_one_class_alone_is_familiar_near_its_examples(count: int) -> None:
    star, fish = centres(2)
    found = familiarity_of(windows_around(star, count, 0), np.zeros(count, np.int64))
    assert found.of(windows_around(star, 1, 5)[0]) > 0.8
    assert found.of(windows_around(fish, 1, 5)[0]) < 0.05


class Shown:
    """A recogniser before a stream of two different pictures, and a lesson on the first."""

    def __init__(self, folder: Path, *, something_else: bool) -> None:
        self.model = nc.load_model(f"local-dir:{save_folder(folder)}", device="cpu", precision="fp32")
        self.recogniser = Recogniser(self.model, timesteps=T, something_else=something_else, no_motion_events=1)
        self.recogniser.set_prompts(PromptList(tuple(PromptRow(n, t) for n, t in enumerate(ROWS)), PRESETS["plain"]))
        self.recogniser.prepare_bank()
        random = np.random.default_rng(0)
        self.pictures = random.choice([0, 127, 255], (2, 32, 32)).astype(np.uint8)
        self.pictures[1] = 127
        self.pictures[1, :16] = 0
        self._index = 0

    def judged(self, picture: int) -> Prediction:
        for _ in range(T):
            frame = EventFrame(
                self._index, 0, self._index * 1000, self._index * 1000 + 1000, 500, self.pictures[picture], 0
            )
            found = self.recogniser.push([frame])
            self._index += 1
        assert found is not None
        return found

    def teach(self, method: str, pictures: dict[int, int]) -> TaughtClasses:
        """Train on these pictures, by row."""
        features, labels = [], []
        for row, picture in pictures.items():
            self.judged(picture)
            shown = self.recogniser.shown_window()
            assert shown is not None
            features += [shown.features * np.float32(1 + 0.01 * number) for number in range(3)]
            labels += [row] * 3
        texts = self.recogniser.row_texts()
        assert texts is not None
        lesson = Lesson(
            np.stack(features),
            np.array(labels),
            tuple(TaughtClass(row.label, row.prompts) for row in texts.rows),
            texts.features,
            texts.scale,
            replace(self.recogniser.feature_setting, timestep_us=1000),
        )
        return taught_by(lesson, method)


ROWS = ("a star", "my mug")


@pytest.mark.parametrize("method", ["adapter", "tip", "probe", "mean"])
@pytest.mark.parametrize("something_else", [True, False])
def test_what_was_taught_is_right_beside_something_else(method: str, something_else: bool, tmp_path: Path) -> None:
    """Whatever the scale of the method's logits: the texts alone call both pictures the same."""
    shown = Shown(tmp_path / "tiny", something_else=something_else)
    taught = shown.teach(method, {0: 0, 1: 1})
    shown.recogniser.set_taught(taught)
    for row in (0, 1):
        prediction = shown.judged(row)
        assert prediction.best == row
        assert prediction.taught
        assert prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
        assert len(prediction.probabilities) == 2 + something_else


def test_what_does_not_look_like_the_examples_is_judged_by_the_texts(tmp_path: Path) -> None:
    shown = Shown(tmp_path / "tiny", something_else=True)
    by_text = [shown.judged(picture).probabilities for picture in (0, 1)]
    taught = shown.teach("tip", {1: 1})
    far = Familiarity(-shown.model.encode_texts(["x"]).numpy(), 0.01, 0.01)
    shown.recogniser.set_taught(replace(taught, familiarity=far))
    assert np.allclose([shown.judged(picture).probabilities for picture in (0, 1)], by_text, atol=1e-6)
    shown.recogniser.set_taught(replace(taught, familiarity=None))
    assert shown.judged(0).probabilities[1] == pytest.approx(1)


def test_it_is_saved_with_what_was_taught(tmp_path: Path) -> None:
    star, cup = centres(2)
    features = np.concatenate([windows_around(star, 3, 0), windows_around(cup, 3, 1)])
    setting = FeatureSetting("tiny", "test", "ab", 32, T)
    classes = (TaughtClass("a star", ("a star",)), TaughtClass("a cup", ("a cup",)))
    taught = taught_by(Lesson(features, np.repeat([0, 1], 3), classes, centres(2), 14.0, setting), "mean")
    save_taught(tmp_path / "a.safetensors", taught)
    found = load_taught(tmp_path / "a.safetensors", setting).familiarity
    assert found is not None
    assert taught.familiarity is not None
    assert np.array_equal(found.means, taught.familiarity.means)
    assert (found.middle, found.half) == (taught.familiarity.middle, taught.familiarity.half)
