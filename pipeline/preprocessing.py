"""From event frames to what the image encoder takes: a square, resized, in three channels, normalised.

Follows the reference (NeuroCLIP, arXiv 2306.12073): bilinear without antialiasing, ``align_corners=False``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

VIEWS = ("crop", "stretch", "fit")
NORMALISATIONS = ("clip", "reference")
NO_EVENT = 127
"""Grey of a pixel without an event."""
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
    count, height, width = frames.shape
    if view == "crop":
        side = min(height, width)
        top, left = (height - side) // 2, (width - side) // 2
        frames = frames[:, top : top + side, left : left + side]
    elif view == "fit":
        side = max(height, width)
        top, left = (side - height) // 2, (side - width) // 2
        padded = np.full((count, side, side), NO_EVENT, np.uint8)
        padded[:, top : top + height, left : left + width] = frames
        return padded
    return np.require(frames, requirements=["C", "W"])


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

        grey = torch.from_numpy(squared(frames, view)).to(device)[:, None].float()
        if grey.shape[-2:] != (self.size, self.size):
            grey = torch.nn.functional.interpolate(grey, (self.size, self.size), mode="bilinear", align_corners=False)
        mean, std = (self.mean, self.std) if normalisation == "clip" else ((0.5,) * 3, (1.0,) * 3)
        # The three channels are the same picture: one multiplication and one addition for each.
        scale = torch.tensor([1 / (255 * deviation) for deviation in std], device=device).view(1, 3, 1, 1)
        shift = torch.tensor([-m / deviation for m, deviation in zip(mean, std, strict=True)], device=device)
        return torch.addcmul(shift.view(1, 3, 1, 1), grey, scale).to(dtype)


def _three(values: Sequence[float] | float) -> tuple[float, ...]:
    if isinstance(values, int | float):
        return (float(values),) * 3
    return tuple(float(value) for value in values)
