"""The bundled architecture's image tower by ONNX Runtime: the same numbers as torch's, in less than half the time.

torch computes a small convolution for a single frame on few pixels no faster on two cores than on one, and holds both.
The graph lies in the model's folder, without weights: it takes those that were loaded.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pipeline.model_errors import first_line

GRAPH_FILE = "image_tower.onnx"
"""Takes ``images``, float32 (N, 3, S, S), to ``features``, float32 (N, C)."""
MUST_AGREE = 0.99999
"""Cosine between a frame's features and torch's."""

logger = logging.getLogger(__name__)


class OnnxTower(torch.nn.Module):
    """Takes the place of a CLIP's `visual`; holds no parameters. Belongs to one thread at a time.

    A frame is computed by one core, several frames by as many cores as torch may use, each for itself: a frame's
    feature does not depend on the others.

    Parameters
    ----------
    graph : Path
        A `GRAPH_FILE`.
    weights : mapping of str to Tensor
        By the names in the graph, float32 on the CPU. They stay in use.
    image_size : int
        S.

    Raises
    ------
    ImportError, OSError
        ONNX Runtime is not here, or does not start.
    Exception
        What ONNX Runtime makes of a graph that is damaged or needs other weights.
    """

    def __init__(self, graph: Path, weights: Mapping[str, torch.Tensor], image_size: int) -> None:
        super().__init__()
        self.image_size = (image_size, image_size)
        self._weights = {name: tensor.detach().contiguous().numpy() for name, tensor in weights.items()}
        self._session = _session(graph, self._weights)
        self._cores = torch.get_num_threads()
        self._others: ThreadPoolExecutor | None = None

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Give features, float32 (N, C), of normalised pictures, (N, 3, S, S)."""
        pictures = images.float().contiguous().numpy()
        if len(pictures) == 1:
            return self._encoded(pictures)
        if self._others is None:  # threads of the thread that needs them: they have its priority
            self._others = ThreadPoolExecutor(self._cores, "encode frames")
        return torch.cat(list(self._others.map(self._encoded, pictures[:, None])))

    def _encoded(self, picture: npt.NDArray[np.float32]) -> torch.Tensor:
        """Give the feature, (1, C), of one picture, (1, 3, S, S)."""
        return torch.from_numpy(self._session.run(None, {"images": picture})[0])


def onnx_tower(folder: Path | None, visual: torch.nn.Module, probe: torch.Tensor) -> OnnxTower | None:
    """Give what computes a model's frames in torch's stead, where its folder has a graph and that agrees.

    Parameters
    ----------
    folder : Path, optional
        The model's.
    visual : torch.nn.Module
        Its image tower, float32 on the CPU.
    probe : float32 (1, 3, S, S)
        A frame as the encoder takes it.
    """
    graph = folder / GRAPH_FILE if folder is not None else None
    if graph is None or not graph.is_file():
        return None
    try:
        tower = OnnxTower(graph, visual.state_dict(), int(probe.shape[-1]))
        with torch.inference_mode():
            agreement = float(torch.cosine_similarity(tower(probe), visual(probe)))
    # What ONNX Runtime raises has no common class; torch does all that it does.
    except Exception as error:
        logger.warning("%s is not used: %s", graph, first_line(error))
        return None
    if not agreement >= MUST_AGREE:  # nor where there is no number
        logger.warning("%s is not used: its features have a cosine of %.5f to torch's", graph, agreement)
        return None
    return tower


def _session(graph: Path, weights: Mapping[str, Any]) -> Any:
    """Load a graph. One core a call: threads that wait for each other cost more than they help."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    options.add_external_initializers(
        list(weights), [onnxruntime.OrtValue.ortvalue_from_numpy(weight) for weight in weights.values()]
    )
    return onnxruntime.InferenceSession(graph.read_bytes(), options, providers=["CPUExecutionProvider"])
