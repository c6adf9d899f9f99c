"""Taught classes as one file: a safetensors file whose metadata holds everything needed to use them again."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from pipeline.few_shot.classifier import TrainingFigures
from pipeline.few_shot.errors import FewShotError, MisfitError
from pipeline.few_shot.familiarity import Familiarity
from pipeline.few_shot.methods import METHODS, make_classifier
from pipeline.few_shot.taught import FeatureSetting, TaughtClass, TaughtClasses, class_labels, misfit
from pipeline.model_errors import ModelError, first_line
from pipeline.weights import check_weights_file

__all__ = ["FeatureSetting", "TaughtClass", "TaughtClasses", "class_labels", "load_taught", "misfit", "save_taught"]

FORMAT = 1
METADATA_KEY = "neuroclip_few_shot"
SUFFIX = ".safetensors"
_PROMPTS = "prompts"
_MEANS, _FAMILIAR = "familiarity.means", "familiarity"


def save_taught(path: Path, taught: TaughtClasses) -> None:
    """Write the file; one that is there stays whole until the new one is complete.

    Raises
    ------
    ValueError
        The classes are not those of the classifier.
    FewShotError
        It cannot be written.
    """
    classifier = taught.classifier
    if len(taught.classes) != len(classifier.prompts):
        raise ValueError(f"{len(taught.classes)} classes were named and {len(classifier.prompts)} were taught.")
    described = {
        "format": FORMAT,
        "method": classifier.name,
        "scale": classifier.scale,
        "settings": asdict(classifier.settings),
        "classes": [asdict(taught_class) for taught_class in taught.classes],
        "features": asdict(taught.setting),
        "training": asdict(classifier.figures),
    }
    arrays = {_PROMPTS: classifier.prompts} | classifier.arrays()
    if taught.familiarity is not None:
        arrays[_MEANS] = taught.familiarity.means
        described[_FAMILIAR] = {"middle": taught.familiarity.middle, "half": taught.familiarity.half}
    tidy = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        safetensors.numpy.save_file(tidy, part, {METADATA_KEY: json.dumps(described, ensure_ascii=False)})
        os.replace(part, path)
    except (OSError, safetensors.SafetensorError) as error:
        part.unlink(missing_ok=True)
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise FewShotError(f"{path} cannot be written ({reason}): choose another folder or make room.") from error


def load_taught(path: Path, running: FeatureSetting | None = None) -> TaughtClasses:
    """Read a file of taught classes.

    Parameters
    ----------
    path : Path
    running : FeatureSetting, optional
        Of the model and settings that will make the features.

    Raises
    ------
    MisfitError
        It was taught with features of another kind; the text says what does not fit.
    FewShotError
        There is no such file, it is damaged, or it is something else.
    """
    arrays, described = _read(path)
    try:
        setting = _feature_setting(described["features"])
        classes = tuple(TaughtClass(str(c["label"]), tuple(map(str, c["prompts"]))) for c in described["classes"])
        prompts = np.asarray(arrays.pop(_PROMPTS), np.float32)
        if prompts.shape != (len(classes), setting.width):
            raise ValueError(f"prompts are {prompts.shape} and not {(len(classes), setting.width)}")
        familiarity = _familiarity(arrays, described, setting.width)
        classifier = make_classifier(described["method"], described["scale"], **_tuples(described["settings"]))
        classifier.restore(prompts, arrays, TrainingFigures(**_tuples(described["training"])))
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise _damaged(path, first_line(error)) from error
    if running is not None and (reason := misfit(setting, running)):
        raise MisfitError(f"{path.name} does not fit: {reason}.")
    return TaughtClasses(classifier, classes, setting, familiarity)


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    if not path.is_file():
        raise FewShotError(f"There is no file {path}: check the path.")
    try:
        if path.suffix == SUFFIX:
            check_weights_file(path)
        with safetensors.safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if METADATA_KEY not in metadata:
                raise FewShotError(f"{path.name} holds no taught classes: choose a file that was saved after teaching.")
            described = json.loads(metadata[METADATA_KEY])
            if not isinstance(described, dict) or not isinstance(described.get("format"), int):
                raise _damaged(path, "its description makes no sense")
            if described["format"] > FORMAT:
                raise FewShotError(f"{path.name} was saved by a newer version of this program: update it.")
            if described.get("method") not in METHODS:
                raise FewShotError(f'{path.name} uses a method "{described.get("method")}" that is not known here.')
            return {name: file.get_tensor(name) for name in file.keys()}, described  # noqa: SIM118 (no mapping)
    except (OSError, ValueError, ModelError, safetensors.SafetensorError) as error:
        raise _damaged(path, first_line(error)) from error


def _familiarity(arrays: dict[str, Any], described: dict[str, Any], width: int) -> Familiarity | None:
    if _FAMILIAR not in described:
        return None
    means = np.asarray(arrays.pop(_MEANS), np.float32)
    middle, half = (float(described[_FAMILIAR][name]) for name in ("middle", "half"))
    if means.ndim != 2 or means.shape[1] != width or not len(means) or not np.isfinite(means).all() or not half > 0:
        raise ValueError(f"{_MEANS} is {means.shape} and not (M, {width}), or holds no numbers")
    return Familiarity(means, middle, half)


def _damaged(path: Path, reason: str) -> FewShotError:
    return FewShotError(f"{path.name} is damaged ({reason}): copy it again, or teach again.")


def _feature_setting(described: dict[str, Any]) -> FeatureSetting:
    known = {field.name for field in fields(FeatureSetting)}
    return FeatureSetting(**{name: value for name, value in described.items() if name in known})


def _tuples(described: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; the data classes have no lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
