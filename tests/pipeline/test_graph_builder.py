"""Graphs without weights: what is a weight, and what is read where it lies."""

import numpy as np
from onnx import TensorProto, helper

from pipeline.graph_builder import GraphBuilder
from pipeline.onnx_graph import OnnxGraph


def test_tables_stay_where_they_are_and_weights_are_the_graphs_own() -> None:
    graph = GraphBuilder()
    rows = graph.add("Gather", graph.table("table", (5, 3)), "tokens", axis=0)
    described = graph.model(
        "a table and a weight",
        helper.make_tensor_value_info("tokens", TensorProto.INT64, ["N"]),
        graph.add("MatMul", rows, graph.weight("weight", (3, 2))),
        2,
    )
    assert graph.weights == {"table": (5, 3), "weight": (3, 2)}
    assert graph.tables == ("table",)

    table, weight = np.arange(15, dtype=np.float32).reshape(5, 3), np.ones((3, 2), np.float32)
    computed = OnnxGraph(described.SerializeToString(), {"table": table, "weight": weight}, tables=graph.tables)
    tokens = np.array([4, 0], np.int64)
    assert computed(tokens).tolist() == [[39, 39], [3, 3]]
    table[4] = 1  # not a copy: what lies there now counts
    assert computed(tokens).tolist() == [[3, 3], [3, 3]]
