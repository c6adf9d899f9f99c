"""Figures that others have published, each with its source: ``experiments/published.toml``."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

FILE = Path(__file__).resolve().parent.parent / "published.toml"


@dataclass(frozen=True)
class PublishedFigure:
    """A figure of somebody else.

    Attributes
    ----------
    dataset : str
    method : str
        In words, with the network.
    setting : str
        ``zero-shot``, ``N-shot`` or ``supervised``.
    top1 : float
        Share, 0 to 1.
    paper, table, source : str
        Where it stands.
    """

    dataset: str
    method: str
    setting: str
    top1: float
    paper: str
    table: str
    source: str


def published_figures(dataset: str, file: Path = FILE) -> list[PublishedFigure]:
    """Give what is known of a data set; an empty list where nothing is.

    Raises
    ------
    ValueError
        The file makes no sense.
    """
    entries = tomllib.loads(file.read_text(encoding="utf-8")).get("figure", [])
    try:
        figures = [
            PublishedFigure(**{key: value for key, value in entry.items() if key != "top1_percent"}, top1=_share(entry))
            for entry in entries
        ]
    except (TypeError, KeyError) as error:
        raise ValueError(f"{file} has a figure that is not complete: {error}") from error
    return [figure for figure in figures if figure.dataset == dataset]


def _share(entry: dict[str, float]) -> float:
    percent = float(entry["top1_percent"])
    if not 0 <= percent <= 100:
        raise ValueError(f"{percent} is no percentage")
    return percent / 100
