"""Features on disk, so that an encoder sees every sample once, whatever is interrupted and asked for again."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import safetensors
import safetensors.numpy

from experiments.datasets.dataset import Framing, Part
from pipeline.prediction import Floats

VERSION = 1
"""Grows when frames or features are made in another way."""
SHARD = 256
"""Samples of one file; what an interruption costs at most, for each process."""


class StoreError(Exception):
    """The folder of features cannot be used. One sentence."""


@dataclass(frozen=True)
class FeatureKey:
    """Everything that features depend on."""

    dataset: str
    model: str
    tag: str
    weights_sha256: str
    precision: str
    width: int
    timesteps: int
    threshold: int
    normalisation: str
    view: str
    frames_from: str = "events"
    version: int = VERSION

    @property
    def framing(self) -> Framing:
        return Framing(self.timesteps, self.threshold)

    @property
    def folder(self) -> str:
        """Name of the folder: readable, and different for every key."""
        digest = hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()
        words = f"{self.dataset}-{self.model}-{self.tag}-T{self.timesteps}-{self.normalisation}"
        return f"{re.sub(r'[^A-Za-z0-9.-]+', '_', words)[:100]}-{digest[:12]}"


@dataclass(frozen=True)
class Features:
    """Features of some samples.

    Attributes
    ----------
    values : float32 (n, T, C)
    readable : bool (n,)
        False where a sample could not be read; its values are 0.
    """

    values: Floats
    readable: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Shard:
    index: npt.NDArray[np.int64]
    values: Floats
    readable: npt.NDArray[np.bool_]


class FeatureStore:
    """Features of one key, in files of `SHARD` samples by their numbers. Several processes may write different files.

    Parameters
    ----------
    cache : Path
        The folder for all keys.
    key : FeatureKey

    Raises
    ------
    StoreError
        The folder cannot be made.
    """

    def __init__(self, cache: Path, key: FeatureKey) -> None:
        self.folder = cache / key.folder
        self.key = key
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            _write(self.folder / "key.json", json.dumps(asdict(key), indent=1, ensure_ascii=False).encode())
        except OSError as error:
            raise StoreError(
                f"{self.folder} cannot be written ({error.strerror}): choose a folder with --cache."
            ) from error

    def missing(self, part: Part, indices: Iterable[int], copy: int = 0) -> list[int]:
        """Give those of the samples that are not there yet, in order.

        Parameters
        ----------
        copy : int
            0: the sample itself; above: a copy that was turned a little.
        """
        found: list[int] = []
        for number, wanted in _by_shard(indices).items():
            shard = self._read(part, number, copy)
            there = set() if shard is None else set(shard.index.tolist())
            found += [index for index in wanted if index not in there]
        return found

    def add(self, part: Part, copy: int, new: Mapping[int, Floats | None]) -> None:
        """Write features (T, C) by number of sample, None for one that cannot be read; all of one file.

        Raises
        ------
        StoreError
            The disk is full, or the folder is gone.
        """
        if not new:
            return
        (number,) = _by_shard(new)
        before = self._read(part, number, copy)
        nothing = np.zeros((self.key.timesteps, self.key.width), np.float32)
        held: dict[int, Floats | None] = {}
        if before is not None:
            rows = zip(before.index.tolist(), before.values, before.readable.tolist(), strict=True)
            held = {index: value if readable else None for index, value, readable in rows}
        held |= new
        order = sorted(held)
        values = [held[index] for index in order]
        content: dict[str, npt.NDArray[Any]] = {
            "index": np.array(order, np.int64),
            "features": np.stack([nothing if value is None else value for value in values]),
            "readable": np.array([value is not None for value in values], np.uint8),
        }
        path = self._path(part, number, copy)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _write(path, safetensors.numpy.save(content))
        except OSError as error:
            raise StoreError(f"{path} cannot be written ({error.strerror}): make room, or choose --cache.") from error

    def load(self, part: Part, indices: npt.ArrayLike, copy: int = 0) -> Features:
        """Give features of samples that are all there, in the order asked for.

        Raises
        ------
        KeyError
            One is not there.
        """
        wanted = np.asarray(indices, np.int64)
        values = np.empty((len(wanted), self.key.timesteps, self.key.width), np.float32)
        readable = np.empty(len(wanted), np.bool_)
        for number in np.unique(shard_of(wanted)).tolist():
            shard = self._read(part, number, copy)
            places = np.flatnonzero(shard_of(wanted) == number)
            inside = wanted[places]
            if shard is None or not np.isin(inside, shard.index).all():
                raise KeyError(f"features of {part.name} {inside.min()} to {inside.max()} are not complete")
            rows = np.searchsorted(shard.index, inside)
            values[places], readable[places] = shard.values[rows], shard.readable[rows]
        return Features(values, readable)

    def _path(self, part: Part, number: int, copy: int) -> Path:
        turned = f"-turned{copy}" if copy else ""
        return self.folder / f"{part.name}-{part.fingerprint[:12]}{turned}" / f"{number:06}.safetensors"

    def _read(self, part: Part, number: int, copy: int) -> _Shard | None:
        """Give a file's content; None where there is none or where it is damaged: it is made again."""
        path = self._path(part, number, copy)
        if not path.is_file():
            return None
        try:
            held = safetensors.numpy.load(path.read_bytes())
            shard = _Shard(held["index"], held["features"], held["readable"] > 0)
        except (safetensors.SafetensorError, KeyError, ValueError):
            return None
        fits = shard.values.shape == (len(shard.index), self.key.timesteps, self.key.width)
        return shard if fits and len(shard.index) == len(shard.readable) else None


_Index = TypeVar("_Index", int, npt.NDArray[np.int64])


def shard_of(index: _Index) -> _Index:
    """Give the number of the file that a sample's features lie in."""
    return index // SHARD


def _by_shard(indices: Iterable[int]) -> dict[int, list[int]]:
    shards: dict[int, list[int]] = {}
    for index in sorted(set(indices)):
        shards.setdefault(shard_of(index), []).append(index)
    return shards


def _write(path: Path, content: bytes) -> None:
    """Write a file as a whole or not at all; processes that write the same do not disturb each other."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(content)
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
