"""The public data sets in their true formats and layouts, through spikingjelly's classes."""

from __future__ import annotations

import ast
import gc
import hashlib
import importlib.util
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spikingjelly.datasets.es_imagenet import ESImageNet
from spikingjelly.datasets.n_mnist import NMNIST

from experiments.datasets import neuromorphic
from experiments.datasets.dataset import EventDataset, Framing
from experiments.datasets.errors import DatasetError, SampleError
from experiments.datasets.layouts import LAYOUTS
from experiments.datasets.neuromorphic import in_one_order, open_neuromorphic
from experiments.datasets.preparation import prepare
from pipeline.event_framing import event_frames
from tests.experiments.datasets.made_datasets import (
    CIFAR10,
    made_events,
    write_atis,
    write_cifar10_dvs,
    write_dvs128_gesture,
    write_es_imagenet,
    write_es_npz,
    write_n_caltech101,
    write_n_mnist,
    zip_folder,
)

REAL_SAMPLE = Path(__file__).resolve().parents[4] / "shared" / "recordings" / "nmnist_sample.bin"
FRAMING = Framing(timesteps=10)


def opened(name: str, root: Path, **options: Any) -> EventDataset:
    return open_neuromorphic(LAYOUTS[name], root, lambda _: None, **options)


def refusal(name: str, root: Path) -> str:
    with pytest.raises(DatasetError) as caught:
        opened(name, root)
    text = str(caught.value)
    assert "\n" not in text
    assert LAYOUTS[name].page in text
    return text


# --- what is read is what was written ---


def test_n_mnist(tmp_path: Path) -> None:
    dataset = opened("n-mnist", write_n_mnist(tmp_path))
    assert dataset.classes[:3] == ("zero", "one", "two")
    assert dataset.train is not None
    assert (len(dataset.train), len(dataset.test)) == (30, 20)
    assert dataset.test.labels.tolist() == sorted([*range(10), *range(10)])
    for index, label in enumerate(dataset.test.labels.tolist()):
        expected = event_frames(made_events(label, 1000 + index % 2, 34), (34, 34), timesteps=10)
        assert np.array_equal(dataset.test.read(index, FRAMING), expected)
    assert dataset.test.samples[0].startswith("0/")


def test_a_real_sample_of_n_mnist(tmp_path: Path) -> None:
    if not REAL_SAMPLE.is_file():
        pytest.skip("needs the recordings beside the repository")
    write_n_mnist(tmp_path, train=1, test=1)
    shutil.copy(REAL_SAMPLE, tmp_path / "extract" / "Test" / "3" / "00000.bin")
    dataset = opened("n-mnist", tmp_path)
    frames = dataset.test.read(dataset.test.samples.index("3/00000.npz"), FRAMING)
    raw = np.fromfile(REAL_SAMPLE, np.uint8).reshape(-1, 5).astype(int)
    share = len(raw) // 10
    for timestep in range(10):
        part = raw[timestep * share : (timestep + 1) * share if timestep < 9 else None]
        expected = np.full((34, 34), 127, np.uint8)
        for polarity, value in ((0, 255), (1, 0)):
            some = part[part[:, 2] >> 7 == polarity]
            expected[some[:, 1], some[:, 0]] = value
        assert np.array_equal(frames[timestep], expected)
    assert len(raw) > 1000


def test_cifar10_dvs(tmp_path: Path) -> None:
    dataset = opened("cifar10-dvs", write_cifar10_dvs(tmp_path))
    assert dataset.classes == CIFAR10
    assert dataset.train is not None
    assert (len(dataset.train), len(dataset.test)) == (180, 20)
    assert np.bincount(dataset.test.labels).tolist() == [2] * 10
    # By name, as the reference splits it: 0, 1, 10, 11, ... 8, 9.
    assert dataset.test.samples[:2] == ("airplane/cifar10_airplane_8.npz", "airplane/cifar10_airplane_9.npz")
    framing = Framing(timesteps=7, threshold=1)
    expected = event_frames(made_events(3, 9, 128), (128, 128), timesteps=7, threshold=1)
    cat = dataset.test.samples.index("cat/cifar10_cat_9.npz")
    assert np.array_equal(dataset.test.read(cat, framing), expected)
    assert set(dataset.train.samples).isdisjoint(dataset.test.samples)


def test_es_imagenet(tmp_path: Path) -> None:
    dataset = opened("es-imagenet", write_es_imagenet(tmp_path, (0, 2, 10, 207), train=2))
    assert len(dataset.classes) == 1000
    assert [dataset.classes[label] for label in (0, 207)] == ["tench", "Golden Retriever"]
    assert dataset.train is not None
    assert dataset.train.labels.tolist() == [0, 0, 10, 10, 2, 2, 207, 207], "folders in the order of the alphabet"
    assert sorted(dataset.test.labels.tolist()) == [0, 2, 10, 207]
    place = dataset.test.labels.tolist().index(10)
    with np.load(tmp_path / "extract/ES-imagenet-0.18/val" / Path(dataset.test.samples[place]).name) as written:
        rows = [(t, 1 - p, y, x) for p, name in ((1, "pos"), (0, "neg")) for y, x, t in written[name].tolist()]
    expected = np.full((10, 256, 256), 127, np.uint8)
    share = len(rows) // 10
    for number, (_, off, y, x) in enumerate(sorted(rows)):
        frame = expected[min(number // share, 9)]
        if not (off and frame[y, x] == 0):
            frame[y, x] = 255 if off else 0
    assert np.array_equal(dataset.test.read(place, FRAMING), expected)


def test_events_of_one_time_have_one_order() -> None:
    events = made_events(1, 1, 64)
    events["timestamp"] = events["timestamp"] // 20_000
    shuffled = np.random.default_rng(0).permutation(events)
    assert np.array_equal(in_one_order(shuffled), in_one_order(events))
    assert np.all(np.diff(in_one_order(shuffled)["timestamp"]) >= 0)


def test_n_caltech101(tmp_path: Path) -> None:
    dataset = opened("n-caltech101", write_n_caltech101(tmp_path))
    assert dataset.classes == ("background", "face", "airplanes")
    assert dataset.train is not None
    assert (len(dataset.train), len(dataset.test)) == (27, 3)
    assert not dataset.notices
    expected = event_frames(made_events(2, 9, 180, classes=3), (240, 180), timesteps=10)
    assert np.array_equal(dataset.test.read(2, FRAMING), expected)


def test_dvs128_gesture(tmp_path: Path) -> None:
    dataset = opened("dvs128-gesture", write_dvs128_gesture(tmp_path))
    assert dataset.classes[0] == "hand clapping"
    assert dataset.classes[10] == "other gestures"
    # The folders 0, 1, 10, 2 ... are classes in the order of their numbers.
    assert dataset.test.labels.tolist() == [0, 1, 10, 2, 3, 4, 5, 6, 7, 8, 9]
    for index in (1, 2):
        label = int(dataset.test.labels[index])
        expected = event_frames(made_events(label, 1, 128, 300, classes=11), (128, 128), timesteps=10)
        assert np.array_equal(dataset.test.read(index, FRAMING), expected)


@pytest.mark.parametrize("threshold", [0, 1])
def test_spikingjellys_folders_of_frames_give_the_same_frames(tmp_path: Path, threshold: int) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    framing = Framing(timesteps=6, threshold=threshold)
    by_events, by_frames = opened("n-mnist", tmp_path), opened("n-mnist", tmp_path, frame_folders=framing)
    assert (tmp_path / "frames_number_6_split_by_number" / "test" / "7").is_dir()
    assert by_frames.test.samples == by_events.test.samples
    for index in range(10):
        assert np.array_equal(by_frames.test.read(index, framing), by_events.test.read(index, framing))


@pytest.mark.parametrize("one_parser", [True, False])
def test_nothing_is_collected_while_threads_parse_headers_where_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one_parser: bool
) -> None:
    """Before Python 3.11.8 a collection in the middle of one thread's parsing let another's fail with SystemError."""
    monkeypatch.setattr(neuromorphic, "ONE_PARSER", one_parser)
    collecting = []
    parse = ast.literal_eval

    def parsed(header: str) -> Any:
        collecting.append(gc.isenabled())
        return parse(header)

    monkeypatch.setattr(ast, "literal_eval", parsed)
    write_n_mnist(tmp_path, train=1, test=1)
    opened("n-mnist", tmp_path, frame_folders=FRAMING)
    assert set(collecting) == {not one_parser}
    assert gc.isenabled()


def test_a_folder_of_frames_that_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    opened("n-mnist", tmp_path, frame_folders=FRAMING)
    folder = tmp_path / "frames_number_10_split_by_number"
    for path in (folder / "test").rglob("*.npz"):
        path.unlink()
    folder.with_name(f"{folder.name}.building").touch()
    dataset = opened("n-mnist", tmp_path, frame_folders=FRAMING)
    assert len(dataset.test) == 10
    assert not folder.with_name(f"{folder.name}.building").exists()


def test_a_root_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_es_imagenet(tmp_path / "es", (5, 6))
    monkeypatch.chdir(tmp_path)
    dataset = opened("es-imagenet", Path("es"))
    assert dataset.test.read(0, FRAMING).shape == (10, 256, 256)


# --- what is missing or damaged ---


@pytest.mark.parametrize("name", LAYOUTS)
def test_no_folder_and_an_empty_one_say_what_is_expected_where(name: str, tmp_path: Path) -> None:
    assert "There is no folder" in refusal(name, tmp_path / "nothing")
    text = refusal(name, tmp_path)
    assert "is not in" in text
    assert str(tmp_path / "download") in text
    assert LAYOUTS[name].extracted[0] in text.replace("\\", "/")
    assert list(tmp_path.iterdir()) == [], "nothing was begun"


def test_one_that_is_not_unpacked_completely_says_what_is_missing(tmp_path: Path) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    shutil.rmtree(tmp_path / "extract" / "Test" / "4")
    assert "Test/4 is missing" in refusal("n-mnist", tmp_path)


def test_fewer_samples_than_there_should_be_are_told(tmp_path: Path) -> None:
    notices = opened("n-mnist", write_n_mnist(tmp_path)).notices
    assert "30 of 60,000 samples (train)" in notices[0]
    assert "20 of 10,000 samples (test)" in notices[1]


def test_a_class_without_samples_is_told(tmp_path: Path) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    next((tmp_path / "extract" / "Train" / "4").iterdir()).unlink()
    assert "4" in refusal("n-mnist", tmp_path)


def test_a_part_of_the_download_is_told_and_kept(tmp_path: Path) -> None:
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / "Test.zip").write_bytes(b"not all of it")
    assert "Train.zip is missing" in refusal("n-mnist", tmp_path)
    (tmp_path / "download" / "Train.zip").write_bytes(b"nor of this")
    assert "Train.zip is damaged or of another version" in refusal("n-mnist", tmp_path)
    assert (tmp_path / "download" / "Train.zip").read_bytes() == b"nor of this"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["download"]


def with_right_sums(dataset_class: Any, downloaded: Path) -> Any:
    """Give spikingjelly's class, expecting what lies in the folder."""

    class Made(dataset_class):  # type: ignore[misc]
        @classmethod
        def resource_url_md5(cls) -> list[tuple[str, str, str]]:
            return [
                (path.name, "", hashlib.md5(path.read_bytes()).hexdigest()) for path in sorted(downloaded.iterdir())
            ]

    return Made


def test_a_download_is_checked_unpacked_and_converted(tmp_path: Path) -> None:
    write_n_mnist(tmp_path / "made", train=1, test=1)
    for part in ("Train", "Test"):
        zip_folder(tmp_path / "made" / "extract" / part, tmp_path / "root" / "download" / f"{part}.zip")

    made, said = with_right_sums(NMNIST, tmp_path / "root" / "download"), list[str]()
    prepare(LAYOUTS["n-mnist"], made, tmp_path / "root", said.append)
    assert len(list((tmp_path / "root" / "events_np").rglob("*.npz"))) == 20
    assert any("unpacking" in text for text in said)
    prepare(LAYOUTS["n-mnist"], made, tmp_path / "root", said.append)
    assert sum("converting" in text for text in said) == 1


@pytest.mark.parametrize(
    ("name", "dataset_class", "archive", "sentence"),
    [
        ("n-mnist", NMNIST, "Train.zip", "cannot be unpacked"),
        ("es-imagenet", ESImageNet, "ES-imagenet-0.18.part01.rar", "Unpacking ES-ImageNet needs the Python package"),
    ],
)
def test_what_cannot_be_unpacked_leaves_nothing_half_done(
    tmp_path: Path, name: str, dataset_class: Any, archive: str, sentence: str
) -> None:
    if name == "es-imagenet" and importlib.util.find_spec("rarfile"):
        pytest.skip("rarfile is installed")
    (tmp_path / "download").mkdir()
    (tmp_path / "download" / archive).write_bytes(b"no archive at all")
    with pytest.raises(DatasetError, match=sentence):
        prepare(LAYOUTS[name], with_right_sums(dataset_class, tmp_path / "download"), tmp_path, lambda _: None)
    assert [path.name for path in tmp_path.iterdir()] == ["download"]


def test_a_conversion_that_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    (tmp_path / "events_np" / "train" / "0").mkdir(parents=True)
    (tmp_path / "events_np.building").touch()
    assert len(opened("n-mnist", tmp_path).test) == 10


def test_files_that_are_none_of_the_data_set_are_told(tmp_path: Path) -> None:
    write_n_caltech101(tmp_path)
    (tmp_path / "extract" / "Caltech101" / "notes.txt").write_text("mine")
    assert "cannot be converted" in refusal("n-caltech101", tmp_path)


def test_folders_that_are_no_classes_are_told(tmp_path: Path) -> None:
    opened("cifar10-dvs", write_cifar10_dvs(tmp_path, each=10))
    shutil.copytree(tmp_path / "events_np" / "cat", tmp_path / "events_np" / "train")
    with pytest.raises(DatasetError, match=r"no classes \(train\)"):
        opened("cifar10-dvs", tmp_path)


def test_a_damaged_sample_is_one_sentence_and_the_others_are_read(tmp_path: Path) -> None:
    dataset = opened("n-mnist", write_n_mnist(tmp_path))
    damaged = tmp_path / "events_np" / "test" / dataset.test.samples[3]
    damaged.write_bytes(damaged.read_bytes()[:200])
    with pytest.raises(SampleError, match=r"^[^\n]* cannot be read \([^\n]*\)\.$"):
        dataset.test.read(3, FRAMING)
    assert dataset.test.read(4, FRAMING).shape == (10, 34, 34)


def test_an_event_outside_the_sensor_is_told(tmp_path: Path) -> None:
    write_n_mnist(tmp_path, train=1, test=1)
    write_atis(tmp_path / "extract" / "Test" / "0" / "00099.bin", made_events(0, 0, 40))
    dataset = opened("n-mnist", tmp_path)
    with pytest.raises(SampleError, match=r"must be from 0 to 33"):
        dataset.test.read(dataset.test.samples.index("0/00099.npz"), FRAMING)


def test_a_sample_of_es_imagenet_without_one_polarity(tmp_path: Path) -> None:
    events = made_events(0, 0, 256, 200)
    write_es_imagenet(tmp_path, (0, 1))
    write_es_npz(tmp_path / "extract/ES-imagenet-0.18/val/ILSVRC2012_val_00000001.npz", events[events["polarity"] == 1])
    frames = opened("es-imagenet", tmp_path).test.read(0, FRAMING)
    assert set(np.unique(frames)) == {0, 127}
