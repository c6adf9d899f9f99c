"""From event frames to what the image encoder takes: a square, resized, in three channels, normalised.

Follows the reference (NeuroCLIP, arXiv 2306.12073): bilinear without antialiasing, ``align_corners=False``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.prediction import NO_EVENT, Floats

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
    def of(cls, size: int, described: Mapping[str, Any]) -> Preprocessing:
        """Take mean and standard deviation from open_clip's description of a model, or CLIP's own where it has none."""
        known = {**CLIPS_OWN, **{name: value for name, value in described.items() if value is not None}}
        return cls(size, _three(known["mean"]), _three(known["std"]))

    def __call__(
        self, frames: Frames, *, normalisation: str, view: str, device: torch.device, dtype: torch.dtype
    ) -> torch.Tensor:
        """Give the encoder's input, (T, 3, size, size), on `device` in `dtype`."""
        import torch

        squares = torch.from_numpy(squared(frames, view)).to(device)
        return self.normalised(squares, normalisation=normalisation, dtype=dtype)

    def pictures(self, frames: Frames, *, normalisation: str, view: str) -> Floats:
        """Give the encoder's input, float32 (T, 3, size, size), without torch; equal to it but for rounding."""
        grey = _resized(squared(frames, view), self.size)
        mean, std = self._mean_and_std(normalisation)
        pictures = np.empty((len(grey), 3, self.size, self.size), np.float32)
        for channel, (m, deviation) in enumerate(zip(mean, std, strict=True)):
            np.multiply(grey, np.float32(1 / (255 * deviation)), out=pictures[:, channel])
            pictures[:, channel] -= np.float32(m / deviation)
        return pictures

    def _mean_and_std(self, normalisation: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
        return (self.mean, self.std) if normalisation == "clip" else ((0.5,) * 3, (1.0,) * 3)

    def normalised(self, squares: torch.Tensor, *, normalisation: str, dtype: torch.dtype) -> torch.Tensor:
        """Resize and normalise what `squared` gives, uint8 (T, H, W), on its own device; (T, 3, size, size)."""
        import torch

        grey = squares[:, None].float()
        if grey.shape[-2:] != (self.size, self.size):
            grey = torch.nn.functional.interpolate(grey, (self.size, self.size), mode="bilinear", align_corners=False)
        scale, shift = _scale_and_shift(*self._mean_and_std(normalisation), squares.device)
        return torch.addcmul(shift, grey, scale).to(dtype)


def _resized(squares: Frames, side: int) -> Floats:
    """Resize uint8 (T, H, W) to float32 (T, side, side): bilinear, without antialiasing, ``align_corners=False``."""
    height, width = squares.shape[1:]
    if (height, width) == (side, side):
        return squares.astype(np.float32)
    (above, below, down), (left, right, across) = _neighbours(height, side), _neighbours(width, side)
    upper, lower = squares[:, above], squares[:, below]  # few rows of many first: they lie together in memory
    top = _between(upper[..., left], upper[..., right], across)
    bottom = _between(lower[..., left], lower[..., right], across)
    return _between(top, bottom, down[:, None])


def _between(near: npt.NDArray[Any], far: npt.NDArray[Any], share: Floats) -> Floats:
    """Give near where `share` is 0, far where it is 1."""
    return np.asarray(near * (1 - share) + far * share, np.float32)


@cache
def _neighbours(length: int, side: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp], Floats]:
    """Give for each of `side` new places the two old ones of `length` beside it, and the second one's share."""
    places = np.maximum((np.arange(side, dtype=np.float64) + 0.5) * (length / side) - 0.5, 0.0)
    first = places.astype(np.intp)
    return first, np.minimum(first + 1, length - 1), (places - first).astype(np.float32)


def rings(side: int) -> Frames:
    """Draw something like an event frame, uint8 (side, side), to try an encoder with; the same every time."""
    y, x = np.mgrid[:side, :side]
    ring = np.hypot(x - side / 2, y - side / 2) // max(2, side // 12) % 4
    greys: Frames = np.array([NO_EVENT, 255, NO_EVENT, 0], np.uint8)
    drawn: Frames = greys[ring.astype(int)]
    return drawn


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
