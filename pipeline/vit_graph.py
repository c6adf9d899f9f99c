"""The image tower of a CLIP with a Vision Transformer as an ONNX graph (arXiv 2103.00020, 2010.11929)."""

from __future__ import annotations

import onnx
from onnx import TensorProto, helper

from pipeline.graph_builder import GraphBuilder
from pipeline.transformer_graph import Blocks, add_blocks, add_norm

PREFIX = "visual"


def vit_graph(blocks: Blocks, *, side: int, patch: int, embedding: int) -> tuple[onnx.ModelProto, GraphBuilder]:
    """Describe an image tower.

    Parameters
    ----------
    blocks : Blocks
    side, patch : int
        Of the picture and of one of its patches, px.
    embedding : int
        C

    Returns
    -------
    onnx.ModelProto
        ``images``, float32 (N, 3, S, S), to ``features``, float32 (N, C).
    GraphBuilder
        Knows the weights that are to be given, by open_clip's names.
    """
    graph, width, heads = GraphBuilder(), blocks.width, blocks.heads
    places = (side // patch) ** 2 + 1
    filters = graph.weight(f"{PREFIX}.conv1.weight", (width, 3, patch, patch))
    x = graph.add("Conv", "images", filters, strides=[patch, patch], kernel_shape=[patch, patch])
    x = graph.add("Transpose", graph.add("Reshape", x, graph.constant([0, width, -1])), perm=[0, 2, 1])
    x = graph.add("Concat", _class_token(graph, width), x, axis=1)
    x = graph.add("Add", x, graph.weight(f"{PREFIX}.positional_embedding", (places, width)))
    x = add_norm(graph, graph.add("Reshape", x, graph.constant([-1, width])), f"{PREFIX}.ln_pre", width)
    by_head = graph.constant([-1, places, 3 * heads, width // heads])
    x = add_blocks(graph, x, blocks, prefix=f"{PREFIX}.transformer", shape=by_head)
    x = graph.add("Gather", graph.add("Reshape", x, graph.constant([-1, places, width])), graph.constant(0), axis=1)
    x = add_norm(graph, x, f"{PREFIX}.ln_post", width)
    x = graph.add("MatMul", x, graph.weight(f"{PREFIX}.proj", (width, embedding)))
    given = helper.make_tensor_value_info("images", TensorProto.FLOAT, ["N", 3, side, side])
    return graph.model("image tower", given, x, embedding), graph


def _class_token(graph: GraphBuilder, width: int) -> str:
    """Give the class embedding once a picture, (N, 1, W)."""
    count = graph.add("Shape", "images", start=0, end=1)
    shape = graph.add("Concat", count, graph.constant([1, width]), axis=0)
    return graph.add("Expand", graph.weight(f"{PREFIX}.class_embedding", (width,)), shape)
