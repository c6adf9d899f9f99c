"""A CLIP's Vision Transformer in bf16 on the processor, its weights laid out beforehand for the matrix units.

torch's own layers lay their weights out anew at each call, and write every step's outcome to memory. oneDNN's products
take weights that were laid out once, and add the bias, the activation or the residual on the way: torch reaches them
by operators that its compiler uses (`torch.ops.mkldnn`). One frame at a time, reading the weights is what remains.

The blocks are one TorchScript function: each of some 120 steps taken from Python would wait for Python's lock while the
window paints. TorchScript reads annotations as they are, so that they are not postponed here.
"""

import logging
import warnings
from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np
import torch

from pipeline.model_errors import first_line
from pipeline.prediction import Floats
from pipeline.transformer_graph import NORM_EPSILON, QUICK
from pipeline.vit_graph import PREFIX
from pipeline.vit_sizes import VitSizes

logger = logging.getLogger(__name__)

Weights = Mapping[str, Floats]


class _Norm(NamedTuple):
    """A layer norm over the last axis."""

    weight: torch.Tensor
    bias: torch.Tensor


class _Linear(NamedTuple):
    """x Wᵀ + b, its weights laid out for products with about so many rows as one picture has."""

    weight: torch.Tensor
    bias: torch.Tensor | None


class _Block(NamedTuple):
    """One residual attention block."""

    norm_1: _Norm
    attention: _Linear
    """To queries, keys and values."""
    out: _Linear
    norm_2: _Norm
    wide: _Linear
    narrow: _Linear


class _Sizes(NamedTuple):
    """What the blocks need to know besides their weights."""

    heads: int
    epsilon: float
    """Of the layer norms."""
    quick: float
    """Of x sigmoid(quick x), 0 for the GELU."""


Through = Callable[[torch.Tensor, int, list[_Block], _Sizes], torch.Tensor]


class PackedVit:
    """Computes an image tower. Belongs to one thread at a time.

    Parameters
    ----------
    sizes : VitSizes
    weights : mapping of str to float32 array
        By open_clip's names; copied.
    go_on : callable
        Called before each block; what it raises ends the work.

    Raises
    ------
    RuntimeError, AttributeError
        This build of torch has no such operators, or not on this processor.
    """

    def __init__(self, sizes: VitSizes, weights: Weights, go_on: Callable[[], None] = lambda: None) -> None:
        self._go_on = go_on
        self._patch, self._width = sizes.patch, sizes.image.width
        self._grid = sizes.side // sizes.patch
        self._weights, self._rows = weights, self._grid**2 + 1
        quick = 0.0 if sizes.image.activation == "gelu" else QUICK
        self._sizes = _Sizes(sizes.image.heads, NORM_EPSILON, quick)
        self._patches = _Linear(self._laid_out(self._held("conv1.weight").reshape(self._width, -1), self._rows), None)
        self._class, self._places = self._held("class_embedding"), self._held("positional_embedding")
        self._before, self._after = self._held_norm("ln_pre"), self._held_norm("ln_post")
        self._blocks = [self._block(f"transformer.resblocks.{number}") for number in range(sizes.image.layers)]
        self._out = _Linear(self._laid_out(self._held("proj").T, 1), None)
        self._through = _in_one_call(_through_blocks)
        del self._weights, self._go_on

    def __call__(self, pictures: Floats) -> Floats:
        """Give features, float32 (N, C), of normalised pictures, float32 (N, 3, S, S)."""
        with torch.inference_mode():
            features: Floats = self._features(torch.from_numpy(np.ascontiguousarray(pictures))).float().numpy()
            return features

    def _features(self, pictures: torch.Tensor) -> torch.Tensor:
        count, width, epsilon = len(pictures), self._width, self._sizes.epsilon
        x = _linear(self._cut(pictures.bfloat16()), self._patches).reshape(count, -1, width)
        x = torch.cat((self._class.expand(count, 1, width), x), dim=1) + self._places
        x = _norm(x.reshape(-1, width), self._before, epsilon)
        x = self._through(x, count, self._blocks, self._sizes)
        seen = _norm(x.reshape(count, -1, width)[:, 0], self._after, epsilon)
        return _linear(seen, self._out)

    def _cut(self, pictures: torch.Tensor) -> torch.Tensor:
        """Give patches, one below the other, (N · G · G, 3 · P · P)."""
        count, grid, patch = len(pictures), self._grid, self._patch
        seen = pictures[:, :, : grid * patch, : grid * patch].reshape(count, 3, grid, patch, grid, patch)
        return seen.permute(0, 2, 4, 1, 3, 5).reshape(count * grid * grid, -1)

    def _held(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(self._weights[f"{PREFIX}.{name}"])).bfloat16()

    def _laid_out(self, weight: torch.Tensor, rows: int) -> torch.Tensor:
        laid: torch.Tensor = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        return laid

    def _held_norm(self, name: str) -> _Norm:
        return _Norm(self._held(f"{name}.weight"), self._held(f"{name}.bias"))

    def _held_linear(self, name: str, *, weight: str = ".weight", bias: str = ".bias") -> _Linear:
        return _Linear(self._laid_out(self._held(name + weight), self._rows), self._held(name + bias))

    def _block(self, name: str) -> _Block:
        self._go_on()
        return _Block(
            self._held_norm(f"{name}.ln_1"),
            self._held_linear(f"{name}.attn", weight=".in_proj_weight", bias=".in_proj_bias"),
            self._held_linear(f"{name}.attn.out_proj"),
            self._held_norm(f"{name}.ln_2"),
            self._held_linear(f"{name}.mlp.c_fc"),
            self._held_linear(f"{name}.mlp.c_proj"),
        )


def _norm(x: torch.Tensor, norm: _Norm, epsilon: float) -> torch.Tensor:
    return torch.layer_norm(x, [x.size(1)], norm.weight, norm.bias, epsilon)


def _linear(x: torch.Tensor, linear: _Linear) -> torch.Tensor:
    y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, linear.weight, linear.bias, "none", [], "")
    return y


def _added(other: torch.Tensor, x: torch.Tensor, linear: _Linear) -> torch.Tensor:
    y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, other, linear.weight, linear.bias, "add")
    return y


def _activated(x: torch.Tensor, linear: _Linear, quick: float) -> torch.Tensor:
    if quick == 0.0:
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, linear.weight, linear.bias, "gelu", [], "none")
    else:
        y = _linear(x, linear)
        y = y * torch.sigmoid(quick * y)
    return y


def _attended(projected: torch.Tensor, count: int, heads: int) -> torch.Tensor:
    rows = projected.size(0)
    by_head = projected.reshape(count, rows // count, 3, heads, -1).permute(2, 0, 3, 1, 4)
    mixed = torch.nn.functional.scaled_dot_product_attention(by_head[0], by_head[1], by_head[2])
    return mixed.transpose(1, 2).reshape(rows, -1)


def _through_blocks(x: torch.Tensor, count: int, blocks: list[_Block], sizes: _Sizes) -> torch.Tensor:
    """Give the tokens, (N · (G · G + 1), W), after all blocks."""
    for block in blocks:
        y = _linear(_norm(x, block.norm_1, sizes.epsilon), block.attention)
        x = _added(x, _attended(y, count, sizes.heads), block.out)
        y = _activated(_norm(x, block.norm_2, sizes.epsilon), block.wide, sizes.quick)
        x = _added(x, y, block.narrow)
    return x


def _in_one_call(function: Through) -> Through:
    """Let TorchScript take a function's steps; where it cannot, Python takes them, with the same outcome."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch says that it will not be developed further
            scripted: Through = torch.jit.script(function)
    # What a torch without TorchScript raises has no common class.
    except Exception as error:
        logger.info("a ViT's blocks are computed step by step: %s", first_line(error))
        return function
    return scripted
