"""The texts that the image tower learns against: each concept in many wordings, read by the text tower once."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import torch
from torch import nn

from experiments.pretrain_mini.concepts import Concept
from experiments.pretrain_mini.definitions import Entry
from experiments.pretrain_mini.image_tower import Texts
from experiments.pretrain_mini.text_tower import READY, TextTower, grouped_tokens, load_tokenizer
from experiments.pretrain_mini.twins import plural
from experiments.pretrain_mini.wordings import worded

WORDINGS, DESCRIPTIONS = 16, 4
"""Of each concept: ways to name it, and to say what it is."""
_LEAST = 12
"""Characters of a description: an emoji's single words are names of other things, too."""
LOOKS = ("outlined {one}", "filled {one}", "big {one}", "small {one}", "one {one}", "two {many}")
"""In pairs, of which one is true."""


class Reader:
    """The trained text tower with its tokenizer."""

    def __init__(self, folder: Path) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.tower = TextTower(self.tokenizer.get_vocab_size())
        self.tower.load_state_dict(torch.load(folder / READY, weights_only=True)["tower"])
        self.tower.eval()

    @torch.no_grad()
    def read(self, texts: list[str]) -> torch.Tensor:
        """Give features, unit length, float32 (N, 384)."""
        features = torch.empty(len(texts), self.tower.text.text_projection.shape[1])
        for start in range(0, len(texts), 2048):
            groups, order = grouped_tokens(self.tokenizer, texts[start : start + 2048])
            features[[start + place for place in order]] = nn.functional.normalize(self.tower(groups), dim=-1)
        return features


def caption_texts(reader: Reader, concepts: list[Concept], found: Iterable[Entry]) -> Texts:
    """Word every concept in `WORDINGS` ways, a third of them its first name, and describe it in `DESCRIPTIONS` ways.

    Parameters
    ----------
    reader : Reader
    concepts : list of Concept
    found : iterable of Entry
        The dictionary that descriptions come from. One that the reader takes for another concept is left out: most
        words mean several things.
    """
    rng = random.Random(16)
    described = _descriptions(reader, concepts, found)
    wordings, looks = [], []
    for place, concept in enumerate(concepts):
        for _ in range(WORDINGS):
            word = concept.name if rng.random() < 0.34 else rng.choice(concept.words)
            wordings.append(worded(word, rng))
        wordings += [rng.choice(described.get(place) or [concept.name]) for _ in range(DESCRIPTIONS)]
        looks += [look.format(one=concept.name, many=plural(concept.name)) for look in LOOKS]
    width = (len(concepts), -1, 384)
    return Texts(reader.read(wordings).view(width).half(), reader.read(looks).view(width).half())


def _descriptions(reader: Reader, concepts: list[Concept], found: Iterable[Entry]) -> dict[int, list[str]]:
    """Give for concepts, by their index, what describes them and nothing else."""
    places: dict[str, set[int]] = {}
    for place, concept in enumerate(concepts):
        for word in concept.words:
            places.setdefault(word.lower(), set()).add(place)
    pairs = list(
        dict.fromkeys(
            (place, text)
            for entry in found
            for place in set().union(*(places.get(name, set()) for name in entry.names))
            for text in entry.descriptions
            if len(text) > _LEAST
        )
    )
    names = reader.read([concept.name for concept in concepts])
    likeness, answers = (reader.read([text for _, text in pairs]) @ names.T).max(1)
    described: dict[int, list[str]] = {}
    for nearest in likeness.argsort(descending=True).tolist():
        place, text = pairs[nearest]
        if place == answers[nearest] and len(described.setdefault(place, [])) < DESCRIPTIONS:
            described[place].append(text)
    return described
