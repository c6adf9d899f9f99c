"""All pictures in one place: drawn once from sets and fonts, kept as bitmaps beside what each of them shows."""

from __future__ import annotations

import json
import multiprocessing
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rich.progress import track

from experiments.pretrain_mini.concepts import Concept, by_picture
from experiments.pretrain_mini.drawings import SIDE, Bitmap, Icon, draw_icon, icons_of
from experiments.pretrain_mini.fetch import FONTS
from experiments.pretrain_mini.frames import Pyramid
from experiments.pretrain_mini.glyphs import SYMBOL_FACES, draw_glyph, faces, handwritten_digit, symbols
from experiments.pretrain_mini.hands import (
    EMOJI,
    HELD_OUT,
    HELD_OUT_FONTS,
    ICON_SETS,
    MISLABELLED,
    UNKNOWN,
    joined_name,
)
from experiments.pretrain_mini.variations import Signed, signed_distance
from experiments.pretrain_mini.wordings import LETTERS, NUMERALS

DIGIT_WRITERS_END = 1415
"""The data set has its digits writer by writer: those from here on are never trained on."""
_VARIANTS_OF_A_DIGIT = 6
_ALIKE = 0.985
"""Coverage correlation above which a picture counts as a copy of one that is held out."""


@dataclass(frozen=True)
class Job:
    """A picture to draw."""

    concept: int
    hand: str
    name: str
    look: int
    held_out: bool
    icon: Icon | None = None
    file: Path | None = None
    character: str = ""
    pixels: tuple[float, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Pictures:
    """Drawn pictures and what they show, P of them.

    Attributes
    ----------
    pyramid : Pyramid
    signed : ndarray
        Distances to the nearest line, int8 (P, 128, 128), as `variations.signed_distance` gives them.
    concept : ndarray
        Index of the concept, int64 (P,).
    look : ndarray
        `hands.OUTLINED`, `FILLED` or `UNKNOWN`, int64 (P,).
    tinted : ndarray
        Whether the drawing has its own lightness, bool (P,).
    held_out : ndarray
        bool (P,).
    hand, name : list of str
    """

    pyramid: Pyramid
    signed: Signed
    concept: npt.NDArray[np.int64]
    look: npt.NDArray[np.int64]
    tinted: npt.NDArray[np.bool_]
    held_out: npt.NDArray[np.bool_]
    hand: list[str]
    name: list[str]


def jobs(data: Path, concepts: list[Concept]) -> list[Job]:
    """Say which pictures of the fetched sets and fonts show a concept."""
    wanted = by_picture(concepts)
    return [
        *_icon_jobs(data / "sets", wanted),
        *_symbol_jobs(data, wanted),
        *_character_jobs(data / "fonts", concepts),
        *_digit_jobs(concepts),
    ]


def build(data: Path, concepts: list[Concept], folder: Path, processes: int) -> None:
    """Draw everything into `folder`."""
    todo = jobs(data, concepts)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = np.lib.format.open_memmap(folder / "bitmaps.npy", "w+", np.uint8, (len(todo), 3, SIDE, SIDE))
    kept: list[dict[str, Any]] = []
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for job, picture in track(pool.imap(_draw, todo, chunksize=64), "pictures", len(todo)):
            if picture is None:
                continue
            drawn[len(kept)] = picture
            inked = picture[0] > 128
            tinted = bool(inked.any() and picture[1][inked].std() > 12)
            kept.append(
                {
                    "concept": job.concept,
                    "hand": job.hand,
                    "name": job.name,
                    "look": job.look,
                    "held_out": job.held_out,
                    "tinted": tinted,
                }
            )
    drawn.flush()
    _mark_copies(drawn, kept)
    _write_pyramid(drawn[: len(kept)], folder)
    (folder / "pictures.json").write_text(json.dumps(kept))


def load(folder: Path) -> Pictures:
    """Open what `build` made; the bitmaps are mapped, not read."""
    listed = json.loads((folder / "pictures.json").read_text())
    parts = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in Pyramid._fields]
    column = {key: [entry[key] for entry in listed] for key in listed[0]}
    return Pictures(
        Pyramid(*parts),
        np.load(folder / "signed.npy", mmap_mode="r"),
        np.array(column["concept"], np.int64),
        np.array(column["look"], np.int64),
        np.array(column["tinted"], np.bool_),
        np.array(column["held_out"], np.bool_),
        column["hand"],
        column["name"],
    )


def _icon_jobs(folder: Path, wanted: dict[str, int]) -> Iterator[Job]:
    for hand in ICON_SETS:
        for icon in icons_of(folder / hand, hand):
            found = [wanted[key] for name in icon.plain if (key := joined_name(_without_skin(name))) in wanted]
            named_right = (hand, icon.name) not in MISLABELLED
            if found and named_right and not re.search(r"skin-tone|-skin", icon.name):
                yield Job(found[0], hand, icon.name, icon.look, hand in HELD_OUT, icon=icon)


def _without_skin(name: str) -> str:
    return re.sub(r" (light|dark|medium)? ?skin.*", "", name)


def _symbol_jobs(data: Path, wanted: dict[str, int]) -> Iterator[Job]:
    labels = {
        e["emoji"].rstrip("\ufe0f"): e["label"].lower()
        for e in json.loads((data / "words/emojibase/en/data.json").read_text())
    }
    for file in sorted((data / "fonts").rglob("*.[to]tf")):
        if not file.name.startswith(SYMBOL_FACES):
            continue
        for character, name in symbols(file):
            for called in (name, labels.get(character, name)):
                concept = wanted.get(joined_name(called))
                if concept is not None:
                    yield Job(
                        concept, file.stem, f"U+{ord(character):04X}", UNKNOWN, False, file=file, character=character
                    )
                    break


def _character_jobs(fonts: Path, concepts: list[Concept]) -> Iterator[Job]:
    place = {concept.name: index for index, concept in enumerate(concepts)}
    named = [(str(value), f"digit {word}") for value, word in enumerate(NUMERALS)]
    named += [(letter.upper(), f"letter {letter}") for letter in LETTERS]
    for family in (fonts / package for package in sorted(FONTS)):
        held_out = any(word in family.name for word in HELD_OUT_FONTS)
        for file in faces(family):
            for character, name in named:
                yield Job(
                    place[name],
                    f"font {family.name}",
                    f"{file.stem} {character}",
                    UNKNOWN,
                    held_out,
                    file=file,
                    character=character,
                )


def _digit_jobs(concepts: list[Concept]) -> Iterator[Job]:
    from sklearn.datasets import load_digits

    place = {concept.name: index for index, concept in enumerate(concepts)}
    digits = load_digits()
    for index, (pixels, value) in enumerate(zip(digits.data, digits.target, strict=True)):
        held_out = index >= DIGIT_WRITERS_END
        for variant in range(1 if held_out else _VARIANTS_OF_A_DIGIT):
            name = f"digit {NUMERALS[value]}"
            yield Job(
                place[name],
                "handwriting",
                str(index),
                UNKNOWN,
                held_out,
                pixels=tuple(pixels),
                seed=index * 100 + variant,
            )


def _draw(job: Job) -> tuple[Job, Bitmap | None]:
    try:
        if job.icon is not None:
            return job, draw_icon(job.icon)
        if job.file is not None:
            return job, draw_glyph(job.file, job.character)
    except (OSError, ValueError):  # a picture or font that its own library refuses
        return job, None
    rng = np.random.default_rng(job.seed)
    return job, handwritten_digit(np.array(job.pixels).reshape(8, 8), rng)


def _thumbs(drawn: npt.NDArray[np.uint8], indices: Iterable[int]) -> npt.NDArray[np.float32]:
    thumbs = np.stack([drawn[i, 0].reshape(16, 8, 16, 8).mean((1, 3)).ravel() for i in indices]).astype(np.float32)
    thumbs -= thumbs.mean(1, keepdims=True)
    thumbs /= np.linalg.norm(thumbs, axis=1, keepdims=True) + 1e-6
    return thumbs


def _mark_copies(drawn: npt.NDArray[np.uint8], kept: list[dict[str, Any]]) -> None:
    """Hold out what looks the same as a held-out icon of the same concept: sets copy each other's shapes."""
    groups: dict[int, tuple[list[int], list[int]]] = {}
    for index, entry in enumerate(kept):
        if entry["hand"] in HELD_OUT:
            groups.setdefault(entry["concept"], ([], []))[0].append(index)
        elif not entry["held_out"] and entry["hand"] in ICON_SETS and entry["hand"] not in EMOJI:
            groups.setdefault(entry["concept"], ([], []))[1].append(index)
    copies: Counter[str] = Counter()
    for hidden, shown in groups.values():
        if not hidden or not shown:
            continue
        alike = (_thumbs(drawn, shown) @ _thumbs(drawn, hidden).T).max(1) > _ALIKE
        for index, is_copy in zip(shown, alike, strict=True):
            if is_copy:
                kept[index]["held_out"] = True
                copies[kept[index]["hand"]] += 1
    print("copies of held-out icons, not trained on:", dict(copies.most_common(12)))


def halved(planes: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Give bitmaps (N, C, S, S) at half their size."""
    n, c, side, _ = planes.shape
    halved = planes.reshape(n, c, side // 2, 2, side // 2, 2).mean((3, 5))
    return np.asarray(halved.round(), np.uint8)


def _write_pyramid(drawn: npt.NDArray[np.uint8], folder: Path) -> None:
    shapes = {
        "large": (2, SIDE, SIDE),
        "middle": (2, SIDE // 2, SIDE // 2),
        "small": (2, SIDE // 4, SIDE // 4),
        "distance": (SIDE // 4, SIDE // 4),
    }
    files = {
        name: np.lib.format.open_memmap(folder / f"{name}.npy", "w+", np.uint8, (len(drawn), *shape))
        for name, shape in shapes.items()
    }
    signed = np.lib.format.open_memmap(folder / "signed.npy", "w+", np.int8, (len(drawn), SIDE, SIDE))
    for start in range(0, len(drawn), 1000):
        some = slice(start, start + 1000)
        signed[some] = [signed_distance(planes) for planes in drawn[some, :2]]
        large = np.asarray(drawn[some, :2])
        middle = halved(large)
        files["large"][some], files["middle"][some], files["small"][some] = large, middle, halved(middle)
        distance = np.asarray(drawn[some, 2])
        files["distance"][some] = distance.reshape(len(large), SIDE // 4, 4, SIDE // 4, 4).min((2, 4))
    (folder / "bitmaps.npy").unlink()
