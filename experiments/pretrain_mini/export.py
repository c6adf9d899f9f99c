"""The two towers as one folder that open_clip opens as `local-dir:`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file

from experiments.pretrain_mini.concept_features import write_concept_features
from experiments.pretrain_mini.concepts import Concept
from experiments.pretrain_mini.graphs import write_graphs
from experiments.pretrain_mini.image_tower import SIDE, TIMM_MODEL
from experiments.pretrain_mini.teacher import WIDTH
from experiments.pretrain_mini.text_tower import READY, TEXT_CONFIG

WEIGHTS = "open_clip_model.safetensors"
MEAN, DEVIATION = 127 / 255, 128 / 255
"""Of the event frame: no event is exactly 0 to the encoder."""


def config(pieces: int) -> dict[str, object]:
    """Give `open_clip_config.json`."""
    text = {"vocab_size": pieces, "hf_tokenizer_name": "neuroclip-mini", **TEXT_CONFIG}
    vision = {"timm_model_name": TIMM_MODEL, "timm_pool": "", "timm_proj": "linear", "image_size": SIDE}
    return {
        "model_cfg": {"embed_dim": WIDTH, "vision_cfg": vision, "text_cfg": text},
        "preprocess_cfg": {
            "mean": [MEAN] * 3,
            "std": [DEVIATION] * 3,
            "interpolation": "bilinear",
            "resize_mode": "shortest",
        },
    }


def export(out: Path, folder: Path, concepts: list[Concept]) -> None:
    """Write the folder from the checkpoints in `out`: configuration, weights, tokenizer, concepts and their features.

    `concepts.txt` is what the model was taught: concepts that are held out are not in it.
    """
    text = torch.load(out / READY, weights_only=True)["tower"]
    image = torch.load(out / "image.pt", weights_only=True)["average"]
    weights = {name.removeprefix("text."): value for name, value in text.items() if name != "text.attn_mask"}
    weights |= {name: value for name, value in image.items() if name.startswith("visual.")}
    weights["logit_scale"] = image["log_scale"]
    halved = {
        name: (value.half() if value.is_floating_point() else value).contiguous() for name, value in weights.items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    pieces = int(halved["token_embedding.weight"].shape[0])
    (folder / "open_clip_config.json").write_text(json.dumps(config(pieces), indent=2) + "\n")
    save_file(halved, folder / WEIGHTS)
    (folder / WEIGHTS).chmod(0o644)  # safetensors leaves it to its owner alone
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(out / name, folder / name)
    lines = ["\t".join(concept.words) for concept in concepts if not concept.held_out]
    (folder / "concepts.txt").write_text("\n".join(lines) + "\n")
    write_graphs(folder)
    write_concept_features(folder)
