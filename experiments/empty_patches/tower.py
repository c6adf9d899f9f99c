"""A small Vision Transformer as open_clip builds them, and what it gives without the patches that hold no event."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from open_clip.transformer import VisionTransformer

from pipeline.prediction import NO_EVENT, Floats
from pipeline.preprocessing import Preprocessing

_ROUNDING = 1e-4
"""Of normalised pictures: what an event leaves of itself in a resized picture is more than this, or nothing."""

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TowerSizes:
    """Sizes of the tower that is distilled; its features are as long as the bundled model's."""

    side: int = 96
    patch: int = 16
    width: int = 192
    layers: int = 6
    head_width: int = 64
    features: int = 384


def new_tower(sizes: TowerSizes) -> VisionTransformer:
    """Build it with random weights."""
    return VisionTransformer(
        image_size=sizes.side,
        patch_size=sizes.patch,
        width=sizes.width,
        layers=sizes.layers,
        heads=sizes.width // sizes.head_width,
        mlp_ratio=4.0,
        output_dim=sizes.features,
    )


def picture_without_events(preprocessing: Preprocessing, normalisation: str = "clip") -> Floats:
    """Give what the encoder takes where nothing happened, float32 (3, S, S)."""
    frame = np.full((1, preprocessing.size, preprocessing.size), NO_EVENT, np.uint8)
    picture: Floats = preprocessing.pictures(frame, normalisation=normalisation, view="crop")[0]
    return picture


def patches_with_events(pictures: Floats, nothing: Floats, patch: int) -> Flags:
    """Tell of each patch, row by row, whether an event shows in it, bool (N, G · G).

    Parameters
    ----------
    pictures : float32 (N, 3, S, S)
        Normalised; their channels are alike, so that the first one tells.
    nothing : float32 (3, S, S)
        As `picture_without_events` gives it.
    patch : int
        px; what is left over at the right and at the bottom is not seen.
    """
    count, grid = len(pictures), pictures.shape[-1] // patch
    seen = slice(grid * patch)
    differs = np.abs(pictures[:, 0, seen, seen] - nothing[0, seen, seen]) > _ROUNDING
    shown: Flags = differs.reshape(count, grid, patch, grid, patch).any(axis=(2, 4)).reshape(count, grid * grid)
    return shown


class LeavingOut:
    """Computes a tower's features, frame by frame, without the patches that hold no event.

    The class token and the other patches remain, each with its own positional embedding.

    Parameters
    ----------
    tower : VisionTransformer
        In evaluation mode.
    nothing : float32 (3, S, S)
        As `picture_without_events` gives it.
    from_block : int, optional
        The first block that they are left out of, counted from 0. None: no patch is left out.
    """

    def __init__(self, tower: VisionTransformer, nothing: Floats, from_block: int | None) -> None:
        self._tower, self._nothing, self._from_block = tower, nothing, from_block
        self._patch: int = tower.patch_size[0]

    def __call__(self, pictures: Floats) -> Floats:
        """Give features, float32 (N, C), of normalised pictures, float32 (N, 3, S, S)."""
        shown = patches_with_events(pictures, self._nothing, self._patch)
        with torch.inference_mode():
            each = [
                self._feature(torch.from_numpy(picture[None]), flags)
                for picture, flags in zip(pictures, shown, strict=True)
            ]
            features: Floats = torch.cat(each).numpy()
        return features

    def _feature(self, picture: torch.Tensor, shown: Flags) -> torch.Tensor:
        tower = self._tower
        patches = tower.conv1(picture).flatten(2).mT
        x = torch.cat((tower.class_embedding.expand(1, 1, -1), patches), dim=1) + tower.positional_embedding
        x = tower.ln_pre(x)
        kept = torch.from_numpy(np.flatnonzero(np.concatenate(([True], shown))))
        for number, block in enumerate(tower.transformer.resblocks):
            if number == self._from_block:
                x = x[:, kept]
            x = block(x)
        feature: torch.Tensor = tower.ln_post(x[:, 0]) @ tower.proj
        return feature
