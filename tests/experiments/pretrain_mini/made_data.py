"""A folder as `fetch` leaves it, with a few words and pictures of its own making."""

import json
import shutil
from pathlib import Path

from experiments.pretrain_mini.fetch import FONTS
from experiments.pretrain_mini.hands import ICON_SETS
from pipeline.bundled import ROOT

TYPEFACE = ROOT / "app" / "fonts" / "InterVariable.ttf"
NOUNS = (
    '00000010 06 n 01 anvil 0 000 | a heavy block of iron on which metals are shaped; "his anvil"',
    "00000020 06 n 02 umbrella 0 brolly 0 000 | a lightweight handheld collapsible canopy",
    "00000030 15 n 01 Paris 0 000 | the capital and largest city of France",
    "00000040 12 n 01 mood 0 000 | a characteristic state of feeling",
)
_PRINCETON = "WordNet 3.0 Copyright 2006 by Princeton University.  All rights reserved."
_OPEN_FONT = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2011 {name}'s maker <maker@example.org>
License: OFL-1.1

Files: debian/*
Copyright: 2015 A. Packager
License: GPL-2+
"""


def make_words(folder: Path) -> Path:
    """Make `wordnet`, `cldr` and `emojibase` in this folder."""
    wordnet = folder / "wordnet"
    wordnet.mkdir(parents=True)
    lines = [f"  1 {_PRINCETON}", *NOUNS]
    (wordnet / "data.noun").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (wordnet / "cntlist.rev").write_text("anvil%1:06:00:: 1 50\numbrella%2:41:00:: 1 90\n", encoding="utf-8")
    said = {
        "☂": {"default": ["rain", "clothing"], "tts": ["umbrella"]},
        "👋🏻": {"default": ["hand"], "tts": ["waving hand: light skin tone"]},
    }
    _write(folder / "cldr/annotations/en/annotations.json", {"annotations": {"annotations": said}})
    _write(folder / "cldr/package.json", {"version": "48.2.0", "license": "Unicode-3.0"})
    _text(folder / "cldr/LICENSE", "UNICODE LICENSE V3\n\nCopyright © 2004-2026 Unicode, Inc.\n")
    emoji = [{"emoji": "☂\ufe0f", "label": "Umbrella", "tags": ["Rain", "weather"]}]
    _write(folder / "emojibase/en/data.json", emoji)
    _write(folder / "emojibase/package.json", {"version": "17.0.0", "license": "MIT"})
    _text(folder / "emojibase/LICENSE", "MIT License\n\nCopyright (c) 2017-2019 Miles Johnson\n")
    return folder


def make_set(folder: Path, icons: list[str], aliases: dict[str, str] | None = None) -> None:
    """Make an icon set in which every icon is the same disc."""
    body = '<circle cx="12" cy="12" r="9" fill="currentColor"/>'
    described = {
        "width": 24,
        "height": 24,
        "icons": {name: {"body": body} for name in icons},
        "aliases": {name: {"parent": parent} for name, parent in (aliases or {}).items()},
    }
    _write(folder / "icons.json", described)


def make_font(folder: Path) -> None:
    """Put the window's own typeface where a font package has its files."""
    place = folder / "usr/share/fonts"
    place.mkdir(parents=True)
    shutil.copy(TYPEFACE, place / f"{folder.name}.ttf")


def make_data(folder: Path) -> Path:
    """Make what the model card reads: about each set, each font, the words and the teacher."""
    for hand in ICON_SETS:
        licence = {"title": "MIT", "spdx": "MIT", "url": "https://example.org/licence"}
        author = {"name": f"Painter of {hand}", "url": f"https://example.org/{hand}"}
        _write(folder / "sets" / hand / "info.json", {"name": f"Set {hand}", "author": author, "license": licence})
    for font in FONTS:
        _text(folder / "fonts" / font / "usr/share/doc" / font / "copyright", _OPEN_FONT.format(name=font))
    make_words(folder / "words")
    _text(folder / "teacher/README.md", "---\nlanguage: en\nlicense: apache-2.0\n---\n")
    return folder


def _text(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def _write(file: Path, described: object) -> None:
    _text(file, json.dumps(described))
