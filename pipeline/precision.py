"""Where a model runs, and in which number format.

Weights are cast, never autocast: bf16 autocast is 2 to 5 times slower than fp32 with ViTs of more than one frame.
Whether bf16 pays is measured on the machine itself, not looked up in a list of processors.
"""

from __future__ import annotations

import copy
import ctypes.util
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.model_errors import Following, ModelError, first_line
from pipeline.openvino_store import OPENVINO_PRECISIONS

if TYPE_CHECKING:
    import torch

DEVICES = ("auto", "cuda", "mps", "cpu")
PRECISIONS = ("auto", "fp32", "bf16", "fp16", *OPENVINO_PRECISIONS)
WORTH_A_TRIAL_S = 0.008
"""A frame that is encoded faster than this needs no lower precision."""
MUST_GAIN = 1.2
MUST_AGREE = 0.99
"""Cosine between a frame's features in both precisions."""


DEVICE_FILES = Path("/dev")
_GPU_FILES = ("nvidia*", "nvhost*", "nvgpu*", "kfd", "dxg")
"""Among them, where Linux has what torch computes with: NVIDIA's, that of its boards, AMD's, and that of WSL."""


def may_have_gpu() -> bool:
    """Whether torch may find a GPU here; False only where it cannot. Costs no import of torch."""
    match platform.system():
        case "Linux":
            return any(any(DEVICE_FILES.glob(name)) for name in _GPU_FILES)
        case "Windows":
            return ctypes.util.find_library("nvcuda") is not None
        case "Darwin":
            return platform.machine() == "arm64"
    return True


def chosen_device(wanted: str) -> torch.device:
    """Give the device; ``auto`` is cuda, else mps, else cpu; ``cuda:1`` is the second GPU.

    Raises
    ------
    ModelError
        It is not there.
    """
    import torch

    kind, _, number = wanted.partition(":")
    if kind not in DEVICES or (number and not (kind == "cuda" and number.isdigit())):
        raise ModelError(f'There is no device "{wanted}": choose {", ".join(DEVICES)} (or cuda:1 for a second GPU).')
    if kind == "auto":
        kind = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    if kind == "cuda" and not torch.cuda.is_available():
        raise ModelError("PyTorch finds no CUDA GPU on this machine: choose --device auto or cpu.")
    if kind == "cuda" and number and int(number) >= torch.cuda.device_count():
        raise ModelError(f"This machine has {torch.cuda.device_count()} CUDA GPU(s), counted from 0: no {wanted}.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise ModelError("PyTorch finds no Apple GPU (mps) on this machine: choose --device auto or cpu.")
    return torch.device(f"{kind}:{number}" if number else kind)


def fit_precision(
    module: torch.nn.Module, probe: torch.Tensor, wanted: str, *, deterministic: bool, following: Following
) -> str:
    """Cast a model's weights in place to the wanted precision; for ``auto`` to what serves best here.

    Parameters
    ----------
    module : open_clip model in fp32, on its device
    probe : float32 (1, 3, S, S)
        A frame as the encoder takes it, on the same device.
    wanted : "auto", "fp32", "bf16" or "fp16"
        One of OpenVINO's is for the image tower alone: the rest is as for ``auto``.
    deterministic : bool
        On a CPU ``auto`` is then fp32, whatever a timing would say.

    Returns
    -------
    str
        What was chosen.

    Raises
    ------
    ModelError
        The model cannot compute in the wanted precision on this device, or gives no numbers.
    """
    if wanted not in PRECISIONS:
        raise ModelError(f'There is no precision "{wanted}": choose {", ".join(PRECISIONS)}.')
    exact = _feature(module, probe)
    if not exact.isfinite().all():
        raise ModelError("The weights hold numbers that are none (NaN or infinite): copy or download the file again.")
    if wanted == "auto" or wanted in OPENVINO_PRECISIONS:
        return _best_precision(module, probe, exact, deterministic=deterministic, following=following)
    if wanted != "fp32":
        _cast(module, probe, exact, wanted)
    return wanted


def _dtype(precision: str) -> torch.dtype:
    import torch

    return {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[precision]


def _feature(module: torch.nn.Module, probe: torch.Tensor) -> torch.Tensor:
    import torch

    with torch.inference_mode():
        return module.encode_image(probe, normalize=False).float()[0]  # type: ignore[operator, no-any-return]


def _agrees(exact: torch.Tensor, rough: torch.Tensor) -> bool:
    import torch

    return bool(rough.isfinite().all()) and float(torch.cosine_similarity(exact, rough, dim=0)) >= MUST_AGREE


def _cast(module: torch.nn.Module, probe: torch.Tensor, exact: torch.Tensor, precision: str) -> None:
    dtype, device = _dtype(precision), probe.device.type
    try:
        module.to(dtype)
        rough = _feature(module, probe.to(dtype))
    except (RuntimeError, TypeError) as error:
        raise ModelError(
            f"This model cannot compute in {precision} on {device} ({first_line(error)}): choose --precision fp32."
        ) from error
    if not _agrees(exact, rough):
        raise ModelError(f"This model's numbers do not fit into {precision}: choose --precision fp32.")


def _best_precision(
    module: torch.nn.Module, probe: torch.Tensor, exact: torch.Tensor, *, deterministic: bool, following: Following
) -> str:
    kind = probe.device.type
    if kind == "mps" or (kind == "cpu" and deterministic):
        return "fp32"
    lower = "bf16" if kind == "cpu" else "fp16"
    following.say("Trying which precision serves best here")
    plain_s = quickest_s(lambda: _feature(module, probe), 3)
    if kind == "cpu" and (plain_s < WORTH_A_TRIAL_S or not matrices_gain_from_bf16()):
        return "fp32"
    following.stop_if_cancelled()
    try:
        rough, rough_s = _trial(module, probe, lower)
    except (RuntimeError, TypeError) as error:
        # A layer may have no such precision on this device; a want of memory is told as such.
        if "memory" in str(error).lower():
            raise
        return "fp32"
    if not _agrees(exact, rough) or (kind == "cpu" and rough_s * MUST_GAIN > plain_s):
        return "fp32"
    module.to(_dtype(lower))
    return lower


def _trial(module: torch.nn.Module, probe: torch.Tensor, precision: str) -> tuple[torch.Tensor, float]:
    """Give a frame's feature by a copy of the image tower in this precision, and how long it takes, in s."""
    vision, rough_probe = module.visual, probe.to(_dtype(precision))
    module.visual = copy.deepcopy(vision).to(_dtype(precision))
    try:
        return _feature(module, rough_probe), quickest_s(lambda: _feature(module, rough_probe), 3)
    finally:
        module.visual = vision


def quickest_s(call: Callable[[], object], times: int) -> float:
    """Give the least time of so many calls, in s."""
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        call()
        durations.append(time.perf_counter() - start)
    return min(durations)


def matrices_gain_from_bf16() -> bool:
    """Try one matrix product of a ViT's size: where the processor has no bf16 a whole frame would take seconds."""
    import torch

    left, right = torch.ones(50, 768), torch.ones(768, 3072)
    rough_left, rough_right = left.bfloat16(), right.bfloat16()
    # In turn, and the best of many: other programs disturb single ones.
    pairs = [(quickest_s(lambda: rough_left @ rough_right, 1), quickest_s(lambda: left @ right, 1)) for _ in range(15)]
    return min(rough_s for rough_s, _ in pairs) * MUST_GAIN < min(plain_s for _, plain_s in pairs)
