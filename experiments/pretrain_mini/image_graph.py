"""The image tower as an ONNX graph without weights, in the model's folder.

python -m experiments.pretrain_mini.image_graph FOLDER

ONNX Runtime computes it with the weights that the program has loaded (`pipeline.onnx_tower`).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import TensorProto, helper

from pipeline.model_choice import CONFIG_FILE
from pipeline.onnx_tower import GRAPH_FILE
from pipeline.small_clip import ConvNormAct, ImageTower, SmallClipSizes

OPSET = 18
IR_VERSION = 9
"""Old enough for every version of ONNX Runtime that the program takes."""


class _Graph:
    """Collects nodes; each method adds some and gives the name of their outcome."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.weights: dict[str, torch.Tensor] = {}

    def add(self, kind: str, inputs: list[str], outputs: int = 1, **attributes: Any) -> list[str]:
        names = [f"{kind.lower()}_{len(self.nodes)}_{number}" for number in range(outputs)]
        self.nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def weight(self, name: str, values: torch.Tensor) -> str:
        self.weights[name] = values
        return name

    def convolution(self, x: str, name: str, part: ConvNormAct) -> str:
        """Convolution with its folded norm, and SiLU."""
        conv = part.conv
        assert conv.bias is not None
        weight = self.weight(f"{name}.conv.weight", conv.weight)
        bias = self.weight(f"{name}.conv.bias", conv.bias)
        pads, strides, kernel = [int(conv.padding[0])] * 4, list(conv.stride), list(conv.kernel_size)
        [y] = self.add("Conv", [x, weight, bias], pads=pads, strides=strides, kernel_shape=kernel)
        [gate] = self.add("Sigmoid", [y])
        return self.add("Mul", [y, gate])[0]

    def stage(self, x: str, name: str, stage: torch.nn.Module) -> str:
        x = self.convolution(x, f"{name}.conv_down", stage.conv_down)  # type: ignore[arg-type]
        x = self.convolution(x, f"{name}.conv_exp", stage.conv_exp)  # type: ignore[arg-type]
        through, past = self.add("Split", [x], 2, axis=1, num_outputs=2)
        for number, block in enumerate(stage.blocks):  # type: ignore[arg-type]
            y = self.convolution(through, f"{name}.blocks.{number}.conv1", block.conv1)
            y = self.convolution(y, f"{name}.blocks.{number}.conv2", block.conv2)
            [through] = self.add("Add", [y, through])
        [x] = self.add("Concat", [through, past], axis=1)
        return self.convolution(x, f"{name}.conv_transition", stage.conv_transition)  # type: ignore[arg-type]


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
    graph = _Graph()
    x = graph.convolution("images", "trunk.stem.conv1", tower.trunk.stem.conv1)  # type: ignore[arg-type]
    for number, stage in enumerate(tower.trunk.stages):
        x = graph.stage(x, f"trunk.stages.{number}", stage)
    [x] = graph.add("GlobalAveragePool", [x])
    [x] = graph.add("Flatten", [x])
    head = graph.weight("head.proj.weight", tower.head.proj.weight)  # type: ignore[arg-type, union-attr]
    graph.nodes.append(helper.make_node("Gemm", [x, head], ["features"], transB=1))
    side, width = tower.image_size[0], graph.weights[head].shape[0]
    return helper.make_model(
        helper.make_graph(
            graph.nodes,
            "image tower",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, side, side])],
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", width])],
            [_promised(name, values) for name, values in graph.weights.items()],
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


def _promised(name: str, values: torch.Tensor) -> onnx.TensorProto:
    """Name a weight that lies elsewhere."""
    tensor = onnx.TensorProto(name=name, data_type=TensorProto.FLOAT, dims=values.shape)
    tensor.data_location = TensorProto.EXTERNAL
    told = {"location": "given", "offset": "0", "length": str(4 * values.numel())}
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    return tensor


def write_image_graph(folder: Path) -> None:
    """Write the graph that fits a folder's description.

    Raises
    ------
    ValueError
        The folder describes another architecture.
    """
    described = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["model_cfg"]
    sizes = SmallClipSizes.of(described)
    if sizes is None:
        raise ValueError(f"{folder / CONFIG_FILE} describes another architecture")
    tower = ImageTower(sizes.image_size, sizes.embed_dim)
    for part in tower.modules():
        if isinstance(part, ConvNormAct):
            part.fold()
    (folder / GRAPH_FILE).write_bytes(image_graph(tower).SerializeToString(deterministic=True))


if __name__ == "__main__":
    write_image_graph(Path(sys.argv[1]))
