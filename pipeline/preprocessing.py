"""From event frames to what the image encoder takes: a square, resized, in three channels, normalised.

Follows the reference (NeuroCLIP, arXiv 2306.12073): bilinear without antialiasing, ``align_corners=False``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.prediction import NO_EVENT

if TYPE_CHECKING:
    import torch

VIEWS = ("crop", "stretch", "fit")
NORMALISATIONS = ("clip", "reference")
CLIPS_OWN = {"mean": (0.48145466, 0.4578275, 0.40821073), "std": (0.26862954, 0.26130258, 0.27577711)}
"""Of OpenAI's CLIP, and of every model that says nothing else."""

Frames = npt.NDArray[np.uint8]


def known_view(view: str) -> str:
    """Give the view back if there is such a one; raises ValueError."""
    if view not in VIEWS:
        raise ValueError(f"view={view!r}: choose one of {', '.join(VIEWS)}.")
    return view


def known_normalisation(normalisation: str) -> str:
    """Give the normalisation back if there is such a one; raises ValueError."""
    if normalisation not in NORMALISATIONS:
        raise ValueError(f"normalisation={normalisation!r}: choose one of {', '.join(NORMALISATIONS)}.")
    return normalisation


def checked_frames(frames: npt.ArrayLike) -> Frames:
    """Give the frames as an array; raises ValueError where they are not uint8 (T, H, W)."""
    array = np.asarray(frames)
    if array.dtype != np.uint8 or array.ndim != 3 or 0 in array.shape[1:]:
        raise ValueError(
            f"Event frames are uint8 (T, H, W), not {array.dtype} {array.shape}: make them by event_frames."
        )
    return array


def squared(frames: Frames, view: str) -> Frames:
    """Cut or pad frames to a square, still as bytes.

    Parameters
    ----------
    frames : uint8 (T, H, W)
    view : "crop", "stretch" or "fit"
        The centre square; the frame as it is (it is stretched when it is resized); padded with 127.

    Returns
    -------
    uint8 (T, S, S), or (T, H, W) for "stretch"
        In memory without gaps, writable.
    """
    if view == "fit":
        count, height, width = frames.shape
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        padded = np.full((count, side, side), NO_EVENT, np.uint8)
        padded[:, top : top + height, left : left + width] = frames
        return padded
    return np.require(cut(frames, view), requirements=["C", "W"])


def cut(frames: Frames, view: str) -> Frames:
    """Leave away what a view does not show, uint8 (T, H, W); nothing is copied, nothing padded."""
    if view != "crop":
        return frames
    height, width = frames.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return frames[:, top : top + side, left : left + side]


def padded(frames: torch.Tensor, view: str) -> torch.Tensor:
    """Do on a tensor's own device what `squared` does besides `cut`: uint8 (T, H, W), for "fit" to (T, S, S)."""
    import torch

    height, width = frames.shape[1:]
    if view != "fit" or height == width:
        return frames
    side = max(height, width)
    top, left = (side - height) // 2, (side - width) // 2
    around = (left, side - width - left, top, side - height - top)
    return torch.nn.functional.pad(frames, around, value=NO_EVENT)


@dataclass(frozen=True)
class Preprocessing:
    """What one model's image encoder takes.

    Attributes
    ----------
    size : int
        Side of its square, px.
    mean, std : tuples of 3 floats
        The model's own, for E/255.
    """

    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def of(cls, size: int, described: dict[str, Any]) -> Preprocessing:
        """Take mean and standard deviation from open_clip's description of a model."""
        return cls(size, _three(described["mean"]), _three(described["std"]))

    def __call__(
        self, frames: Frames, *, normalisation: str, view: str, device: torch.device, dtype: torch.dtype
    ) -> torch.Tensor:
        """Give the encoder's input, (T, 3, size, size), on `device` in `dtype`."""
        import torch

        squares = torch.from_numpy(squared(frames, view)).to(device)
        return self.normalised(squares, normalisation=normalisation, dtype=dtype)

    def normalised(self, squares: torch.Tensor, *, normalisation: str, dtype: torch.dtype) -> torch.Tensor:
        """Resize and normalise what `squared` gives, uint8 (T, H, W), on its own device; (T, 3, size, size)."""
        import torch

        grey = squares[:, None].float()
        if grey.shape[-2:] != (self.size, self.size):
            grey = torch.nn.functional.interpolate(grey, (self.size, self.size), mode="bilinear", align_corners=False)
        mean, std = (self.mean, self.std) if normalisation == "clip" else ((0.5,) * 3, (1.0,) * 3)
        scale, shift = _scale_and_shift(mean, std, squares.device)
        return torch.addcmul(shift, grey, scale).to(dtype)


@cache  # few, and CUDA graphs go on reading them where they lie
def _scale_and_shift(
    mean: tuple[float, ...], std: tuple[float, ...], device: torch.device
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give what a grey from 0 to 255 is multiplied with and what is then added, (1, 3, 1, 1) each.

    The three channels are the same picture. Made once: on a GPU each would wait for an upload at every frame.
    """
    import torch

    with torch.inference_mode(False):
        scale = torch.tensor([1 / (255 * deviation) for deviation in std], device=device)
        shift = torch.tensor([-m / deviation for m, deviation in zip(mean, std, strict=True)], device=device)
        return scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)


def _three(values: Sequence[float] | float) -> tuple[float, ...]:
    if isinstance(values, int | float):
        return (float(values),) * 3
    return tuple(float(value) for value in values)
