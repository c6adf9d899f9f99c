"""Real architectures with random weights, as folders: speed does not depend on what the weights are."""

from __future__ import annotations

import json
from pathlib import Path


def random_folder(name: str, folder: Path, *, seed: int = 0) -> Path:
    """Write a folder of an open_clip architecture with random weights.

    Parameters
    ----------
    name : str
        As open_clip calls it, ``ViT-B-32``.
    folder : Path
        Made; what ``local-dir:`` takes.
    seed : int
    """
    import open_clip
    import torch
    from safetensors.torch import save_file

    config = open_clip.get_model_config(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = open_clip.create_model(name)
    folder.mkdir(parents=True)
    described = {
        "model_cfg": config,
        "preprocess_cfg": {"mean": list(open_clip.OPENAI_DATASET_MEAN), "std": list(open_clip.OPENAI_DATASET_STD)},
    }
    (folder / "open_clip_config.json").write_text(json.dumps(described), encoding="utf-8")
    save_file({key: value.contiguous() for key, value in module.state_dict().items()}, folder / WEIGHTS)
    return folder


WEIGHTS = "open_clip_model.safetensors"
