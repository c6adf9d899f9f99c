"""From a plan to a running model: it is built, weights are loaded strictly, then it is tried once.

The bundled model's architecture is built in plain torch, everything else by open_clip, which is imported only then.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import torch

from pipeline.clip import raise_if_out_of_memory
from pipeline.model_choice import ModelPlan
from pipeline.model_errors import Following, ModelError, first_line
from pipeline.openvino_store import OPENVINO_PRECISIONS, check_wanted, may_gain, use_best, use_wanted
from pipeline.precision import fit_precision
from pipeline.preprocessing import Preprocessing, rings
from pipeline.small_clip import load_small_clip
from pipeline.small_clip_sizes import SmallClipSizes, small_clip_sizes, word_pieces_of
from pipeline.text_encoding import TextEncoder
from pipeline.torch_clip import TorchClip
from pipeline.weights import architectures_of, check_weights_file, unreadable_because

_UNREADABLE = (pickle.UnpicklingError, EOFError, OSError, StopIteration)


def build_model(
    plan: ModelPlan,
    device: torch.device,
    precision: str,
    *,
    deterministic: bool,
    following: Following,
    notice: str = "",
) -> TorchClip:
    """Build what was planned.

    Raises
    ------
    ModelError
        Damaged weights, weights of another architecture, a package that is missing, memory, precision.
    LoadingCancelled
    """
    check_wanted(precision, device.type)
    small = small_clip_sizes(plan)
    if small is None:
        following.say("Starting open_clip")
    following.say(f"Loading {plan}")
    try:
        module = _module(plan, small, following)
        following.stop_if_cancelled()
        logit_scale = float(module.logit_scale.detach().double().reshape(-1)[0])  # type: ignore[operator]
        preprocessing = Preprocessing.of(_image_size(module, plan), plan.preprocessing)
        probe = _probe(preprocessing, device)
        module = module.to(device)
        texts = TextEncoder(module, _tokenizer(plan, small, following))
        if small is None:
            from pipeline.open_clip_building import fused

            module = fused(module, probe)
        used = fit_precision(module, probe, precision, deterministic=deterministic, following=following)
        following.stop_if_cancelled()
        model = TorchClip(module, texts, preprocessing, plan, logit_scale=logit_scale, precision=used, notice=notice)
        if precision in OPENVINO_PRECISIONS:
            use_wanted(model, precision, following)
        elif precision == "auto" and not deterministic and may_gain(model):
            use_best(model)
        return model
    except (RuntimeError, MemoryError) as error:
        raise_if_out_of_memory(error, plan.name, str(device))
        raise


def _module(plan: ModelPlan, small: SmallClipSizes | None, following: Following) -> torch.nn.Module:
    if plan.weights is None:
        from pipeline.open_clip_building import untrained

        module = untrained(Path(plan.architecture))
    else:
        check_weights_file(plan.weights)
        following.stop_if_cancelled()
        module = _loaded(plan, plan.weights, small)
    return module.eval().requires_grad_(False)


def _loaded(plan: ModelPlan, weights: Path, small: SmallClipSizes | None) -> torch.nn.Module:
    try:
        if small is not None:
            return load_small_clip(small, weights)
        from pipeline.open_clip_building import loaded

        return loaded(plan, weights)
    except MemoryError:
        raise
    # An architecture comes from a description, weights from anywhere: what can go wrong inside has no common class.
    except Exception as error:
        raise_if_out_of_memory(error, plan.name, "cpu")
        raise _explained(plan, weights, error) from error


def _explained(plan: ModelPlan, weights: Path, error: Exception) -> ModelError:
    """Say in one sentence why open_clip could not load these weights."""
    text = str(error)
    if isinstance(error, ImportError) or "pip install" in text:
        return ModelError(f"{plan.name} needs a package that is not installed ({first_line(error)}): install it.")
    unreadable = isinstance(error, _UNREADABLE) or "PytorchStreamReader" in text or "safetensor" in text.lower()
    if unreadable or type(error).__name__ == "SafetensorError":
        return ModelError(
            f"The weights file {weights} is damaged or incomplete ({unreadable_because(error)}): "
            "copy or download it again."
        )
    try:
        fitting = [name for name in architectures_of(weights) if name != plan.name]
    except ModelError as reason:
        return reason
    advice = f"they fit {' or '.join(fitting[:3])}" if fitting else "choose the model that they were made for"
    if "state_dict" in text or "size mismatch" in text or isinstance(error, AssertionError | KeyError | AttributeError):
        return ModelError(f"The weights in {weights} are not those of a {plan.name}: {advice}.")
    return ModelError(f"{plan} cannot be built ({first_line(error)}): {advice}.")


def _image_size(module: torch.nn.Module, plan: ModelPlan) -> int:
    size: Any = module.visual.image_size  # type: ignore[union-attr]
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ModelError(f"{plan.name} takes pictures of {width} x {height} px: choose a model that takes squares.")
    return int(height)


def _probe(preprocessing: Preprocessing, device: torch.device) -> torch.Tensor:
    """Give something like an event frame, as the encoder takes it; the same every time."""
    frame = rings(preprocessing.size)
    return preprocessing(frame[None], normalisation="clip", view="crop", device=device, dtype=torch.float32)


def _tokenizer(plan: ModelPlan, small: SmallClipSizes | None, following: Following) -> Any:
    if small is not None:
        return word_pieces_of(plan, small)
    from pipeline.open_clip_building import tokenizer_of

    return tokenizer_of(plan, following)
