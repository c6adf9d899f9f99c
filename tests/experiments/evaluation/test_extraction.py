"""Features are made once, kept, and depend on nothing but the sample, the model and the settings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pipeline as nc
from experiments.datasets.dataset import Framing, Part
from experiments.evaluation import feature_store
from experiments.evaluation.extraction import Throughput, extract
from experiments.evaluation.feature_store import FeatureKey, FeatureStore, StoreError
from experiments.evaluation.ranks import Ranks, joined
from tests.experiments.evaluation.made_parts import MadePart
from tests.pipeline.tiny_clip import save_folder

KEY = FeatureKey("made", "tiny", "folder", "ab", "fp32", 24, 6, 0, "reference", "stretch")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    return nc.load_model(f"local-dir:{save_folder(tmp_path_factory.mktemp('tiny'))}", device="cpu", precision="fp32")


@pytest.fixture(autouse=True)
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_store, "SHARD", 4)


def make(model: nc.ClipModel, store: FeatureStore, part: Part, *indices: int, copy: int = 0) -> Throughput:
    return extract(model, store, [(part, indices or range(len(part)), copy)], ranks=Ranks(), workers=3)


def test_features_are_those_of_the_application(model: nc.ClipModel, tmp_path: Path) -> None:
    made, store = MadePart([0, 1, 2, 0, 1, 2, 3]), FeatureStore(tmp_path, KEY)
    throughput = make(model, store, made.part)
    features = store.load(made.part, [5, 0, 3])
    assert features.readable.all()
    for row, index in enumerate((5, 0, 3)):
        frames = made.part.read(index, Framing(6))
        assert np.array_equal(features.values[row], model.encode_frames(frames, "reference", "stretch").numpy())
    assert throughput.samples == 7
    assert throughput.per_second > 0
    assert 0 < throughput.encoding_s < throughput.wall_s
    assert "encoder" in throughput.limited_by


def test_what_is_there_is_not_made_again(model: nc.ClipModel, tmp_path: Path) -> None:
    made = MadePart([0] * 10)
    assert make(model, FeatureStore(tmp_path, KEY), made.part, 1, 5, 6).samples == 3
    assert make(model, FeatureStore(tmp_path, KEY), made.part).samples == 7
    assert make(model, FeatureStore(tmp_path, KEY), made.part).samples == 0
    assert made.read_times == dict.fromkeys(range(10), 1)


def test_features_do_not_depend_on_what_else_was_asked_for(model: nc.ClipModel, tmp_path: Path) -> None:
    part = MadePart([0, 1, 2] * 4).part
    whole, bits = FeatureStore(tmp_path / "whole", KEY), FeatureStore(tmp_path / "bits", KEY)
    make(model, whole, part)
    for indices in ((7, 2), (0, 1), (11, 3, 4, 5)):
        make(model, bits, part, *indices)
    asked = [11, 0, 7, 3]
    assert np.array_equal(whole.load(part, asked).values, bits.load(part, asked).values)


def test_processes_share_the_work_and_the_outcome_is_that_of_one(model: nc.ClipModel, tmp_path: Path) -> None:
    part = MadePart([0, 1, 2] * 7).part
    alone = FeatureStore(tmp_path / "alone", KEY)
    make(model, alone, part)

    class Two(Ranks):
        def wait(self) -> None:
            """The other one comes later."""

    shared, counts = FeatureStore(tmp_path / "shared", KEY), []
    for rank in (0, 1):
        before = FeatureStore(tmp_path / "before", KEY)  # as all saw it before the first one wrote
        jobs = extract(model, before, [(part, range(21), 0)], ranks=Two(rank, 2, rank), workers=2)
        counts.append(jobs.samples)
        for path in sorted(before.folder.rglob("*.safetensors")):
            target = shared.folder / path.relative_to(before.folder)
            target.parent.mkdir(exist_ok=True)
            path.rename(target)
    assert counts == [12, 9]
    assert np.array_equal(shared.load(part, range(21)).values, alone.load(part, range(21)).values)


def test_a_sample_that_cannot_be_read_is_kept_as_such(model: nc.ClipModel, tmp_path: Path) -> None:
    made, store = MadePart([0] * 6, unreadable=[0, 4]), FeatureStore(tmp_path, KEY)
    throughput = make(model, store, made.part)
    assert throughput.unreadable == [f"test/{n} cannot be read (made so)." for n in (0, 4)]
    features = store.load(made.part, range(6))
    assert features.readable.tolist() == [False, True, True, True, False, True]
    assert not features.values[4].any()
    assert make(model, store, made.part).samples == 0


def test_what_was_encoded_before_an_interruption_is_kept(model: nc.ClipModel, tmp_path: Path) -> None:
    made, store = MadePart([0] * 12), FeatureStore(tmp_path, KEY)

    def interrupt(done: int, total: int) -> None:
        assert total == 12
        if done == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extract(model, store, [(made.part, range(12), 0)], ranks=Ranks(), workers=2, on_sample=interrupt)
    assert store.missing(made.part, range(12)) == list(range(6, 12))
    assert make(model, store, made.part).samples == 6


def test_turned_copies_are_their_own_and_always_the_same(model: nc.ClipModel, tmp_path: Path) -> None:
    part = MadePart([0, 1, 2]).part
    first, again = FeatureStore(tmp_path / "first", KEY), FeatureStore(tmp_path / "again", KEY)
    for store in (first, again):
        for copy in (0, 1, 2):
            make(model, store, part, copy=copy)
    values = [first.load(part, range(3), copy).values for copy in (0, 1, 2)]
    assert not np.allclose(values[0], values[1])
    assert not np.allclose(values[1], values[2])
    assert np.array_equal(again.load(part, range(3), 2).values, values[2])


def test_one_part_for_examples_and_test_is_read_once(model: nc.ClipModel, tmp_path: Path) -> None:
    made = MadePart([0, 1] * 4, "all")
    wanted = [(made.part, range(8), 0), (made.part, [1, 2], 0)]
    assert extract(model, FeatureStore(tmp_path, KEY), wanted, ranks=Ranks(), workers=2).samples == 8


@pytest.mark.parametrize(
    "other",
    [
        {"dataset": "other"},
        {"model": "other"},
        {"tag": "other"},
        {"weights_sha256": "cd"},
        {"precision": "bf16"},
        {"timesteps": 5},
        {"threshold": 1},
        {"normalisation": "clip"},
        {"view": "crop"},
        {"frames_from": "frame folders"},
    ],
)
def test_every_setting_has_features_of_its_own(other: dict[str, object]) -> None:
    assert replace(KEY, **other).folder != KEY.folder  # type: ignore[arg-type]


def test_another_set_of_samples_has_features_of_its_own(model: nc.ClipModel, tmp_path: Path) -> None:
    store = FeatureStore(tmp_path, KEY)
    make(model, store, MadePart([0, 1, 2]).part)
    assert store.missing(MadePart([0, 1, 1]).part, range(3)) == [0, 1, 2]


@pytest.mark.parametrize("content", [b"", b"\x10\x00\x00\x00\x00\x00\x00\x00not json at all!"])
def test_a_damaged_file_of_features_is_made_again(model: nc.ClipModel, tmp_path: Path, content: bytes) -> None:
    part, store = MadePart([0] * 4).part, FeatureStore(tmp_path, KEY)
    make(model, store, part)
    (file,) = store.folder.rglob("*.safetensors")
    file.write_bytes(content)
    assert store.missing(part, range(4)) == [0, 1, 2, 3]
    with pytest.raises(KeyError):
        store.load(part, [0])
    assert make(model, store, part).samples == 4


def test_a_cache_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="choose a folder with --cache"):
        FeatureStore(tmp_path / "file", KEY)


def test_one_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    with joined(gpu=False) as ranks:
        assert ranks.first
        assert ranks.world == 1
        assert ranks.sums([1.5, 2.0]) == [1.5, 2.0]
        assert ranks.greatest(3.0) == 3.0
        ranks.wait()
