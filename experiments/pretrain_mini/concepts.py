"""The world that the model knows: concepts, what people call them, and what the sets call their pictures.

`concepts.txt` beside this file is written by hand: a line a concept, `name; synonym, ... | picture, ...`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.pretrain_mini.hands import joined_name
from experiments.pretrain_mini.wordings import LETTERS, NUMERALS

TABLE = Path(__file__).with_name("concepts.txt")
HELD_OUT_TABLE = Path(__file__).with_name("held_out.txt")
"""Names of the concepts that the image tower never meets, drawn once at random: the table may grow, they stay."""
UNSEEN_PROMPTS_TABLE = Path(__file__).with_name("unseen_prompts.txt")
"""Other words for concepts that are trained on, which are in no caption: a line each, name and prompt."""
NOTHING = "nothing but noise"
_NOTHING_TOO = (
    "nothing",
    "noise",
    "only noise",
    "empty",
    "an empty scene",
    "no object",
    "background",
    "empty background",
)
_SIDED = ("left", "right", "up", "down", "clockwise", "note", "question", "percent", "redo", "undo", "sign", "play")


@dataclass(frozen=True)
class Concept:
    """One thing that can be drawn.

    Attributes
    ----------
    name : str
    synonyms : tuple of str
    pictures : tuple of str
        What sets call it.
    mirrors : bool
        Whether its mirror image is the same thing.
    held_out : bool
        Neither its pictures nor captions of it are trained on; the text tower reads its names like all others.
    """

    name: str
    synonyms: tuple[str, ...]
    pictures: tuple[str, ...] = ()
    mirrors: bool = True
    held_out: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """All its names, the first one first."""
        return (self.name, *self.synonyms)


def read_concepts(table: Path = TABLE) -> list[Concept]:
    """Give all concepts: those of the table, the numerals, the letters, and nothing but noise."""
    concepts = [_parsed(line) for line in table.read_text(encoding="utf-8").splitlines() if line.strip()]
    hidden = set(HELD_OUT_TABLE.read_text(encoding="utf-8").splitlines())
    concepts = [Concept(c.name, c.synonyms, c.pictures, _mirrors(c.name), c.name in hidden) for c in concepts]
    for value, word in enumerate(NUMERALS):
        concepts.append(
            Concept(
                f"digit {word}",
                (str(value), word, f"digit {value}", f"number {word}", f"number {value}", f"the numeral {value}"),
                (),
                False,
            )
        )
    for letter in LETTERS:
        own = () if letter in "ai" else (letter,)
        concepts.append(
            Concept(
                f"letter {letter}",
                (*own, f"the letter {letter}", f"capital letter {letter}", f"capital {letter}"),
                (),
                False,
            )
        )
    return [*concepts, Concept(NOTHING, _NOTHING_TOO)]


def unseen_prompts(concepts: Sequence[Concept]) -> dict[int, str]:
    """Give, for some of the concepts, a prompt that no caption has: index of the concept, prompt."""
    place = {concept.name: index for index, concept in enumerate(concepts)}
    lines = [line.split("\t") for line in UNSEEN_PROMPTS_TABLE.read_text(encoding="utf-8").splitlines()]
    return {place[name]: prompt for name, prompt in lines if name in place}


def by_picture(concepts: list[Concept]) -> dict[str, int]:
    """Give the concept for each name that a set may give a picture, blanks removed."""
    found: dict[str, int] = {}
    for index, concept in enumerate(concepts):
        for name in concept.pictures:
            found[joined_name(name)] = index
    for index, concept in enumerate(concepts):
        if concept.pictures:
            for name in concept.words:
                if len(name) > 3:
                    found.setdefault(joined_name(name), index)
    return found


def _parsed(line: str) -> Concept:
    words, _, pictures = line.partition("|")
    name, _, synonyms = words.partition(";")
    return Concept(name.strip(), _split(synonyms), _split(pictures))


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _mirrors(name: str) -> bool:
    return not any(word in name.split() for word in _SIDED)
