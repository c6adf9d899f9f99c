"""Features of windows, made by several processes and kept on disk in portions: a run that was cut off goes on."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np

from experiments.teaching.rounds import Drawings, Rounds
from experiments.teaching.windows import Floats, Window, window_frames
from pipeline.clip import ClipModel, load_model

VERSION = 1
"""Grows when windows are made in another way."""
PORTION = 128


@dataclass(frozen=True)
class Encoder:
    """A model's name, as each process loads it."""

    model: str = "neuroclip-mini"
    pretrained: str | None = None

    def load(self) -> ClipModel:
        return load_model(self.model, self.pretrained, device="cpu", precision="fp32")


class FeatureCache:
    """Features by window, of one model.

    Parameters
    ----------
    folder : Path
    encoder : Encoder
    processes : int
        One thread each.
    say : callable
        Told how far it is.
    """

    def __init__(self, folder: Path, encoder: Encoder, processes: int, say: Callable[[str], None]) -> None:
        self._folder, self._encoder, self._processes, self._say = folder, encoder, processes, say
        self.model = encoder.load()

    def of(self, rounds: Rounds) -> dict[Window, Floats]:
        """Give each window's features, float32 (T, C)."""
        windows = rounds.windows()
        portions = [windows[start : start + PORTION] for start in range(0, len(windows), PORTION)]
        files = [self._file(rounds.name, portion) for portion in portions]
        missing = [(portion, file) for portion, file in zip(portions, files, strict=True) if not file.exists()]
        if missing:
            self._make(rounds, missing)
        found: dict[Window, Floats] = {}
        for portion, file in zip(portions, files, strict=True):
            found |= zip(portion, np.load(file), strict=True)
        return found

    def _make(self, rounds: Rounds, missing: list[tuple[list[Window], Path]]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        context = multiprocessing.get_context("spawn")
        with context.Pool(self._processes, _prepare, (self._encoder, rounds.drawings)) as pool:
            for number, (portion, file) in enumerate(missing):
                part = file.with_name(f"{file.name}.part")
                with part.open("wb") as opened:
                    np.save(opened, np.stack(list(pool.imap(_features, portion, chunksize=4))))
                os.replace(part, file)
                self._say(f"{rounds.name}: {number + 1} of {len(missing)} portions of windows")

    def _file(self, name: str, windows: Iterable[Window]) -> Path:
        described = [VERSION, self.model.weights_sha256, [astuple(window) for window in windows]]
        return self._folder / f"{name}-{hashlib.sha256(repr(described).encode()).hexdigest()[:16]}.npy"


_model: ClipModel | None = None
_drawings: Drawings | None = None


def _prepare(encoder: Encoder, drawings: Callable[[], Drawings]) -> None:
    global _model, _drawings
    import torch

    torch.set_num_threads(1)
    _model, _drawings = encoder.load(), drawings()


def _features(window: Window) -> Floats:
    assert _model is not None
    assert _drawings is not None
    return np.asarray(_model.encode_frames(window_frames(window, *_drawings(window.picture))), np.float32)
