"""What of the simulation's things somebody asks for in words: names of drawings, and files of pictures."""

from __future__ import annotations

from pathlib import Path

from pipeline.simulation.picture_file import picture_names
from pipeline.simulation.shapes import SHAPES


def read_objects(text: str) -> tuple[tuple[str, ...], tuple[Path, ...]]:
    """Read names of drawings, with or without an article, and paths of pictures, separated by commas.

    Returns
    -------
    names : tuple of str
        In the order given, those of pictures as `picture_names` gives them.
    pictures : tuple of Path

    Raises
    ------
    ValueError
        There is neither a drawing nor a file of a name, or none was given. One sentence for the user.
    """
    words = [word for word in (part.strip() for part in text.split(",")) if word]
    if not words:
        raise ValueError('name at least one object, as in "star, cup"')
    drawn = {word: _drawing(word) for word in words}
    pictures = tuple(dict.fromkeys(Path(word) for word in words if not drawn[word]))
    for path in pictures:
        if not path.is_file():
            raise ValueError(
                f'"{path}" is no object of the simulation and no file: choose from {", ".join(SHAPES)}, or name a '
                "picture"
            )
    names = dict(zip(pictures, picture_names(pictures), strict=True))
    return tuple(dict.fromkeys(drawn[word] or names[Path(word)] for word in words)), pictures


def _drawing(word: str) -> str:
    """Name of the drawing that is meant; empty: none."""
    name = word.lower()
    for article in ("a ", "an ", "the "):
        name = name.removeprefix(article).strip()
    return name if name in SHAPES else ""
