from hypothesis import given, settings
from hypothesis import strategies as st
from PyQt6.QtGui import QFontMetricsF

from app.panels.fitting import LINE_HEIGHT, fit_text, is_rtl
from app.theme import LARGE

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


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.sampled_from("ab  ﺏשת漢字🚲👩‍🚀e\u0301-="), max_size=120))
def test_whatever_is_typed_fits(text: str) -> None:
    fitted = fit_text(text, LARGE.hero_sizes, WIDTH, HEIGHT)
    assert len(fitted.lines) <= 2
    assert len(fitted.lines) * fitted.pixels * LINE_HEIGHT <= HEIGHT
    metrics = QFontMetricsF(fitted.font)
    assert all(metrics.horizontalAdvance(line) <= WIDTH + 1 for line in fitted.lines)
