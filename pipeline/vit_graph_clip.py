"""CLIPs of two plain transformers (ViT-B-32, ViT-B-16, ViT-L-14 and their like) by ONNX Runtime, without torch.

In fp32 this is how they are fastest without further packages; on a processor with bf16 their frames may be computed by
`packed_vit` later. The graphs are described from the model's sizes, the weights stay in their file.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from pipeline.bf16_tower import may_pack, use_bf16
from pipeline.graph_clip import AllCores, GraphClip, GraphTexts
from pipeline.mapped_weights import MappedWeights
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, ModelError, first_line
from pipeline.onnx_graph import OnnxGraph
from pipeline.openvino_store import may_gain, use_best
from pipeline.prediction import Floats
from pipeline.preprocessing import Preprocessing, rings
from pipeline.processor import may_have_bf16
from pipeline.threads import usable_cores
from pipeline.vit_sizes import VitSizes, vit_sizes
from pipeline.weights import check_weights_file

if TYPE_CHECKING:
    import onnx
    import torch

    from pipeline.graph_builder import GraphBuilder

_SCALE = "logit_scale"

logger = logging.getLogger(__name__)


def vit_graph_clip(
    plan: ModelPlan,
    precision: str,
    following: Following,
    notice: str = "",
    *,
    deterministic: bool,
    soon: bool = False,
) -> GraphClip | None:
    """Build such a model, on the CPU; None where torch must, or may do better.

    Parameters
    ----------
    plan : ModelPlan
    precision : str
        "fp32"; "auto" or "bf16" where the processor has nothing better, or its matrices can be laid out for bf16.
    following : Following
    notice : str
        To be told about the choice.
    deterministic : bool
        "auto" is fp32, and becomes neither bf16 nor what OpenVINO is known to do better.
    soon : bool
        Whether bf16 serves better is not found out: `bf16_tower.use_bf16` does that later.

    Raises
    ------
    ModelError
        The weights are damaged, or hold numbers that are none.
    LoadingCancelled
    """
    sizes = vit_sizes(plan) if _serves(precision, deterministic=deterministic) else None
    file = plan.weights
    if sizes is None or file is None:
        return None
    following.say(f"Loading {plan}")
    check_weights_file(file)
    try:
        held = MappedWeights(file)
        graphs = _Graphs(sizes)
        if not graphs.fit(held.arrays):
            return None  # torch says what is wrong, or knows how to make them fit
        images, text_graph = graphs.with_weights(held.arrays)
        texts = GraphTexts(text_graph, graphs.pieces, graphs.pieces.end, AllCores())
    # What ONNX Runtime raises has no common class; torch does all that it does.
    except Exception as error:
        logger.warning("ONNX Runtime does not compute %s: %s", plan, first_line(error))
        return None
    following.stop_if_cancelled()
    preprocessing = Preprocessing.of(sizes.side, plan.preprocessing)
    probe = preprocessing.pictures(rings(sizes.side)[None], normalisation="clip", view="crop")
    if not np.isfinite(images(probe)).all():
        raise ModelError("The weights hold numbers that are none (NaN or infinite): copy or download the file again.")

    def module() -> torch.nn.Module:
        from pipeline.open_clip_building import loaded

        return loaded(plan, file).eval().requires_grad_(False)

    scale = float(held.arrays[_SCALE].reshape(-1)[0])
    model = GraphClip(images, texts, preprocessing, plan, module, logit_scale=scale, notice=notice)
    held.put_away()
    del images  # something else may take its place, and its memory be given back
    if precision == "bf16":
        following.say("Starting PyTorch")
        return model if use_bf16(model, following, wanted=True) else None
    if precision == "auto" and not deterministic:
        known = may_gain(model) and use_best(model)
        if not known and not soon:
            following.say("Trying which precision serves best here")
            use_bf16(model, following)
    return model


def _serves(precision: str, *, deterministic: bool) -> bool:
    """Tell whether such a model is what this precision is best computed by here."""
    if precision == "auto":
        return deterministic or may_pack() or not may_have_bf16()
    return precision == "fp32" or (precision == "bf16" and may_pack())


class _Graphs:
    """Both towers, described."""

    def __init__(self, sizes: VitSizes) -> None:
        from pipeline.byte_pairs import VOCABULARY, BytePairs
        from pipeline.transformer_graph import text_graph
        from pipeline.vit_graph import vit_graph

        self.pieces = BytePairs(sizes.context)
        self._images = vit_graph(sizes.image, side=sizes.side, patch=sizes.patch, embedding=sizes.embedding)
        self._texts = text_graph(
            sizes.text,
            vocabulary=VOCABULARY,
            context=sizes.context,
            embedding=sizes.embedding,
            end=self.pieces.end,
        )

    def fit(self, weights: dict[str, Floats]) -> bool:
        """Tell whether these are exactly the weights that are needed."""
        needed = {**self._images[1].weights, **self._texts[1].weights}
        given = {name: array.shape for name, array in weights.items() if name != _SCALE}
        return given == needed and _SCALE in weights and weights[_SCALE].size == 1

    def with_weights(self, weights: dict[str, Floats]) -> tuple[OnnxGraph, OnnxGraph]:
        """Give both; they lay out their weights at the same time."""
        with ThreadPoolExecutor(2) as threads:
            images = threads.submit(_with_weights, *self._images, weights, usable_cores())
            texts = threads.submit(_with_weights, *self._texts, weights, 1)
            return images.result(), texts.result()


def _with_weights(
    described: onnx.ModelProto, builder: GraphBuilder, weights: dict[str, Floats], cores: int
) -> OnnxGraph:
    held = {name: weights[name] for name in builder.weights}
    return OnnxGraph(described.SerializeToString(), held, tables=builder.tables, cores=cores)
