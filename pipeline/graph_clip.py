"""A CLIP by ONNX Runtime: the same numbers as torch's, sooner, and without importing it.

torch takes seconds to import and half of the program's memory. Something else may compute the frames later on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from pipeline.clip import ClipModel
from pipeline.model_choice import ModelPlan
from pipeline.onnx_graph import OnnxGraph
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames, Preprocessing
from pipeline.text_encoding import bounded, in_groups
from pipeline.threads import usable_cores

if TYPE_CHECKING:
    import torch


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


class Pieces(Protocol):
    """A tokenizer that wraps each text in one start and one end token."""

    context_length: int

    def encode(self, text: str) -> list[int]:
        """Give all tokens of a text, without those for its start and end."""
        ...

    def tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Give the tokens of these texts, int64 (N, context_length)."""
        ...


class GraphTexts:
    """The text side, see `TextTower`.

    Parameters
    ----------
    graph : OnnxGraph
        ``tokens``, int64 (N, L), to features; a call takes one core.
    pieces : Pieces
    end : int
        Its end token.
    cores : AllCores
    """

    def __init__(self, graph: OnnxGraph, pieces: Pieces, end: int, cores: AllCores) -> None:
        self._graph, self._pieces, self._end, self._cores = graph, pieces, end, cores
        self.context_length = pieces.context_length

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
    """A CLIP on the CPU of two graphs, in fp32 until something else computes its frames.

    `module` is there for those who want to look into it; it is loaded when it is first asked for, and computes nothing
    here.

    Parameters
    ----------
    images : callable
        Gives features, float32 (T, C), of the encoder's input, float32 (T, 3, S, S). An attribute too.
    texts : GraphTexts
    preprocessing : Preprocessing
    plan : ModelPlan
    load_module : callable
        Gives the same function in torch.
    logit_scale : float
    notice : str
        To be told about the choice.

    Raises
    ------
    ModelError
        The weights hold numbers that are none.
    """

    device = "cpu"

    def __init__(
        self,
        images: Callable[[Floats], Floats],
        texts: GraphTexts,
        preprocessing: Preprocessing,
        plan: ModelPlan,
        load_module: Callable[[], torch.nn.Module],
        *,
        logit_scale: float,
        notice: str = "",
    ) -> None:
        self.images, self._load_module = images, load_module
        super().__init__(texts, preprocessing, plan, logit_scale=logit_scale, precision="fp32", notice=notice)

    @property
    def module(self) -> torch.nn.Module:
        return self._module

    @cached_property
    def _module(self) -> torch.nn.Module:
        return self._load_module()

    @property
    def torch_tower(self) -> torch.nn.Module:
        return self._module.visual  # type: ignore[return-value]

    def use_image_tower(self, tower: Callable[[Floats], Floats], precision: str) -> None:
        self.images, self.precision = tower, precision

    def _encoded(self, frames: Frames, normalisation: str, view: str) -> Floats:
        return self.images(self.preprocessing.pictures(frames, normalisation=normalisation, view=view))
