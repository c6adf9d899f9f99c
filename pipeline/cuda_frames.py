"""Event frames that come one by one, on a GPU: bytes go up, a CUDA graph computes, the feature comes back.

A ViT consists of some hundreds of small kernels. For a single frame it takes longer to launch them one after the other
than to compute them; a graph, captured once for frames of one kind, launches them together. Whatever a graph cannot
hold, or computes otherwise than plain torch does, goes on in plain torch.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pipeline.image_encoder import ImageEncoder
from pipeline.model_errors import first_line
from pipeline.prediction import NO_EVENT
from pipeline.preprocessing import Frames, cut

if TYPE_CHECKING:
    import torch

    Step: TypeAlias = Callable[[], torch.Tensor]
    """Computes from memory that stays in its place; gives where it has put the outcome."""
    Captured: TypeAlias = tuple[Callable[[], None], torch.Tensor]
    """Computes a step again, and where its outcome lies each time."""
    Capture: TypeAlias = Callable[[Step, torch.cuda.Stream | None], Captured]

STEADY = 4
"""Frames of one kind in a row before a graph is captured: that takes about as long as encoding so many."""
WARM_UPS = 3
"""Runs before a capture, as torch asks: in the first ones libraries set themselves up, which a graph cannot hold."""
MUST_AGREE = 0.999
"""Cosine between a frame's features by the graph and by plain torch."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FrameKind:
    """What a graph is captured for.

    Attributes
    ----------
    height, width : int
        Of what `cut` leaves of a frame, px.
    normalisation, view : str
        See `ClipModel.encode_frames`.
    """

    height: int
    width: int
    normalisation: str
    view: str

    @classmethod
    def of(cls, frames: Frames, normalisation: str, view: str) -> FrameKind:
        """Take the sizes from frames, uint8 (T, H, W)."""
        height, width = cut(frames, view).shape[1:]
        return cls(height, width, normalisation, view)


class FrameBuffers:
    """Memory for one frame on its way to the device, and for its feature on the way back.

    On a GPU this side is page-locked, so that it is copied without a detour, and both sides stay in their places.

    Attributes
    ----------
    bytes_here, bytes_there : uint8 (1, H, W)
    feature_here : float32 (1, C)
    """

    def __init__(self, kind: FrameKind, width: int, device: torch.device) -> None:
        import torch

        locked, shape = device.type == "cuda", (1, kind.height, kind.width)
        self._view = kind.view
        # Outside inference mode: they are written to again and again, in it and out of it.
        with torch.inference_mode(False):
            self.bytes_here = torch.full(shape, NO_EVENT, dtype=torch.uint8, pin_memory=locked)
            self.bytes_there = torch.full(shape, NO_EVENT, dtype=torch.uint8, device=device)
            self.feature_here = torch.zeros((1, width), dtype=torch.float32, pin_memory=locked)

    def upload(self, frame: Frames) -> None:
        """Send a frame, uint8 (1, H, W), to the device; the copy may still be under way afterwards."""
        self.bytes_here.numpy()[...] = cut(frame, self._view)
        self.bytes_there.copy_(self.bytes_here, non_blocking=True)

    def fetch(self, feature: torch.Tensor) -> None:
        """Begin to copy a feature, float32 (1, C), from the device into `feature_here`."""
        self.feature_here.copy_(feature, non_blocking=True)


class FrameGraph:
    """Encodes frames of one kind, one at a time.

    Parameters
    ----------
    kind : FrameKind
    encoder : ImageEncoder
        Its weights must stay where they are.
    width : int
        C.
    stream : torch.cuda.Stream or None
        On which everything happens; None where the encoder's device has no such.
    capture : callable
        `cuda_graph`.

    Raises
    ------
    RuntimeError
        The encoder does what a graph cannot hold, or memory runs out.
    """

    def __init__(
        self, kind: FrameKind, encoder: ImageEncoder, width: int, stream: torch.cuda.Stream | None, capture: Capture
    ) -> None:
        self._stream = stream
        self._buffers = buffers = FrameBuffers(kind, width, encoder.device)
        self._replay, self._feature = capture(
            lambda: encoder.features_there(buffers.bytes_there, kind.normalisation, kind.view), stream
        )

    def encode(self, frame: Frames) -> torch.Tensor:
        """Give the feature, float32 (1, C) on the CPU, of a frame, uint8 (1, H, W)."""
        with _on(self._stream):
            self._buffers.upload(frame)
            self._replay()
            self._buffers.fetch(self._feature)
        if self._stream is not None:
            self._stream.synchronize()
        return self._buffers.feature_here.clone()


class SingleFrames:
    """Encodes frames that come one by one; says so where it does not. Belongs to one thread at a time.

    Parameters
    ----------
    encoder : ImageEncoder
    width : int
        C, the length of a feature.
    capture : callable
        How a graph is made of a step.
    """

    def __init__(self, encoder: ImageEncoder, width: int, capture: Capture | None = None) -> None:
        self._encoder, self._width = encoder, width
        self._capture = capture or cuda_graph
        self._kind: FrameKind | None = None
        self._in_a_row = 0
        self._graph: FrameGraph | None = None
        self._given_up = False

    @property
    def by_graph(self) -> bool:
        """Whether a graph encodes frames of the kind that came last."""
        return self._graph is not None

    def encode(self, frame: Frames, normalisation: str, view: str) -> torch.Tensor | None:
        """Give the feature of a frame where a graph serves it.

        Parameters
        ----------
        frame : uint8 (1, H, W)
        normalisation, view : str
            See `ClipModel.encode_frames`.

        Returns
        -------
        float32 (1, C) on the CPU, or None
            None: it is to be encoded as several frames are. So it is with the first few of a kind, and with all once
            a graph has failed.

        Raises
        ------
        RuntimeError
            The GPU failed.
        """
        if self._given_up:
            return None
        kind = FrameKind.of(frame, normalisation, view)
        if kind != self._kind:
            # The old graph goes first: its memory may be needed.
            self._kind, self._in_a_row, self._graph = kind, 0, None
        if self._graph is None:
            self._in_a_row += 1
            if self._in_a_row < STEADY:
                return None
            self._graph = self._tried(frame, kind)
            self._given_up = self._graph is None
        return None if self._graph is None else self._graph.encode(frame)

    def _tried(self, frame: Frames, kind: FrameKind) -> FrameGraph | None:
        """Give a graph that was seen to give plain torch's features; None, and a line in the log, where none does."""
        try:
            stream = _own_stream(self._encoder.device, threading.get_ident())
            graph = FrameGraph(kind, self._encoder, self._width, stream, self._capture)
            # Two frames: a graph that did not see what is uploaded would give the same feature for both.
            agrees = all(self._agrees(graph, each, kind) for each in (255 - frame, frame))
        # What an architecture does in Python, and what the driver refuses, has no common class.
        except Exception as error:
            logger.warning("frames are encoded without a CUDA graph: %s", first_line(error))
            return None
        if not agrees:
            logger.warning("frames are encoded without a CUDA graph: its features differ from plain torch's")
            return None
        return graph

    def _agrees(self, graph: FrameGraph, frame: Frames, kind: FrameKind) -> bool:
        import torch

        plain = self._encoder.features(frame, kind.normalisation, kind.view)
        # No number, where one of them holds none, is not enough either.
        return float(torch.cosine_similarity(plain, graph.encode(frame))) >= MUST_AGREE


def cuda_graph(step: Step, stream: torch.cuda.Stream | None) -> Captured:
    """Capture a step as a CUDA graph, on a stream of its own, after running it there a few times.

    Raises
    ------
    RuntimeError
        There is no GPU, the step does what a graph cannot hold (it waits for the GPU, say), or memory runs out.
    """
    import torch

    if stream is None:
        raise RuntimeError("a CUDA graph needs a CUDA device")
    # What was made on the thread's own stream (weights, buffers) must be there.
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with torch.cuda.stream(stream):
        for _ in range(WARM_UPS):
            step()
    stream.synchronize()
    # The stream is made current outside too: where a capture fails, torch's context for it may not leave it again.
    with torch.cuda.stream(stream):
        graph = torch.cuda.CUDAGraph()
        # Other threads may go on meanwhile, as one that loads another model does.
        with torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            feature = step()
    return graph.replay, feature


@lru_cache(maxsize=64)
def _own_stream(device: torch.device, thread: int) -> torch.cuda.Stream | None:
    """Give this thread's stream on a GPU; one for all its models, as libraries keep memory for each stream for ever."""
    import torch

    return torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]


def _on(stream: torch.cuda.Stream | None) -> contextlib.AbstractContextManager[object]:
    import torch

    return contextlib.nullcontext() if stream is None else torch.cuda.stream(stream)
