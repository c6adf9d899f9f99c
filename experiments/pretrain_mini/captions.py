"""The texts that the image tower learns against: each concept in many wordings, read by the text tower once."""

from __future__ import annotations

import random
from pathlib import Path

import torch
from torch import nn

from experiments.pretrain_mini.concepts import Concept
from experiments.pretrain_mini.image_tower import Texts
from experiments.pretrain_mini.text_tower import TextTower, grouped_tokens, load_tokenizer
from experiments.pretrain_mini.twins import plural
from experiments.pretrain_mini.wordings import worded

WORDINGS = 16
LOOKS = ("outlined {one}", "filled {one}", "big {one}", "small {one}", "one {one}", "two {many}")
"""In pairs, of which one is true."""


class Reader:
    """The trained text tower with its tokenizer."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.tower = TextTower(self.tokenizer.get_vocab_size())
        self.tower.load_state_dict(torch.load(folder / "text.pt", weights_only=True)["tower"])
        self.tower.eval()

    @torch.no_grad()
    def read(self, texts: list[str]) -> torch.Tensor:
        """Give features, unit length, float32 (N, 384)."""
        features = torch.empty(len(texts), self.tower.text.text_projection.shape[1])
        for start in range(0, len(texts), 2048):
            groups, order = grouped_tokens(self.tokenizer, texts[start : start + 2048])
            features[[start + place for place in order]] = nn.functional.normalize(self.tower(groups), dim=-1)
        return features


def caption_texts(reader: Reader, concepts: list[Concept]) -> Texts:
    """Word every concept in `WORDINGS` ways, a third of them its first name."""
    rng = random.Random(16)
    wordings, looks = [], []
    for concept in concepts:
        for _ in range(WORDINGS):
            word = concept.name if rng.random() < 0.34 else rng.choice(concept.words)
            wordings.append(worded(word, rng))
        looks += [look.format(one=concept.name, many=plural(concept.name)) for look in LOOKS]
    width = (len(concepts), -1, 384)
    return Texts(reader.read(wordings).view(width).half(), reader.read(looks).view(width).half())
