"""Writes taught examples as a small data set: see `pipeline.few_shot.example_set`. No torch."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from pipeline.capture.kept_events import WindowEvents, read_window
from pipeline.events import EventArray
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.example_set import FEATURES, FORMAT, LIST, ListedExample
from pipeline.few_shot.examples import Example
from pipeline.few_shot.shown import RowTexts
from pipeline.few_shot.taught import FeatureSetting, misfit
from pipeline.model_errors import first_line

_CAMERA = "NeuroCLIP"


@dataclass(frozen=True)
class Exported:
    """How an export ended: how many examples were written, and how many had no events any more."""

    folder: Path
    written: int
    left_out: int


@dataclass(frozen=True)
class _Snippet:
    """What is to be written: from `kept` to `target`."""

    kept: Path
    target: Path


def export_examples(folder: Path, examples: Sequence[Example], texts: RowTexts, setting: FeatureSetting) -> Exported:
    """Write examples as a data set. Takes seconds: not to be called where somebody waits.

    Parameters
    ----------
    folder : Path
        One that is not there yet, or is empty.
    examples : sequence of Example
        Those of rows that are not judged any more are left aside.
    texts : RowTexts
        The classes: all rows that are judged.
    setting : FeatureSetting
        What features of the running stream are.

    Raises
    ------
    FewShotError
        The folder holds something or cannot be written, nothing can be exported, or examples do not fit.
    """
    places = {row.id: place for place, row in enumerate(texts.rows)}
    used = [each for each in examples if each.row in places]
    kept = [each for each in used if each.events_file is not None and each.events_file.is_file()]
    if not kept:
        raise FewShotError("There is nothing to export: no example has its events any more. Teach it again.")
    for each in kept:
        if reason := misfit(each.setting, setting):
            raise FewShotError(f"An example does not fit any more: {reason}.")
    folders = _folder_names([row.label for row in texts.rows])
    numbers: dict[int, int] = {}
    files = []
    for each in kept:
        numbers[each.row] = numbers.get(each.row, 0) + 1
        files.append(f"{folders[places[each.row]]}/{numbers[each.row]:03d}.aedat4")
    try:
        _begin(folder, {file.partition("/")[0] for file in files})
        counts = _write_apart([_Snippet(_file_of(each), folder / file) for each, file in zip(kept, files, strict=True)])
        labels = [places[each.row] for each in kept]
        listed = [
            ListedExample(file, texts.rows[label].label, each.start_us, each.end_us, count, each.source)
            for each, label, file, count in zip(kept, labels, files, counts, strict=True)
        ]
        _write_list(folder, listed, texts, setting)
        arrays: dict[str, npt.NDArray[Any]] = {
            "features": np.stack([each.features for each in kept]),
            "labels": np.array(labels, np.int64),
            "texts": np.ascontiguousarray(texts.features, np.float32),
        }
        safetensors.numpy.save_file(arrays, folder / FEATURES)
    except (OSError, safetensors.SafetensorError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else first_line(error)
        raise FewShotError(f"{folder} cannot be written ({reason}): choose another folder or make room.") from error
    return Exported(folder, len(kept), len(used) - len(kept))


def _begin(folder: Path, classes: set[str]) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise FewShotError(f"{folder} holds something already: choose a new name.")
    for name in classes:
        (folder / name).mkdir(parents=True)


def _write_list(folder: Path, examples: list[ListedExample], texts: RowTexts, setting: FeatureSetting) -> None:
    described = {
        "format": FORMAT,
        "classes": [{"label": row.label, "prompts": row.prompts} for row in texts.rows],
        "features": asdict(setting),
        "scale": texts.scale,
        "examples": [asdict(each) for each in examples],
    }
    (folder / LIST).write_text(json.dumps(described, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _file_of(example: Example) -> Path:
    assert example.events_file is not None
    return example.events_file


def _folder_names(labels: Sequence[str]) -> list[str]:
    """Give each class a folder's name that every system takes, no two the same."""
    names: list[str] = []
    for label in labels:
        plain = re.sub(r'[\x00-\x1f<>:"/\\|?*]+', " ", label).strip(" .")[:80] or "class"
        name, again = plain, 2
        while name.casefold() in {other.casefold() for other in names}:
            name, again = f"{plain} {again}", again + 1
        names.append(name)
    return names


def _write_apart(snippets: list[_Snippet]) -> list[tuple[int, ...]]:
    """Write in a process of its own: the window never waits for Python's lock, however many examples there are."""
    try:
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_write_snippets, snippets).result()
    except BrokenProcessPool as error:
        raise FewShotError("The events cannot be written: the process that does it was ended. Export again.") from error


def _write_snippets(snippets: list[_Snippet]) -> list[tuple[int, ...]]:
    """Write each window; gives its number of events by timestep."""
    from pipeline.recorder import Recorder, RecorderError
    from pipeline.sources.base import EventBatch, SourceInfo

    counts = []
    for snippet in snippets:
        try:
            window = read_window(snippet.kept)
            recorder = Recorder(snippet.target, SourceInfo("recording", _CAMERA, window.resolution))
            recorder.write(EventBatch(_in_order(window), 0))
            recorder.close()
        except (RecorderError, ValueError, KeyError) as error:
            raise FewShotError(f"An example cannot be exported: {first_line(error)}") from error
        counts.append(tuple(window.counts.tolist()))
    return counts


def _in_order(window: WindowEvents) -> EventArray:
    """Sort each timestep's events by time: its frame stays the same, and the file's format wants it so."""
    parts = np.repeat(np.arange(len(window.counts)), window.counts)
    return window.events[np.lexsort((window.events["timestamp"], parts))]
