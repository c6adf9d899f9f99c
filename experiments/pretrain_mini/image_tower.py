"""The image tower: event frames made on the fly, learnt against the texts of all concepts."""

from __future__ import annotations

import copy
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from open_clip.timm_model import TimmModel
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from experiments.pretrain_mini.concepts import NOTHING, Concept
from experiments.pretrain_mini.frames import HALF, NARROW, SCALE, draw_frames, draw_parameters, make_textures
from experiments.pretrain_mini.hands import FILLED, HELD_OUT_EMOJI, HELD_OUT_ICONS, OUTLINED
from experiments.pretrain_mini.ranks import averaged
from experiments.pretrain_mini.teacher import WIDTH

if TYPE_CHECKING:
    from experiments.pretrain_mini.pictures import Pictures

TIMM_MODEL = "cs3darknet_focus_s"
SIDE, FIRST_SIDE = 96, 64
"""px of the encoder's square, and of the first half of the training."""
BATCH = 96
"""Frames a process and step."""
LEARNING_RATE = 2e-3
WEIGHT_DECAY = 0.05
CLASSIFIER_SHARE = 0.5
PAIR_SHARE = 0.3
_NOISE_SHARE = 0.015
_MIRRORED = 0.4
_REFERENCE_SHARE = 0.1
_AVERAGE = 0.999
_SAVE_S = 180.0
_LOOKED_AT = 768

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Features of all wordings, unit length: (C, W, 384) of the concepts and (C, 4, 384) of how they look."""

    worded: torch.Tensor
    looks: torch.Tensor
    """Outlined, filled, big, small."""


class ImageTower(nn.Module):
    """open_clip's wrapper of the timm model, with what is only needed while training."""

    def __init__(self, concepts: int) -> None:
        super().__init__()
        self.visual = TimmModel(TIMM_MODEL, WIDTH, image_size=SIDE, pool="", proj="linear", pretrained=False)
        self.classifier = nn.Linear(self.visual.trunk.num_features, concepts)
        self.log_scale = nn.Parameter(torch.tensor(math.log(20.0)))

    def forward(self, frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Give features (B, 384), unit length, class logits (B, C), and the scale of cosines."""
        pooled = self.visual.trunk(frames)
        features = nn.functional.normalize(self.visual.head(pooled).float(), dim=-1)
        return features, self.classifier(pooled), self.log_scale.exp().clamp(max=100)


class Batch(NamedTuple):
    """Frames (B, 3, S, S), their concepts (B,), pictures (B,), and how they were shown (B, 30)."""

    frames: torch.Tensor
    concepts: torch.Tensor
    which: Places
    parameters: Floats


class Drawer:
    """Draws pictures and shows them moving, at random but repeatably."""

    def __init__(self, pictures: Pictures, concepts: list[Concept]) -> None:
        self.pictures = pictures
        self.concepts = concepts
        self.textures = make_textures(64, 0)
        hidden = np.array([concept.held_out for concept in concepts])
        seen = ~pictures.held_out & ~hidden[pictures.concept]
        self.shown = self._weights(np.flatnonzero(seen))
        self.nothing = next(index for index, concept in enumerate(concepts) if concept.name == NOTHING)
        self.mirrors = np.array([concept.mirrors for concept in concepts])

    def _weights(self, indices: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Concepts by the root of how many hands drew them, hands alike, pictures of a hand alike."""
        hands = np.array(self.pictures.hand)[indices]
        concepts = self.pictures.concept[indices]
        pairs: dict[tuple[int, str], int] = {}
        hands_of: dict[int, set[str]] = {}
        for concept, hand in zip(concepts.tolist(), hands.tolist(), strict=True):
            pairs[concept, hand] = pairs.get((concept, hand), 0) + 1
            hands_of.setdefault(concept, set()).add(hand)
        weights = np.empty(len(indices))
        for place, (concept, hand) in enumerate(zip(concepts.tolist(), hands.tolist(), strict=True)):
            count = len(hands_of[concept])
            share = 1.0 / count
            if "handwriting" in hands_of[concept]:
                share = 0.5 if hand == "handwriting" else 0.5 / (count - 1)
            weights[place] = math.sqrt(count) * share / pairs[concept, hand]
        return indices, np.cumsum(weights / weights.sum())

    def draw(self, rng: np.random.Generator, count: int, side: int) -> Batch:
        """Draw pictures by their weights, some of them nothing but noise."""
        indices, bounds = self.shown
        which = indices[np.searchsorted(bounds, rng.random(count)).clip(max=len(indices) - 1)]
        things = rng.random(count) >= _NOISE_SHARE
        return self.show(rng, which, things, side, self.mirrors[self.pictures.concept[which]])

    def show(self, rng: np.random.Generator, which: Places, things: Flags, side: int, mirrors: Flags) -> Batch:
        """Show these pictures (nothing where `things` is not set), mirrored at random where that may be."""
        parameters = draw_parameters(rng, side, self.pictures.tinted[which], things)
        mirrored = mirrors & (rng.random(len(which)) < _MIRRORED)
        parameters[mirrored, NARROW] *= -1
        grey = np.empty((len(which), side, side), np.float32)
        draw_frames(*self.pictures.pyramid, self.textures, which, parameters, int(rng.integers(1 << 30)), grey)
        as_reference = rng.random((len(which), 1, 1)) < _REFERENCE_SHARE
        grey = np.where(as_reference, (grey - 127.5) / 255, (grey - 127) / 128).astype(np.float32)
        frames = torch.from_numpy(grey)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        concepts = torch.from_numpy(np.where(things, self.pictures.concept[which], self.nothing))
        return Batch(frames, concepts, which, parameters)


def train(
    rank: int,
    processes: int,
    pictures_folder: Path,
    out: Path,
    concepts: list[Concept],
    texts: Texts,
    frames: int,
    start_from: Path | None,
) -> None:
    """Train on so many frames; goes on from `out/image.pt` where it left off. One of several processes."""
    from experiments.pretrain_mini.pictures import load

    drawer = Drawer(load(pictures_folder), concepts)
    torch.manual_seed(0)
    tower = ImageTower(len(concepts))
    tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    if start_from is not None:
        _take_weights(tower, start_from)
    average = copy.deepcopy(tower).eval()
    optimiser = torch.optim.AdamW(_groups(tower), lr=LEARNING_RATE, betas=(0.9, 0.98))
    checkpoint, first = out / "image.pt", 0
    if checkpoint.exists():
        saved = torch.load(checkpoint, weights_only=True)
        tower.load_state_dict(saved["tower"])
        average.load_state_dict(saved["average"])
        optimiser.load_state_dict(saved["optimiser"])
        first = saved["step"]
    joined = DistributedDataParallel(tower)
    trained = torch.tensor([not concept.held_out for concept in concepts])
    steps = frames // (BATCH * processes)
    looked_at = Looks(drawer, texts, trained) if rank == 0 else None
    sums, saved_at, started = torch.zeros(3), time.monotonic(), time.monotonic()
    for step in range(first, steps):
        _set_rate(optimiser, step, steps)
        rng = np.random.default_rng([rank, step, 96])
        side = FIRST_SIDE if step < steps // 2 else SIDE
        shown, labels, which, parameters = drawer.draw(rng, BATCH, side)
        with torch.autocast("cpu", torch.bfloat16):
            features, logits, scale = joined(shown)
        wording = torch.from_numpy(rng.integers(texts.worded.shape[1], size=len(concepts)))
        words = texts.worded[torch.arange(len(concepts)), wording].float()
        cosines = (features @ words.T).masked_fill(~trained, -1.0)
        loss = nn.functional.cross_entropy(scale * cosines, labels, label_smoothing=0.02)
        classified = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=0.05)
        paired = _pair_loss(features, scale, labels, drawer.pictures.look[which], parameters, side, texts.looks)
        optimiser.zero_grad(set_to_none=True)
        (loss + CLASSIFIER_SHARE * classified + PAIR_SHARE * paired).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(tower.parameters(), 2.0)
        optimiser.step()
        _follow(average, tower, min(_AVERAGE, (step + 1) / (step + 20)))
        sums += torch.stack([loss.detach(), (cosines.argmax(-1) == labels).float().mean(), paired.detach()])
        if (step + 1) % 50 == 0:
            mean = averaged(sums / 50)
            sums.zero_()
            if rank == 0:
                report = {
                    "frames": (step + 1) * BATCH * processes,
                    "loss": round(mean[0].item(), 4),
                    "top1": round(mean[1].item(), 4),
                    "pair": round(mean[2].item(), 4),
                    "scale": round(scale.item(), 1),
                    "s": round(time.monotonic() - started, 1),
                }
                if looked_at is not None and (step + 1) % 500 == 0:
                    report |= looked_at.judge(average, side)
                with (out / "image_log.jsonl").open("a") as log:
                    log.write(json.dumps(report) + "\n")
        if rank == 0 and (time.monotonic() - saved_at > _SAVE_S or step + 1 == steps):
            saved_at = time.monotonic()
            state = {
                "tower": tower.state_dict(),
                "average": average.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step + 1,
            }
            torch.save(state, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").replace(checkpoint)


class Looks:
    """A quick look at what is held out, one frame each, among all trained concepts."""

    def __init__(self, drawer: Drawer, texts: Texts, trained: torch.Tensor) -> None:
        self.drawer, self.trained = drawer, trained
        self.words = texts.worded.float().mean(1)
        self.words = nn.functional.normalize(self.words, dim=-1)
        hands = np.array(drawer.pictures.hand)
        known = np.array([not concept.held_out for concept in drawer.concepts])[drawer.pictures.concept]
        rng = np.random.default_rng(5)
        self.kinds = {}
        for name, wanted in (("icons", HELD_OUT_ICONS), ("emoji", HELD_OUT_EMOJI)):
            places = np.flatnonzero(np.isin(hands, sorted(wanted)) & known)
            self.kinds[name] = rng.choice(places, min(_LOOKED_AT, len(places)), replace=False)

    @torch.no_grad()
    def judge(self, tower: ImageTower, side: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, which in self.kinds.items():
            rng = np.random.default_rng(6)
            everything = np.ones(len(which), bool)
            shown, labels, _, _ = self.drawer.show(rng, which, everything, side, ~everything)
            features = torch.cat([tower(shown[start : start + BATCH])[0] for start in range(0, len(shown), BATCH)])
            cosines = (features @ self.words.T).masked_fill(~self.trained, -1.0)
            found[name] = round((cosines.argmax(-1) == labels).float().mean().item(), 4)
        return found


def _pair_loss(
    features: torch.Tensor,
    scale: torch.Tensor,
    labels: torch.Tensor,
    look: npt.NDArray[np.int64],
    parameters: Floats,
    side: int,
    looks: torch.Tensor,
) -> torch.Tensor:
    """Outlined against filled where the set says which, big against small by the size shown: one of two texts each."""
    share = 2 * parameters[:, HALF] / (side * parameters[:, SCALE])
    first = torch.full((len(labels),), -1)
    first[torch.from_numpy(look == OUTLINED)], first[torch.from_numpy(look == FILLED)] = 0, 1
    sized = torch.full((len(labels),), -1)
    sized[torch.from_numpy(share > 0.75)], sized[torch.from_numpy(share < 0.42)] = 0, 1
    own = looks[labels].float()
    cosines = torch.einsum("bd,bkd->bk", features, own) * scale
    losses = []
    for target, columns in ((first, cosines[:, :2]), (sized, cosines[:, 2:])):
        if (target >= 0).any():
            losses.append(nn.functional.cross_entropy(columns, target, ignore_index=-1))
    return torch.stack(losses).sum() if losses else features.sum() * 0


def _take_weights(tower: ImageTower, folder: Path) -> None:
    """Start from the image tower of a finished model folder."""
    from safetensors.torch import load_file

    weights = load_file(folder / "open_clip_model.safetensors")
    visual = {
        name: value.float() if value.is_floating_point() else value
        for name, value in weights.items()
        if name.startswith("visual.")
    }
    tower.load_state_dict(visual, strict=False)
    with torch.no_grad():
        tower.log_scale.copy_(weights["logit_scale"].float())


def _groups(tower: ImageTower) -> list[dict[str, Any]]:
    plain = [p for p in tower.parameters() if p.ndim < 2]
    decayed = [p for p in tower.parameters() if p.ndim >= 2]
    return [{"params": decayed, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]


def _set_rate(optimiser: torch.optim.Optimizer, step: int, steps: int) -> None:
    warm = min(1.0, (step + 1) / 400)
    rate = LEARNING_RATE * warm * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / steps)))
    for group in optimiser.param_groups:
        group["lr"] = rate


@torch.no_grad()
def _follow(average: nn.Module, tower: nn.Module, share: float) -> None:
    for slow, fast in zip(average.state_dict().values(), tower.state_dict().values(), strict=True):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - share)
        else:
            slow.copy_(fast)
