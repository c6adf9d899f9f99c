"""Taught classes as one file: a safetensors file whose metadata holds everything needed to use them again."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy

from pipeline.clip import ClipModel
from pipeline.few_shot.classifier import FewShotClassifier, TrainingFigures
from pipeline.few_shot.errors import FewShotError, MisfitError
from pipeline.few_shot.methods import METHODS, make_classifier
from pipeline.model_errors import ModelError, first_line
from pipeline.weights import check_weights_file

FORMAT = 1
METADATA_KEY = "neuroclip_few_shot"
SUFFIX = ".safetensors"
_PROMPTS = "prompts"


@dataclass(frozen=True)
class FeatureSetting:
    """Where features come from: a classifier serves only those that are made as its examples were.

    Attributes
    ----------
    model, tag, weights_sha256 : str
        The CLIP.
    width : int
        C.
    timesteps : int
        T.
    timestep_us, timestep_events : int or None
        A timestep's time in µs, or its number of events; both None where recordings are cut into T equal parts.
    threshold : int
        θ of the event frames.
    normalisation, view : str
        See `ClipModel.encode_frames`.
    """

    model: str
    tag: str
    weights_sha256: str
    width: int
    timesteps: int
    timestep_us: int | None = None
    timestep_events: int | None = None
    threshold: int = 0
    normalisation: str = "clip"
    view: str = "crop"

    @classmethod
    def of(cls, model: ClipModel, timesteps: int, **others: Any) -> FeatureSetting:
        """Take the CLIP's part from a loaded model."""
        return cls(model.name, model.tag, model.weights_sha256, model.width, timesteps, **others)

    @property
    def timestep(self) -> str | None:
        """A timestep in words; None where it is a part of a recording."""
        if self.timestep_us is not None:
            return f"{self.timestep_us / 1000:g} ms"
        return f"{self.timestep_events} events" if self.timestep_events is not None else None


@dataclass(frozen=True)
class TaughtClass:
    """A class: what is shown, and the texts whose features were averaged."""

    label: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class TaughtClasses:
    """Everything that a file of taught classes holds.

    Attributes
    ----------
    classifier : FewShotClassifier
        Fitted; its K classes are `classes`, in this order.
    classes : tuple of TaughtClass
    setting : FeatureSetting
    """

    classifier: FewShotClassifier
    classes: tuple[TaughtClass, ...]
    setting: FeatureSetting


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
        classifier = make_classifier(described["method"], described["scale"], **_tuples(described["settings"]))
        classifier.restore(prompts, arrays, TrainingFigures(**_tuples(described["training"])))
    except (KeyError, ValueError, TypeError, AttributeError, RuntimeError) as error:
        raise _damaged(path, first_line(error)) from error
    if running is not None and (reason := misfit(setting, running)):
        raise MisfitError(f"{path.name} does not fit: {reason}.")
    return TaughtClasses(classifier, classes, setting)


def misfit(saved: FeatureSetting, running: FeatureSetting) -> str | None:
    """Say what of the running model and settings differs from those of the examples; None where all fits.

    Returns
    -------
    str or None
        Without a full stop: for a sentence that names the file.
    """
    if saved.width != running.width or (saved.model, saved.tag) != (running.model, running.tag):
        widths = f", width {saved.width} against {running.width}" if saved.width != running.width else ""
        return (
            f"it was taught with {saved.model} ({saved.tag}) and {running.model} ({running.tag}) is running{widths}: "
            "load that model, or teach again"
        )
    if saved.weights_sha256 != running.weights_sha256:
        return f"it was taught with other weights of {saved.model} ({saved.tag}): load those, or teach again"
    differing = [
        f"{words} {there} (now {here})"
        for words, there, here in (
            ("T =", saved.timesteps, running.timesteps),
            ("timesteps of", saved.timestep, running.timestep),
            ("threshold", saved.threshold, running.threshold),
            ("normalisation", saved.normalisation, running.normalisation),
            ("view", saved.view, running.view),
        )
        if there != here and there is not None and here is not None
    ]
    if not differing:
        return None
    return f"it was taught with {', '.join(differing)}: change the settings, or teach again"


def class_labels(classes: Sequence[TaughtClass]) -> tuple[str, ...]:
    """Give what is shown of each class."""
    return tuple(taught_class.label for taught_class in classes)


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


def _damaged(path: Path, reason: str) -> FewShotError:
    return FewShotError(f"{path.name} is damaged ({reason}): copy it again, or teach again.")


def _feature_setting(described: dict[str, Any]) -> FeatureSetting:
    known = {field.name for field in fields(FeatureSetting)}
    return FeatureSetting(**{name: value for name, value in described.items() if name in known})


def _tuples(described: dict[str, Any]) -> dict[str, Any]:
    """JSON has no tuples; the data classes have no lists."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in described.items()}
