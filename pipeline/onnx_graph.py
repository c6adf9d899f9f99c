"""A graph without weights, computed by ONNX Runtime with weights from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.prediction import Floats
from pipeline.threads import giving_way

IMAGE_GRAPH, TEXT_GRAPH = "image_tower.onnx", "text_tower.onnx"
"""Take ``images``, float32 (N, 3, S, S), and ``tokens``, int64 (N, L), to ``features``, float32 (N, C)."""
TABLE = "token_embedding.weight"
"""Of a text tower; an input of its graph: of 50,000 rows a call reads a few, and what a graph holds is copied."""
EXPECTED = "expected"
"""Key of what the graph must give for its probe with the weights that it was made for, a JSON list of C numbers."""
SIZES = "sizes"
"""Key of what the model's description must say, a JSON object."""
MUST_AGREE = 0.99999
"""Cosine between what a graph gives for its probe and what it must give."""


class GraphDisagrees(Exception):
    """A graph gives other numbers than it must."""


class OnnxGraph:
    """One graph with its weights. Several threads may call it.

    Parameters
    ----------
    graph : bytes
        A .onnx file's contents.
    weights : mapping of str to float32 array
        Exactly those that the graph names. They stay in use.
    tables : sequence of str
        Those of them that are inputs of the graph.
    cores : int
        That a call takes. Threads for more than one are started here, and give way to others.

    Raises
    ------
    ImportError, OSError
        ONNX Runtime is not here, or does not start.
    Exception
        What ONNX Runtime makes of a graph that is damaged or needs other weights.
    """

    def __init__(
        self, graph: bytes, weights: Mapping[str, Floats], *, tables: Sequence[str] = (), cores: int = 1
    ) -> None:
        import onnxruntime

        onnxruntime.disable_telemetry_events()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = cores, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # others need the core
        options.log_severity_level = 4
        self._tables = {name: weights[name] for name in tables}
        self._weights = {name: weight for name, weight in weights.items() if name not in tables}
        options.add_external_initializers(
            list(self._weights), [onnxruntime.OrtValue.ortvalue_from_numpy(each) for each in self._weights.values()]
        )

        def session() -> Any:
            return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

        self._session = session() if cores == 1 else giving_way(session)
        self._input = self._session.get_inputs()[0].name

    def __call__(self, given: npt.NDArray[Any]) -> Floats:
        """Give the features, float32 (N, C)."""
        try:
            features: Floats = self._session.run(None, {self._input: given, **self._tables})[0]
        # What ONNX Runtime raises has no common class, and none for memory.
        except Exception as error:
            if "alloc" in str(error).lower():
                raise MemoryError(str(error)) from error
            raise
        return features

    def check(self, probe: npt.NDArray[Any], sizes: Mapping[str, int]) -> None:
        """Compute the probe.

        Raises
        ------
        GraphDisagrees
            The outcome is not what the graph's file says, or it was made for a model of other sizes.
        """
        described = self._session.get_modelmeta().custom_metadata_map
        if json.loads(described.get(SIZES, "{}")) != sizes:
            raise GraphDisagrees("it was made for a model of other sizes")
        told = described.get(EXPECTED)
        expected = np.asarray(json.loads(told) if told else (), np.float64)
        found = self(probe)[0].astype(np.float64)
        agreement = _cosine(found, expected) if found.shape == expected.shape else np.nan
        if not agreement >= MUST_AGREE:  # nor where there is no number
            raise GraphDisagrees(f"its features have a cosine of {agreement:.5f} to those that it was made for")


def _cosine(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    return float((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()))
