"""Very small CLIPs with random weights, saved as files, and a feed of event frames: made in well under a second."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import numpy as np
import open_clip
import torch
from safetensors.torch import save_file
from tokenizers import BertWordPieceTokenizer

from pipeline.prediction import EventFrame

torch.set_num_threads(1)

MEAN, STD = (0.3, 0.4, 0.5), (0.2, 0.25, 0.5)
"""Not those of any published model, so that taking the wrong ones shows."""


def tiny_config(*, width: int = 32, image_size: int = 32, custom_text: bool = False, **text: Any) -> dict[str, Any]:
    """Describe a ViT of two layers and a text tower of two layers."""
    config: dict[str, Any] = {
        "embed_dim": 24,
        "vision_cfg": {"image_size": image_size, "patch_size": 16, "width": width, "layers": 2, "head_width": 16},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2} | text,
    }
    if custom_text:
        config["custom_text"] = True
    return config


def tiny_state(config: dict[str, Any], seed: int = 0) -> dict[str, torch.Tensor]:
    """Give random weights, large enough that different pictures and texts get clearly different features."""
    described = {key: value for key, value in config.items() if key != "custom_text"}
    kind = open_clip.CustomTextCLIP if config.get("custom_text") else open_clip.CLIP
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        state: dict[str, torch.Tensor] = kind(**described).state_dict()
    stronger = {key: value * 3 if value.ndim > 1 else value for key, value in state.items()}
    stronger["logit_scale"] = torch.tensor(3.0)
    return {key: value.contiguous() for key, value in stronger.items()}


def save_folder(folder: Path, config: dict[str, Any] | None = None, seed: int = 0) -> Path:
    """Write a folder as open_clip's ``local-dir:`` wants it."""
    config = config or tiny_config()
    folder.mkdir(parents=True, exist_ok=True)
    described = {"model_cfg": config, "preprocess_cfg": {"mean": list(MEAN), "std": list(STD)}}
    (folder / "open_clip_config.json").write_text(json.dumps(described), encoding="utf-8")
    save_file(tiny_state(config, seed), folder / "open_clip_model.safetensors")
    return folder


def save_word_piece_folder(folder: Path) -> Path:
    """Write a folder whose texts are cut into word pieces by transformers: a context of 32, ends at [SEP]."""
    special = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    pieces = [*special, *ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase), "photo", "star"]
    text: dict[str, Any] = {
        "context_length": 32,
        "vocab_size": 64,
        "pool_type": "eos",
        "eos_id": special.index("[SEP]"),
    }
    save_folder(folder, tiny_config(hf_tokenizer_name="tiny", **text))
    vocabulary = {piece: place for place, piece in enumerate(pieces)}
    BertWordPieceTokenizer(vocabulary).save(str(folder / "tokenizer.json"))
    names = {f"{name[1:-1].lower()}_token": name for name in special}
    described = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 32, **names}
    (folder / "tokenizer_config.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def some_frames(
    count: int, *, size: tuple[int, int] = (48, 64), seed: int = 0, first: int = 0, segment: int = 0, events: int = 500
) -> list[EventFrame]:
    """Make event frames of a blob that moves: (H, W) `size`, one every 1000 µs, numbered from `first`."""
    random = np.random.default_rng(seed + first)
    height, width = size
    y, x = np.mgrid[:height, :width]
    frames = []
    for index in range(first, first + count):
        near = np.hypot(x - (7 * index + 9) % width, y - height * random.random()) < 12
        pixels = np.where(near, random.choice(np.array([0, 127, 255]), (height, width)), 127).astype(np.uint8)
        frames.append(EventFrame(index, segment, index * 1000, (index + 1) * 1000, events, pixels))
    return frames


def in_portions(frames: list[EventFrame], *sizes: int) -> Iterable[list[EventFrame]]:
    """Give the frames in portions of these sizes, over and over."""
    position, turn = 0, 0
    while position < len(frames):
        size = sizes[turn % len(sizes)]
        yield frames[position : position + size]
        position, turn = position + size, turn + 1


def renumbered(frames: list[EventFrame], *, first: int, segment: int) -> list[EventFrame]:
    """Give the same frames another place in the stream."""
    return [replace(frame, index=first + place, segment=segment) for place, frame in enumerate(frames)]


class WaitingFrames:
    """A feed of event frames within one process; keeps the contract of `pipeline.feed.FrameFeed`."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._frames: list[EventFrame] = []
        self._woken = False
        self.error: Exception | None = None

    def put(self, frames: list[EventFrame]) -> None:
        with self._changed:
            self._frames += frames
            self._changed.notify_all()

    def wait(self, timeout_s: float) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._frames or self.error, timeout_s)
            if self.error is not None:
                raise self.error
            self._woken = False
            return bool(self._frames)

    def wake(self) -> None:
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def take(self, newest: int | None = None) -> list[EventFrame]:
        with self._changed:
            frames, self._frames = self._frames, []
            return frames if newest is None else frames[-newest:]
