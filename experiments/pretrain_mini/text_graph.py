"""The text tower as an ONNX graph without weights."""

from __future__ import annotations

import math

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper

from experiments.pretrain_mini.graph_builder import GraphBuilder
from pipeline.small_clip import SmallClip

NORM_EPSILON = 1e-5
FAR_AWAY = -1e9
"""Added to the attention's logits of positions that come later: exp of it is 0 in float32."""


def text_graph(module: SmallClip) -> onnx.ModelProto:
    """Describe the text tower.

    Parameters
    ----------
    module : SmallClip
        Only the shapes of its weights count.

    Returns
    -------
    onnx.ModelProto
        ``tokens``, int64 (N, L) with L at most the context, to ``features``, float32 (N, C); its weights are to be
        added by their names.
    """
    graph = GraphBuilder()
    length = graph.add("Shape", "tokens", start=1, end=2)
    embedding = graph.weight("token_embedding.weight", module.token_embedding.weight)
    places = graph.weight("positional_embedding", module.positional_embedding)
    first = graph.constant([0])
    seen = graph.add("Slice", places, first, length, first)
    x = graph.add("Add", graph.add("Gather", embedding, "tokens", axis=0), seen)
    mask = _causal(graph, length)
    for number, block in enumerate(module.transformer.resblocks):
        x = _Block(graph, f"transformer.resblocks.{number}", block).add_to(x, mask)
    x = _norm(graph, x, "ln_final", module.ln_final)
    is_end = graph.add("Equal", "tokens", graph.constant(module.text_eos_id))
    end = graph.add("ArgMax", graph.add("Cast", is_end, to=TensorProto.INT32), axis=1, keepdims=1)
    x = graph.add("GatherND", x, end, batch_dims=1)
    x = graph.add("MatMul", x, graph.weight("text_projection", module.text_projection))
    given = helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N", "L"])
    return graph.model("text tower", given, x, module.text_projection.shape[1])


def _causal(graph: GraphBuilder, length: str) -> str:
    """Give what is added to the attention's logits, (L, L): far below 0 above the diagonal."""
    square = graph.add("Concat", length, length, axis=0)
    away = graph.add("Expand", graph.constant([FAR_AWAY], np.float32), square)
    return graph.add("Trilu", away, graph.constant(1), upper=1)


def _norm(graph: GraphBuilder, x: str, name: str, norm: torch.nn.Module) -> str:
    weight, bias = graph.weight(f"{name}.weight", norm.weight), graph.weight(f"{name}.bias", norm.bias)  # type: ignore[arg-type]
    return graph.add("LayerNormalization", x, weight, bias, axis=-1, epsilon=NORM_EPSILON)


class _Block:
    """One residual attention block."""

    def __init__(self, graph: GraphBuilder, name: str, block: torch.nn.Module) -> None:
        self._graph, self._name, self._block = graph, name, block

    def add_to(self, x: str, mask: str) -> str:
        """Add the block's nodes, from (N, L, W) to (N, L, W)."""
        graph, name, block = self._graph, self._name, self._block
        attended = self._attention(_norm(graph, x, f"{name}.ln_1", block.ln_1), mask)  # type: ignore[arg-type]
        x = graph.add("Add", x, attended)
        hidden = self._linear(_norm(graph, x, f"{name}.ln_2", block.ln_2), "mlp.c_fc", block.mlp.c_fc)  # type: ignore[arg-type, union-attr]
        return graph.add("Add", x, self._linear(self._gelu(hidden), "mlp.c_proj", block.mlp.c_proj))  # type: ignore[arg-type, union-attr]

    def _linear(self, x: str, name: str, linear: torch.nn.Linear) -> str:
        return self._product(x, f"{name}.weight", linear.weight, f"{name}.bias", linear.bias)

    def _product(self, x: str, name: str, weight: torch.Tensor, bias_name: str, bias: torch.Tensor) -> str:
        """Give x Wᵀ + b: W lies as torch has it, (out, in)."""
        graph = self._graph
        turned = graph.add("Transpose", graph.weight(f"{self._name}.{name}", weight), perm=[1, 0])
        return graph.add("Add", graph.add("MatMul", x, turned), graph.weight(f"{self._name}.{bias_name}", bias))

    def _gelu(self, x: str) -> str:
        graph = self._graph
        half, one = graph.constant(0.5, np.float32), graph.constant(1.0, np.float32)
        error = graph.add("Erf", graph.add("Mul", x, graph.constant(1 / math.sqrt(2), np.float32)))
        return graph.add("Mul", graph.add("Mul", x, half), graph.add("Add", error, one))

    def _attention(self, x: str, mask: str) -> str:
        graph, attention = self._graph, self._block.attn
        heads: int = attention.heads  # type: ignore[assignment, union-attr]
        inner: torch.Tensor = attention.in_proj_weight  # type: ignore[assignment, union-attr]
        width = inner.shape[1]
        projected = self._product(
            x,
            "attn.in_proj_weight",
            inner,
            "attn.in_proj_bias",
            attention.in_proj_bias,  # type: ignore[arg-type, union-attr]
        )
        split = graph.add("Reshape", projected, graph.constant([0, 0, 3 * heads, width // heads]))  # (N, L, 3H, D)
        by_head = graph.add("Transpose", split, perm=[0, 2, 1, 3])
        query, key, value = graph.several("Split", 3, by_head, axis=1, num_outputs=3)  # (N, H, L, D) each
        scale = graph.constant(1 / math.sqrt(width // heads), np.float32)
        alike = graph.add("MatMul", graph.add("Mul", query, scale), graph.add("Transpose", key, perm=[0, 1, 3, 2]))
        shares = graph.add("Softmax", graph.add("Add", alike, mask), axis=-1)
        mixed = graph.add("Transpose", graph.add("MatMul", shares, value), perm=[0, 2, 1, 3])
        together = graph.add("Reshape", mixed, graph.constant([0, 0, width]))
        return self._linear(together, "attn.out_proj", attention.out_proj)  # type: ignore[arg-type, union-attr]
