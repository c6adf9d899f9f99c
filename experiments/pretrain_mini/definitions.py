"""The second lesson of the text tower: what describes a thing means the thing.

A sentence embedding puts "an iron block of a smith" near smiths and iron. People type such descriptions; so the tower
learns to find a noun by its definition in WordNet, as one looks a word up in a dictionary the other way round (Hill et
al., Learning to understand phrases by embedding the dictionary, TACL 2016), while what it makes of plain names stays.
"""

from __future__ import annotations

import copy
import json
import random
import re
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from experiments.pretrain_mini.checkpoints import Checkpoint
from experiments.pretrain_mini.concepts import Concept, unseen_prompts
from experiments.pretrain_mini.corpus import THINGS, Corpus, emoji_words
from experiments.pretrain_mini.ranks import autocast_pays, averaged, progress
from experiments.pretrain_mini.text_tower import DISTILLED, READY, TextTower, grouped_tokens, load_tokenizer
from experiments.pretrain_mini.wordings import worded

PAIRS = 192
"""Of a definition and a name, a process and step."""
ANCHORS = 64
"""Texts of the first lesson, a process and step, that must stay as they are."""
LEARNING_RATE = 4e-4
_SHARPNESS = 20.0
_STAY_SHARE = 6.0
_KNOWN_WEIGHT = 12.0
"""How much oftener a thing is asked for that the table of concepts has."""
_EMPTY = frozenset("a an any at by for from has his in into is it its of on or that the to used which who with".split())  # noqa: SIM905
_TAIL = re.compile(r",| (that|which|who|used|with|by|for|from|having|consisting|usually|especially) ")
_WARM_STEPS = 20


@dataclass(frozen=True)
class Entry:
    """One meaning: what it is called, and how it is described."""

    names: tuple[str, ...]
    descriptions: tuple[str, ...]
    weight: float


def entries(words: Path, concepts: Sequence[Concept]) -> list[Entry]:
    """Give the nouns of WordNet that can be seen and the emoji, those that the table of concepts has with more weight.

    What says the same as a prompt that is kept unseen is left out.

    Parameters
    ----------
    words : Path
        Folder with `wordnet`, `cldr`, `emojibase` as fetched.
    concepts : sequence of Concept
    """
    known = {word.lower() for concept in concepts for word in concept.words}
    unseen: dict[str, list[frozenset[str]]] = {}
    for place, prompt in unseen_prompts(concepts).items():
        for word in concepts[place].words:
            unseen.setdefault(word.lower(), []).append(_content(prompt))
    found = []
    for entry in [*_nouns(words / "wordnet"), *_emoji(words)]:
        prompts = [prompt for name in entry.names for prompt in unseen.get(name, ())]
        told = tuple(text for text in entry.descriptions if not any(prompt <= _content(text) for prompt in prompts))
        if told:
            weight = entry.weight * (_KNOWN_WEIGHT if known & set(entry.names) else 1.0)
            found.append(Entry(entry.names, told, weight))
    return found


def _content(text: str) -> frozenset[str]:
    """Give the words of a text that say something, their endings taken off."""
    return frozenset(
        re.sub(r"(ing|ed|es|s)$", "", word) for word in re.findall(r"[a-z0-9]+", text.lower()) if word not in _EMPTY
    )


def _nouns(folder: Path) -> Iterable[Entry]:
    for line in (folder / "data.noun").read_text().splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition("|")
        fields = head.split()
        names = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        plain = tuple(name.lower().replace("_", " ") for name in names if not name[:1].isupper())
        definition = re.sub(r"\([^)]*\)", " ", re.split(r"[;\"]", gloss)[0])
        definition = " ".join(definition.split()).strip(" :,")
        if plain and 8 < len(definition) < 120 and fields[1] in THINGS:
            shorter = _TAIL.split(definition)[0].strip()
            described = (definition, shorter) if 12 < len(shorter) < len(definition) else (definition,)
            yield Entry(plain, described, THINGS[fields[1]])


def _emoji(words: Path) -> Iterable[Entry]:
    for name, others in emoji_words(words).items():
        if len(others) > 1:
            yield Entry((name,), tuple(sorted(others)), 1.0)


class Dictionary:
    """An endless source of descriptions and the names that they mean."""

    def __init__(self, found: Sequence[Entry]) -> None:
        self.entries = found
        self._bounds = list(accumulate(entry.weight for entry in found))

    def draw(self, rng: random.Random, count: int) -> list[tuple[int, str, str]]:
        """Give which meaning, how it is described and what it is called, `count` times."""
        drawn = []
        for place in rng.choices(range(len(self.entries)), cum_weights=self._bounds, k=count):
            entry = self.entries[place]
            drawn.append((place, self._described(entry, rng), worded(rng.choice(entry.names), rng, alone=0.6)))
        return drawn

    def _described(self, entry: Entry, rng: random.Random) -> str:
        if len(entry.names) > 1 and rng.random() < 0.2:
            return rng.choice(entry.names)
        if len(entry.descriptions) > 2:  # the words of an emoji
            return " ".join(rng.sample(entry.descriptions, rng.randint(1, 3)))
        return rng.choice(entry.descriptions)


def define(rank: int, processes: int, data: Path, out: Path, concepts: list[Concept], steps: int) -> None:
    """Teach the distilled tower definitions, into `out/text.pt`; goes on where it left off.

    One of several processes.
    """
    tokenizer = load_tokenizer(out)
    before = _tower(tokenizer, out / DISTILLED)
    tower = copy.deepcopy(before).train()
    optimiser = torch.optim.AdamW(tower.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.02)
    checkpoint = Checkpoint(out / READY, tower, optimiser)
    first = checkpoint.resume()
    dictionary = Dictionary(entries(data / "words", concepts))
    corpus = Corpus(data / "words", [concept.name for concept in concepts])
    lesson = Lesson(tokenizer, before, concepts)
    joined, rough = DistributedDataParallel(tower), autocast_pays(torch.device("cpu"))
    sums, since, started = torch.zeros(3), first, time.monotonic()
    with progress("definitions", steps, first, shown=rank == 0) as advance:
        for step in range(first, steps):
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / _WARM_STEPS, (steps - step) / (0.7 * steps))
            rng = random.Random(f"definitions {rank} {step}")
            drawn = dictionary.draw(rng, PAIRS)
            anchors = [corpus.draw(rng).text for _ in range(ANCHORS)]
            with torch.autocast("cpu", torch.bfloat16, enabled=rough):
                losses = lesson(joined, dictionary, drawn, anchors)
            optimiser.zero_grad(set_to_none=True)
            (losses[0] + _STAY_SHARE * losses[1]).backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
            optimiser.step()
            sums += losses.detach()
            advance(1)
            if (step + 1) % 20 == 0:
                means = averaged(sums / (step + 1 - since)).tolist()
                sums, since = torch.zeros(3), step + 1
                if rank == 0:
                    report = dict(zip(("found", "moved", "top1"), [round(mean, 4) for mean in means], strict=True))
                    with (out / "definitions_log.jsonl").open("a") as log:
                        spent = round(time.monotonic() - started, 1)
                        log.write(json.dumps({"step": step + 1, **report, "s": spent}) + "\n")
            if rank == 0:
                checkpoint.save_now_and_then(step + 1, steps)


class Lesson:
    """The loss: a description must find its name among those of the batch and of all concepts."""

    def __init__(self, tokenizer: Tokenizer, before: TextTower, concepts: list[Concept]) -> None:
        self.tokenizer, self.before = tokenizer, before
        self.places: dict[str, list[int]] = {}
        for place, concept in enumerate(concepts):
            for word in concept.words:
                self.places.setdefault(word.lower(), []).append(place)
        names = [concept.name for concept in concepts]
        with torch.no_grad():
            self.known = torch.cat([self._read(before, names[at : at + 512]) for at in range(0, len(names), 512)])

    def __call__(
        self, tower: nn.Module, dictionary: Dictionary, drawn: list[tuple[int, str, str]], anchors: list[str]
    ) -> torch.Tensor:
        """Give the loss of finding, how far plain texts have moved (1 - cosine), and the share found."""
        described = [text for _, text, _ in drawn]
        plain = [name for _, _, name in drawn] + anchors
        features = self._read(tower, described + plain)
        left, right = features[: len(drawn)], features[len(drawn) :]
        with torch.no_grad():
            stay = self._read(self.before, plain)
        moved = 1 - (right * stay).sum(-1).mean()
        right = right[: len(drawn)]
        meant = torch.tensor([place for place, _, _ in drawn])
        same = (meant[:, None] == meant[None]) & ~torch.eye(len(drawn), dtype=torch.bool)
        near = _SHARPNESS * (left @ right.T).masked_fill(same, -1.0)
        far = _SHARPNESS * (left @ self.known.T).masked_fill(self._called(dictionary, meant.tolist()), -1.0)
        truth = torch.arange(len(drawn))
        forth = torch.cat([near, far], 1)
        found = nn.functional.cross_entropy(forth, truth) + 0.5 * nn.functional.cross_entropy(near.T, truth)
        return torch.stack([found, moved, (forth.argmax(-1) == truth).float().mean()])

    def _called(self, dictionary: Dictionary, meant: list[int]) -> torch.Tensor:
        called = torch.zeros(len(meant), len(self.known), dtype=torch.bool)
        for row, place in enumerate(meant):
            for name in dictionary.entries[place].names:
                called[row, self.places.get(name, [])] = True
        return called

    def _read(self, tower: nn.Module, texts: list[str]) -> torch.Tensor:
        groups, order = grouped_tokens(self.tokenizer, texts)
        features = nn.functional.normalize(tower(groups).float(), dim=-1)
        return features[torch.tensor(order).argsort()]


def _tower(tokenizer: Tokenizer, checkpoint: Path) -> TextTower:
    tower = TextTower(tokenizer.get_vocab_size())
    tower.load_state_dict(torch.load(checkpoint, weights_only=True)["tower"])
    return tower.eval()
