"""The model card: what the model knows, how well, and whose pictures and words it learnt from.

`python -m experiments.pretrain_mini.card FIGURES.json --data FOLDER` writes it into the model's folder, with the log of
the training and its curve; the figures are those of `experiments.evaluate_mini --output FIGURES.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.pretrain_mini import attributions
from experiments.pretrain_mini.concepts import NOTHING, Concept, read_concepts
from experiments.pretrain_mini.curve import LogError, draw, merged
from experiments.pretrain_mini.font_licences import LicenceError
from experiments.pretrain_mini.hands import (
    HELD_OUT,
    HELD_OUT_CONCEPTS,
    HELD_OUT_FONTS,
    ICON_SETS,
    MISLABELLED,
)

MODEL = Path(__file__).parents[2] / "models" / "neuroclip-mini"

_HEAD = """# neuroclip-mini

A small CLIP that reads event frames: an image tower (timm `cs3darknet_focus_s`, 96 px) and a text tower (four layers,
384 wide, 8,192 WordPieces, 32 tokens), trained from nothing on simulated events of icons, emoji, letters and digits.
It opens in open_clip as `local-dir:` with this folder, and is what the application uses where no real CLIP is here.

It knows {known:,} things that can be drawn, by their outlines, and tells them from nothing but noise. `concepts.txt`
names them{words_only}: a name a line, then its synonyms.

It does not know faces of particular people, scenes, textures or colours; of photographs it knows nothing. What lies
outside its world gets a wrong name from it, which the row "something else" is there for. What few of the sets draw
it knows less well than what most of them draw: the rows by how many hands draw a concept say how much.

## Figures

One window of 300 ms, ten event frames of 30 ms, zero-shot; pictures, fonts, writers and {hidden} concepts of these rows
were never trained on, and the unseen prompts are in no caption. Events by the application's own simulator, which is not
the generator that training used.
`uv run --group pretrain python -m experiments.evaluate_mini --pictures FOLDER --share 0.6`, on two processor cores.

"""

_ELSE = """
The row "something else", ten rows typed: area under the ROC curve, a typed thing shown against one that nobody typed:
{areas}.

The held-out hands were looked at while the training was developed: `hands.MISLABELLED` takes {mislabelled} pictures out
of them, because they do not show what they are called, found by looking at errors. The {hidden} concepts never seen
were never shown to the image tower, and are in none of its captions; the text tower knows their words.
"""

_TRIED = """
## Not reached, and what was tried

{tried}
"""

_MADE = """
## How it was made

![Loss and accuracy over the event frames seen](training.png)

`uv run --group pretrain python -m experiments.pretrain_mini`. The text tower was distilled from all-MiniLM-L6-v2, on
words of WordNet, of emojibase and of the Unicode CLDR; then it learnt to find a noun by its definition in WordNet. The
image tower saw {frames:,} event frames{sittings}, each made for that one look, against the texts of all concepts that
are not held out: 64 px wide at first, then 96 (at the line; the numbers are in `training.jsonl`). Pictures are bent,
slanted, drawn bolder, thinner, by their lines alone or in other shades, since few hands drew most of them. Filters
learn by Muon, all else by AdamW; the rate is constant and falls to nothing over the last 30 % of the frames. A warm
restart from finished weights (`--warm`) begins at 0.6 of that rate and falls all the way.

Seeds are fixed. The bytes of the weights still depend on the number of processes, each of which draws its own part of a
batch, and on whether the processor computes in bf16: another machine makes a model of the same kind, not the same file.

The weights (27 MB) and what they make of the concepts for "something else" (`concept_features.safetensors`, 1.1 MB) are
its only large files. The second follows from the first, without training:
`uv run python -m experiments.pretrain_mini.concept_features models/neuroclip-mini`.

Held out whole: the sets {sets}; the font families {fonts}; the last writers of the UCI digits.
A picture of another set that looks the same as a held-out icon of its concept is not trained on either.

## Whose pictures and words it learnt from

Fetched for training, not part of this project. With thanks to their authors.

Sets of icons and emoji that it learnt from:

"""

_MEASURED_SETS = """
Sets of icons and emoji that it was only measured on:

"""

_FONTS = """
Fonts whose characters and symbols it learnt from, from packages of Debian (`fonts-` and the name):

"""

_MEASURED_FONTS = """
Fonts that it was only measured on:

"""

_DIGITS = """
Handwritten digits: Optical Recognition of Handwritten Digits, E. Alpaydin and C. Kaynak, UCI Machine Learning
Repository ([CC BY 4.0](https://creativecommons.org/licenses/by/4.0/)), as scikit-learn carries them; learnt from all
writers but the last.

Words, and what they mean:

"""


class CardError(Exception):
    """The card cannot be written: says what is missing, where, and what to do."""


@dataclass(frozen=True)
class World:
    """What the model was taught: how many things by pictures, how many by their words alone."""

    drawn: int
    words_only: int


def world(concepts: Sequence[Concept], pictures: Path) -> World:
    """Count the concepts that are trained on, by the pictures that are.

    Parameters
    ----------
    concepts : sequence of Concept
    pictures : Path
        The folder that `pictures.build` made.
    """
    listed = json.loads((pictures / "pictures.json").read_text(encoding="utf-8"))
    seen = {entry["concept"] for entry in listed if not entry["held_out"]}
    taught = [place for place, c in enumerate(concepts) if not c.held_out and c.name != NOTHING]
    drawn = sum(place in seen for place in taught)
    return World(drawn, len(taught) - drawn)


def write_card(
    folder: Path,
    data: Path,
    known: World,
    figures: dict[str, Any],
    reports: Sequence[dict[str, Any]],
    tried: str = "",
) -> None:
    """Write `README.md` into the model's folder.

    Parameters
    ----------
    folder, data : Path
        The model's folder, and where the sets were fetched to.
    known : World
    figures : dict
        What `experiments.evaluate_mini --output` writes: "rows" (name, share, low, high, n, bar) and "something else"
        (areas under the ROC curve by row).
    reports : sequence of dict
        The log of the training, as `curve.merged` gives it.
    tried : str
        What was not reached, and what was tried, in Markdown.

    Raises
    ------
    LicenceError
        A font does not say whose it is.
    """
    only = f" (and {known.words_only} more of which there was no picture to learn from)" if known.words_only else ""
    sittings = reports[-1].get("sitting", 1)
    areas = ", ".join(f"{area:.3f} ({hand})" for hand, area in figures["something else"].items())
    parts = [
        _HEAD.format(known=known.drawn, words_only=only, hidden=HELD_OUT_CONCEPTS),
        attributions.table(("held out", "right", "95 % interval", "windows", "aim"), map(_row, figures["rows"])),
        _ELSE.format(areas=areas, mislabelled=len(MISLABELLED), hidden=HELD_OUT_CONCEPTS),
        _TRIED.format(tried=tried.strip()) if tried.strip() else "",
        _MADE.format(
            frames=reports[-1]["frames"],
            sittings=f" in {sittings} sittings" if sittings > 1 else "",
            sets=_listed(HELD_OUT),
            fonts=_listed(HELD_OUT_FONTS),
        ),
        attributions.picture_sets(data, [hand for hand in ICON_SETS if hand not in HELD_OUT]),
        _MEASURED_SETS,
        attributions.picture_sets(data, [hand for hand in ICON_SETS if hand in HELD_OUT]),
        _FONTS,
        attributions.fonts(data, held_out=False),
        _MEASURED_FONTS,
        attributions.fonts(data, held_out=True),
        _DIGITS,
        attributions.words(data),
    ]
    (folder / "README.md").write_text("".join(parts), encoding="utf-8")


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    aim = f"{row['bar']:.0%}" if row["bar"] is not None else "–"
    return row["name"], f"{row['share']:.1%}", f"{row['low']:.1%} to {row['high']:.1%}", str(row["n"]), aim


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names))


def read_figures(file: Path) -> dict[str, Any]:
    """Read what `experiments.evaluate_mini --output` wrote.

    Raises
    ------
    CardError
        It is not there, or is something else.
    """
    again = "write it with `python -m experiments.evaluate_mini --output`."
    try:
        figures = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CardError(f"The figures in {file} cannot be read ({error.strerror}): {again}") from error
    except ValueError as error:
        raise CardError(f"{file} is not a JSON file: {again}") from error
    if not isinstance(figures, dict) or not {"rows", "something else"} <= set(figures):
        raise CardError(f"{file} holds no rows of figures: {again}")
    return figures


def write(options: argparse.Namespace) -> None:
    """Write card, log and curve into the model's folder.

    Raises
    ------
    CardError, LogError, LicenceError
        Something that the card tells of is missing.
    """
    folder: Path = options.model
    if not folder.is_dir():
        raise CardError(f"There is no model folder {folder}: export the model first.")
    figures = read_figures(options.figures)
    reports = merged(options.log or [folder / "training.jsonl"])
    pictures = options.pictures or options.data / "run" / "pictures"
    try:
        tried = options.tried.read_text(encoding="utf-8") if options.tried is not None else ""
        write_card(folder, options.data, world(read_concepts(), pictures), figures, reports, tried)
    except FileNotFoundError as error:
        raise CardError(f"{error.filename} is not there: name the folders with --data and --pictures.") from error
    log = folder / "training.jsonl"
    log.write_text("".join(json.dumps(report) + "\n" for report in reports), encoding="utf-8")
    draw(log, folder / "training.png")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line and write the card; give the exit status."""
    parser = argparse.ArgumentParser(prog="python -m experiments.pretrain_mini.card", description=__doc__)
    parser.add_argument("figures", type=Path, metavar="FIGURES.json")
    parser.add_argument("--data", type=Path, required=True, help="the folder of what was fetched")
    parser.add_argument("--pictures", type=Path, help="the folder of pictures that the training made; default DATA/run")
    parser.add_argument("--model", type=Path, default=MODEL, help="the folder to write into")
    parser.add_argument("--log", type=Path, nargs="+", help="image_log.jsonl of each sitting, the earliest first")
    parser.add_argument("--tried", type=Path, help="a Markdown file: what was not reached, and what was tried")
    options = parser.parse_args(arguments)
    try:
        write(options)
    except (CardError, LogError, LicenceError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"written: {options.model}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
