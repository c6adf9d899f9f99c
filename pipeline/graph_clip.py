"""The bundled model's architecture by ONNX Runtime: the same numbers as torch's, sooner, and without importing it.

torch takes seconds to import and half of the program's memory, and computes a small convolution for a single frame on
few pixels no faster on two cores than on one, and holds both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.clip import ClipModel
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, first_line
from pipeline.onnx_graph import IMAGE_GRAPH, TEXT_GRAPH, OnnxGraph
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames, Preprocessing, rings
from pipeline.small_clip_sizes import SmallClipSizes, small_clip_sizes, word_pieces_of
from pipeline.small_clip_weights import read_small_clip_weights
from pipeline.text_encoding import bounded, in_groups
from pipeline.threads import usable_cores
from pipeline.weights import check_weights_file
from pipeline.word_pieces import WordPieces

if TYPE_CHECKING:
    import torch

    from pipeline.small_clip import SmallClip

TEXT_PROBE = "a photo of a cup"

logger = logging.getLogger(__name__)


class AllCores:
    """Computes pieces on as many cores as there are, each piece on one.

    Its threads are started by the first thread that needs them, and have its priority.
    """

    def __init__(self) -> None:
        self.count = usable_cores()
        self._threads: ThreadPoolExecutor | None = None

    def joined(self, graph: OnnxGraph, pieces: Sequence[npt.NDArray[Any]]) -> Floats:
        """Give the features of all pieces, one after the other, float32 (N, C)."""
        if len(pieces) == 1:
            return graph(pieces[0])
        if self._threads is None:
            self._threads = ThreadPoolExecutor(self.count, "encode")
        return np.concatenate(list(self._threads.map(graph, pieces)))


class GraphTexts:
    """The text side, see `TextTower`."""

    def __init__(self, graph: OnnxGraph, pieces: WordPieces, sizes: SmallClipSizes, cores: AllCores) -> None:
        self._graph, self._pieces, self._end, self._cores = graph, pieces, sizes.eos_id, cores
        self.context_length = sizes.context_length

    def token_count(self, text: str) -> int:
        return len(self._pieces.encode(bounded(text, self.context_length))) + 2

    def encode(self, texts: Sequence[str]) -> Floats:
        return in_groups(texts, self.context_length, self.encode_group)

    def encode_group(self, texts: Sequence[str]) -> Floats:
        """Encode a few texts; under the causal mask no position after the longest one's end matters."""
        tokens = self._pieces.tokens(texts)
        longest = int((tokens == self._end).argmax(axis=1).max()) + 1
        parts = min(self._cores.count, len(tokens))
        return self._cores.joined(self._graph, np.array_split(np.ascontiguousarray(tokens[:, :longest]), parts))


class GraphClip(ClipModel):
    """A CLIP of the bundled architecture, on the CPU in fp32, of two graphs in its folder.

    A frame is computed by one core, and for itself: its feature does not depend on others. `module` is there for those
    who want to look into it; it is loaded when it is first asked for, and computes nothing here.
    """

    device = "cpu"

    def __init__(
        self,
        images: OnnxGraph,
        texts: GraphTexts,
        preprocessing: Preprocessing,
        plan: ModelPlan,
        sizes: SmallClipSizes,
        cores: AllCores,
        *,
        logit_scale: float,
        notice: str = "",
    ) -> None:
        self._images, self._sizes, self._cores = images, sizes, cores
        super().__init__(texts, preprocessing, plan, logit_scale=logit_scale, precision="fp32", notice=notice)

    @property
    def module(self) -> SmallClip:
        return self._module

    @cached_property
    def _module(self) -> SmallClip:
        from pipeline.small_clip import load_small_clip

        assert self._plan.weights is not None
        return load_small_clip(self._sizes, self._plan.weights)

    @property
    def torch_tower(self) -> torch.nn.Module:
        return self._module.visual

    def _encoded(self, frames: Frames, normalisation: str, view: str) -> Floats:
        pictures = self.preprocessing.pictures(frames, normalisation=normalisation, view=view)
        return self._cores.joined(self._images, list(pictures[:, None]))


def graph_clip(plan: ModelPlan, precision: str, following: Following, notice: str = "") -> GraphClip | None:
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
    return GraphClip(images, texts, preprocessing, plan, sizes, cores, logit_scale=scale, notice=notice)


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
    images, described = OnnxGraph(plan.folder / IMAGE_GRAPH, of_images), asdict(sizes)
    probe = preprocessing.pictures(rings(preprocessing.size)[None], normalisation="clip", view="crop")
    images.check(probe, described)
    graph = OnnxGraph(plan.folder / TEXT_GRAPH, of_texts)
    graph.check(pieces.tokens([TEXT_PROBE]), described)
    return images, GraphTexts(graph, pieces, sizes, cores)
