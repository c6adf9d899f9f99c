"""Examples written as a data set and read again: the same frames, the same lesson, and what is wrong is said."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from experiments.train_examples import run
from pipeline.capture.kept_events import WindowEvents, write_window
from pipeline.event_framing import event_frames
from pipeline.events import EVENT_DTYPE, Resolution
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.example_export import export_examples
from pipeline.few_shot.example_set import FEATURES, LIST, read_example_set, window_frames
from pipeline.few_shot.examples import Example
from pipeline.few_shot.saving import load_taught
from pipeline.few_shot.shown import RowTexts
from pipeline.few_shot.taught import FeatureSetting
from pipeline.few_shot.training import taught_by
from pipeline.prompts import ActiveRow

T, C = 4, 8
SIZE = Resolution(20, 16)
SETTING = FeatureSetting("tiny", "test", "ab", C, T, timestep_us=30_000, threshold=1)
ROWS = (ActiveRow(5, "my mug", ("my mug",)), ActiveRow(7, "a/b: c?", ("a b", "c")), ActiveRow(9, "a b c", ("abc",)))
TEXTS = RowTexts(ROWS, np.random.default_rng(9).normal(size=(3, C)).astype(np.float32), 14.0, SETTING)


def window(seed: int) -> WindowEvents:
    """Events of four timesteps, in each of them not quite in order of time, one of them without any."""
    random = np.random.default_rng(seed)
    counts = random.integers(60, 90, T)
    counts[seed % T] = 0
    events = np.zeros(counts.sum(), EVENT_DTYPE)
    timesteps = np.repeat(np.arange(T), counts)
    events["timestamp"] = 1_000_000 + 30_000 * timesteps + random.integers(0, 30_000, len(events))
    events["x"], events["y"] = random.integers(0, SIZE.width, len(events)), random.integers(0, SIZE.height, len(events))
    events["polarity"] = random.integers(0, 2, len(events))
    return WindowEvents(events, counts, SIZE)


def frames_of(made: WindowEvents) -> bytes:
    bounds = np.concatenate([[0], np.cumsum(made.counts)]).tolist()
    return b"".join(
        event_frames(made.events[start:end], SIZE, timesteps=1, threshold=1).tobytes()
        for start, end in pairwise(bounds)
    )


def example(seed: int, row: int, folder: Path) -> Example:
    made = window(seed)
    write_window(folder / f"{seed}.npz", made)
    features = np.random.default_rng([seed, row]).normal(size=(T, C)).astype(np.float32)
    thumbnail = np.zeros((3, 3), np.uint8)
    return Example(
        seed, row, features, 1_000_000, 1_120_000, len(made.events), thumbnail, SETTING, "cup.aedat4",
        folder / f"{seed}.npz",
    )  # fmt: skip


@pytest.fixture
def examples(tmp_path: Path) -> list[Example]:
    folder = tmp_path / "kept"
    folder.mkdir()
    return [example(seed, row, folder) for seed, row in enumerate((5, 7, 5, 9, 7, 3))]


def test_what_is_read_is_what_was_exported(examples: list[Example], tmp_path: Path) -> None:
    exported = export_examples(tmp_path / "set", examples, TEXTS, SETTING)
    assert (exported.written, exported.left_out) == (5, 0)  # row 3 is not judged any more
    found = read_example_set(tmp_path / "set")
    assert [(each.label, each.source) for each in found.examples] == [
        (label, "cup.aedat4") for label in ("my mug", "a/b: c?", "my mug", "a b c", "a/b: c?")
    ]
    assert len({each.file.partition("/")[0].casefold() for each in found.examples}) == 3
    lesson = found.lesson
    assert [each.label for each in lesson.classes] == ["my mug", "a/b: c?", "a b c"]
    assert lesson.classes[1].prompts == ("a b", "c")
    assert (lesson.setting, lesson.scale, lesson.labels.tolist()) == (SETTING, 14.0, [0, 1, 0, 2, 1])
    assert np.array_equal(lesson.features, np.stack([each.features for each in examples[:5]]))
    for number in (0, 3):
        frames = window_frames(found, found.examples[number])
        assert frames.tobytes() == frames_of(window(number))


def test_the_command_trains_what_the_lesson_trains(
    examples: list[Example], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export_examples(tmp_path / "set", examples, TEXTS, SETTING)
    assert run([str(tmp_path / "set"), "--output", str(tmp_path / "cup.safetensors"), "--method", "tip"]) == 0
    assert "tip: 5 examples of 3 classes" in capsys.readouterr().out
    before = taught_by(read_example_set(tmp_path / "set").lesson, "tip").classifier.arrays()
    after = load_taught(tmp_path / "cup.safetensors", SETTING).classifier.arrays()
    assert all(np.array_equal(after[name], array) for name, array in before.items())


def test_an_example_without_events_is_left_out_and_counted(examples: list[Example], tmp_path: Path) -> None:
    examples[0].events_file.unlink()  # type: ignore[union-attr]
    exported = export_examples(tmp_path / "set", examples, TEXTS, SETTING)
    assert (exported.written, exported.left_out) == (4, 1)
    assert len(read_example_set(tmp_path / "set").examples) == 4


def test_what_cannot_be_exported_says_why(examples: list[Example], tmp_path: Path) -> None:
    with pytest.raises(FewShotError, match="holds something already"):
        export_examples(tmp_path, examples, TEXTS, SETTING)
    with pytest.raises(FewShotError, match="threshold 1 \\(now 0\\)"):
        export_examples(tmp_path / "set", examples, TEXTS, replace(SETTING, threshold=0))
    gone = [replace(each, events_file=None) for each in examples]
    with pytest.raises(FewShotError, match="nothing to export"):
        export_examples(tmp_path / "set", gone, TEXTS, SETTING)


def test_a_damaged_set_says_what_is_wrong(
    examples: list[Example], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "set"
    assert run([str(folder)]) == 1
    assert capsys.readouterr().err.startswith(f"error: There is no {LIST}")
    export_examples(folder, examples, TEXTS, SETTING)
    described = json.loads((folder / LIST).read_text())
    found = read_example_set(folder)
    (folder / found.examples[0].file).write_bytes((folder / found.examples[1].file).read_bytes())
    with pytest.raises(FewShotError, match="is not what was exported"):
        window_frames(found, found.examples[0])
    described["examples"] = described["examples"][1:]
    (folder / LIST).write_text(json.dumps(described))
    with pytest.raises(FewShotError, match="features are"):
        read_example_set(folder)
    (folder / FEATURES).write_bytes(b"nothing")
    with pytest.raises(FewShotError, match="is damaged"):
        read_example_set(folder)
