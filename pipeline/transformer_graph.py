"""The transformers of CLIP as parts of ONNX graphs: residual attention blocks by open_clip's names."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import onnx
from onnx import TensorProto, helper

from pipeline.graph_builder import GraphBuilder
from pipeline.onnx_graph import TABLE

NORM_EPSILON = 1e-5
FAR_AWAY = -1e9
"""Added to the attention's logits of positions that come later: exp of it is 0 in float32."""
QUICK = 1.702
Activation: TypeAlias = Literal["gelu", "quick_gelu"]


@dataclass(frozen=True)
class Blocks:
    """Sizes of a transformer's blocks.

    Attributes
    ----------
    width, heads, layers, hidden : int
        Channels, attention heads, blocks, channels between the two layers of a perceptron.
    activation : "gelu" or "quick_gelu"
        The second is x · sigmoid(1.702 x), of OpenAI's weights.
    """

    width: int
    heads: int
    layers: int
    hidden: int
    activation: Activation = "gelu"


def add_blocks(graph: GraphBuilder, x: str, blocks: Blocks, *, prefix: str, shape: str, mask: str | None = None) -> str:
    """Add all blocks.

    Parameters
    ----------
    graph : GraphBuilder
    x : str
        float32 (N · L, W): positions of all sequences, one below the other, so that a layer is one product.
    blocks : Blocks
    prefix : str
        Of the weights' names, ``visual.transformer`` or ``transformer``.
    shape : str
        int64 (4,): what divides (N · L, 3W) into (N, L, 3H, D).
    mask : str, optional
        float32 (L, L), added to the attention's logits.

    Returns
    -------
    str
        float32 (N · L, W)
    """
    for number in range(blocks.layers):
        x = _Block(graph, f"{prefix}.resblocks.{number}", blocks).add_to(x, shape, mask)
    return x


def add_norm(graph: GraphBuilder, x: str, name: str, width: int) -> str:
    """Add a layer norm over the last axis."""
    weight, bias = graph.weight(f"{name}.weight", (width,)), graph.weight(f"{name}.bias", (width,))
    return graph.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=NORM_EPSILON)


class _Block:
    """One residual attention block."""

    def __init__(self, graph: GraphBuilder, name: str, blocks: Blocks) -> None:
        self._graph, self._name, self._blocks = graph, name, blocks

    def add_to(self, x: str, shape: str, mask: str | None) -> str:
        graph, name, width, hidden = self._graph, self._name, self._blocks.width, self._blocks.hidden
        x = graph.add("Add", x, self._attention(add_norm(graph, x, f"{name}.ln_1", width), shape, mask))
        inner = self._linear(add_norm(graph, x, f"{name}.ln_2", width), "mlp.c_fc", hidden, width)
        return graph.add("Add", x, self._linear(self._activated(inner), "mlp.c_proj", width, hidden))

    def _linear(self, x: str, name: str, out: int, width: int, *, weight: str = ".weight", bias: str = ".bias") -> str:
        """Give x Wᵀ + b: W lies as torch has it, (out, in)."""
        graph, name = self._graph, f"{self._name}.{name}"
        held, shift = graph.weight(name + weight, (out, width)), graph.weight(name + bias, (out,))
        return graph.add("Gemm", x, held, shift, transB=1)

    def _activated(self, x: str) -> str:
        graph = self._graph
        if self._blocks.activation == "quick_gelu":
            return graph.add("Mul", x, graph.add("Sigmoid", graph.add("Mul", x, graph.constant(QUICK, np.float32))))
        half, one = graph.constant(0.5, np.float32), graph.constant(1.0, np.float32)
        error = graph.add("Erf", graph.add("Mul", x, graph.constant(1 / math.sqrt(2), np.float32)))
        return graph.add("Mul", graph.add("Mul", x, half), graph.add("Add", error, one))

    def _attention(self, x: str, shape: str, mask: str | None) -> str:
        graph, width, heads = self._graph, self._blocks.width, self._blocks.heads
        projected = self._linear(x, "attn", 3 * width, width, weight=".in_proj_weight", bias=".in_proj_bias")
        by_head = graph.add("Transpose", graph.add("Reshape", projected, shape), perm=[0, 2, 1, 3])
        query, key, value = graph.several("Split", 3, by_head, axis=1, num_outputs=3)  # (N, H, L, D) each
        scale = graph.constant(1 / math.sqrt(width // heads), np.float32)
        alike = graph.add("MatMul", graph.add("Mul", query, scale), graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        shares = graph.add("Softmax", graph.add("Add", alike, mask) if mask else alike, axis=-1)
        mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        together = graph.add("Reshape", mixed, graph.constant([-1, width]))
        return self._linear(together, "attn.out_proj", width, width)


def text_graph(
    blocks: Blocks, *, vocabulary: int, context: int, embedding: int, end: int
) -> tuple[onnx.ModelProto, GraphBuilder]:
    """Describe a text tower with a causal mask.

    Parameters
    ----------
    blocks : Blocks
    vocabulary, context, embedding : int
        Tokens there are; tokens of a text; C.
    end : int
        The token at whose first place a text's feature is taken.

    Returns
    -------
    onnx.ModelProto
        ``tokens``, int64 (N, L) with L at most the context, and the table of embeddings, to ``features``, float32
        (N, C).
    GraphBuilder
        Knows the weights that are to be given, by open_clip's names.
    """
    graph, width = GraphBuilder(), blocks.width
    length = graph.add("Shape", "tokens", start=1, end=2)
    held = graph.table(TABLE, (vocabulary, width))
    places = graph.weight("positional_embedding", (context, width))
    first, rows = graph.constant([0]), graph.constant([-1, width])
    seen = graph.add("Slice", places, first, length, first)
    x = graph.add("Reshape", graph.add("Add", graph.add("Gather", held, "tokens", axis=0), seen), rows)
    depth = graph.constant([3 * blocks.heads, width // blocks.heads])
    by_head = graph.add("Concat", graph.constant([-1]), length, depth, axis=0)
    x = add_blocks(graph, x, blocks, prefix="transformer", shape=by_head, mask=_causal(graph, length))
    by_text = graph.add("Concat", graph.constant([-1]), length, graph.constant([width]), axis=0)
    x = graph.add("GatherND", graph.add("Reshape", x, by_text), _ends(graph, end), batch_dims=1)
    x = add_norm(graph, x, "ln_final", width)
    x = graph.add("MatMul", x, graph.weight("text_projection", (width, embedding)))
    given = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", "L"])
    return graph.model("text tower", given, x, embedding), graph


def _causal(graph: GraphBuilder, length: str) -> str:
    """Give what is added to the attention's logits, (L, L): far below 0 above the diagonal."""
    square = graph.add("Concat", length, length, axis=0)
    away = graph.add("Expand", graph.constant([FAR_AWAY], np.float32), square)
    return graph.add("Trilu", away, graph.constant(1), upper=1)


def _ends(graph: GraphBuilder, end: int) -> str:
    """Give where each text's feature is taken, int64 (N, 1)."""
    is_end = graph.add("Cast", graph.add("Equal", "tokens", graph.constant(end)), to=TensorProto.INT32)
    return graph.add("ArgMax", is_end, axis=1, keepdims=1)
