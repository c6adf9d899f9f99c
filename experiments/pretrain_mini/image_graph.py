"""The image tower as an ONNX graph without weights."""

from __future__ import annotations

import onnx
import torch
from onnx import TensorProto, helper

from pipeline.graph_builder import GraphBuilder
from pipeline.small_clip import ConvNormAct, ImageTower


def image_graph(tower: ImageTower) -> onnx.ModelProto:
    """Describe a tower whose norms are folded.

    Parameters
    ----------
    tower : ImageTower
        Only the shapes of its weights count.

    Returns
    -------
    onnx.ModelProto
        ``images``, float32 (N, 3, S, S), to ``features``, float32 (N, C); its weights are to be added by their names.
    """
    graph = GraphBuilder()
    x = _convolution(graph, "images", "trunk.stem.conv1", tower.trunk.stem.conv1)  # type: ignore[arg-type]
    for number, stage in enumerate(tower.trunk.stages):
        x = _stage(graph, x, f"trunk.stages.{number}", stage)
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x))
    projection: torch.Tensor = tower.head.proj.weight  # type: ignore[assignment, union-attr]
    x = graph.add("Gemm", x, graph.weight("head.proj.weight", projection.shape), transB=1)
    side = tower.image_size[0]
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, side, side])
    return graph.model("image tower", given, x, projection.shape[0])


def _convolution(graph: GraphBuilder, x: str, name: str, part: ConvNormAct) -> str:
    """Convolution with its folded norm, and SiLU."""
    conv = part.conv
    assert conv.bias is not None
    weight = graph.weight(f"{name}.conv.weight", conv.weight.shape)
    bias = graph.weight(f"{name}.conv.bias", conv.bias.shape)
    pads, strides, kernel = [int(conv.padding[0])] * 4, list(conv.stride), list(conv.kernel_size)
    y = graph.add("Conv", x, weight, bias, pads=pads, strides=strides, kernel_shape=kernel)
    return graph.add("Mul", y, graph.add("Sigmoid", y))


def _stage(graph: GraphBuilder, x: str, name: str, stage: torch.nn.Module) -> str:
    x = _convolution(graph, x, f"{name}.conv_down", stage.conv_down)  # type: ignore[arg-type]
    x = _convolution(graph, x, f"{name}.conv_exp", stage.conv_exp)  # type: ignore[arg-type]
    through, past = graph.several("Split", 2, x, axis=1, num_outputs=2)
    for number, block in enumerate(stage.blocks):  # type: ignore[arg-type]
        y = _convolution(graph, through, f"{name}.blocks.{number}.conv1", block.conv1)
        y = _convolution(graph, y, f"{name}.blocks.{number}.conv2", block.conv2)
        through = graph.add("Add", y, through)
    x = graph.add("Concat", through, past, axis=1)
    return _convolution(graph, x, f"{name}.conv_transition", stage.conv_transition)  # type: ignore[arg-type]
