"""How people put a thing into words: the sentences that a caption or a prompt may be wrapped in."""

from __future__ import annotations

import random

SENTENCES = (
    "a {}",
    "the {}",
    "a photo of a {}",
    "a photo of a {}.",
    "a photo of the {}",
    "a picture of a {}",
    "a drawing of a {}",
    "a sketch of a {}",
    "an image of a {}",
    "a silhouette of a {}",
    "an outline of a {}",
    "an icon of a {}",
    "{} icon",
    "{} symbol",
    "{} sign",
    "{} emoji",
    "{} pictogram",
    "a {} seen by an event camera",
    "an event camera image of a {}",
    "an event frame of a {}",
    "a black and white photo of a {}",
    "a blurry photo of a {}",
    "a printed {}",
    "a {} on a sheet of paper",
    "a {} held before the camera",
    "a hand holding a {}",
    "a moving {}",
    "this is a {}",
    "there is a {}",
    "it is a {}",
    "a low quality point cloud image of {}.",
    "A low quality stick figure of the object {}.",
)
"""Wrappings that say nothing about the thing itself: the text tower learns to see through them."""

NUMERAL_SENTENCES = (
    "{}",
    "digit {}",
    "the digit {}",
    "number {}",
    "the number {}",
    "the numeral {}",
    "a handwritten {}",
    "a handwritten digit {}",
    "a photo of the number {}",
    "a photo of a {}",
    'A black and white photo of the Arabic numeral number: "{}".',
)
LETTER_SENTENCES = ("letter {}", "the letter {}", "capital letter {}", "a photo of the letter {}", "the capital {}")
LETTER_ALONE = ("{}", "a {}")

NUMERALS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
LETTERS = tuple("abcdefghijklmnopqrstuvwxyz")


def with_article(sentence: str, thing: str) -> str:
    """Put the thing into the sentence, "a" becoming "an" before a vowel.

    Things in the plural, or that bring an article, lose the one of the sentence.
    """
    before, _, after = sentence.partition("{}")
    if before.endswith("a ") or before == "a ":
        if thing.endswith("s") and not thing.endswith("ss"):
            before = before[:-2]
        elif thing[:1] in "aeiou":
            before = before[:-1] + "n "
    return before + thing + after


def worded(thing: str, rng: random.Random, *, alone: float = 0.45) -> str:
    """Give the thing by itself with probability `alone`, else in one of `SENTENCES`."""
    if rng.random() < alone:
        return thing
    return with_article(rng.choice(SENTENCES), thing)
