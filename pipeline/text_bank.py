"""Texts beside those that the user typed: the concepts of a model's own world, or common nouns. No torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pipeline.model_errors import ModelError
from pipeline.prompts import clean_text
from pipeline.something_else import DEFAULTS, ElseSettings, read_settings

COMMON_NOUNS = Path(__file__).with_name("common_nouns.txt")
CONCEPTS_FILE = "concepts.txt"
SETTINGS_FILE = "something_else.json"
"""In a model's folder, beside its concepts: values of `ElseSettings` that fit this model."""
_ARTICLE = re.compile(r"(?:an?|the)\s+(?=\S)")


def meaning_key(text: str) -> str:
    """What two texts share that name the same thing: no article, no capitals, no hyphens."""
    return _ARTICLE.sub("", clean_text(text).casefold().replace("-", " "), count=1)


@dataclass(frozen=True)
class TextBank:
    """Things that could be shown, by their names.

    Attributes
    ----------
    concepts : tuple of tuple of str
        For each its name, then its synonyms.
    is_world : bool
        True: these are all things that the model knows. False: examples of what there is.
    settings : ElseSettings
    """

    concepts: tuple[tuple[str, ...], ...]
    is_world: bool = False
    settings: ElseSettings = DEFAULTS

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(words[0] for words in self.concepts)

    @cached_property
    def _places(self) -> dict[str, frozenset[int]]:
        places: dict[str, set[int]] = {}
        for place, words in enumerate(self.concepts):
            for word in words:
                places.setdefault(meaning_key(word), set()).add(place)
        return {key: frozenset(found) for key, found in places.items()}

    def named_by(self, texts: Iterable[str]) -> frozenset[int]:
        """Give the places of the concepts that one of these texts names, by name or synonym."""
        return frozenset().union(*(self._places.get(meaning_key(text), frozenset()) for text in texts))


def bank_of(folder: Path | None) -> TextBank:
    """Give the concepts that lie in a model's folder; common nouns where there are none, or no folder.

    Raises
    ------
    ModelError
        A file of the folder cannot be used.
    """
    if folder is None or not (folder / CONCEPTS_FILE).is_file():
        return TextBank(_concepts(COMMON_NOUNS))
    return TextBank(_concepts(folder / CONCEPTS_FILE), is_world=True, settings=_settings(folder / SETTINGS_FILE))


def _concepts(file: Path) -> tuple[tuple[str, ...], ...]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise ModelError(f"The concepts in {file} cannot be read ({reason}): copy the file again.") from error
    split = (tuple(word for word in map(clean_text, line.split("\t")) if word) for line in lines)
    concepts = tuple(words for words in split if words)
    if not concepts:
        raise ModelError(f"{file} holds no concepts: write one a line, its synonyms after tabs, or remove the file.")
    return concepts


def _settings(file: Path) -> ElseSettings:
    if not file.is_file():
        return DEFAULTS
    try:
        return read_settings(file)
    except (OSError, ValueError) as error:
        raise ModelError(f"{file} cannot be used ({error}): correct it, or remove it.") from error
