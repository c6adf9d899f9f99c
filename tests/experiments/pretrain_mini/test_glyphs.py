"""Characters as bitmaps: of the window's own typeface, and by hand."""

from pathlib import Path

import numpy as np
import pytest

from experiments.pretrain_mini.drawings import MARGIN, SIDE
from experiments.pretrain_mini.glyphs import FACES_PER_FONT, draw_glyph, faces, handwritten_digit, symbols
from tests.experiments.pretrain_mini.made_data import TYPEFACE


def test_a_character_fills_the_square_but_for_its_margin() -> None:
    drawn = draw_glyph(TYPEFACE, "H")
    assert drawn is not None
    assert drawn.shape == (3, SIDE, SIDE)
    assert drawn.dtype == np.uint8
    rows = np.flatnonzero((drawn[0] > 128).any(1))
    assert rows[0] == pytest.approx(MARGIN, abs=2)
    assert rows[-1] == pytest.approx(SIDE - MARGIN - 1, abs=2)
    bar = drawn[0] > 128
    assert bar[SIDE // 2, SIDE // 2]  # the bar of the H
    assert not bar[SIDE // 4, SIDE // 2]
    assert drawn[2][bar][0] <= drawn[2].max()


@pytest.mark.parametrize("character", ["\uf8fe", "鬱", " "])
def test_what_the_font_does_not_have_is_left_out(character: str) -> None:
    assert draw_glyph(TYPEFACE, character) is None


def test_a_family_shows_few_of_its_faces_and_no_keyboards(tmp_path: Path) -> None:
    family = tmp_path / "fonts-some"
    family.mkdir()
    for style in "abcdefghi":
        (family / f"Some-{style}.ttf").touch()
    (family / "Some_K.ttf").touch()
    (family / "some.txt").touch()
    chosen = faces(family)
    assert len(chosen) == FACES_PER_FONT
    assert chosen[0].name == "Some-a.ttf"
    assert not any(file.stem.endswith("_K") for file in chosen)
    (family / "Some-a.ttf").rename(family / "Some-z.otf")
    assert len(faces(family)) == FACES_PER_FONT


def test_a_symbol_font_shows_no_characters(tmp_path: Path) -> None:
    family = tmp_path / "fonts-symbola"
    family.mkdir()
    (family / "Symbola.ttf").touch()
    assert faces(family) == []


def test_symbols_have_their_unicode_names() -> None:
    named = dict(symbols(TYPEFACE))
    assert named["☂"] == "umbrella"
    assert named["🌵"] == "cactus"
    assert "A" not in named


def test_a_digit_by_hand_is_drawn_anew_each_time_but_repeatably() -> None:
    pixels = np.zeros((8, 8))
    pixels[1:7, 3:5] = 16  # a one
    first = handwritten_digit(pixels, np.random.default_rng(1))
    np.testing.assert_array_equal(first, handwritten_digit(pixels, np.random.default_rng(1)))
    other = handwritten_digit(pixels, np.random.default_rng(2))
    assert (first != other).any()
    for drawn in (first, other):
        ink = np.argwhere(drawn[0] > 128)
        height, width = np.ptp(ink, axis=0) + 1
        assert height > 0.8 * (SIDE - 2 * MARGIN)
        assert width < 0.7 * height
