"""The data: rounds of windows to learn from and windows to be judged, drawn with fixed seeds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from experiments.teaching.windows import Floats, Window
from pipeline.simulation.drawing import Texture

MOST_SHOTS = 16
DIGITS_END, FIRST_WRITERS_END = 1415, 1545
"""The digits' data set has them writer by writer. Nothing by those from the first number on was ever trained on: their
first writer is for choosing numbers of methods, the others are for the figures."""
WAYS = 10
"""Concepts of a round."""
JUDGED = 12
"""Windows of each class, where there are no fixed ones."""
_FEWEST_JUDGED = 6


class Drawings(Protocol):
    """Pictures by number. Made anew in each process."""

    def __call__(self, picture: int) -> tuple[Floats, Floats]:
        """Give coverage and light, float32 (n, n)."""


@dataclass(frozen=True)
class Round:
    """What one seed gives.

    Attributes
    ----------
    classes, prompts : tuple of str, length K
    examples : tuple of K tuples of Window
        `MOST_SHOTS` of each class; those of fewer shots are the first of them.
    judged : tuple of Window
    labels : int64 (m,)
        Of the judged.
    """

    classes: tuple[str, ...]
    prompts: tuple[str, ...]
    examples: tuple[tuple[Window, ...], ...]
    judged: tuple[Window, ...]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rounds:
    """A data set: its rounds, and what makes its pictures (called in each process)."""

    name: str
    title: str
    rounds: tuple[Round, ...]
    drawings: Callable[[], Drawings]

    def windows(self) -> list[Window]:
        """Give every window once."""
        found: dict[Window, None] = {}
        for each in self.rounds:
            found |= dict.fromkeys(window for some in each.examples for window in some)
            found |= dict.fromkeys(each.judged)
        return list(found)


# --- handwritten digits ---

NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


class DigitDrawings:
    """UCI's handwritten digits, as scikit-learn brings them, drawn large."""

    def __init__(self) -> None:
        from sklearn.datasets import load_digits

        self._pixels = load_digits().images

    def __call__(self, picture: int) -> tuple[Floats, Floats]:
        from experiments.pretrain_mini.glyphs import handwritten_digit

        drawn = handwritten_digit(self._pixels[picture], np.random.default_rng([picture, 100]))
        cover = np.asarray(drawn[0] / 255, np.float32)
        return cover, np.asarray(cover * 0.92, np.float32)


def digits(seeds: int, *, validation: bool = False, share: float = 1.0) -> Rounds:
    """Digits looked at with saccades: examples by writers whom the model knows, judged by others.

    Parameters
    ----------
    seeds : int
    validation : bool
        Judge the writer who is there for choosing.
    share : float
        Of the judged, for a quick look.
    """
    from sklearn.datasets import load_digits

    target = load_digits().target
    places = range(DIGITS_END, FIRST_WRITERS_END) if validation else range(FIRST_WRITERS_END, len(target))
    judged = np.array(places)[:: max(1, round(1 / share))]
    rounds = []
    for seed in range(seeds):
        examples = [
            np.random.default_rng([seed, digit]).permutation(np.flatnonzero(target[:DIGITS_END] == digit))[:MOST_SHOTS]
            for digit in range(10)
        ]
        rounds.append(
            Round(
                classes=NUMERALS,
                prompts=tuple(f"the digit {word}" for word in NUMERALS),
                examples=tuple(tuple(map(_digit, some.tolist())) for some in examples),
                judged=tuple(map(_digit, judged.tolist())),
                labels=np.asarray(target[judged], np.int64),
            )
        )
    part = "validation" if validation else "test"
    title = f"Handwritten digits of unseen writers ({len(judged)})"
    return Rounds(f"digits-{part}", title, tuple(rounds), DigitDrawings)


def _digit(picture: int) -> Window:
    return Window(picture, "saccades", bool(picture % 2), 0.8, picture)


# --- concepts that were never seen ---


class PictureDrawings:
    """What `experiments.pretrain_mini` has drawn; pictures of one colour are white."""

    def __init__(self, folder: Path) -> None:
        from experiments.pretrain_mini.pictures import load

        self._pictures = load(folder)

    def __call__(self, picture: int) -> tuple[Floats, Floats]:
        planes = np.asarray(self._pictures.pyramid.large[picture], np.float32) / 255
        shade = 0.05 + 0.95 * planes[1] if self._pictures.tinted[picture] else np.float32(0.92)
        return planes[0], planes[0] * shade


def pictograms(folder: Path, seeds: int, *, validation: bool = False, one_picture: bool = False) -> Rounds:
    """Concepts whose pictures and names the model was never trained on, ten a round.

    Examples and judged are pictures of different hands (icon sets, emoji); with `one_picture` each concept is one
    picture, and the windows differ by motion, size and noise. Every other held-out concept is for choosing numbers of
    methods, and the others are for the figures.
    """
    from experiments.pretrain_mini.concepts import read_concepts
    from experiments.pretrain_mini.pictures import load
    from experiments.pretrain_mini.wordings import with_article

    concepts = read_concepts()
    pictures = load(folder)
    hands = np.array(pictures.hand)
    hidden = [number for number, concept in enumerate(concepts) if concept.held_out]
    counts = Counter(pictures.concept.tolist())
    many = [number for number in hidden[validation::2] if counts[number] >= MOST_SHOTS + JUDGED]
    rounds = []
    for seed in range(seeds):
        random = np.random.default_rng([seed, validation])
        examples, judged, chosen = [], [], []
        for concept in random.permutation(many).tolist():
            places = np.flatnonzero(pictures.concept == concept)
            some, others = _by_hand(places, hands, random)
            if one_picture:
                some, others = [places[0]] * MOST_SHOTS, [places[0]] * JUDGED
            if len(others) < _FEWEST_JUDGED:
                continue
            examples.append(tuple(_waved(int(picture), random) for picture in some))
            judged.append(tuple(_waved(int(picture), random) for picture in others))
            chosen.append(concepts[concept].name)
            if len(chosen) == WAYS:
                break
        rounds.append(
            Round(
                classes=tuple(chosen),
                prompts=tuple(with_article("a {}", name) for name in chosen),
                examples=tuple(examples),
                judged=tuple(window for some in judged for window in some),
                labels=np.repeat(np.arange(len(judged)), [len(some) for some in judged]),
            )
        )
    name = f"{'one-picture' if one_picture else 'pictograms'}-{'validation' if validation else 'test'}"
    title = f"{WAYS} of {len(many)} concepts never seen{', each by one picture' if one_picture else ''}"
    return Rounds(name, title, tuple(rounds), _Opened(folder))


@dataclass(frozen=True)
class _Opened:
    folder: Path

    def __call__(self) -> Drawings:
        return PictureDrawings(self.folder)


def _by_hand(
    places: npt.NDArray[np.int64], hands: npt.NDArray[np.str_], random: np.random.Generator
) -> tuple[list[int], list[int]]:
    """Share pictures out: `MOST_SHOTS` examples, and at most `JUDGED` of hands that no example is of."""
    names = random.permutation(np.unique(hands[places]))
    ordered = [place for name in names for place in random.permutation(places[hands[places] == name]).tolist()]
    examples = ordered[:MOST_SHOTS]
    used = {hands[place] for place in examples}
    others = [place for place in ordered[MOST_SHOTS:] if hands[place] not in used]
    return random.permutation(examples).tolist(), others[:JUDGED]


def _waved(picture: int, random: np.random.Generator) -> Window:
    return Window(
        picture, "waving", bool(random.random() < 0.5), float(random.uniform(0.55, 0.8)), int(random.integers(1 << 30))
    )


# --- directions ---

DIRECTIONS = (("left", "right"), ("clockwise", "counter-clockwise"))


class ShapeDrawings:
    """The program's own drawings."""

    def __call__(self, picture: int) -> tuple[Floats, Floats]:
        drawn = _shape(picture)
        return np.asarray(drawn.cover, np.float32), np.asarray(drawn.light, np.float32)


@cache
def _shape(picture: int) -> Texture:
    from pipeline.simulation.shapes import SHAPES
    from pipeline.simulation.things import texture_of, thing

    return texture_of(thing(list(SHAPES)[picture]), 128)


def directions(pair: Sequence[str], seeds: int) -> Rounds:
    """One way against the other: nothing but order tells them apart, as ink is as often dark as light.

    The judged are of other shapes than the examples.
    """
    from pipeline.simulation.shapes import SHAPES

    rounds = []
    for seed in range(seeds):
        random = np.random.default_rng([seed, DIRECTIONS.index((pair[0], pair[1]))])
        shapes = random.permutation(len(SHAPES))
        learnt, others = shapes[: len(shapes) // 2], shapes[len(shapes) // 2 :]
        examples = tuple(
            tuple(_directed(motion, int(random.choice(learnt)), random) for _ in range(MOST_SHOTS)) for motion in pair
        )
        judged = [_directed(motion, int(random.choice(others)), random) for motion in pair for _ in range(4 * JUDGED)]
        rounds.append(
            Round(
                classes=tuple(pair),
                prompts=tuple(f"something that goes {motion}" for motion in pair),
                examples=examples,
                judged=tuple(judged),
                labels=np.repeat(np.arange(len(pair)), 4 * JUDGED),
            )
        )
    return Rounds(f"order-{pair[0]}", f"{pair[0]} against {pair[1]}", tuple(rounds), ShapeDrawings)


def _directed(motion: str, shape: int, random: np.random.Generator) -> Window:
    return Window(
        shape,
        motion,  # type: ignore[arg-type]
        bool(random.random() < 0.5),
        float(random.uniform(0.35, 0.6)),
        int(random.integers(1 << 30)),
    )
