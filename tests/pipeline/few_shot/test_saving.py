"""Taught classes are saved as one file, and one that does not fit says why."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors
from safetensors.numpy import save_file

import pipeline as nc
from pipeline.few_shot.errors import FewShotError, MisfitError
from pipeline.few_shot.methods import METHODS, make_classifier
from pipeline.few_shot.saving import (
    METADATA_KEY,
    FeatureSetting,
    TaughtClass,
    TaughtClasses,
    class_labels,
    load_taught,
    save_taught,
)
from tests.pipeline.few_shot.windows import clusters
from tests.pipeline.tiny_clip import save_folder

SETTING = FeatureSetting("ViT-B-32", "openai", "ab" * 32, width=128, timesteps=5, timestep_us=30_000)
CLASSES = tuple(TaughtClass(label, (f"a photo of {label}", label)) for label in ("my mug", "Käthes „Hut“", "a, b", "𝄞"))


def taught(name: str) -> TaughtClasses:
    of_methods: dict[str, dict[str, Any]] = {
        "adapter": {"epochs": 4, "seed": 3, "feature_length": 7.0},
        "tip": {"alpha": 2.5, "search": True},
        "zero-shot": {"scaling": "reference", "timestep_weights": (0.1, 0.2, 0.3, 0.2, 0.2)},
        "probe": {"inverse_penalty": 3.0},
    }
    examples = clusters()
    classifier = make_classifier(name, 14.3, **of_methods.get(name, {}))
    return TaughtClasses(classifier.fit(examples.features, examples.labels, examples.prompts), CLASSES, SETTING)


@pytest.fixture
def mean_file(tmp_path: Path) -> Path:
    save_taught(tmp_path / "mug.safetensors", taught("mean"))
    return tmp_path / "mug.safetensors"


@pytest.mark.parametrize("name", METHODS)
def test_what_is_loaded_is_what_was_saved(name: str, tmp_path: Path) -> None:
    before = taught(name)
    save_taught(tmp_path / "new folder" / "mug.safetensors", before)
    after = load_taught(tmp_path / "new folder" / "mug.safetensors", SETTING)
    assert after.classes == CLASSES
    assert class_labels(after.classes)[0] == "my mug"
    assert after.setting == SETTING
    assert after.classifier.name == name
    assert after.classifier.settings == before.classifier.settings
    assert after.classifier.figures == before.classifier.figures
    windows = clusters(seed=4).features
    assert np.array_equal(after.classifier.logits(windows), before.classifier.logits(windows))
    assert [file.name for file in (tmp_path / "new folder").iterdir()] == ["mug.safetensors"]


def test_a_class_without_examples_stays_without(tmp_path: Path) -> None:
    examples = clusters()
    some = examples.labels != 2
    classifier = make_classifier("probe", 10.0).fit(examples.features[some], examples.labels[some], examples.prompts)
    save_taught(tmp_path / "p.safetensors", TaughtClasses(classifier, CLASSES, SETTING))
    loaded = load_taught(tmp_path / "p.safetensors").classifier
    assert np.array_equal(loaded.logits(examples.features), classifier.logits(examples.features))


def test_the_file_says_in_plain_json_what_it_is(mean_file: Path) -> None:
    with safetensors.safe_open(mean_file, framework="numpy") as file:
        described = json.loads(file.metadata()[METADATA_KEY])
    assert described["method"] == "mean"
    assert described["classes"][0] == {"label": "my mug", "prompts": ["a photo of my mug", "my mug"]}
    assert described["features"]["timestep_us"] == 30_000
    assert described["training"]["shots"] == [6, 6, 6, 6]


def test_a_loaded_one_can_be_taught_again(mean_file: Path) -> None:
    examples = clusters(classes=3)
    classifier = load_taught(mean_file).classifier.fit(examples.features, examples.labels, examples.prompts)
    assert classifier.logits(examples.features).shape == (18, 3)


@pytest.mark.parametrize(
    ("running", "sentence"),
    [
        ({"model": "ViT-B-16", "width": 512}, "taught with ViT-B-32 (openai) and ViT-B-16 (openai) is running, width"),
        ({"tag": "laion2b"}, "taught with ViT-B-32 (openai) and ViT-B-32 (laion2b) is running: load that model"),
        ({"weights_sha256": "00"}, "other weights of ViT-B-32 (openai)"),
        ({"timesteps": 10}, "T = 5 (now 10): change the settings"),
        ({"timestep_us": 20_000}, "timesteps of 30 ms (now 20 ms)"),
        ({"timestep_us": None, "timestep_events": 5000}, "timesteps of 30 ms (now 5000 events)"),
        ({"threshold": 1}, "threshold 0 (now 1)"),
        ({"normalisation": "reference"}, "normalisation clip (now reference)"),
        ({"view": "fit", "threshold": 2}, "threshold 0 (now 2), view crop (now fit)"),
    ],
)
def test_one_that_does_not_fit_says_what_does_not(mean_file: Path, running: dict[str, Any], sentence: str) -> None:
    with pytest.raises(MisfitError) as caught:
        load_taught(mean_file, replace(SETTING, **running))
    text = str(caught.value)
    assert text.startswith("mug.safetensors does not fit: ")
    assert sentence in text
    assert "\n" not in text
    assert text.endswith("teach again.")


def test_recordings_cut_into_equal_parts_fit_any_timestep(mean_file: Path) -> None:
    load_taught(mean_file, replace(SETTING, timestep_us=None))


def test_the_setting_of_a_loaded_model(tmp_path: Path) -> None:
    model = nc.load_model(f"local-dir:{save_folder(tmp_path / 'tiny')}", device="cpu", precision="fp32")
    setting = FeatureSetting.of(model, 7, timestep_events=500)
    assert (setting.width, setting.timesteps, setting.timestep) == (24, 7, "500 events")
    assert setting.weights_sha256 == model.weights_sha256


def test_classes_must_be_those_that_were_taught(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="3 classes were named and 4 were taught"):
        save_taught(tmp_path / "mug.safetensors", replace(taught("mean"), classes=CLASSES[:3]))


def test_saving_over_a_file_that_cannot_be_replaced_says_so(tmp_path: Path) -> None:
    (tmp_path / "mug.safetensors").mkdir()
    with pytest.raises(FewShotError, match=r"mug\.safetensors cannot be written"):
        save_taught(tmp_path / "mug.safetensors", taught("mean"))
    assert not list(tmp_path.glob("*.part"))


# --- files that are no such files ---


def refused(path: Path) -> str:
    with pytest.raises(FewShotError) as caught:
        load_taught(path)
    text = str(caught.value)
    assert path.name in text
    assert text.endswith(".")
    assert "\n" not in text
    return text


def test_no_file(tmp_path: Path) -> None:
    assert "There is no file" in refused(tmp_path / "none.safetensors")


@pytest.mark.parametrize("name", ["x.safetensors", "x.bin"])
@pytest.mark.parametrize("content", [b"", b"not at all", b"\xff" * 400])
def test_something_else_altogether(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    assert "is damaged" in refused(tmp_path / name)


def test_weights_of_a_model(tmp_path: Path) -> None:
    assert "holds no taught classes" in refused(save_folder(tmp_path / "tiny") / "open_clip_model.safetensors")


@pytest.mark.parametrize("share", [0.3, 0.9, 0.999])
def test_a_file_cut_short(mean_file: Path, share: float) -> None:
    content = mean_file.read_bytes()
    mean_file.write_bytes(content[: int(len(content) * share)])
    assert "is damaged" in refused(mean_file)


def changed(path: Path, **described: Any) -> Path:
    """Write the file again with another description."""
    with safetensors.safe_open(path, framework="numpy") as file:
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        before = json.loads(file.metadata()[METADATA_KEY])
    save_file(arrays, path, {METADATA_KEY: json.dumps(before | described)})
    return path


def test_one_of_a_newer_version(mean_file: Path) -> None:
    assert "newer version" in refused(changed(mean_file, format=2))


@pytest.mark.parametrize(
    "described",
    [
        {"format": "x"},
        {"classes": None},
        {"classes": [{"label": "one"}]},
        {"features": {"model": "x"}},
        {"settings": {"alpha": 1}},
        {"scale": "much"},
        {"training": {"shots": []} | {"unknown": 1}},
    ],
)
def test_a_description_that_makes_no_sense(mean_file: Path, described: dict[str, Any]) -> None:
    assert "is damaged" in refused(changed(mean_file, **described))


def test_a_method_of_another_program(mean_file: Path) -> None:
    assert '"magic"' in refused(changed(mean_file, method="magic"))


@pytest.mark.parametrize("name", ["probe", "tip", "adapter"])
def test_arrays_of_another_method(mean_file: Path, name: str) -> None:
    assert "is damaged" in refused(changed(mean_file, method=name, settings={}))


def test_arrays_that_hold_no_numbers(tmp_path: Path) -> None:
    classes = taught("adapter")
    classifier: Any = classes.classifier
    classifier.adapter.reduce.weight.data[0, 0] = np.nan
    save_taught(tmp_path / "nan.safetensors", classes)
    assert "no numbers" in refused(tmp_path / "nan.safetensors")
