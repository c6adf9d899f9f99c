import pytest
from PyQt6.QtGui import QColor

from app.contrast import ROW_TEXT_CONTRAST, TEXT_CONTRAST, contrast, mixed, readable, row_fill
from app.theme import DARK, LIGHT, Theme


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast(QColor("black"), QColor("white")) == pytest.approx(21)
    assert contrast(QColor("#777777"), QColor("#777777")) == pytest.approx(1)


def test_mixing_goes_from_the_base_to_the_other_colour() -> None:
    base, over = QColor("#102030"), QColor("#F0E0D0")
    assert mixed(base, over, 0).name() == base.name()
    assert mixed(base, over, 1).name() == over.name()
    assert mixed(base, over, 0.5).name() == "#808080"


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("number", range(10))
@pytest.mark.parametrize("winner", [False, True])
@pytest.mark.parametrize("surface", ["bg2", "bg3"])
def test_text_keeps_its_contrast_on_the_fill_of_every_class(
    theme: Theme, number: int, winner: bool, surface: str
) -> None:
    fill = row_fill(theme, number, winner, surface)
    assert contrast(theme.colour("text1"), fill) >= ROW_TEXT_CONTRAST
    assert fill.name() != theme.colour(surface).name(), "the bar can be seen"


def test_a_fill_is_reduced_only_where_text_needs_it() -> None:
    assert row_fill(DARK, 3, True).name() != mixed(DARK.colour("bg2"), DARK.class_colour(3), 0.42).name()
    assert row_fill(DARK, 2, True).name() == mixed(DARK.colour("bg2"), DARK.class_colour(2), 0.42).name()


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("number", range(9))
def test_quiet_text_gives_way_to_text1_where_it_would_be_too_faint(theme: Theme, number: int) -> None:
    fill = row_fill(theme, number, True)
    assert contrast(readable(theme, "text2", fill), fill) >= TEXT_CONTRAST
