"""Taught examples as a small data set: a folder a class with one .aedat4 file a window, and a list of them. No torch.

    SET/examples.json           classes, prompts, settings; file, class, span and source of each example
    SET/features.safetensors    what the encoder made of the windows and of the prompts
    SET/my mug/001.aedat4       the events of one window, whole

The files are enough to make the very event frames again; with the features, training from the folder gives the very
same outcome as training in the window did, and needs no model.
"""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.taught import FeatureSetting, TaughtClass
from pipeline.few_shot.training import Lesson
from pipeline.model_errors import first_line
from pipeline.preprocessing import Frames

LIST, FEATURES = "examples.json", "features.safetensors"
FORMAT = 1


@dataclass(frozen=True)
class ListedExample:
    """One example of a set on disk.

    Attributes
    ----------
    file : str
        Below the set's folder, with slashes.
    label : str
        Of its class.
    start_us, end_us : int
        [start, end) in the stream's own µs.
    timestep_counts : tuple of int, length T
        Events of each timestep; those of the file, in its order.
    source : str
        The recording that it was shown from; empty for a live stream.
    """

    file: str
    label: str
    start_us: int
    end_us: int
    timestep_counts: tuple[int, ...]
    source: str


@dataclass(frozen=True)
class ExampleSet:
    """A set on disk; `lesson` is what the window trained with, its examples in the order of `examples`."""

    folder: Path
    examples: tuple[ListedExample, ...]
    lesson: Lesson


def read_example_set(folder: Path) -> ExampleSet:
    """Read a set that was exported.

    Raises
    ------
    FewShotError
        There is none, or it is damaged.
    """
    file = folder / LIST
    if not file.is_file():
        raise FewShotError(f"There is no {LIST} in {folder}: export examples from the window, and give that folder.")
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        if described["format"] > FORMAT:
            raise FewShotError(f"{folder} was exported by a newer version of this program: update it.")
        arrays = safetensors.numpy.load_file(folder / FEATURES)
        classes = tuple(TaughtClass(str(each["label"]), tuple(each["prompts"])) for each in described["classes"])
        known = {field.name for field in fields(FeatureSetting)}
        setting = FeatureSetting(**{name: value for name, value in described["features"].items() if name in known})
        examples = tuple(_listed(each) for each in described["examples"])
        lesson = Lesson(
            np.asarray(arrays["features"], np.float32),
            np.asarray(arrays["labels"], np.int64),
            classes,
            np.asarray(arrays["texts"], np.float32),
            float(described["scale"]),
            setting,
        )
        _check(lesson, examples)
    except (OSError, KeyError, TypeError, ValueError, AttributeError, safetensors.SafetensorError) as error:
        raise FewShotError(f"{folder} is damaged ({first_line(error)}): export the examples again.") from error
    return ExampleSet(folder, examples, lesson)


def _listed(described: dict[str, Any]) -> ListedExample:
    counts = tuple(map(int, described["timestep_counts"]))
    return ListedExample(**{**described, "timestep_counts": counts})


def _check(lesson: Lesson, examples: tuple[ListedExample, ...]) -> None:
    setting = lesson.setting
    if lesson.features.shape != (len(examples), setting.timesteps, setting.width):
        raise ValueError(f"features are {lesson.features.shape} for {len(examples)} examples")
    if lesson.texts.shape != (len(lesson.classes), setting.width):
        raise ValueError(f"texts are {lesson.texts.shape} for {len(lesson.classes)} classes")
    labels: npt.NDArray[np.int64] = lesson.labels
    named = [lesson.classes[label].label for label in labels.tolist() if 0 <= label < len(lesson.classes)]
    if named != [each.label for each in examples]:
        raise ValueError("the classes of features and list differ")
    if any(len(each.timestep_counts) != setting.timesteps for each in examples):
        raise ValueError("an example has another number of timesteps")


def window_frames(examples: ExampleSet, example: ListedExample) -> Frames:
    """Make an example's event frames from its file, uint8 (T, H, W): those that the recogniser had.

    Raises
    ------
    FewShotError
        The file is not there, or not what was exported.
    """
    from pipeline.event_framing import event_frames
    from pipeline.reading import DamagedRecordingWarning, read_recording
    from pipeline.sources.base import SourceError

    path = examples.folder / example.file
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", DamagedRecordingWarning)
            recording = read_recording(path)
    except (SourceError, DamagedRecordingWarning, OSError) as error:
        raise FewShotError(f"{path} cannot be read ({first_line(error)}): export the examples again.") from error
    bounds = np.concatenate([[0], np.cumsum(example.timestep_counts)])
    if len(recording.events) != bounds[-1]:
        raise FewShotError(f"{path} is not what was exported: export the examples again.")
    threshold = examples.lesson.setting.threshold
    made = [
        event_frames(recording.events[start:end], recording.resolution, timesteps=1, threshold=threshold)
        for start, end in pairwise(bounds.tolist())
    ]
    return np.concatenate(made)
