"""Files of weights: whether they can be read, and which architecture their tensors belong to."""

from __future__ import annotations

import hashlib
import json
import math
import pickle
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pipeline.model_errors import ModelError, first_line

Shapes: TypeAlias = Mapping[str, tuple[int, ...]]
"""Of each tensor in a file, by its name."""

_ZIP, _HEADER_BYTES = b"PK", 8
_MAX_HEADER = 100_000_000
SMALL_BYTES = 50_000_000
"""A file that can be read whole at every start."""


def check_weights_file(file: Path) -> None:
    """Find out within milliseconds whether a file can hold weights.

    Raises
    ------
    ModelError
        Empty, cut short, damaged, or a TorchScript archive.
    """
    try:
        with file.open("rb") as stream:
            start = stream.read(_HEADER_BYTES)
    except OSError as error:
        raise ModelError(f"{file} cannot be read: {error.strerror}; check the path and your permissions.") from error
    if not start:
        raise ModelError(f"{file} is empty: copy or download it again.")
    if file.suffix == ".safetensors":
        safetensors_header(file)
    elif start.startswith(_ZIP):
        _check_archive(file)


def _damaged(file: Path, reason: str) -> ModelError:
    return ModelError(f"The weights file {file} is damaged or incomplete ({reason}): copy or download it again.")


def safetensors_header(file: Path) -> dict[str, Any]:
    """Read the header and compare it with the file's size."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(_HEADER_BYTES), "little")
        if not 2 <= length <= min(size - _HEADER_BYTES, _MAX_HEADER):
            raise _damaged(file, "its header is cut short")
        try:
            header: dict[str, Any] = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            end = max((int(entry["data_offsets"][1]) for entry in header.values()), default=0)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
            raise _damaged(file, "its header makes no sense") from error
    missing = length + _HEADER_BYTES + end - size
    if missing > 0:
        raise _damaged(file, f"{missing} bytes are missing at its end")
    return header


def _check_archive(file: Path) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except zipfile.BadZipFile as error:
        raise _damaged(file, "its end is missing") from error
    if any(name.endswith("constants.pkl") for name in names):
        raise ModelError(
            f"{file} is a TorchScript archive, the form in which OpenAI first published CLIP, and may hold code: "
            "use --pretrained openai, or the same weights as .safetensors."
        )


def file_shapes(file: Path) -> Shapes:
    """Give name and shape of each tensor in a file.

    Raises
    ------
    ModelError
        It cannot be read.
    """
    if file.suffix == ".safetensors":
        return _plain_names({name: tuple(entry["shape"]) for name, entry in safetensors_header(file).items()})
    return _plain_names({name: tuple(tensor.shape) for name, tensor in _pickled_tensors(file).items()})


def _pickled_tensors(file: Path) -> dict[str, Any]:
    import torch

    try:
        held = torch.load(file, map_location="cpu", weights_only=True)
    except (RuntimeError, OSError, EOFError, ValueError, pickle.UnpicklingError) as error:
        raise _damaged(file, unreadable_because(error)) from error
    if isinstance(held, dict) and isinstance(held.get("state_dict"), dict):
        held = held["state_dict"]
    tensors = {key: value for key, value in held.items() if torch.is_tensor(value)} if isinstance(held, dict) else {}
    if not tensors:
        raise ModelError(f"{file} holds no weights by name: give a state dict, best as .safetensors.")
    return tensors


def unreadable_because(error: Exception) -> str:
    """Give torch's reason in a few words; its own advice, to run the code that a file brings, is kept from users."""
    return "it is no file of tensors only" if isinstance(error, pickle.UnpicklingError) else first_line(error)


def _plain_names(shapes: Shapes) -> Shapes:
    return {name.removeprefix("module."): shape for name, shape in shapes.items()}


def architectures_of(file: Path) -> list[str]:
    """Give the architectures of open_clip whose sizes these weights have; none where that cannot be told."""
    from pipeline.open_clip_tables import architecture_config, architecture_names

    check_weights_file(file)
    found = _sizes_in_file(file_shapes(file))
    if found is None:
        return []
    fitting = [name for name in architecture_names() if _sizes_in_config(architecture_config(name)) == found]
    return sorted(fitting, key=lambda name: (name.endswith("-quickgelu"), len(name), name))


def _layers(shapes: Shapes, prefix: str) -> int:
    numbers = (re.match(rf"{re.escape(prefix)}(\d+)\.", name) for name in shapes)
    return len({match[1] for match in numbers if match})


def _sizes_in_file(shapes: Shapes) -> tuple[object, ...] | None:
    """Give embedding, vision and text sizes as `_sizes_in_config` does; None for other kinds of towers."""
    text = "text." if "text.token_embedding.weight" in shapes else ""
    needed = (f"{text}token_embedding.weight", f"{text}text_projection", "visual.conv1.weight")
    if any(len(shapes.get(name, ())) < 2 for name in needed):
        return None
    vocabulary, width = shapes[needed[0]]
    embedding = shapes[needed[1]][1]
    towers = embedding, (vocabulary, width, _layers(shapes, f"{text}transformer.resblocks."))
    conv = shapes["visual.conv1.weight"]
    if "visual.attnpool.positional_embedding" in shapes:
        side = _side(shapes["visual.attnpool.positional_embedding"]) * 32
        stages = tuple(_layers(shapes, f"visual.layer{stage}.") for stage in (1, 2, 3, 4))
        return *towers, (stages, conv[0] * 2, side)
    if "visual.positional_embedding" not in shapes:
        return None
    side = _side(shapes["visual.positional_embedding"]) * conv[2]
    return *towers, (_layers(shapes, "visual.transformer.resblocks."), conv[0], conv[2], side)


def _side(positions: tuple[int, ...]) -> int:
    return math.isqrt(max(0, positions[0] - 1))


def _sizes_in_config(config: Mapping[str, Any]) -> tuple[object, ...] | None:
    vision, text = config["vision_cfg"], config["text_cfg"]
    if "timm_model_name" in vision or "hf_model_name" in text or "multimodal_cfg" in config:
        return None
    towers = config["embed_dim"], (text.get("vocab_size", 49408), text.get("width", 512), text.get("layers", 12))
    layers, side = vision.get("layers", 12), vision.get("image_size", 224)
    if isinstance(layers, list):
        return *towers, (tuple(layers), vision.get("width", 768), side)
    patch = vision.get("patch_size", 16)
    return *towers, (layers, vision.get("width", 768), patch, side // patch * patch)


def fingerprint_of(file: Path) -> str:
    """Give the SHA-256 of a file that is small or in the hub's cache; of another its place, size and last change."""
    status = file.stat()
    if status.st_size <= SMALL_BYTES or _hub_name(file):
        return sha256_of(file)
    return f"{file.resolve()} {status.st_size} {status.st_mtime_ns}"


def sha256_of(file: Path) -> str:
    """Give the SHA-256 of a file; for one in the hub's cache it is the name under which the hub stores it."""
    stored = _hub_name(file)
    if stored:
        return stored
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _hub_name(file: Path) -> str:
    stored = file.resolve().name
    return stored if file.is_symlink() and re.fullmatch(r"[0-9a-f]{64}", stored) else ""
