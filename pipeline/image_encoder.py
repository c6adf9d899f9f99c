"""The image side of one CLIP: event frames to features, all at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.preprocessing import Frames, Preprocessing, padded

if TYPE_CHECKING:
    import torch


@dataclass
class ImageEncoder:
    """Preprocessing and image tower. Belongs to one thread at a time.

    Attributes
    ----------
    module : torch.nn.Module
        A CLIP; its `encode_image` is called.
    preprocessing : Preprocessing
    device, dtype
        Where the tower computes, and what it takes.
    """

    module: torch.nn.Module
    preprocessing: Preprocessing
    device: torch.device
    dtype: torch.dtype

    def features(self, frames: Frames, normalisation: str, view: str) -> torch.Tensor:
        """Give features, float32 (T, C) on the CPU, of event frames, uint8 (T, H, W)."""
        import torch

        pixels = self.preprocessing(
            frames, normalisation=normalisation, view=view, device=self.device, dtype=self.dtype
        )
        with torch.inference_mode():
            return self._encoded(pixels).cpu()

    def features_there(self, frames: torch.Tensor, normalisation: str, view: str) -> torch.Tensor:
        """Give features, float32 (T, C), of what `cut` leaves of event frames, uint8 (T, H, W); nothing moves.

        The same function as `features`, on the device of `frames`, which is that of the tower.
        """
        import torch

        with torch.inference_mode():
            pixels = self.preprocessing.normalised(padded(frames, view), normalisation=normalisation, dtype=self.dtype)
            return self._encoded(pixels)

    def _encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        features: torch.Tensor = self.module.encode_image(pixels, normalize=False)  # type: ignore[operator]
        return features.float()
