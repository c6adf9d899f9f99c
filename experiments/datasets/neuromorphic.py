"""The public data sets, read through spikingjelly's own classes."""

from __future__ import annotations

import gc
import importlib
import math
import os
import pickle
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.datasets.dataset import (
    EventDataset,
    Frames,
    Framing,
    Part,
    event_array,
    frames_of_counts,
    frames_of_events,
)
from experiments.datasets.errors import DatasetError, SampleError
from experiments.datasets.layouts import Layout
from experiments.datasets.preparation import CONVERTED, PARTIAL_SUFFIX, Say, prepare
from pipeline.events import EventArray, Resolution
from pipeline.model_errors import first_line

ONE_PARSER = sys.version_info < (3, 11, 8) or (3, 12) <= sys.version_info < (3, 12, 2)
"""Parsing in two threads at once fails with "AST constructor recursion depth mismatch" (CPython issue 106905)."""
TRAINING_SHARE = 0.9
"""Of each class, where a data set has no parts of its own."""
_UNREADABLE = (OSError, ValueError, KeyError, IndexError, EOFError, zipfile.BadZipFile, zlib.error, pickle.PickleError)


def open_neuromorphic(layout: Layout, root: Path, say: Say, *, frame_folders: Framing | None = None) -> EventDataset:
    """Open a data set, converting it first where that was not done before.

    Parameters
    ----------
    layout : Layout
    root : Path
    say : callable
        Told what takes long.
    frame_folders : Framing, optional
        Read (and make, where it is not there) spikingjelly's folder of integrated frames for this T instead of events.
        The frames come out the same; the folder takes much room and saves integrating them again.

    Raises
    ------
    DatasetError
        Not there or not complete; the text says what is expected where and from which page it comes.
    """
    root = Path(os.path.abspath(root))
    dataset_class = getattr(importlib.import_module(layout.module), layout.cls)
    prepare(layout, dataset_class, root, say)
    arguments: dict[str, Any] = {"data_type": "event"}
    if frame_folders is not None:
        arguments = {"data_type": "frame", "frames_number": frame_folders.timesteps, "split_by": "number"}
        _clear_partial(root / f"frames_number_{frame_folders.timesteps}_split_by_number", say)
    parts = {"train": True, "test": False} if layout.has_parts else {"all": None}
    opened = {}
    for name, train in parts.items():
        if layout.has_parts:
            arguments["train"] = train
        opened[name] = _folder(dataset_class, layout, root, arguments)
    samples = {name: _samples(layout, folder) for name, folder in opened.items()}
    notices = tuple(
        f"{layout.title} is not complete: {len(samples[name][0]):,} of {count:,} samples ({name}); get the rest from "
        f"{layout.page}."
        for name, count in layout.samples.items()
        if len(samples[name][0]) < count
    )
    classes = _classes(layout, next(iter(opened.values())))
    if layout.has_parts:
        train_part, test_part = (_part(layout, opened[name], name, *samples[name]) for name in ("train", "test"))
    else:
        train_part, test_part = _split(_part(layout, opened["all"], "all", *samples["all"]), len(classes))
    return EventDataset(layout.name, classes, test_part, train_part, notices)


def _folder(dataset_class: Any, layout: Layout, root: Path, arguments: dict[str, Any]) -> Any:
    try:
        with _no_collection():
            return dataset_class(str(root), **arguments)
    except FileNotFoundError as error:
        raise DatasetError(
            f"{layout.title} in {root / CONVERTED} is not complete ({first_line(error)}): remove that folder to have "
            f"it converted again, or get the data set from {layout.page}."
        ) from error
    except (OSError, ValueError, RuntimeError) as error:
        raise DatasetError(f"{layout.title} in {root} cannot be opened ({first_line(error)}).") from error


@contextmanager
def _no_collection() -> Iterator[None]:
    """Collect no cycles meanwhile where threads must not parse at the same time.

    spikingjelly reads .npz files in threads, and numpy has Python parse their headers. A collection in the middle of
    that may run Python code, and so let another thread parse.
    """
    was_enabled = gc.isenabled()
    if ONE_PARSER:
        gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _clear_partial(folder: Path, say: Say) -> None:
    """Remove a folder of frames whose making was interrupted, as spikingjelly asks for."""
    import shutil

    mark = folder.with_name(f"{folder.name}{PARTIAL_SUFFIX}")
    if mark.exists():
        say(f"{folder} was interrupted and is made anew")
        shutil.rmtree(folder, ignore_errors=True)
        mark.unlink()


def _classes(layout: Layout, folder: Any) -> tuple[str, ...]:
    folders = layout.folders or tuple(folder.classes)
    return tuple(layout.word(name) for name in folders)


def _samples(layout: Layout, folder: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """Give the paths of all samples and their classes, numbered in the layout's order of classes."""
    wanted = layout.folders or tuple(folder.classes)
    unknown = sorted(set(folder.classes) - set(wanted))
    if unknown:
        raise DatasetError(
            f"{layout.title} in {folder.root} has folders that are no classes ({', '.join(unknown[:4])}): move them "
            "away."
        )
    number_of = {name: number for number, name in enumerate(wanted)}
    translated = [number_of[name] for name in folder.classes]
    paths = [path for path, _ in folder.samples]
    return paths, np.array([translated[label] for _, label in folder.samples], np.int64)


def _part(layout: Layout, folder: Any, name: str, paths: list[str], labels: npt.NDArray[np.int64]) -> Part:
    resolution = Resolution(*layout.resolution)
    root = Path(folder.root)

    def read(index: int, framing: Framing) -> Frames:
        path = paths[index]
        try:
            if path.endswith(".npz") and not zipfile.is_zipfile(path):  # numpy would leave it open
                raise SampleError(f"{path} cannot be read (its end is missing).")
            loaded = folder.loader(path)
            if isinstance(loaded, np.ndarray):
                return frames_of_counts(loaded, framing.threshold)
            events = event_array(loaded["t"], loaded["x"], loaded["y"], loaded["p"])
            if layout.events_have_ties:
                events = in_one_order(events)
            return frames_of_events(events, resolution, framing)
        except _UNREADABLE as error:
            raise SampleError(f"{path} cannot be read ({first_line(error)}).") from error

    return Part(name, tuple(Path(path).relative_to(root).as_posix() for path in paths), labels, read)


def in_one_order(events: EventArray) -> EventArray:
    """Sort events by time, and those of one time ON first and then by row and column.

    ES-ImageNet has eight different times, and numpy's sort leaves events of one time in an order that depends on the
    processor; cut into parts of equal count they would give other frames on another machine.
    """
    order = np.lexsort((events["x"], events["y"], -events["polarity"], events["timestamp"]))
    return events[order]


def _split(whole: Part, classes: int) -> tuple[Part, Part]:
    """Give the first nine tenths of each class for training, and the rest: what the reference does."""
    training = np.zeros(len(whole), np.bool_)
    for label in range(classes):
        places = np.flatnonzero(whole.labels == label)
        training[places[: math.ceil(TRAINING_SHARE * len(places))]] = True
    return _subset(whole, "train", np.flatnonzero(training)), _subset(whole, "test", np.flatnonzero(~training))


def _subset(whole: Part, name: str, places: npt.NDArray[np.intp]) -> Part:
    numbers = places.tolist()
    return Part(
        name,
        tuple(whole.samples[place] for place in numbers),
        whole.labels[places],
        lambda index, framing: whole.read(numbers[index], framing),
    )
