"""Both towers as ONNX graphs without weights, in the model's folder.

python -m experiments.pretrain_mini.graphs FOLDER

ONNX Runtime computes them with the weights in the folder (`pipeline.small_graph_clip`).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import onnx
import torch

from experiments.pretrain_mini.image_graph import image_graph
from pipeline.clip import load_model
from pipeline.model_choice import CONFIG_FILE
from pipeline.onnx_graph import EXPECTED, IMAGE_GRAPH, SIZES, TEXT_GRAPH
from pipeline.preprocessing import rings
from pipeline.small_clip import SmallClip
from pipeline.small_clip_sizes import SmallClipSizes
from pipeline.small_graph_clip import TEXT_PROBE
from pipeline.transformer_graph import Blocks, text_graph

DIGITS = 7
"""Significant ones of what the graphs are expected to give."""


def write_graphs(folder: Path) -> None:
    """Write the graphs that fit a folder's description and weights, with what torch gives for their probes.

    Raises
    ------
    ModelError
        The folder holds no model.
    ValueError
        One of another architecture.
    """
    for name in (IMAGE_GRAPH, TEXT_GRAPH):
        (folder / name).unlink(missing_ok=True)  # so that torch computes
    model = load_model(str(folder), device="cpu", precision="fp32")
    module = model.module
    if not isinstance(module, SmallClip):
        raise ValueError(f"{folder} describes another architecture")
    described = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["model_cfg"]
    sizes = SmallClipSizes.of(described)
    assert sizes is not None, "a SmallClip has some"
    probe = rings(model.image_size)[None]
    _write(folder / IMAGE_GRAPH, image_graph(module.visual), sizes, model.encode_frames(probe)[0])
    _write(folder / TEXT_GRAPH, _text_graph(sizes), sizes, model.encode_texts([TEXT_PROBE])[0])


def _text_graph(sizes: SmallClipSizes) -> onnx.ModelProto:
    graph, _ = text_graph(
        Blocks(sizes.width, sizes.heads, sizes.layers, hidden=4 * sizes.width),
        vocabulary=sizes.vocab_size,
        context=sizes.context_length,
        embedding=sizes.embed_dim,
        end=sizes.eos_id,
    )
    return graph


def _write(file: Path, graph: onnx.ModelProto, sizes: SmallClipSizes, expected: torch.Tensor) -> None:
    numbers = [float(f"{number:.{DIGITS}g}") for number in expected.tolist()]
    graph.metadata_props.add(key=SIZES, value=json.dumps(asdict(sizes)))
    graph.metadata_props.add(key=EXPECTED, value=json.dumps(numbers))
    file.write_bytes(graph.SerializeToString(deterministic=True))


if __name__ == "__main__":
    write_graphs(Path(sys.argv[1]))
