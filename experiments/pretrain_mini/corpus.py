"""The texts that the text tower learns from: WordNet, the annotations of emoji, and phrases made of them."""

from __future__ import annotations

import json
import math
import random
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from experiments.pretrain_mini.wordings import (
    LETTER_ALONE,
    LETTER_SENTENCES,
    LETTERS,
    NUMERAL_SENTENCES,
    NUMERALS,
    worded,
)

THINGS = {"05": 3.0, "06": 5.0, "08": 3.0, "13": 4.0, "17": 3.0, "18": 2.0, "19": 2.0, "20": 2.0, "25": 3.0, "27": 2.0}
"""WordNet's lexicographer files of things that can be seen, and how much oftener they are drawn."""
_LOOKS = [
    "outlined",
    "filled",
    "solid",
    "hollow",
    "big",
    "small",
    "large",
    "little",
    "tiny",
    "huge",
    "round",
    "square",
    "long",
    "short",
    "old",
    "new",
    "open",
    "closed",
    "broken",
    "red",
    "blue",
    "green",
    "yellow",
    "black",
    "white",
    "grey",
    "striped",
    "dotted",
    "happy",
    "sad",
    "angry",
    "smiling",
    "crying",
    "sleeping",
    "running",
    "flying",
    "wooden",
    "metal",
    "paper",
    "toy",
    "cartoon",
    "handwritten",
    "printed",
    "upside-down",
    "rotated",
    "moving",
    "still",
    "bright",
    "dark",
    "double",
    "single",
    "left",
    "right",
    "up",
    "down",
    "front",
    "back",
    "side",
    "half",
    "full",
    "empty",
    "crossed",
    "burning",
    "wet",
    "dry",
    "hot",
    "cold",
    "sharp",
    "smooth",
    "spotted",
]
_JOINTS = ("{} with a {}", "{} and {}", "{} on a {}", "{} in a {}", "{} {}", "{} for a {}", "{} of a {}", "{} or {}")


@dataclass(frozen=True)
class Text:
    """A text to learn, and the text whose embedding it should have (itself, but for wrappings)."""

    text: str
    meaning: str
    glyph: int = -1
    """Index of the character it names (0 to 9 numerals, 10 to 35 letters), or -1."""


class Weighted:
    """Draws items in proportion to their weights."""

    def __init__(self, items: Iterable[tuple[str, float]]) -> None:
        pairs = list(items)
        self.items = [item for item, _ in pairs]
        self.weights = [weight for _, weight in pairs]
        self._bounds = list(accumulate(self.weights))

    def draw(self, rng: random.Random) -> str:
        return rng.choices(self.items, cum_weights=self._bounds)[0]


class Corpus:
    """An endless source of texts.

    Parameters
    ----------
    words : Path
        Folder with `wordnet`, `cldr`, `emojibase` as fetched.
    names : sequence of str
        What pictures are called in the sets.
    """

    def __init__(self, words: Path, names: Iterable[str]) -> None:
        nouns, glosses = _nouns(words / "wordnet")
        self.nouns = Weighted(nouns)
        self.glosses = glosses
        self.names = Weighted((name, 1.0) for name in names)
        self.annotations = Weighted(_annotations(words).items())

    def draw(self, rng: random.Random) -> Text:
        """Draw one text."""
        kind = rng.random()
        if kind < 0.30:
            return _plain(self.nouns.draw(rng), rng)
        if kind < 0.48:
            return _plain(self.names.draw(rng), rng)
        if kind < 0.64:
            return _plain(self.annotations.draw(rng), rng)
        if kind < 0.76:
            return _plain(f"{rng.choice(_LOOKS)} {self._thing(rng)}", rng)
        if kind < 0.86:
            return _plain(rng.choice(_JOINTS).format(self._thing(rng), self._thing(rng)), rng)
        if kind < 0.94:
            gloss = rng.choice(self.glosses)
            return Text(gloss, gloss)
        return _glyph(rng)

    def _thing(self, rng: random.Random) -> str:
        return rng.choice((self.nouns, self.names, self.annotations)).draw(rng)


def _plain(thing: str, rng: random.Random) -> Text:
    return Text(worded(thing, rng), thing)


def _glyph(rng: random.Random) -> Text:
    index = rng.randrange(36)
    if index < 10:
        shown = str(index) if rng.random() < 0.5 else NUMERALS[index]
        return Text(rng.choice(NUMERAL_SENTENCES).format(shown), f"digit {NUMERALS[index]}", index)
    letter = LETTERS[index - 10]
    if letter == "a" or rng.random() < 0.7:
        return Text(rng.choice(LETTER_SENTENCES).format(letter), f"letter {letter}", index)
    return Text(rng.choice(LETTER_ALONE).format(letter), f"letter {letter}", index)


def _nouns(folder: Path) -> tuple[list[tuple[str, float]], list[str]]:
    counts: Counter[str] = Counter()
    for line in (folder / "cntlist.rev").read_text().splitlines():
        key, _, count = line.split(" ")
        lemma, _, rest = key.partition("%")
        if rest.startswith("1:"):
            counts[lemma] += int(count)
    weights: dict[str, float] = {}
    glosses = []
    for line in (folder / "data.noun").read_text().splitlines():
        if line.startswith(" "):
            continue
        head, _, gloss = line.partition("|")
        fields = head.split()
        thing = THINGS.get(fields[1], 0.6)
        words = fields[4 : 4 + 2 * int(fields[3], 16) : 2]
        for word in words:
            lemma = word.lower()
            if word[:1].isupper() or len(lemma.split("_")) > 4:
                continue
            spoken = lemma.replace("_", " ")
            weights[spoken] = max(weights.get(spoken, 0.0), thing * (0.15 + math.log1p(counts[lemma])))
        meaning = re.split(r"[;\"(]", gloss.strip())[0].strip()
        if 10 < len(meaning) < 90 and thing > 1:
            glosses.append(meaning)
    return list(weights.items()), glosses


def _annotations(words: Path) -> Counter[str]:
    found: Counter[str] = Counter()
    for name in ("cldr/annotations/en", "cldr/annotations/en-GB"):
        file = words / name / "annotations.json"
        if not file.exists():
            continue
        for entry in json.loads(file.read_text())["annotations"]["annotations"].values():
            found.update(text.lower() for text in (*entry.get("default", ()), *entry.get("tts", ())))
    for language in ("en", "en-gb"):
        file = words / "emojibase" / language / "data.json"
        for entry in json.loads(file.read_text()) if file.exists() else ():
            found[entry["label"].lower()] += 1
            found.update(tag.lower() for tag in entry.get("tags", ()))
    return Counter({text: 1 + int(math.log2(count)) for text, count in found.items() if "skin tone" not in text})


def emoji_words(words: Path) -> dict[str, set[str]]:
    """Give what the annotations of an emoji say about it, by its name, all in small letters."""
    found: dict[str, set[str]] = {}
    for name in ("cldr/annotations/en", "cldr/annotations/en-GB"):
        file = words / name / "annotations.json"
        if not file.exists():
            continue
        for entry in json.loads(file.read_text())["annotations"]["annotations"].values():
            for called in entry.get("tts", ()):
                said = {text.lower() for text in entry.get("default", ())}
                found.setdefault(called.lower(), set()).update(said - {called.lower()})
    return {name: said for name, said in found.items() if "skin tone" not in name}
