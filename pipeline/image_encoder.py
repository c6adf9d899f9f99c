"""The image side of one CLIP: event frames to features, all at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.preprocessing import Frames, Preprocessing, padded

if TYPE_CHECKING:
    import torch


@dataclass
class ImageEncoder:
    """Preprocessing and image tower. Belongs to one thread at a time, but for `one_call`.

    Attributes
    ----------
    module : torch.nn.Module
        A CLIP; its `encode_image` is called.
    preprocessing : Preprocessing
    device, dtype
        Where the tower computes, and what it takes.
    one_call : callable or None
        Computes what ``module.encode_image`` does; any thread may put it in.
    """

    module: torch.nn.Module
    preprocessing: Preprocessing
    device: torch.device
    dtype: torch.dtype
    one_call: Callable[[torch.Tensor], torch.Tensor] | None = None

    def features(self, frames: Frames, normalisation: str, view: str) -> torch.Tensor:
        """Give features, float32 (T, C) on the CPU, of event frames, uint8 (T, H, W)."""
        import torch

        with torch.inference_mode():
            return self._encoded(self.pixels(frames, normalisation, view)).cpu()

    def pixels(self, frames: Frames, normalisation: str = "clip", view: str = "crop") -> torch.Tensor:
        """Give what the tower takes, (T, 3, S, S), of event frames, uint8 (T, H, W)."""
        return self.preprocessing(frames, normalisation=normalisation, view=view, device=self.device, dtype=self.dtype)

    def features_there(self, frames: torch.Tensor, normalisation: str, view: str) -> torch.Tensor:
        """Give features, float32 (T, C), of what `cut` leaves of event frames, uint8 (T, H, W); nothing moves.

        The same function as `features`, on the device of `frames`, which is that of the tower.
        """
        import torch

        with torch.inference_mode():
            pixels = self.preprocessing.normalised(padded(frames, view), normalisation=normalisation, dtype=self.dtype)
            return self._encoded(pixels)

    def _encoded(self, pixels: torch.Tensor) -> torch.Tensor:
        one_call = self.one_call
        if one_call is not None:
            return one_call(pixels).float()
        features: torch.Tensor = self.module.encode_image(pixels, normalize=False)  # type: ignore[operator]
        return features.float()
