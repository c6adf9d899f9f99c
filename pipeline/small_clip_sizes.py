"""Which models are of the bundled one's architecture, and their sizes, as their descriptions tell. No torch."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.model_choice import CONFIG_FILE, ModelPlan
from pipeline.model_errors import ModelError, first_line
from pipeline.word_pieces import WordPieces, has_word_pieces

TRUNK = "cs3darknet_focus_s"

_VISION_KEYS = {"timm_model_name", "timm_pool", "timm_proj", "image_size"}
_TEXT_KEYS = {"vocab_size", "hf_tokenizer_name", "context_length", "width", "heads", "layers", "pool_type", "eos_id"}


@dataclass(frozen=True)
class SmallClipSizes:
    """What a description may choose freely: all of it counts, in tokens, channels or px."""

    embed_dim: int
    image_size: int
    vocab_size: int
    context_length: int
    width: int
    heads: int
    layers: int
    eos_id: int

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> SmallClipSizes | None:
        """Read open_clip's ``model_cfg``; None where it describes anything but exactly this architecture."""
        vision, text = described.get("vision_cfg"), described.get("text_cfg")
        if set(described) != {"embed_dim", "vision_cfg", "text_cfg"}:
            return None
        if not isinstance(vision, dict) or not isinstance(text, dict):
            return None
        if set(vision) != _VISION_KEYS or set(text) != _TEXT_KEYS:
            return None
        trunk = (vision["timm_model_name"], vision["timm_pool"], vision["timm_proj"])
        if trunk != (TRUNK, "", "linear") or text["pool_type"] != "eos":
            return None
        names = ("vocab_size", "context_length", "width", "heads", "layers", "eos_id")
        sizes = [described["embed_dim"], vision["image_size"], *(text[name] for name in names)]
        if any(type(size) is not int or size < 0 for size in sizes) or 0 in sizes[:-1] or sizes[4] % sizes[5]:
            return None
        return cls(*sizes)


def small_clip_sizes(plan: ModelPlan) -> SmallClipSizes | None:
    """Give the sizes of a folder's model that needs no open_clip; None for all others."""
    folder, weights = plan.folder, plan.weights
    if folder is None or weights is None or weights.suffix != ".safetensors" or not has_word_pieces(folder):
        return None
    try:
        described = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))["model_cfg"]
    except (OSError, ValueError, KeyError):
        return None
    return SmallClipSizes.of(described)


def word_pieces_of(plan: ModelPlan, sizes: SmallClipSizes) -> WordPieces:
    """Give the tokenizer that lies in the model's folder.

    Raises
    ------
    ModelError
        It cannot be read.
    """
    assert plan.folder is not None
    try:
        return WordPieces(plan.folder, sizes.context_length)
    except ValueError as error:
        raise ModelError(
            f"The tokenizer of {plan.name} cannot be loaded ({first_line(error)}): copy its folder again."
        ) from error
