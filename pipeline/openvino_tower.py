"""A CLIP's image tower computed by OpenVINO on the processor, in bf16 or in static int8.

Needs the extra `fast`: openvino, and nncf to quantise.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.openvino_store import BF16, INT8
from pipeline.prediction import Floats
from pipeline.threads import giving_way, usable_cores

if TYPE_CHECKING:
    import torch

NEEDS = {BF16: "BF16", INT8: "INT8"}
"""What OpenVINO says of a processor that can do it."""


class OpenVinoTower:
    """Computes a CLIP's image tower. Belongs to one thread at a time.

    The network takes one frame: live that is what there is to encode, and frames in a row gain little from a batch.

    Parameters
    ----------
    network : openvino.CompiledModel
        (1, 3, S, S) to (1, C).
    """

    def __init__(self, network: Any) -> None:
        self._request = network.create_infer_request()

    def __call__(self, pictures: Floats) -> Floats:
        """Give features, float32 (N, C), of normalised pictures, float32 (N, 3, S, S)."""
        given = [np.ascontiguousarray(pictures[place : place + 1]) for place in range(len(pictures))]
        # Each copied: the next one is computed into the same memory.
        return np.concatenate([self._request.infer(each, share_inputs=True)[0].copy() for each in given])


def openvino() -> Any:
    """Import OpenVINO without its telemetry, which would tell its makers of every start."""
    if "openvino" in sys.modules:
        return sys.modules["openvino"]
    os.environ.setdefault("NNCF_CI", "1")  # nncf's own switch for the same
    sender = "openvino_telemetry"
    known = sys.modules.get(sender)
    sys.modules[sender] = None  # type: ignore[assignment]  # "not installed", which OpenVINO takes
    try:
        import openvino
    finally:
        if known is None:
            del sys.modules[sender]
        else:
            sys.modules[sender] = known
    return openvino


def can_compute(precision: str) -> bool:
    """Tell whether this processor has the instructions."""
    capabilities: list[str] = openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return NEEDS[precision] in capabilities


def converted(visual: torch.nn.Module, probe: torch.Tensor) -> Any:
    """Convert an image tower in fp32 for one frame like `probe`, (1, 3, S, S); raises what the conversion raises."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: Python values that depend on the shape, which stays the same
        return openvino().convert_model(visual, example_input=probe, input=list(probe.shape))


def quantised(network: Any, examples: Sequence[torch.Tensor], *, transformer: bool) -> Any:
    """Make a converted network static int8, its ranges taken from examples, each (1, 3, S, S)."""
    openvino()
    import nncf

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nncf.quantize(
            network,
            nncf.Dataset([example.numpy() for example in examples]),
            subset_size=len(examples),
            model_type=nncf.ModelType.TRANSFORMER if transformer else None,
        )


def save(network: Any, file: Path) -> None:
    """Write a network and, beside it, its weights; those that are not quantised in half precision."""
    openvino().save_model(network, file)


def tower_from(network: Any) -> OpenVinoTower:
    """Make a network, or one in a file, ready to run.

    Parameters
    ----------
    network : openvino.Model or Path

    Raises
    ------
    RuntimeError
        It cannot be read, or the processor cannot compute it.
    """
    core = openvino().Core()
    settings = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": usable_cores(),
        # A thread that may not move waits for whatever else runs on its core: capture, the window.
        "ENABLE_CPU_PINNING": False,
    }
    # What int8 leaves in floating point may be bf16 too, where that is computed at all.
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        settings["INFERENCE_PRECISION_HINT"] = "bf16"
    model = core.read_model(network) if isinstance(network, Path) else network
    return OpenVinoTower(giving_way(lambda: core.compile_model(model, "CPU", settings)))
