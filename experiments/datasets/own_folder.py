"""The user's own recordings: one sub-folder a class."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from experiments.datasets.class_names import plain
from experiments.datasets.dataset import EventDataset, Frames, Framing, Part, event_array, frames_of_events
from experiments.datasets.errors import DatasetError, SampleError
from pipeline.events import Recording, Resolution
from pipeline.model_errors import first_line
from pipeline.reading import read_recording
from pipeline.sources.base import SourceError

OTHER_SUFFIXES = (".raw", ".dat", ".es")
"""Prophesee's formats and the Event Stream format, which faery reads."""
SUFFIXES = (".aedat4", *OTHER_SUFFIXES, ".bin")
ATIS_SUFFIX = ".bin"
"""N-MNIST's format, which does not say how large the sensor was."""


def open_folder(root: Path, sensor: Resolution | None = None) -> EventDataset:
    """Open a folder of recordings.

    Parameters
    ----------
    root : Path
        Holds one folder a class with recordings in it, or such folders in ``train`` and in ``test``.
    sensor : Resolution, optional
        Of .bin files, px.

    Raises
    ------
    DatasetError
        There is no such folder, or nothing in it that can be used.
    """
    if not root.is_dir():
        raise DatasetError(f"There is no folder {root}: {_expected()}")
    if (root / "train").is_dir() and (root / "test").is_dir():
        folders = _class_folders(root / "test")
        if unknown := sorted(set(_class_folders(root / "train")) - set(folders)):
            raise DatasetError(f"{root / 'test'} has no recordings of {', '.join(unknown)}: add some to compare with.")
        train, test = (_part(root, root / name, name, folders, sensor) for name in ("train", "test"))
        return EventDataset("folder", tuple(map(plain, folders)), test, train)
    folders = _class_folders(root)
    return EventDataset("folder", tuple(map(plain, folders)), _part(root, root, "all", folders, sensor), None)


def _class_folders(folder: Path) -> tuple[str, ...]:
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and _recordings(path)))
    if not names:
        raise DatasetError(f"No folder in {folder} holds recordings: {_expected()}")
    return names


def _recordings(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())


def _expected() -> str:
    return f"put the recordings of each class ({', '.join(SUFFIXES)}) into a folder with its name there."


def _part(root: Path, folder: Path, name: str, classes: tuple[str, ...], sensor: Resolution | None) -> Part:
    paths = [(path, label) for label, class_name in enumerate(classes) for path in _recordings(folder / class_name)]
    if sensor is None and any(path.suffix.lower() == ATIS_SUFFIX for path, _ in paths):
        raise DatasetError(f"{ATIS_SUFFIX} files do not say how large the sensor was: add --sensor WIDTHxHEIGHT.")

    def read(index: int, framing: Framing) -> Frames:
        path = paths[index][0]
        try:
            recording = _read(path, sensor)
            return frames_of_events(recording.events, recording.resolution, framing)
        except (SourceError, OSError, ValueError, RuntimeError) as error:
            raise SampleError(f"{path} cannot be read ({first_line(error)}).") from error

    samples = tuple(path.relative_to(root).as_posix() for path, _ in paths)
    states = tuple(_state(path) for path, _ in paths)
    return Part(name, samples, np.array([label for _, label in paths], np.int64), read, states)


def _state(path: Path) -> str:
    """Give what changes when a recording is made again under the same name."""
    found = path.stat()
    return f"{found.st_size} {found.st_mtime_ns}"


def _read(path: Path, sensor: Resolution | None) -> Recording:
    if path.suffix.lower() in OTHER_SUFFIXES:
        return _read_other(path)
    if path.suffix.lower() != ATIS_SUFFIX or sensor is None:
        return read_recording(path)
    from spikingjelly.datasets.utils import load_ATIS_bin

    loaded = load_ATIS_bin(path)
    return Recording(event_array(loaded["t"], loaded["x"], loaded["y"], loaded["p"]), sensor, path.name)


def _read_other(path: Path) -> Recording:
    try:
        import faery
    except ImportError as error:
        raise ValueError("it needs the package faery: start with `uv run --group experiments`") from error
    with path.open("rb") as file:
        headed = file.read(1) == b"%"
    if path.suffix.lower() != ".es" and not headed:
        raise ValueError("it does not begin as a recording of Prophesee's")  # faery takes any bytes for events
    stream = faery.events_stream_from_file(path)
    packets = list(stream)
    if not packets:
        raise ValueError("it holds no events, or is no recording")
    t, x, y, on = (np.concatenate([packet[name] for packet in packets]) for name in ("t", "x", "y", "on"))
    return Recording(event_array(t, x, y, on), Resolution(*stream.dimensions()), path.name)
