"""From a plan to a running model: open_clip builds it, weights are loaded strictly, then it is tried once."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import open_clip
import torch

from pipeline.clip import ClipModel, raise_if_out_of_memory
from pipeline.model_choice import LOCAL_DIR, ModelPlan
from pipeline.model_download import cached_file
from pipeline.model_errors import Following, ModelError, first_line
from pipeline.precision import fit_precision
from pipeline.preprocessing import Preprocessing
from pipeline.text_encoding import TextEncoder
from pipeline.weights import architectures_of, check_weights_file, unreadable_because

UNTRAINED_SEED = 0
_DEFAULT_PREPROCESSING = {"mean": open_clip.OPENAI_DATASET_MEAN, "std": open_clip.OPENAI_DATASET_STD}
_UNREADABLE = (pickle.UnpicklingError, EOFError, OSError, StopIteration)


def build_model(
    plan: ModelPlan,
    device: torch.device,
    precision: str,
    *,
    deterministic: bool,
    following: Following,
    notice: str = "",
) -> ClipModel:
    """Build what was planned.

    Raises
    ------
    ModelError
        Damaged weights, weights of another architecture, a package that is missing, memory, precision.
    LoadingCancelled
    """
    following.say(f"Loading {plan}")
    try:
        module = _module(plan, following)
        following.stop_if_cancelled()
        logit_scale = float(module.logit_scale.detach().double().reshape(-1)[0])  # type: ignore[operator]
        size = _image_size(module, plan)
        described = {**_DEFAULT_PREPROCESSING, **{k: v for k, v in plan.preprocessing.items() if v is not None}}
        preprocessing = Preprocessing.of(size, described)
        module = _fused(module.to(device), _probe(preprocessing, device))
        texts = TextEncoder(module, _tokenizer(plan, following))
        probe = _probe(preprocessing, device)
        used = fit_precision(module, probe, precision, deterministic=deterministic, following=following)
        following.stop_if_cancelled()
        return ClipModel(module, texts, preprocessing, plan, logit_scale=logit_scale, precision=used, notice=notice)
    except (RuntimeError, MemoryError) as error:
        raise_if_out_of_memory(error, plan.name, str(device))
        raise


def _module(plan: ModelPlan, following: Following) -> torch.nn.Module:
    if plan.weights is None:
        module = _untrained(Path(plan.architecture))
    else:
        check_weights_file(plan.weights)
        following.stop_if_cancelled()
        with _quiet():
            module = _loaded(plan, plan.weights)
    return module.eval().requires_grad_(False)


def _untrained(config: Path) -> torch.nn.Module:
    described = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        module: torch.nn.Module = open_clip.CLIP(**described)
    return module


def _loaded(plan: ModelPlan, weights: Path) -> torch.nn.Module:
    own_folder = plan.architecture.startswith(LOCAL_DIR)
    try:
        module: torch.nn.Module = open_clip.create_model(
            plan.architecture,
            pretrained=None if own_folder else str(weights),
            force_quick_gelu=plan.quick_gelu,
            require_pretrained=True,
            weights_only=True,
        )
    except MemoryError:
        raise
    # An architecture comes from a description, weights from anywhere: what can go wrong inside has no common class.
    except Exception as error:
        raise_if_out_of_memory(error, plan.name, "cpu")
        raise _explained(plan, weights, error) from error
    return module


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


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep open_clip's remarks, which go to the root logger, off the user's terminal."""
    root = logging.getLogger()

    def keep(record: logging.LogRecord) -> bool:
        return f"{os.sep}open_clip{os.sep}" not in record.pathname or record.levelno > logging.ERROR

    root.addFilter(keep)
    try:
        yield
    finally:
        root.removeFilter(keep)


def _image_size(module: torch.nn.Module, plan: ModelPlan) -> int:
    size: Any = module.visual.image_size  # type: ignore[union-attr]
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ModelError(f"{plan.name} takes pictures of {width} x {height} px: choose a model that takes squares.")
    return int(height)


def _probe(preprocessing: Preprocessing, device: torch.device) -> torch.Tensor:
    """Give something like an event frame, as the encoder takes it; the same every time."""
    side = preprocessing.size
    y, x = np.mgrid[:side, :side]
    rings = np.hypot(x - side / 2, y - side / 2) // max(2, side // 12) % 4
    frame = np.choose(rings.astype(int), [127, 255, 127, 0]).astype(np.uint8)
    return preprocessing(frame[None], normalisation="clip", view="crop", device=device, dtype=torch.float32)


def _fused(module: torch.nn.Module, probe: torch.Tensor) -> torch.nn.Module:
    """Join the branches that some image towers (MobileCLIP's) have for training only; the function is the same."""
    trunk = getattr(module.visual, "trunk", None)
    if trunk is None or not any(hasattr(part, "reparameterize") for part in trunk.modules()):
        return module
    from timm.utils.model import reparameterize_model

    with torch.inference_mode():
        before = module.encode_image(probe, normalize=False)  # type: ignore[operator]
        module.visual.trunk = reparameterize_model(trunk)  # type: ignore[union-attr]
        after = module.encode_image(probe, normalize=False)  # type: ignore[operator]
    if float(torch.cosine_similarity(before, after)) < 0.9999:
        module.visual.trunk = trunk  # type: ignore[union-attr]
    return module


def _tokenizer(plan: ModelPlan, following: Following) -> Any:
    if plan.weights is None:
        return open_clip.SimpleTokenizer()
    config = open_clip.get_model_config(plan.architecture) or {}
    hub_name = config.get("text_cfg", {}).get("hf_tokenizer_name", "")
    local = plan.architecture.startswith(LOCAL_DIR)
    if not hub_name and not (not local and "siglip" in plan.architecture.lower()):
        return open_clip.get_tokenizer(plan.architecture)
    if importlib.util.find_spec("transformers") is None:
        raise ModelError(
            f"{plan.name} needs the package transformers for its texts: install it with `pip install transformers`."
        )
    following.say(f"Loading the tokenizer of {plan.name}")
    here = local or cached_file(hub_name, "tokenizer_config.json") is not None
    if not here:
        from pipeline.model_download import fetch_file

        fetch_file(hub_name, "tokenizer_config.json", following=following, what=f"the tokenizer of {plan.name}")
    try:
        with _quiet():
            return open_clip.get_tokenizer(plan.architecture, **({"local_files_only": True} if here else {}))
    # transformers and tokenizers raise whatever the file's parser raised.
    except Exception as error:
        raise ModelError(
            f"The tokenizer of {plan.name} cannot be loaded ({first_line(error)}): check its files and the network."
        ) from error
