"""The image tower: event frames made on the fly, learnt against the texts of all concepts."""

from __future__ import annotations

import copy
import json
import math
import shutil
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
from experiments.pretrain_mini.frames import (
    HALF,
    NARROW,
    SCALE,
    THING,
    TURN,
    draw_frames,
    draw_parameters,
    make_textures,
)
from experiments.pretrain_mini.hands import FILLED, HELD_OUT_EMOJI, HELD_OUT_ICONS, OUTLINED
from experiments.pretrain_mini.muon import Muon
from experiments.pretrain_mini.ranks import autocast_pays, averaged, progress
from experiments.pretrain_mini.teacher import WIDTH
from experiments.pretrain_mini.twins import twins
from experiments.pretrain_mini.variations import LINE, draw_variation, make_fields, varied, varied_look

if TYPE_CHECKING:
    from experiments.pretrain_mini.pictures import Pictures

TIMM_MODEL = "cs3darknet_focus_s"
SIDE, FIRST_SIDE = 96, 64
"""px of the encoder's square, and of the pictures that the training begins with."""
BATCH = 128
"""Frames a process and step."""
LEARNING_RATE, FILTER_RATE = 2e-3, 1e-2
"""AdamW's, and Muon's for the filters."""
WEIGHT_DECAY = 0.05
SMALL_SHARE, FALL_SHARE = 0.65, 0.3
"""Of all steps: those on small pictures, the first; those over which the rate falls, the last."""
CLASSIFIER_SHARE = 0.5
PAIR_SHARE = 0.3
TWIN_SHARE = 0.08
"""Of the large pictures: where a thing is there twice."""
_NOISE_SHARE = 0.015
_HANDS_POWER = 0.3
"""What few hands drew needs showing oftener than its share of the pictures."""
_MIRRORED, _TURNED = 0.4, 0.15
"""Shares of the pictures of things that are the same mirrored, and turned about."""
_REFERENCE_SHARE = 0.1
_AVERAGE = 0.999
_SAVE_S = 180.0
_WARM_STEPS = 400
_WARM_RATE = 0.6
_REPORT_STEPS, _LOOK_STEPS = 50, 500
_LOOKED_AT = 768

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Features of all wordings, unit length: (C, W, 384) of the concepts and (C, 6, 384) of how they look."""

    worded: torch.Tensor
    looks: torch.Tensor
    """Outlined, filled; big, small; one, two."""


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
    """Frames (B, 3, S, S), their concepts (B,), looks (B,), how they were shown (B, 30), and whether twice (B,)."""

    frames: torch.Tensor
    concepts: torch.Tensor
    look: Places
    parameters: Floats
    twice: Flags


class Drawer:
    """Draws pictures and shows them moving, at random but repeatably."""

    def __init__(self, pictures: Pictures, concepts: list[Concept]) -> None:
        self.pictures = pictures
        self.concepts = concepts
        self.textures = make_textures(64, 0)
        self.fields = make_fields(0)
        hidden = np.array([concept.held_out for concept in concepts])
        seen = ~pictures.held_out & ~hidden[pictures.concept]
        self.shown = self._weights(np.flatnonzero(seen))
        self.nothing = next(index for index, concept in enumerate(concepts) if concept.name == NOTHING)
        self.mirrors = np.array([concept.mirrors for concept in concepts])

    def _weights(self, indices: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Concepts by a power of how many hands drew them, hands alike, pictures of a hand alike."""
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
            weights[place] = count**_HANDS_POWER * share / pairs[concept, hand]
        return indices, np.cumsum(weights / weights.sum())

    def draw(self, rng: np.random.Generator, count: int, side: int, twin_share: float = 0.0) -> Batch:
        """Draw pictures by their weights, some of them nothing but noise, a share of the things twice."""
        indices, bounds = self.shown
        which = indices[np.searchsorted(bounds, rng.random(count)).clip(max=len(indices) - 1)]
        things = rng.random(count) >= _NOISE_SHARE
        mirrors = self.mirrors[self.pictures.concept[which]]
        twice = mirrors & things & (rng.random(count) < twin_share) if twin_share else np.zeros(count, np.bool_)
        return self.show(rng, which, things, side, mirrors, twice, vary=True)

    def show(
        self,
        rng: np.random.Generator,
        which: Places,
        things: Flags,
        side: int,
        mirrors: Flags,
        twice: Flags,
        *,
        vary: bool,
    ) -> Batch:
        """Show these pictures, nothing where `things` is not set, mirrored at random where that may be.

        What is shown `twice` stands there with its twin; to `vary` is to show them as other hands might draw them.
        """
        pyramid, places = self.pictures.pyramid, which
        look, tinted = self.pictures.look[which], self.pictures.tinted[which]
        if vary:
            signed = self.pictures.signed
            variation = draw_variation(rng, np.asarray(signed[which]), tinted)
            pyramid = varied(pyramid, signed, which, variation, self.fields)
            places, look = np.arange(len(which)), varied_look(variation, look)
            tinted = tinted & (variation.numbers[:, LINE] == 0)
        parameters = draw_parameters(rng, side, tinted, things)
        mirrored = mirrors & (rng.random(len(which)) < _MIRRORED)
        parameters[mirrored, NARROW] *= -1
        turned = mirrors & (rng.random(len(which)) < _TURNED)
        parameters[turned, TURN] = rng.uniform(-1, 1, turned.sum()) * rng.choice([1.0, np.pi], turned.sum())
        grey = np.empty((len(which), side, side), np.float32)
        seed = int(rng.integers(1 << 30))
        draw_frames(*pyramid, self.textures, places, parameters, seed, grey)
        if twice.any():
            pairs, drawn = twins(pyramid, places[twice], rng), np.empty_like(grey[twice])
            draw_frames(*pairs, self.textures, np.arange(len(drawn)), parameters[twice], seed + 1, drawn)
            grey[twice] = drawn
        as_reference = rng.random((len(which), 1, 1)) < _REFERENCE_SHARE
        grey = np.where(as_reference, (grey - 127.5) / 255, (grey - 127) / 128).astype(np.float32)
        frames = torch.from_numpy(grey)[:, None].expand(-1, 3, -1, -1).contiguous(memory_format=torch.channels_last)
        concepts = torch.from_numpy(np.where(things, self.pictures.concept[which], self.nothing))
        return Batch(frames, concepts, look, parameters, twice)


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
    """Train on so many frames; goes on from `out/image.pt` where it left off. One of several processes.

    `out/image_64.pt` is kept from where the pictures grow: a longer training goes on from there, as if it had been
    asked for at first.
    """
    from experiments.pretrain_mini.pictures import load

    schedule = Schedule(frames // (BATCH * processes), warm=start_from is not None)
    trainer = Trainer(Drawer(load(pictures_folder), concepts), texts, schedule, rank)
    if start_from is not None:
        _take_weights(trainer.tower, start_from)
        trainer.average.load_state_dict(trainer.tower.state_dict())
    trainer.resume(out)
    joined = DistributedDataParallel(trainer.tower)
    looked_at = Looks(trainer.drawer, trainer.texts, trainer.trained) if rank == 0 else None
    sums, since, saved_at, started = torch.zeros(3), trainer.step, time.monotonic(), time.monotonic()
    with progress("image tower", frames, trainer.step * BATCH * processes, shown=rank == 0) as advance:
        while trainer.step < trainer.schedule.steps:
            sums += trainer.learn(joined)
            advance(BATCH * processes)
            if trainer.step % _REPORT_STEPS == 0:
                means = averaged(sums / (trainer.step - since)).tolist()
                sums, since = torch.zeros(3), trainer.step
                if looked_at is not None:
                    report: dict[str, Any] = {"frames": trainer.step * BATCH * processes}
                    report |= dict(zip(("loss", "top1", "pair"), [round(mean, 4) for mean in means], strict=True))
                    report |= {"side": trainer.side, "s": round(time.monotonic() - started, 1)}
                    if trainer.step % _LOOK_STEPS == 0:
                        report |= looked_at.judge(trainer.average, trainer.side)
                    with (out / "image_log.jsonl").open("a") as log:
                        log.write(json.dumps(report) + "\n")
            if rank == 0 and (time.monotonic() - saved_at > _SAVE_S or trainer.schedule.notable(trainer.step)):
                saved_at = time.monotonic()
                trainer.save(out)


@dataclass(frozen=True)
class Schedule:
    """A constant rate, then a straight line to nothing (Hu et al., arXiv 2404.06395), so that it may be prolonged.

    Weights that have come to rest already forget at the full rate: `warm`, it begins at a part and falls all the way.
    """

    steps: int
    warm: bool = False

    @property
    def growth(self) -> int:
        """The step from which the pictures are large."""
        return round(self.steps * SMALL_SHARE)

    def side(self, step: int) -> int:
        """Give the pictures' side at this step, px."""
        return FIRST_SIDE if step < self.growth else SIDE

    def rate(self, step: int) -> float:
        """Give the learning rate at this step, as a share of the highest."""
        left = (self.steps - step) / self.steps
        rising = (step + 1) / _WARM_STEPS
        return min(_WARM_RATE * left, rising) if self.warm else min(1.0, rising, left / FALL_SHARE)

    def notable(self, step: int) -> bool:
        """Whether what has been learnt before this step must be saved."""
        return step in (self.growth, self.steps)


class Trainer:
    """The tower, its running average and its optimisers, in one process of several."""

    def __init__(self, drawer: Drawer, texts: Texts, schedule: Schedule, rank: int) -> None:
        self.drawer, self.schedule, self.rank = drawer, schedule, rank
        self.device = torch.device(f"cuda:{rank % torch.cuda.device_count()}" if torch.cuda.is_available() else "cpu")
        self.rough = autocast_pays(self.device)
        self.texts = Texts(texts.worded.to(self.device), texts.looks.to(self.device))
        self.trained = torch.tensor([not concept.held_out for concept in drawer.concepts], device=self.device)
        torch.manual_seed(0)
        self.tower = ImageTower(len(drawer.concepts)).to(self.device)
        self.tower.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.tower).eval()
        self.optimisers = _optimisers(self.tower)
        self.step = 0

    @property
    def side(self) -> int:
        """Side of the pictures at this step, px."""
        return self.schedule.side(self.step)

    def learn(self, joined: nn.Module) -> torch.Tensor:
        """Make one step; give the loss, the share of frames named right, and the loss of pairs."""
        rng = np.random.default_rng([self.rank, self.step, 96])
        batch = self.drawer.draw(rng, BATCH, self.side, TWIN_SHARE if self.side == SIDE else 0.0)
        labels = batch.concepts.to(self.device)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.rough):
            features, logits, scale = joined(batch.frames.to(self.device))
        worded = self.texts.worded
        wording = torch.from_numpy(rng.integers(worded.shape[1], size=len(worded)))
        words = worded[torch.arange(len(worded)), wording].float()
        cosines = (features @ words.T).masked_fill(~self.trained, -1.0)
        loss = nn.functional.cross_entropy(scale * cosines, labels, label_smoothing=0.02)
        classified = nn.functional.cross_entropy(logits.float(), labels, label_smoothing=0.05)
        pairs = _pairs(batch, self.side)
        paired = _pair_loss(features, scale, labels, torch.from_numpy(pairs).to(self.device), self.texts.looks)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
            for group in optimiser.param_groups:
                group["lr"] = group["highest"] * self.schedule.rate(self.step)
        (loss + CLASSIFIER_SHARE * classified + PAIR_SHARE * paired).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.tower.parameters(), 2.0)
        for optimiser in self.optimisers:
            optimiser.step()
        _follow(self.average, self.tower, min(_AVERAGE, (self.step + 1) / (self.step + 20)))
        self.step += 1
        return torch.stack([loss.detach(), (cosines.argmax(-1) == labels).float().mean(), paired.detach()]).cpu()

    def save(self, out: Path) -> None:
        """Write the checkpoint; also under a name of its own where the pictures grow."""
        state = {
            "tower": self.tower.state_dict(),
            "average": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
        }
        checkpoint = out / "image.pt"
        torch.save(state, checkpoint.with_suffix(".part"))
        checkpoint.with_suffix(".part").replace(checkpoint)
        if self.step == self.schedule.growth:
            shutil.copyfile(checkpoint, out / f"image_{FIRST_SIDE}.pt")

    def resume(self, out: Path) -> None:
        """Go on from the checkpoint, if there is one: that of the small pictures where the training is prolonged."""
        for checkpoint in (out / "image.pt", out / f"image_{FIRST_SIDE}.pt"):
            if not checkpoint.exists():
                continue
            saved = torch.load(checkpoint, weights_only=True, map_location=self.device)
            self.step = saved["step"]
            self.tower.load_state_dict(saved["tower"])
            self.average.load_state_dict(saved["average"])
            for optimiser, state in zip(self.optimisers, saved["optimisers"], strict=True):
                optimiser.load_state_dict(state)
            return


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
            batch = self.drawer.show(rng, which, everything, side, ~everything, ~everything, vary=False)
            parts = [part.to(self.words.device) for part in torch.split(batch.frames, BATCH)]
            features = torch.cat([tower(part)[0] for part in parts])
            labels = batch.concepts.to(self.words.device)
            cosines = (features @ self.words.T).masked_fill(~self.trained, -1.0)
            found[name] = round((cosines.argmax(-1) == labels).float().mean().item(), 4)
        return found


def _pairs(batch: Batch, side: int) -> Places:
    """Say which text of each pair is true (0, 1; -1: neither is asked for), (3, B): outlined, big, one.

    Of nothing but noise none is asked. Big and small go by the size shown; as many single things are asked for as there
    are twins.
    """
    share = 2 * batch.parameters[:, HALF] / (side * batch.parameters[:, SCALE])
    things = batch.parameters[:, THING] > 0
    alone = things & ~batch.twice
    alone &= np.cumsum(alone) <= batch.twice.sum()
    alike = things & ~batch.twice
    return np.stack(
        [
            np.select([things & (batch.look == OUTLINED), things & (batch.look == FILLED)], [0, 1], -1),
            np.select([alike & (share > 0.75), alike & (share < 0.42)], [0, 1], -1),
            np.select([alone, batch.twice], [0, 1], -1),
        ]
    )


def _pair_loss(
    features: torch.Tensor, scale: torch.Tensor, labels: torch.Tensor, pairs: torch.Tensor, looks: torch.Tensor
) -> torch.Tensor:
    """Sum over the pairs: cross-entropy of one of two texts each; `pairs` (3, B) as `_pairs` gives it."""
    cosines = torch.einsum("bd,bkd->bk", features, looks[labels].float()) * scale
    losses = [
        nn.functional.cross_entropy(cosines[:, 2 * kind : 2 * kind + 2], target, ignore_index=-1)
        for kind, target in enumerate(pairs)
        if (target >= 0).any()
    ]
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


def _optimisers(tower: ImageTower) -> list[torch.optim.Optimizer]:
    """Muon for the filters, AdamW for all else; biases and scales do not decay."""
    filters = [p for p in tower.parameters() if p.ndim == 4]
    matrices = [p for p in tower.parameters() if p.ndim == 2]
    plain = [p for p in tower.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": WEIGHT_DECAY}, {"params": plain, "weight_decay": 0.0}]
    adam = torch.optim.AdamW(groups, lr=LEARNING_RATE, betas=(0.9, 0.98))
    optimisers = [Muon(filters, lr=FILTER_RATE, weight_decay=WEIGHT_DECAY), adam]
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["highest"] = group["lr"]
    return optimisers


@torch.no_grad()
def _follow(average: nn.Module, tower: nn.Module, share: float) -> None:
    for slow, fast in zip(average.state_dict().values(), tower.state_dict().values(), strict=True):
        if slow.is_floating_point():
            slow.lerp_(fast, 1 - share)
        else:
            slow.copy_(fast)
