"""The style sheet of stock widgets."""

import pytest
from PyQt6.QtGui import QColor, QPalette
from PyQt6.QtWidgets import QFrame, QLabel, QLineEdit
from pytestqt.qtbot import QtBot

from app.style import style_sheet
from app.theme import DARK, LIGHT, Theme


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_qt_understands_it_and_colours_a_field(qtbot: QtBot, theme: Theme, no_qt_warnings: list[str]) -> None:
    field = QLineEdit()
    qtbot.addWidget(field)
    field.setStyleSheet(style_sheet(theme))
    field.ensurePolished()
    assert field.palette().color(QPalette.ColorRole.Text) == QColor(theme.text1)
    assert not no_qt_warnings


def test_an_error_label_wears_the_error_colour(qtbot: QtBot) -> None:
    label = QLabel("wrong")
    qtbot.addWidget(label)
    label.setProperty("kind", "error")
    label.setStyleSheet(style_sheet(DARK))
    label.ensurePolished()
    assert label.palette().color(QPalette.ColorRole.WindowText) == QColor(DARK.error)


@pytest.mark.parametrize(("theme", "edge"), [(DARK, DARK.bg1), (LIGHT, LIGHT.line)])
def test_only_the_light_theme_outlines_its_cards(qtbot: QtBot, theme: Theme, edge: str) -> None:
    card = QFrame()
    qtbot.addWidget(card)
    card.setObjectName("card")
    card.setStyleSheet(style_sheet(theme))
    card.resize(100, 80)
    image = card.grab().toImage()
    assert QColor(image.pixel(50, 0)) == QColor(edge)
    assert QColor(image.pixel(50, 40)) == QColor(theme.bg1)
