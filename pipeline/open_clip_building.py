"""Models built by open_clip itself: any of its architectures. Its import takes seconds, and comes with this module."""

from __future__ import annotations

import importlib.util
import json
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import open_clip
import torch
from torch.nn import init
from torch.overrides import TorchFunctionMode

from pipeline.model_choice import LOCAL_DIR, ModelPlan
from pipeline.model_download import cached_file
from pipeline.model_errors import Following, ModelError, first_line

UNTRAINED_SEED = 0


def untrained(config: Path) -> torch.nn.Module:
    """Build an architecture with random weights, the same every time."""
    described = json.loads(config.read_text(encoding="utf-8"))["model_cfg"]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(UNTRAINED_SEED)
        module: torch.nn.Module = open_clip.CLIP(**described)
    return module


def loaded(plan: ModelPlan, weights: Path) -> torch.nn.Module:
    """Build what was planned and load its weights strictly; raises whatever open_clip raises."""
    own_folder = plan.architecture.startswith(LOCAL_DIR)
    with _quiet(), _NothingDrawn():
        module: torch.nn.Module = open_clip.create_model(
            plan.architecture,
            pretrained=None if own_folder else str(weights),
            force_quick_gelu=plan.quick_gelu,
            require_pretrained=True,
            weights_only=True,
        )
    return module


class _NothingDrawn(TorchFunctionMode):
    """Fills with NaN what would be drawn at random: a ViT's weights take seconds to draw, only to be overwritten.

    What a file left out, should that be possible, would show: a model whose features are no numbers is refused.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if func in _DRAWING:
            with torch.no_grad():
                return (args[0] if args else kwargs["tensor"]).fill_(math.nan)
        if func is torch.Tensor.erfinv_:  # truncated normal numbers are made with it, of those drawn
            return args[0]
        if func is torch.randn:
            return torch.empty(*args, **kwargs).fill_(math.nan)
        return func(*args, **kwargs)


_DRAWING = (
    torch.Tensor.normal_, torch.Tensor.uniform_, init.normal_, init.uniform_, init.trunc_normal_, init.kaiming_normal_,
    init.kaiming_uniform_, init.xavier_normal_, init.xavier_uniform_, init.orthogonal_,
)  # fmt: skip


def fused(module: torch.nn.Module, probe: torch.Tensor) -> torch.nn.Module:
    """Join the branches that some image towers (MobileCLIP's) have for training only; the function is the same."""
    trunk = getattr(module.visual, "trunk", None)
    if trunk is None or not any(hasattr(part, "reparameterize") for part in trunk.modules()):
        return module
    from timm.utils.model import reparameterize_model

    with torch.no_grad():  # what is made in inference mode could not be cast to bf16 later
        before = module.encode_image(probe, normalize=False)  # type: ignore[operator]
        module.visual.trunk = reparameterize_model(trunk)  # type: ignore[union-attr]
        after = module.encode_image(probe, normalize=False)  # type: ignore[operator]
    if float(torch.cosine_similarity(before, after)) < 0.9999:
        module.visual.trunk = trunk  # type: ignore[union-attr]
    return module.requires_grad_(False)


def tokenizer_of(plan: ModelPlan, following: Following) -> Any:
    """Give the tokenizer that belongs to a model.

    Raises
    ------
    ModelError
        Its files are not here and cannot be fetched, or are damaged; a package is missing.
    """
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
