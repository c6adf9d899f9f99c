"""Characters as bitmaps: numerals and letters of many fonts, symbols of symbol fonts, handwritten digits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from scipy import ndimage

from experiments.pretrain_mini.drawings import SIDE, Bitmap, bitmap, finished

FACES_PER_FONT = 4
SYMBOL_FACES = (
    "Symbola",
    "DejaVuSans.",
    "NotoSansSymbols2",
    "NotoSansSymbols-R",
    "FreeSerif.",
    "FreeSans.",
    "FreeMono.",
)
_KEYBOARDS = ("_K", "Keyboard")
"""Ends of the names of faces that draw a key around each character."""
_NOT_LATIN = ("rit-sundar", "jsmath", "ebgaramond", "mathjax", "symbola", "lato", "comfortaa")
_DRAWN_AT = 220
_BLANK = "\uf8ff"


def faces(folder: Path) -> list[Path]:
    """Give the font files of one family, a few of different styles."""
    if any(word in folder.name for word in _NOT_LATIN):
        return []
    files = sorted(file for ending in ("*.ttf", "*.otf") for file in folder.rglob(ending))
    files = [file for file in files if not file.stem.endswith(_KEYBOARDS)]
    if len(files) > 40:  # the great Noto family: its Latin faces
        files = [
            file for file in files if file.stem.split("-")[0] in ("NotoSans", "NotoSerif", "NotoSansMono", "mplus")
        ] or files
    step = max(1, len(files) // FACES_PER_FONT)
    return files[::step][:FACES_PER_FONT]


@cache
def _font(file: Path) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(file, _DRAWN_AT)


@cache
def _missing(file: Path) -> bytes:
    return bytes(_font(file).getmask(_BLANK)) if _font(file).getbbox(_BLANK)[2] else b""


def draw_glyph(file: Path, character: str) -> Bitmap | None:
    """Draw one character; nothing when the font has none."""
    font = _font(file)
    left, top, right, bottom = font.getbbox(character)
    if right - left < 8 or bottom - top < 20 or bytes(font.getmask(character)) == _missing(file):
        return None
    mask = Image.new("L", (int(right - left) + 20, int(bottom - top) + 20))
    ImageDraw.Draw(mask).text((10 - left, 10 - top), character, fill=255, font=font)
    drawn = np.zeros((*np.asarray(mask).shape, 4), np.uint8)
    drawn[..., 3] = np.asarray(mask)
    return bitmap(drawn)


def symbols(file: Path) -> Iterator[tuple[str, str]]:
    """Give the symbols that a font may have: character and its Unicode name in lower case."""
    for start, end in ((0x2190, 0x2C00), (0x1F000, 0x1FB00)):
        for code in range(start, end):
            name = unicodedata.name(chr(code), "")
            if name:
                yield chr(code), name.lower()


def handwritten_digit(pixels: npt.NDArray[np.float64], rng: np.random.Generator) -> Bitmap:
    """Draw a digit of 8x8 grey pixels (0 to 16) large, its stroke thicker or thinner and bent at random."""
    large = ndimage.zoom(np.pad(pixels, 2) / 16, SIDE / 12, order=3)
    bend = rng.normal(0, 1, (2, SIDE, SIDE))
    bend = np.stack([ndimage.gaussian_filter(part, 14) for part in bend])
    bend *= rng.uniform(0, 5) / max(float(np.abs(bend).max()), 1e-6)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    large = ndimage.map_coordinates(large, [y + bend[0], x + bend[1]], order=1)
    edge = rng.uniform(0.30, 0.58)
    ink = ((large - edge) * rng.uniform(5, 9) + 0.5).clip(0, 1)
    drawn = np.zeros((SIDE, SIDE, 4), np.uint8)
    drawn[..., 3] = (ink * 255).astype(np.uint8)
    cut = bitmap(drawn)
    return cut if cut is not None else finished(drawn[..., 3], np.zeros((SIDE, SIDE), np.uint8))
