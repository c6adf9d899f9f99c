"""Weights of the bundled architecture as arrays, without torch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.prediction import Floats

EPSILON = 1e-5
"""Added to the variances of batch norms."""


def read_small_clip_weights(file: Path) -> dict[str, Floats]:
    """Read a .safetensors file in any number format, batch norms taken into the convolutions before them.

    The names are open_clip's; a convolution gets a ``bias``, and what belongs to its norm is left out.

    Raises
    ------
    OSError, safetensors.SafetensorError
        A file that cannot be read.
    TypeError
        A number format that numpy does not know (bf16).
    KeyError
        A norm without all of its parts, or without a convolution.
    """
    from safetensors.numpy import load_file

    weights = load_file(file)
    for name in [name for name in weights if name.endswith(".bn.running_var")]:
        _fold(weights, name.removesuffix("bn.running_var"))
    return {name: np.ascontiguousarray(each, np.float32) for name, each in weights.items() if _is_float(each)}


def _fold(weights: dict[str, npt.NDArray[np.generic]], layer: str) -> None:
    """Take a batch norm by its running averages into its convolution: the same function in fewer steps."""
    weights.pop(f"{layer}bn.num_batches_tracked", None)
    parts = ("weight", "bias", "running_mean", "running_var")
    gain, shift, mean, variance = (weights.pop(f"{layer}bn.{part}").astype(np.float64) for part in parts)
    factor = gain / np.sqrt(variance + EPSILON)
    filters = weights[f"{layer}conv.weight"].astype(np.float64)
    weights[f"{layer}conv.weight"] = filters * factor[:, None, None, None]
    weights[f"{layer}conv.bias"] = shift - mean * factor


def _is_float(array: npt.NDArray[np.generic]) -> bool:
    return bool(np.issubdtype(array.dtype, np.floating))
