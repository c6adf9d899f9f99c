"""Which models are CLIPs of two plain transformers, and their sizes, as their descriptions tell. No torch."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.byte_pairs import VOCABULARY
from pipeline.model_choice import CONFIG_FILE, ModelPlan
from pipeline.open_clip_tables import architecture_config
from pipeline.transformer_graph import Activation, Blocks

_MODEL = {"embed_dim": None, "quick_gelu": False}
_VISION = {"image_size": 224, "layers": 12, "width": 768, "patch_size": 16, "head_width": 64, "mlp_ratio": 4.0}
_TEXT = {"context_length": 77, "vocab_size": 49_408, "width": 512, "heads": 8, "layers": 12, "mlp_ratio": 4.0}
"""What a description may choose, with what open_clip takes where it does not."""


@dataclass(frozen=True)
class VitSizes:
    """Sizes of a CLIP whose towers are plain transformers: a ViT that gives its class token, and a causal one."""

    image: Blocks
    text: Blocks
    side: int
    patch: int
    context: int
    embedding: int

    @classmethod
    def of(cls, described: Mapping[str, Any], *, quick_gelu: bool) -> VitSizes | None:
        """Read open_clip's ``model_cfg``; None where it describes anything but exactly this architecture."""
        given = {key: value for key, value in described.items() if key not in ("vision_cfg", "text_cfg")}
        model = _chosen(given, _MODEL)
        vision, text = _chosen(described.get("vision_cfg"), _VISION), _chosen(described.get("text_cfg"), _TEXT)
        if model is None or vision is None or text is None or text["vocab_size"] != VOCABULARY:
            return None
        ratios = [vision.pop("mlp_ratio"), text.pop("mlp_ratio")]
        whole = [*vision.values(), *text.values(), model["embed_dim"]]
        if any(type(size) is not int or size < 1 for size in whole):
            return None
        if any(type(ratio) not in (int, float) or not 0 < ratio < math.inf for ratio in ratios):
            return None
        activation: Activation = "quick_gelu" if quick_gelu or model["quick_gelu"] else "gelu"
        heads = vision["width"] // vision["head_width"]
        if not heads or vision["width"] % heads or text["width"] % text["heads"]:
            return None
        return cls(
            image=_blocks(vision, heads, ratios[0], activation),
            text=_blocks(text, text["heads"], ratios[1], activation),
            side=vision["image_size"],
            patch=vision["patch_size"],
            context=text["context_length"],
            embedding=model["embed_dim"],
        )


def vit_sizes(plan: ModelPlan) -> VitSizes | None:
    """Give the sizes of a model that needs no open_clip; None for all others, or where its description is damaged."""
    if plan.weights is None or plan.weights.suffix != ".safetensors":
        return None
    try:
        if plan.folder is None:
            described = architecture_config(plan.architecture)
        else:
            described = json.loads((plan.folder / CONFIG_FILE).read_text(encoding="utf-8"))["model_cfg"]
        return VitSizes.of(described, quick_gelu=plan.quick_gelu)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _chosen(given: Any, known: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give all values, of those that may be chosen; None where there is something else among them."""
    if not isinstance(given, dict) or not set(given) <= set(known):
        return None
    return {**known, **given}


def _blocks(sizes: Mapping[str, Any], heads: int, ratio: float, activation: Activation) -> Blocks:
    width: int = sizes["width"]
    return Blocks(width, heads, sizes["layers"], int(width * ratio), activation)
