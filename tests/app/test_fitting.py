from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtCore import QPointF, Qt
from PyQt6.QtGui import QFontMetricsF, QImage, QPainter

from app.panels.fitting import LINE_HEIGHT, draw_line, fit_text, is_rtl
from app.theme import LARGE, font

WIDTH, HEIGHT = 384, 112


def fit(text: str) -> tuple[int, tuple[str, ...]]:
    fitted = fit_text(text, LARGE.hero_sizes, WIDTH, HEIGHT, tracking=-2.2)
    return fitted.pixels, fitted.lines


def test_the_biggest_size_that_fits_is_taken() -> None:
    assert fit("a person") == (72, ("a person",))
    assert fit("a cup of coffee") == (56, ("a cup of coffee",))
    assert fit("a cup of black coffee") == (56, ("a cup of black", "coffee"))


def test_at_the_smallest_size_the_end_is_elided() -> None:
    pixels, lines = fit("a very long prompt that says what a person does in front of the camera")
    assert pixels == 40
    assert len(lines) == 2
    assert lines[1].endswith("…")


def test_a_word_without_end_is_broken() -> None:
    pixels, lines = fit("Donaudampfschifffahrtsgesellschaftskapitän" * 2)
    assert pixels == 40
    assert lines[0].startswith("Donau")
    assert lines[1].endswith("…")


def test_direction_is_that_of_the_first_strong_character() -> None:
    assert is_rtl("مظلة حمراء")
    assert is_rtl("123 כוס קפה")
    assert not is_rtl("☕ a cup مظلة")
    assert not is_rtl("")
    assert fit_text("كوب", LARGE.hero_sizes, WIDTH, HEIGHT).rtl


@pytest.mark.parametrize("text", ["a cup", "cup 杯子", "杯子", "कप", "مظلة", "x🚲"])
@pytest.mark.parametrize("pixels", [15, 72])
@pytest.mark.usefixtures("qapp")
def test_a_line_stands_on_its_baseline_whatever_font_its_letters_come_from(text: str, pixels: int) -> None:
    """As Qt's own way of drawing at a baseline has it, which lays the text out each time."""
    face, rtl = font(pixels, 650, tabular=False), is_rtl(text)

    def rows(draw: Callable[[QPainter], None]) -> list[int]:
        picture = QImage(600, 160, QImage.Format.Format_Grayscale8)
        picture.fill(0)
        painter = QPainter(picture)
        painter.setPen(Qt.GlobalColor.white)
        draw(painter)
        painter.end()
        bits = picture.constBits()
        assert bits is not None
        ink = np.frombuffer(bytes(bits.asarray(picture.sizeInBytes())), np.uint8).reshape(160, -1)
        return [int(row) for row in np.flatnonzero(ink.max(axis=1) > 100)]

    def plainly(painter: QPainter) -> None:
        painter.setFont(face)
        painter.drawText(QPointF(10, 100), text)

    drawn = rows(lambda painter: draw_line(painter, face, text, 10, 590, 100, rtl=rtl, at_right=False))
    expected = rows(plainly)
    assert expected
    assert (abs(drawn[0] - expected[0]), abs(drawn[-1] - expected[-1])) <= (1, 1)


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab  ﺏשת漢字🚲👩‍🚀e\u0301-="), max_size=120))
def test_whatever_is_typed_fits(text: str) -> None:
    fitted = fit_text(text, LARGE.hero_sizes, WIDTH, HEIGHT)
    assert len(fitted.lines) <= 2
    assert len(fitted.lines) * fitted.pixels * LINE_HEIGHT <= HEIGHT
    metrics = QFontMetricsF(fitted.font)
    assert all(metrics.horizontalAdvance(line) <= WIDTH + 1 for line in fitted.lines)
