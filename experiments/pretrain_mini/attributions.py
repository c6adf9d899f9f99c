"""Whose pictures, characters and words the training uses, as tables of the model card, read from what was fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from experiments.pretrain_mini.fetch import FONTS
from experiments.pretrain_mini.font_licences import licence_of
from experiments.pretrain_mini.hands import HELD_OUT_FONTS

CLDR, EMOJIBASE = "words/cldr", "words/emojibase"
_WORDNET_LICENCE = "https://wordnet.princeton.edu/license-and-commercial-use"
_TEACHER = "https://huggingface.co/sentence-transformers/all-MiniLM-L6-v2"


def picture_sets(data: Path, hands: Iterable[str]) -> str:
    """Give the table of these icon sets: name, author and licence, linked where the set names an address."""
    rows = []
    for hand in hands:
        about = json.loads((data / "sets" / hand / "info.json").read_text(encoding="utf-8"))
        licence = about["license"]
        called = licence.get("spdx", licence["title"])
        rows.append((about["name"], _linked(about["author"], "name"), _linked({**licence, "called": called}, "called")))
    return table(("set", "by", "licence"), rows)


def fonts(data: Path, *, held_out: bool) -> str:
    """Give the table of the fonts that are held out, or of the others.

    Raises
    ------
    LicenceError
        A package does not say whose it is.
    """
    chosen = [package for package in sorted(FONTS) if any(word in package for word in HELD_OUT_FONTS) == held_out]
    found = [licence_of(data / "fonts" / package) for package in chosen]
    rows = [(font.name, font.holders, font.licence) for font in found]
    return table(("font", "copyright", "licence, as the package calls it"), rows)


def words(data: Path) -> str:
    """Give the table of where words and the embedding come from."""
    cldr, emojibase = data / CLDR, data / EMOJIBASE
    rows = [
        _wordnet(data / "words" / "wordnet"),
        (f"Unicode CLDR annotations {_version(cldr)}", _copyright(cldr), _licence(cldr, "https://www.unicode.org/license.txt")),
        (f"emojibase-data {_version(emojibase)}", _copyright(emojibase), _licence(emojibase, "https://emojibase.dev")),
        (f"[all-MiniLM-L6-v2]({_TEACHER})", "the authors of sentence-transformers", _teacher_licence(data / "teacher")),
    ]  # fmt: skip
    return table(("words and their meaning", "by", "licence"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Give a table in Markdown."""
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _linked(about: dict[str, Any], key: str) -> str:
    return f"[{about[key]}]({about['url']})" if about.get("url") else str(about[key])


def _wordnet(folder: Path) -> tuple[str, str, str]:
    """Name, holder and licence: the file of nouns begins with them, "WordNet 3.0 Copyright 2006 by Princeton ..."."""
    head = (folder / "data.noun").read_text(encoding="utf-8")[:4000]
    said = re.search(r"(WordNet [\d.]+) Copyright (.+? University)", head)
    assert said is not None, "WordNet begins with its licence"
    return said[1], f"Copyright {said[2]}", f"[WordNet licence]({_WORDNET_LICENCE})"


def _package(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "package.json").read_text(encoding="utf-8")))


def _version(folder: Path) -> str:
    return str(_package(folder)["version"])


def _licence(folder: Path, address: str) -> str:
    return f"[{_package(folder)['license']}]({address})"


def _copyright(folder: Path) -> str:
    lines = (folder / "LICENSE").read_text(encoding="utf-8").splitlines()
    return next(line.strip() for line in lines if re.match(r"\s*Copyright (©|\()", line))


def _teacher_licence(folder: Path) -> str:
    said = re.search(r"^license: *(\S+)", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert said is not None, "the teacher's own card names its licence"
    return said[1]
