"""Describes computations as ONNX graphs whose weights lie elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from pipeline.weights import Shapes

OPSET = 18
IR_VERSION = 9
"""Old enough for every version of ONNX Runtime that the program takes."""
OUTPUT = "features"


class GraphBuilder:
    """Collects nodes; what adds some gives the name of their outcome."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: dict[str, tuple[int, ...]] = {}
        self._tables: dict[str, tuple[int, ...]] = {}
        self._constants: dict[str, onnx.TensorProto] = {}

    @property
    def weights(self) -> Shapes:
        """Shape of each weight that was named, tables too."""
        return {**self._tables, **self._weights}

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of those weights that are inputs."""
        return tuple(self._tables)

    def add(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node with one outcome."""
        return self.several(kind, 1, *inputs, **attributes)[0]

    def several(self, kind: str, outcomes: int, *inputs: str, **attributes: Any) -> list[str]:
        """Add a node with so many outcomes."""
        names = [f"{kind.lower()}_{len(self._nodes)}_{number}" for number in range(outcomes)]
        self._nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def weight(self, name: str, shape: Sequence[int]) -> str:
        """Name a weight of this shape."""
        self._weights[name] = tuple(shape)
        return name

    def table(self, name: str, shape: Sequence[int]) -> str:
        """Name a weight of which a call reads a few rows: an input, for what a graph holds is copied."""
        self._tables[name] = tuple(shape)
        return name

    def constant(self, values: Any, kind: type[np.generic] = np.int64) -> str:
        """Add numbers that are part of the graph."""
        array = np.asarray(values, kind)
        name = f"constant_{kind.__name__}_{'_'.join(map(str, array.ravel()))}_{array.ndim}"
        self._constants[name] = numpy_helper.from_array(array, name)
        return name

    def model(self, name: str, given: onnx.ValueInfoProto, outcome: str, width: int) -> onnx.ModelProto:
        """Finish: from `given`, and the tables, to ``features``, float32 (N, `width`)."""
        tables = [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, shape in self._tables.items()]
        self._nodes.append(helper.make_node("Identity", [outcome], [OUTPUT]))
        return helper.make_model(
            helper.make_graph(
                self._nodes,
                name,
                [given, *tables],
                [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["N", width])],
                [*(_promised(*each) for each in self._weights.items()), *self._constants.values()],
            ),
            opset_imports=[helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )


def _promised(name: str, shape: tuple[int, ...]) -> onnx.TensorProto:
    """Name a weight that lies elsewhere."""
    tensor = onnx.TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    tensor.data_location = TensorProto.EXTERNAL
    told = {"location": "given", "offset": "0", "length": str(4 * math.prod(shape))}
    for key, value in told.items():
        tensor.external_data.add(key=key, value=value)
    return tensor
