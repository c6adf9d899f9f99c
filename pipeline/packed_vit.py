"""A CLIP's Vision Transformer in bf16 on the processor, its weights laid out beforehand for the matrix units.

torch's own layers lay their weights out anew at each call, and write every step's outcome to memory. oneDNN's products
take weights that were laid out once, and add the bias, the activation or the residual on the way: torch reaches them
by operators that its compiler uses (`torch.ops.mkldnn`). One frame at a time, reading the weights is what remains.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from pipeline.prediction import Floats
from pipeline.transformer_graph import NORM_EPSILON, QUICK
from pipeline.vit_graph import PREFIX
from pipeline.vit_sizes import VitSizes

Weights = Mapping[str, Floats]


@dataclass(frozen=True)
class _Norm:
    """A layer norm over the last axis."""

    weight: torch.Tensor
    bias: torch.Tensor

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, NORM_EPSILON)


class _Linear:
    """x Wᵀ + b, its weights laid out for products with about so many rows."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, rows: int) -> None:
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows)
        self._bias = bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "none", [], "")
        return y

    def with_gelu(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise(x, self._weight, self._bias, "gelu", [], "none")
        return y

    def added_to(self, other: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, other, self._weight, self._bias, "add")
        return y


@dataclass(frozen=True)
class _Block:
    """One residual attention block."""

    norm_1: _Norm
    attention: _Linear
    """To queries, keys and values."""
    out: _Linear
    norm_2: _Norm
    wide: _Linear
    narrow: _Linear


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
        self._sizes, self._patch = sizes.image, sizes.patch
        self._grid = sizes.side // sizes.patch
        self._weights, self._rows = weights, self._grid**2 + 1
        width = sizes.image.width
        self._patches = _Linear(self._held("conv1.weight").reshape(width, -1), None, self._rows)
        self._class, self._places = self._held("class_embedding"), self._held("positional_embedding")
        self._before, self._after = self._norm("ln_pre"), self._norm("ln_post")
        self._blocks = [self._block(f"transformer.resblocks.{number}") for number in range(sizes.image.layers)]
        self._out = _Linear(self._held("proj").T, None, 1)
        del self._weights, self._go_on

    def __call__(self, pictures: Floats) -> Floats:
        """Give features, float32 (N, C), of normalised pictures, float32 (N, 3, S, S)."""
        with torch.inference_mode():
            features: Floats = self._features(torch.from_numpy(np.ascontiguousarray(pictures))).float().numpy()
            return features

    def _features(self, pictures: torch.Tensor) -> torch.Tensor:
        count, width = len(pictures), self._sizes.width
        x = self._patches(self._cut(pictures.bfloat16())).reshape(count, -1, width)
        x = torch.cat((self._class.expand(count, 1, width), x), dim=1) + self._places
        x = self._before(x).reshape(-1, width)
        for block in self._blocks:
            x = block.out.added_to(x, self._attended(block.attention(block.norm_1(x)), count))
            x = block.narrow.added_to(x, self._activated(block.wide, block.norm_2(x)))
        return self._out(self._after(x.reshape(count, -1, width)[:, 0]))

    def _cut(self, pictures: torch.Tensor) -> torch.Tensor:
        """Give patches, one below the other, (N · G · G, 3 · P · P)."""
        count, grid, patch = len(pictures), self._grid, self._patch
        seen = pictures[:, :, : grid * patch, : grid * patch].reshape(count, 3, grid, patch, grid, patch)
        return seen.permute(0, 2, 4, 1, 3, 5).reshape(count * grid * grid, -1)

    def _attended(self, projected: torch.Tensor, count: int) -> torch.Tensor:
        heads = self._sizes.heads
        by_head = projected.reshape(count, self._rows, 3, heads, -1).permute(2, 0, 3, 1, 4)
        query, key, value = by_head.unbind()
        mixed = torch.nn.functional.scaled_dot_product_attention(query, key, value)
        return mixed.transpose(1, 2).reshape(len(projected), -1)

    def _activated(self, wide: _Linear, x: torch.Tensor) -> torch.Tensor:
        if self._sizes.activation == "gelu":
            return wide.with_gelu(x)
        y = wide(x)
        return y * torch.sigmoid(QUICK * y)

    def _held(self, name: str) -> torch.Tensor:
        return torch.from_numpy(np.array(self._weights[f"{PREFIX}.{name}"])).bfloat16()

    def _norm(self, name: str) -> _Norm:
        return _Norm(self._held(f"{name}.weight"), self._held(f"{name}.bias"))

    def _linear(self, name: str, *, weight: str = ".weight", bias: str = ".bias") -> _Linear:
        return _Linear(self._held(name + weight), self._held(name + bias), self._rows)

    def _block(self, name: str) -> _Block:
        self._go_on()
        return _Block(
            self._norm(f"{name}.ln_1"),
            self._linear(f"{name}.attn", weight=".in_proj_weight", bias=".in_proj_bias"),
            self._linear(f"{name}.attn.out_proj"),
            self._norm(f"{name}.ln_2"),
            self._linear(f"{name}.mlp.c_fc"),
            self._linear(f"{name}.mlp.c_proj"),
        )
