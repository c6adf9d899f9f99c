"""The text tower: an open_clip text transformer that learns the embedding of a larger, older reader."""

from __future__ import annotations

import json
import math
import random
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from open_clip.transformer import TextTransformer
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from experiments.pretrain_mini.checkpoints import Checkpoint
from experiments.pretrain_mini.corpus import Corpus, Text
from experiments.pretrain_mini.ranks import autocast_pays, averaged, progress
from experiments.pretrain_mini.teacher import WIDTH, Teacher
from experiments.pretrain_mini.vocabulary import CONTEXT, END

TEXT_CONFIG: dict[str, Any] = {
    "context_length": CONTEXT,
    "width": WIDTH,
    "heads": 6,
    "layers": 4,
    "pool_type": "eos",
    "eos_id": END,
}
DISTILLED, READY = "text_distilled.pt", "text.pt"
"""The checkpoints of the first lesson, and of the second, which ends the text tower's training."""
BATCH = 320
LEARNING_RATE = 1e-3
GLYPH_SHARE = 0.7
"""How far the embedding of a character's name is moved towards a direction of its own: "seven" and "eight" are
near-synonyms to a reader of sentences."""
_SHARPNESS = 20.0


class TextTower(nn.Module):
    """The transformer of open_clip, computing no position behind the longest text."""

    def __init__(self, pieces: int) -> None:
        super().__init__()
        self.text = TextTransformer(vocab_size=pieces, output_dim=WIDTH, **TEXT_CONFIG)

    def forward(self, groups: list[torch.Tensor]) -> torch.Tensor:
        """Give features, (N, 384), of groups of tokens (n, L), L at most the context's length."""
        return torch.cat([self._group(tokens) for tokens in groups])

    def _group(self, tokens: torch.Tensor) -> torch.Tensor:
        text = self.text
        length = tokens.shape[1]
        x = text.token_embedding(tokens) + text.positional_embedding[:length]
        x = text.transformer(x, attn_mask=text.attn_mask[:length, :length])
        x = text.ln_final(x[torch.arange(len(x)), (tokens == END).int().argmax(dim=-1)])
        return x @ text.text_projection  # type: ignore[no-any-return]


def grouped_tokens(tokenizer: Tokenizer, texts: list[str], size: int = 64) -> tuple[list[torch.Tensor], list[int]]:
    """Give the tokens in groups of like length, int64 (n, longest of the group), and which text each row is."""
    encoded = [e.ids for e in tokenizer.encode_batch(texts)]
    order = sorted(range(len(texts)), key=lambda place: len(encoded[place]))
    groups = []
    for start in range(0, len(order), size):
        places = order[start : start + size]
        tokens = torch.zeros(len(places), max(len(encoded[place]) for place in places), dtype=torch.long)
        for row, place in enumerate(places):
            tokens[row, : len(encoded[place])] = torch.tensor(encoded[place])
        groups.append(tokens)
    return groups, order


def load_tokenizer(folder: Path) -> Tokenizer:
    """Open the tokenizer of a folder, cutting texts at the context."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(CONTEXT)
    return tokenizer


def glyph_directions() -> torch.Tensor:
    """Directions of the ten numerals and 26 letters, orthonormal, float32 (36, 384)."""
    random_rows = np.random.default_rng(36).standard_normal((WIDTH, 36))
    return torch.from_numpy(np.linalg.qr(random_rows)[0].T.copy()).float()


def meant(teacher: Teacher, texts: list[Text], glyphs: torch.Tensor) -> torch.Tensor:
    """Give the embeddings that the texts should have, unit length, (N, 384)."""
    targets = teacher([text.meaning for text in texts])
    for row, text in enumerate(texts):
        if text.glyph >= 0:
            targets[row] = (1 - GLYPH_SHARE) * targets[row] + GLYPH_SHARE * glyphs[text.glyph]
    return nn.functional.normalize(targets, dim=-1)


def distil_loss(features: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Angle to the target, and the likeness of each text to the others of the batch (cross-entropy of softmaxes)."""
    unit = nn.functional.normalize(features, dim=-1)
    angle = 1 - (unit * targets).sum(-1).mean()
    wanted = (_SHARPNESS * targets @ targets.T).softmax(-1)
    got = (_SHARPNESS * unit @ targets.T).log_softmax(-1)
    relation = (wanted * (wanted.clamp_min(1e-9).log() - got)).sum(-1).mean()
    return angle + 0.5 * relation


def distil(rank: int, processes: int, data: Path, out: Path, names: list[str], steps: int) -> None:
    """Train the tower; goes on from `out/text_distilled.pt` where it left off. One of several processes."""
    rough = autocast_pays(torch.device("cpu"))
    teacher = Teacher(data / "teacher", torch.bfloat16 if rough else torch.float32)
    corpus = Corpus(data / "words", names)
    tokenizer = load_tokenizer(out)
    pieces = [piece for piece, _ in sorted(tokenizer.get_vocab().items(), key=lambda pair: pair[1])]
    torch.manual_seed(0)
    tower = TextTower(len(pieces))
    with torch.no_grad():
        table = teacher.word_embedding(pieces)
        tower.text.token_embedding.weight.copy_(table * (0.02 / table.std()))
    optimiser = torch.optim.AdamW(tower.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.02)
    checkpoint = Checkpoint(out / DISTILLED, tower, optimiser)
    first = checkpoint.resume()
    glyphs = glyph_directions()
    checking = [corpus.draw(random.Random(f"check {i}")) for i in range(512)]
    checking_targets = meant(teacher, checking, glyphs)
    joined = DistributedDataParallel(tower)
    running, started = 0.0, time.monotonic()
    with progress("text tower", steps, first, shown=rank == 0) as advance:
        for step in range(first, steps):
            advance(1)
            for group in optimiser.param_groups:
                group["lr"] = _rate(step, steps)
            rng = random.Random(f"{rank} {step}")
            texts = [corpus.draw(rng) for _ in range(BATCH)]
            targets = meant(teacher, texts, glyphs)
            groups, order = grouped_tokens(tokenizer, [text.text for text in texts])
            with torch.autocast("cpu", torch.bfloat16, enabled=rough):
                features = joined(groups)
            loss = distil_loss(features.float(), targets[order])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
            optimiser.step()
            running += loss.item()
            if (step + 1) % 50 == 0:
                mean = float(averaged(torch.tensor(running / 50)))
                running = 0.0
                if rank == 0:
                    report = {"step": step + 1, "loss": round(mean, 4), "s": round(time.monotonic() - started, 1)}
                    if (step + 1) % 500 == 0:
                        report["cosine"] = round(_check(tower, tokenizer, checking, checking_targets), 4)
                    with (out / "text_log.jsonl").open("a") as log:
                        log.write(json.dumps(report) + "\n")
            if rank == 0:
                checkpoint.save_now_and_then(step + 1, steps)


def take_weights(folder: Path, out: Path) -> None:
    """Put the text tower and tokenizer of a finished model folder where a training expects them."""
    weights = load_file(folder / "open_clip_model.safetensors")
    tower = TextTower(len(weights["token_embedding.weight"])).state_dict()
    for name in tower:
        if (plain := name.removeprefix("text.")) in weights:
            tower[name] = weights[plain].float()
    torch.save({"tower": tower}, out / READY)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(folder / name, out / name)


def _rate(step: int, steps: int) -> float:
    warm = min(1.0, (step + 1) / 300)
    return LEARNING_RATE * warm * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


@torch.no_grad()
def _check(tower: TextTower, tokenizer: Tokenizer, texts: list[Text], targets: torch.Tensor) -> float:
    groups, order = grouped_tokens(tokenizer, [text.text for text in texts])
    features = tower(groups)
    return float((nn.functional.normalize(features, dim=-1) * targets[order]).sum(-1).mean())
