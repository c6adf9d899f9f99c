"""What the user typed, as rows, and what the text encoder is given for each of them. No torch.

A row is a class. Its text is either a label, which is put into each text of the template, or
``label = full prompt``: then the label is shown and the prompt is used as it stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

PLACEHOLDERS = ("{}", "{class}")
_UNSEEN_CATEGORIES = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})


class PromptError(ValueError):
    """A template or a list of prompts cannot be used. One sentence for the user."""


def clean_text(text: str) -> str:
    """Give the text with runs of white space as one blank, in Unicode's composed form (NFC), encodable as UTF-8."""
    encodable = text.encode("utf-8", "replace").decode("utf-8")
    return unicodedata.normalize("NFC", " ".join(encodable.split()))


def _shows_nothing(text: str) -> bool:
    return all(unicodedata.category(character) in _UNSEEN_CATEGORIES for character in text)


@dataclass(frozen=True)
class Template:
    """One or several texts around a class name; with several the text features are averaged (an ensemble).

    Attributes
    ----------
    name : str
        Short name of a preset; for a free template the text itself.
    title : str
        What a menu shows.
    texts : tuple of str
        Each holds ``{}`` or ``{class}`` at least once.
    """

    name: str
    title: str
    texts: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.texts:
            raise PromptError(
                f"The template {self.name} has no text: give it at least one with {{}} where the class goes."
            )
        for text in self.texts:
            if not any(placeholder in text for placeholder in PLACEHOLDERS):
                raise PromptError(
                    f'The template "{text}" has no place for the class: write {{}} where it goes, '
                    'as in "a photo of a {}".'
                )

    def fill(self, label: str) -> tuple[str, ...]:
        """Put the label into each text; braces in the label stay as they are.

        A label with an article of its own takes the place of the text's: "a photo of a {}" and "an umbrella"
        give "a photo of an umbrella".
        """
        places = _ARTICLE_AND_PLACE if _ARTICLE.match(label) else _PLACE
        return tuple(places.sub(lambda _: label, text) for text in self.texts)

    @classmethod
    def free(cls, text: str) -> Template:
        """Make a template of the user's own text.

        Raises
        ------
        PromptError
            The text has no placeholder.
        """
        text = clean_text(text)
        return cls(text, text, (text,))

    @classmethod
    def named_or_text(cls, value: str) -> Template:
        """Give the preset of this name (upper or lower case), otherwise a free template.

        Raises
        ------
        PromptError
            It is neither a preset's name nor a text with a placeholder.
        """
        preset = PRESETS.get(value.strip().casefold())
        if preset is not None:
            return preset
        try:
            return cls.free(value)
        except PromptError:
            raise PromptError(
                f'The template "{value}" is neither a preset ({", ".join(PRESETS)}) nor a text with {{}} '
                "where the class goes."
            ) from None


_ANY_PLACE = "|".join(re.escape(placeholder) for placeholder in PLACEHOLDERS)
_PLACE = re.compile(_ANY_PLACE)
_ARTICLE = re.compile(r"(?:an?|the)\s+\S", re.IGNORECASE)
_ARTICLE_AND_PLACE = re.compile(rf"(?:\b(?:an?|the)\s+)?(?:{_ANY_PLACE})", re.IGNORECASE)


def _by_name(templates: Iterable[Template]) -> MappingProxyType[str, Template]:
    return MappingProxyType({template.name: template for template in templates})


PRESETS = _by_name(
    (
        Template("plain", "A photo of a …", ("a photo of a {}",)),
        Template("class", "The class alone", ("{}",)),
        Template("n-mnist", "N-MNIST (paper)", ('A black and white photo of the Arabic numeral number: "{}".',)),
        Template("cifar10-dvs", "CIFAR10-DVS (paper)", ("A low quality stick figure of the object {}.",)),
        Template("es-imagenet", "ES-ImageNet (paper)", ("A low quality point cloud image of {}.",)),
        Template(
            "photos",
            "Ensemble: photos",
            (
                "a photo of a {}",
                "a blurry photo of a {}",
                "a black and white photo of a {}",
                "a low resolution photo of a {}",
                "a close-up photo of a {}",
                "a bright photo of a {}",
                "a dark photo of a {}",
            ),
        ),
        Template(
            "drawings",
            "Ensemble: drawings",
            (
                "a drawing of a {}",
                "a sketch of a {}",
                "a line drawing of a {}",
                "a pictogram of a {}",
                "an icon of a {}",
                "the outline of a {}",
            ),
        ),
        Template(
            "events",
            "Ensemble: event frames",
            (
                "a grey image of a {}",
                "a low quality image of the moving outline of a {}",
                "a black and white edge image of a {}",
                "an event camera recording of a {}",
                "a low quality stick figure of the object {}",
                "a low quality point cloud image of {}",
            ),
        ),
    )
)
"""The menu of templates, by name. Those of the paper are NeuroCLIP's own, arXiv 2306.12073."""


@dataclass(frozen=True)
class PromptRow:
    """One row as the user wrote it.

    Attributes
    ----------
    id : int
        Stable while the row lives: it stays when rows are moved, added or removed.
    text : str
        ``label``, or ``label = full prompt``.
    """

    id: int
    text: str

    @cached_property
    def _parts(self) -> tuple[str, str | None]:
        text = clean_text(self.text)
        for sign in re.finditer("=", text):
            label, prompt = text[: sign.start()].strip(), text[sign.end() :].strip()
            if label and prompt:
                return label, prompt
        return text, None

    @property
    def label(self) -> str:
        """What is shown; empty for an empty row."""
        return self._parts[0]

    @property
    def prompt(self) -> str | None:
        """The full prompt of a row ``label = full prompt``; None: the template is filled with the label."""
        return self._parts[1]

    @property
    def empty(self) -> bool:
        """True where there is nothing that can be seen."""
        return _shows_nothing(self.label)


@dataclass(frozen=True)
class ActiveRow:
    """A row that is judged: what is shown, and the texts whose features are averaged."""

    id: int
    label: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class PromptList:
    """All rows in the user's order, and the template around their labels."""

    rows: tuple[PromptRow, ...]
    template: Template

    @classmethod
    def of(cls, texts: Iterable[str], template: Template) -> PromptList:
        """Make rows of these texts, numbered from 0."""
        return cls(tuple(PromptRow(number, text) for number, text in enumerate(texts)), template)

    @cached_property
    def _judged(self) -> tuple[tuple[ActiveRow, ...], dict[int, str]]:
        active, notices = [], {}
        first_with: dict[tuple[str, str | None], int] = {}
        for place, row in enumerate(self.rows, start=1):
            if row.empty:
                continue
            key = (row.label.casefold(), row.prompt.casefold() if row.prompt is not None else None)
            if key in first_with:
                notices[row.id] = f"The same as row {first_with[key]}, so it is left out."
                continue
            first_with[key] = place
            prompts = (row.prompt,) if row.prompt is not None else self.template.fill(row.label)
            active.append(ActiveRow(row.id, row.label, prompts))
        return tuple(active), notices

    @property
    def active(self) -> tuple[ActiveRow, ...]:
        """The rows that are judged, in the user's order: not the empty ones, and each double once."""
        return self._judged[0]

    @property
    def notices(self) -> dict[int, str]:
        """For rows that are left out although something stands there: one sentence, by the row's id."""
        return dict(self._judged[1])

    def texts(self) -> Iterator[str]:
        """Give every text that the encoder needs, each once, in order."""
        yield from dict.fromkeys(text for row in self.active for text in row.prompts)


def parse_prompts(text: str) -> tuple[str, ...]:
    """Split ``"a cup, a star"`` at its commas; empty parts are dropped."""
    return _not_empty(text.split(","))


def parse_prompt_lines(text: str) -> tuple[str, ...]:
    """Give one row a line, commas allowed; empty lines are dropped."""
    return _not_empty(text.removeprefix("\ufeff").splitlines())


def _not_empty(parts: Iterable[str]) -> tuple[str, ...]:
    cleaned = (clean_text(part) for part in parts)
    return tuple(part for part in cleaned if not _shows_nothing(part))
