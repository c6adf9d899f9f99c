"""The user's own recordings, one sub-folder a class."""

from __future__ import annotations

from pathlib import Path

import faery
import numpy as np
import pytest

from experiments.datasets.dataset import Framing
from experiments.datasets.errors import DatasetError, SampleError
from experiments.datasets.own_folder import OTHER_SUFFIXES, open_folder
from pipeline.event_framing import event_frames
from pipeline.events import Resolution
from tests.experiments.datasets.made_datasets import made_events, write_atis
from tests.pipeline.sources.made_recordings import SMALL, moving_square, write_recording

FRAMING = Framing(timesteps=5)
SENSOR = Resolution(40, 36)


def write_bins(folder: Path, each: int = 3) -> Path:
    for label, name in enumerate(("a_mug", "Ärmel", "zebra")):
        for seed in range(each):
            write_atis(folder / name / f"{seed}.bin", made_events(label, seed, 34))
    (folder / "empty").mkdir()
    (folder / "notes.txt").write_text("mine")
    return folder


def test_one_part_where_there_are_no_two(tmp_path: Path) -> None:
    dataset = open_folder(write_bins(tmp_path), SENSOR)
    assert dataset.classes == ("a mug", "zebra", "Ärmel")
    assert dataset.train is None
    assert dataset.test.name == "all"
    assert dataset.test.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    expected = event_frames(made_events(2, 1, 34), SENSOR, timesteps=5)
    assert np.array_equal(dataset.test.read(4, FRAMING), expected)


def test_training_and_test_apart(tmp_path: Path) -> None:
    write_bins(tmp_path / "train", each=4)
    write_bins(tmp_path / "test", each=2)
    dataset = open_folder(tmp_path, SENSOR)
    assert dataset.train is not None
    assert (len(dataset.train), len(dataset.test)) == (12, 6)
    assert dataset.train.samples[0] == "train/a_mug/0.bin"


def test_recordings_of_the_program_itself(tmp_path: Path) -> None:
    (tmp_path / "square" / "deeper").mkdir(parents=True)
    write_recording(tmp_path / "square" / "deeper" / "one.aedat4", moving_square())
    dataset = open_folder(tmp_path)
    expected = event_frames(moving_square(), SMALL, timesteps=5)
    assert np.array_equal(dataset.test.read(0, FRAMING), expected)


@pytest.mark.parametrize("suffix", OTHER_SUFFIXES)
def test_recordings_of_other_makers(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "square").mkdir()
    shown = moving_square()
    events = np.zeros(len(shown), faery.EVENTS_DTYPE)
    for own, theirs in (("timestamp", "t"), ("x", "x"), ("y", "y"), ("polarity", "on")):
        events[theirs] = shown[own]
    events["t"] -= events["t"][0]
    faery.events_stream_from_array(events, SMALL).to_file(tmp_path / "square" / f"one{suffix}")
    dataset = open_folder(tmp_path)
    expected = event_frames(shown, SMALL, timesteps=5)
    assert np.array_equal(dataset.test.read(0, FRAMING), expected)


@pytest.mark.parametrize("suffix", OTHER_SUFFIXES)
def test_a_damaged_recording_of_another_maker_is_one_sentence(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "square").mkdir()
    (tmp_path / "square" / f"one{suffix}").write_bytes(b"nothing of the kind")
    with pytest.raises(SampleError, match=rf"^[^\n]*one{suffix} cannot be read"):
        open_folder(tmp_path).test.read(0, FRAMING)


def test_a_recording_that_was_made_again_is_another_sample(tmp_path: Path) -> None:
    write_bins(tmp_path)
    before = open_folder(tmp_path, SENSOR).test.fingerprint
    assert open_folder(tmp_path, SENSOR).test.fingerprint == before
    write_atis(tmp_path / "zebra" / "1.bin", made_events(0, 99, 34, 50))
    assert open_folder(tmp_path, SENSOR).test.fingerprint != before


def test_a_file_that_is_no_recording_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "square").mkdir()
    (tmp_path / "square" / "one.aedat4").write_bytes(b"nothing of the kind")
    with pytest.raises(SampleError, match=r"^[^\n]*one\.aedat4 cannot be read"):
        open_folder(tmp_path).test.read(0, FRAMING)


def test_no_folder_no_recordings_no_sensor_and_no_test_are_told(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder"):
        open_folder(tmp_path / "nothing")
    with pytest.raises(DatasetError, match="No folder in"):
        open_folder(tmp_path)
    write_bins(tmp_path / "train")
    with pytest.raises(DatasetError, match="--sensor WIDTHxHEIGHT"):
        open_folder(tmp_path / "train")
    write_atis(tmp_path / "test" / "zebra" / "0.bin", made_events(0, 0, 34))
    with pytest.raises(DatasetError, match="no recordings of a_mug, Ärmel"):
        open_folder(tmp_path, SENSOR)
