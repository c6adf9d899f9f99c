"""The features of a model's bank outlive the program, and are never taken for those of something else."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipeline import clip as nc
from pipeline.bank_features import BankFeatures, encode_bank
from pipeline.bank_files import FEATURES_FILE, FILES_KEPT, keep_features, read_features, write_features
from pipeline.few_shot.shots import unit
from pipeline.model_choice import BUNDLED
from pipeline.prediction import Floats
from pipeline.prompts import PRESETS, Template
from tests.pipeline.tiny_clip import save_folder

PLAIN = PRESETS["plain"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = save_folder(tmp_path / "mini")
    (folder / "concepts.txt").write_text("umbrella\tbrolly\nstar\ncup\n", encoding="utf-8")
    return folder


def opened(folder: Path, precision: str = "fp32") -> nc.ClipModel:
    return nc.load_model(str(folder), device="cpu", precision=precision)


def encoded(model: nc.ClipModel, template: Template = PLAIN) -> Floats:
    bank = BankFeatures(model)
    bank.encode(template)
    features = bank.of(template)
    assert features is not None
    return features


def test_what_was_encoded_once_is_there_at_the_next_start(folder: Path) -> None:
    before = encoded(opened(folder))
    after = BankFeatures(opened(folder)).of(PLAIN)
    assert after is not None
    assert np.array_equal(after, before)


def test_it_is_what_encoding_all_texts_at_once_gives(folder: Path) -> None:
    model = opened(folder)
    np.testing.assert_allclose(encoded(model, PRESETS["photos"]), encode_bank(model, PRESETS["photos"]), atol=1e-5)


@pytest.mark.parametrize("change", ["weights", "architecture", "tokenizer", "concepts", "template", "precision"])
def test_what_is_of_something_else_is_encoded_anew(folder: Path, change: str) -> None:
    encoded(opened(folder))
    template, texts_in = PLAIN, "fp32"
    match change:
        case "weights":
            save_folder(folder, seed=1)
        case "architecture":
            described = folder / "open_clip_config.json"
            told = json.loads(described.read_text(encoding="utf-8"))
            told["model_cfg"]["quick_gelu"] = True
            described.write_text(json.dumps(told), encoding="utf-8")
        case "tokenizer":
            model = opened(folder)
            assert read_features(model, template) is not None
            (folder / "tokenizer.json").write_text("{}", encoding="utf-8")
            del model.__dict__["text_identity"]  # as for a model that is opened now
            assert read_features(model, template) is None
            return
        case "concepts":
            (folder / "concepts.txt").write_text("umbrella\tbrolly\nstar\nmug\n", encoding="utf-8")
        case "template":
            template = PRESETS["class"]
        case "precision":
            texts_in = "bf16"
    model = opened(folder)
    model.text_precision = texts_in
    assert read_features(model, template) is None


def test_what_computes_the_frames_does_not_matter(folder: Path) -> None:
    model = opened(folder)
    before = encoded(model)
    model.use_image_tower(lambda pictures: np.zeros((len(pictures), model.width), np.float32), "int8")
    kept = read_features(model, PLAIN)
    assert kept is not None
    assert np.array_equal(kept, before)


@pytest.mark.parametrize(
    "damage", [b"", b"no features", b"\x08\0\0\0\0\0\0\0{}      "], ids=["empty", "text", "header"]
)
def test_a_damaged_file_is_made_anew(folder: Path, own_cache: Path, damage: bytes) -> None:
    before = encoded(opened(folder))
    (file,) = own_cache.rglob("*.safetensors")
    file.write_bytes(damage)
    assert read_features(opened(folder), PLAIN) is None
    assert np.array_equal(encoded(opened(folder)), before)
    assert read_features(opened(folder), PLAIN) is not None


def test_a_folder_may_bring_them_in_half_precision_for_every_precision(folder: Path) -> None:
    model = opened(folder)
    write_features(folder / FEATURES_FILE, model, PLAIN, encode_bank(model, PLAIN).astype(np.float16))
    for precision in ("fp32", "bf16"):
        brought = read_features(opened(folder, precision), PLAIN)
        assert brought is not None
        np.testing.assert_allclose(brought, encode_bank(model, PLAIN), atol=1e-3)
        np.testing.assert_allclose(np.linalg.norm(brought, axis=1), 1, atol=1e-5)
    save_folder(folder, seed=1)
    assert read_features(opened(folder), PLAIN) is None, "the weights are others now"


def test_random_weights_leave_nothing_behind(own_cache: Path) -> None:
    model = nc.load_model("untrained", device="cpu", precision="fp32")
    keep_features(model, PLAIN, np.zeros((2, model.width), np.float32))
    assert read_features(model, PLAIN) is None
    assert not list(own_cache.rglob("*"))


def test_only_the_newest_files_are_kept(folder: Path, own_cache: Path) -> None:
    model = opened(folder)
    for number in range(FILES_KEPT + 3):
        keep_features(model, Template.free(f"{{}} {number}"), np.ones((3, model.width), np.float32))
    assert len(list(own_cache.rglob("*"))) == FILES_KEPT + 1, "with their folder"
    assert read_features(model, Template.free(f"{{}} {FILES_KEPT + 2}")) is not None


def test_a_cache_that_cannot_be_written_is_done_without(folder: Path, own_cache: Path) -> None:
    own_cache.rmdir()
    own_cache.write_bytes(b"")
    encoded(opened(folder))
    assert own_cache.is_file()


def test_the_bundled_model_brings_what_its_weights_give(tmp_path: Path) -> None:
    """Its file is made by `python -m experiments.pretrain_mini.concept_features models/neuroclip-mini`."""
    bundled = nc.load_model(str(BUNDLED), device="cpu", precision="fp32")
    brought = read_features(bundled, PLAIN)
    assert brought is not None
    here = shutil.copytree(BUNDLED, tmp_path / BUNDLED.name, ignore=lambda *_: {FEATURES_FILE})
    alone = nc.load_model(str(here), device="cpu", precision="fp32")
    assert read_features(alone, PLAIN) is None
    some = np.arange(0, len(brought), 50)
    texts = [text for place in some.tolist() for text in PLAIN.fill(alone.bank.names[place])]
    given = unit(alone.text_features(texts))
    np.testing.assert_allclose(brought[some], given, atol=2e-4)
