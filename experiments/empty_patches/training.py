"""Distils the bundled model's image tower into a small Vision Transformer, on event frames, all patches present."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from open_clip.transformer import VisionTransformer
from torch import nn

from experiments.empty_patches.tower import TowerSizes, new_tower
from experiments.pretrain_mini.frames import draw_frames, draw_parameters, make_textures
from experiments.pretrain_mini.muon import Muon
from pipeline.clip import ClipModel
from pipeline.prediction import Floats
from pipeline.preprocessing import Frames

if TYPE_CHECKING:
    from experiments.pretrain_mini.pictures import Pictures

BATCH = 64
"""Frames a step."""
_MATRIX_RATE, _OTHER_RATE, _DECAY = 3e-3, 1e-3, 0.02
"""Muon's learning rate for the blocks' matrices, AdamW's for all else, and the weights' decay."""
_RISING_STEPS, _FALLING_SHARE = 50, 0.5
_SAVE_STEPS = 50
_DRAWN_TOGETHER = 256
_NOISE_SHARE = 0.02
"""Of the frames: those that show nothing but noise."""
_FRAMES, _FEATURES, _CHECKPOINT = "frames.npy", "features.npy", "tower.pt"

Halves = npt.NDArray[np.float16]
Array = TypeVar("Array", bound=npt.NDArray[Any])


def event_frames_of(pictures: Pictures, shown: Collection[int], count: int, side: int) -> Frames:
    """Draw event frames of moving pictures, uint8 (count, side, side).

    The concepts `shown` are as frequent as one another, and so are the pictures of one.
    """
    places = np.flatnonzero(~pictures.held_out & np.isin(pictures.concept, sorted(shown)))
    concepts = pictures.concept[places]
    bounds = np.cumsum(1.0 / np.bincount(concepts)[concepts])
    textures = make_textures(64, 0)
    frames = np.empty((count, side, side), np.uint8)
    for start in range(0, count, _DRAWN_TOGETHER):
        rng = np.random.default_rng([start, 0])
        some = frames[start : start + _DRAWN_TOGETHER]
        found = np.searchsorted(bounds, rng.random(len(some)) * bounds[-1]).clip(max=len(places) - 1)
        which = places[found]
        things = rng.random(len(some)) >= _NOISE_SHARE
        parameters = draw_parameters(rng, side, pictures.tinted[which], things)
        grey = np.empty(some.shape, np.float32)
        draw_frames(*pictures.pyramid, textures, which, parameters, int(rng.integers(1 << 30)), grey)
        some[:] = grey.round()
    return frames


def prepare(folder: Path, frames: Callable[[], Frames], teacher: Callable[[], ClipModel]) -> tuple[Frames, Halves]:
    """Give frames and the teacher's features of them; both are made once and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = _kept(folder / _FRAMES, frames)
    return drawn, _kept(folder / _FEATURES, lambda: teacher().frame_features(drawn).astype(np.float16))


def _kept(file: Path, make: Callable[[], Array]) -> Array:
    if not file.exists():
        part = file.with_name(f"part-{file.name}")
        np.save(part, make())
        part.replace(file)
    kept: Array = np.load(file, mmap_mode="r")
    return kept


class TrialError(Exception):
    """The trial cannot go on; one sentence for the user."""


class Distillation:
    """The tower that learns, its optimisers, and how far it is; goes on from `folder`'s checkpoint.

    Parameters
    ----------
    folder : Path
    frames, features : arrays
        uint8 (N, S, S) and the teacher's features of them, (N, C).
    normalised : callable
        Gives the encoder's input, float32 (B, 3, S, S), of frames.
    sizes : TowerSizes
    steps, batch : int
    rough : bool
        Products in bf16, which is faster on processors that have it.
    """

    def __init__(
        self,
        folder: Path,
        frames: Frames,
        features: Halves | Floats,
        normalised: Callable[[Frames], Floats],
        sizes: TowerSizes,
        *,
        steps: int,
        batch: int = BATCH,
        rough: bool = False,
    ) -> None:
        self._file, self._frames, self._features = folder / _CHECKPOINT, frames, features
        self._normalised, self._batch, self._rough = normalised, batch, rough
        self.steps, self.step = steps, 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.tower = new_tower(sizes).train()
        self._optimisers = _optimisers(self.tower)
        if self._file.exists():
            self._resume()

    def run(self, told: Callable[[int, float], None] = lambda step, loss: None) -> None:
        """Make the steps that are left; `told` is given each one's number and loss."""
        while self.step < self.steps:
            loss = self.learn()
            if self.step % _SAVE_STEPS == 0 or self.step == self.steps:
                self.save()
            told(self.step, loss)

    def learn(self) -> float:
        """Make one step; give the loss, 1 - the mean cosine to the teacher's features."""
        which = self._which()
        pictures = torch.from_numpy(self._normalised(self._frames[which]))
        wanted = torch.from_numpy(self._features[which].astype(np.float32))
        with torch.autocast("cpu", torch.bfloat16, enabled=self._rough):
            features = self.tower(pictures)
        loss = 1 - nn.functional.cosine_similarity(features.float(), wanted).mean()
        for optimiser in self._optimisers:
            optimiser.zero_grad(set_to_none=True)
            for group in optimiser.param_groups:
                group["lr"] = group["highest"] * self._rate()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.tower.parameters(), 1.0)
        for optimiser in self._optimisers:
            optimiser.step()
        self.step += 1
        return float(loss.detach())

    def save(self) -> None:
        """Write the checkpoint: whoever ends the training meanwhile leaves the earlier one whole."""
        part = self._file.with_suffix(".part")
        optimisers = [optimiser.state_dict() for optimiser in self._optimisers]
        state = {"tower": self.tower.state_dict(), "optimisers": optimisers, "step": self.step, "steps": self.steps}
        torch.save(state, part)
        part.replace(self._file)

    def _resume(self) -> None:
        saved = torch.load(self._file, weights_only=True)
        self.tower.load_state_dict(saved["tower"])
        self.step = saved["step"]
        for optimiser, state in zip(self._optimisers, saved["optimisers"], strict=True):
            optimiser.load_state_dict(state)

    def _which(self) -> npt.NDArray[np.int64]:
        """Give the frames of this step, in the order of the file: all frames once, then all again in another order."""
        places = np.arange(self.step * self._batch, (self.step + 1) * self._batch)
        rounds = places // len(self._frames)
        orders = {int(one): np.random.default_rng([one, 1]).permutation(len(self._frames)) for one in np.unique(rounds)}
        found = [orders[int(one)][place % len(self._frames)] for one, place in zip(rounds, places, strict=True)]
        return np.sort(np.array(found, np.int64))

    def _rate(self) -> float:
        """Give the learning rate as a share of the highest: it rises, stays, and falls to nothing."""
        left = (self.steps - self.step) / self.steps
        return min(1.0, (self.step + 1) / _RISING_STEPS, left / _FALLING_SHARE)


def distilled(folder: Path, sizes: TowerSizes) -> VisionTransformer:
    """Give the finished tower.

    Raises
    ------
    TrialError
        There is none, or its training is not finished; says so in one sentence.
    """
    file = folder / _CHECKPOINT
    train = "run `python -m experiments.empty_patches train` first"
    if not file.exists():
        raise TrialError(f"there is no distilled tower in {folder}: {train}.")
    saved = torch.load(file, weights_only=True)
    if saved["step"] < saved["steps"]:
        raise TrialError(f"the tower in {folder} is not fully trained: {train}, it goes on where it was left.")
    tower = new_tower(sizes)
    tower.load_state_dict(saved["tower"])
    return tower.eval()


def _optimisers(tower: nn.Module) -> list[torch.optim.Optimizer]:
    named = list(tower.named_parameters())
    matrices = [each for name, each in named if "resblocks" in name and each.ndim == 2]
    others = [each for name, each in named if not ("resblocks" in name and each.ndim == 2)]
    optimisers = [
        Muon(matrices, lr=_MATRIX_RATE, weight_decay=_DECAY),
        torch.optim.AdamW(others, lr=_OTHER_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["highest"] = group["lr"]
    return optimisers
