"""Weights in float32 as arrays over a .safetensors file itself, without torch."""

from __future__ import annotations

import mmap
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from pipeline.prediction import Floats
from pipeline.weights import safetensors_header

_KINDS: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F16": np.dtype("<f2"),
    "BF16": np.dtype("<u2"),
    "F64": np.dtype("<f8"),
}


class MappedWeights:
    """Weights by name; those that lie in the file as float32 are not copied, but on Windows.

    The file must not become shorter while they are in use; to replace it is harmless.

    Parameters
    ----------
    file : Path
    prefix : str
        Only those whose names begin so.

    Attributes
    ----------
    arrays : dict of str to float32 array
        Read-only where they are the file's own.

    Raises
    ------
    ModelError
        The file is damaged.
    OSError
        It cannot be read.
    ValueError
        A number format that is none of float16, bfloat16, float32 and float64, or sizes that do not fit.
    """

    def __init__(self, file: Path, *, prefix: str = "") -> None:
        described = {name: entry for name, entry in safetensors_header(file).items() if name.startswith(prefix)}
        self._map: mmap.mmap | None = None
        with file.open("rb") as stream:
            start = 8 + int.from_bytes(stream.read(8), "little")
            whole = self._whole(stream)
        self.arrays: dict[str, Floats] = {}
        for name, entry in described.items():
            kind, shape, (first, end) = entry["dtype"], tuple(entry["shape"]), entry["data_offsets"]
            if kind not in _KINDS:
                raise ValueError(f"{name} is in {kind}")
            held = np.frombuffer(whole, np.uint8, end - first, start + first).view(_KINDS[kind]).reshape(shape)
            self.arrays[name] = _as_float32(held, kind)

    def _whole(self, stream: BinaryIO) -> mmap.mmap | bytes:
        if sys.platform == "win32":  # where a mapped file can be neither replaced nor removed
            stream.seek(0)
            return stream.read()
        self._map = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        return self._map

    def put_away(self) -> None:
        """Give back the memory of pages that were read; whoever reads on gets them from the file again."""
        if self._map is not None and hasattr(mmap, "MADV_DONTNEED"):
            self._map.madvise(mmap.MADV_DONTNEED)


def _as_float32(held: npt.NDArray[Any], kind: str) -> Floats:
    if kind == "BF16":  # the upper half of a float32
        return (held.astype("<u4") << np.uint32(16)).view(np.float32)
    whole: Floats = held.astype(np.float32, copy=False)
    return whole if whole.flags.aligned else whole.copy()
