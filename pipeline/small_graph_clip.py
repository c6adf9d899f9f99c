"""The bundled model's architecture by the ONNX graphs in its folder.

A frame is computed by one core, and for itself: its feature does not depend on others. torch computes a small
convolution for a single frame on few pixels no faster on two cores than on one, and holds both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from pipeline.graph_clip import AllCores, GraphClip, GraphTexts
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, first_line
from pipeline.onnx_graph import IMAGE_GRAPH, TABLE, TEXT_GRAPH, OnnxGraph
from pipeline.prediction import Floats
from pipeline.preprocessing import Preprocessing, rings
from pipeline.small_clip_sizes import SmallClipSizes, small_clip_sizes, word_pieces_of
from pipeline.small_clip_weights import read_small_clip_weights
from pipeline.weights import check_weights_file
from pipeline.word_pieces import WordPieces

if TYPE_CHECKING:
    import torch

TEXT_PROBE = "a photo of a cup"

logger = logging.getLogger(__name__)


def small_graph_clip(plan: ModelPlan, precision: str, following: Following, notice: str = "") -> GraphClip | None:
    """Build a model of graphs on the CPU, where its folder has them and they give the right numbers; else torch must.

    Parameters
    ----------
    plan : ModelPlan
    precision : str
        "auto" and "fp32" can be had.
    following : Following
    notice : str
        To be told about the choice.

    Raises
    ------
    ModelError
        Weights or tokenizer are damaged.
    LoadingCancelled
    """
    sizes = small_clip_sizes(plan) if precision in ("auto", "fp32") else None
    folder, file = plan.folder, plan.weights
    graphs = (IMAGE_GRAPH, TEXT_GRAPH)
    if sizes is None or folder is None or file is None or not all((folder / name).is_file() for name in graphs):
        return None
    following.say(f"Loading {plan}")
    check_weights_file(file)
    pieces = word_pieces_of(plan, sizes)
    preprocessing, cores = Preprocessing.of(sizes.image_size, plan.preprocessing), AllCores()
    try:
        weights = read_small_clip_weights(file)
        images, texts = _graphs(plan, weights, preprocessing, pieces, sizes, cores)
        scale = float(weights["logit_scale"].reshape(-1)[0])
    # What ONNX Runtime raises has no common class; torch does all that it does, and says what is wrong with weights.
    except Exception as error:
        logger.warning("%s and %s in %s are not used: %s", IMAGE_GRAPH, TEXT_GRAPH, folder, first_line(error))
        return None
    following.stop_if_cancelled()

    def encoded(pictures: Floats) -> Floats:
        return cores.joined(images, list(pictures[:, None]))

    def module() -> torch.nn.Module:
        from pipeline.small_clip import load_small_clip

        return load_small_clip(sizes, file)

    return GraphClip(encoded, texts, preprocessing, plan, module, logit_scale=scale, notice=notice)


def _graphs(
    plan: ModelPlan,
    weights: Mapping[str, Floats],
    preprocessing: Preprocessing,
    pieces: WordPieces,
    sizes: SmallClipSizes,
    cores: AllCores,
) -> tuple[OnnxGraph, GraphTexts]:
    """Give both graphs, which have shown that they give the right numbers."""
    assert plan.folder is not None
    of_images, of_texts = {}, {}
    for name, values in weights.items():
        if name.startswith("visual."):
            of_images[name.removeprefix("visual.")] = values
        elif name != "logit_scale":
            of_texts[name] = values
    images, described = OnnxGraph((plan.folder / IMAGE_GRAPH).read_bytes(), of_images), asdict(sizes)
    probe = preprocessing.pictures(rings(preprocessing.size)[None], normalisation="clip", view="crop")
    images.check(probe, described)
    graph = OnnxGraph((plan.folder / TEXT_GRAPH).read_bytes(), of_texts, tables=[TABLE])
    graph.check(pieces.tokens([TEXT_PROBE]), described)
    return images, GraphTexts(graph, pieces, sizes.eos_id, cores)
