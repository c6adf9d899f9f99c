import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QApplication, QLineEdit, QMainWindow
from pytestqt.qtbot import QtBot

from app.panels.help_overlay import HelpOverlay
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click, key

SECTIONS = [
    ("Classes", [("Ctrl+N", "type a class"), ("Ctrl+Z, Ctrl+Shift+Z", "undo, redo")]),
    ("View", [("1, 2, 3, 4", "renderings"), ("F1", "this help")]),
]


@pytest.fixture
def window(qtbot: QtBot) -> QMainWindow:
    window = QMainWindow()
    qtbot.addWidget(window)
    window.setCentralWidget(QLineEdit())
    window.resize(1000, 700)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    return window


@pytest.fixture
def overlay(window: QMainWindow) -> HelpOverlay:
    overlay = HelpOverlay(window)
    overlay.set_shortcuts(SECTIONS)
    return overlay


def test_it_opens_over_the_whole_window_and_closes_again(window: QMainWindow, overlay: HelpOverlay) -> None:
    assert overlay.isHidden()
    overlay.toggle()
    assert overlay.isVisible()
    assert overlay.geometry() == window.rect()
    overlay.toggle()
    assert overlay.isHidden()


@pytest.mark.parametrize("closing", [Qt.Key.Key_F1, Qt.Key.Key_Escape])
def test_f1_and_escape_close_it_and_give_the_keyboard_back(
    window: QMainWindow, overlay: HelpOverlay, closing: Qt.Key
) -> None:
    field = window.centralWidget()
    assert field is not None
    field.setFocus()
    overlay.toggle()
    assert overlay.hasFocus()
    key(overlay, closing)
    assert overlay.isHidden()
    assert field.hasFocus()


def test_no_shortcut_of_the_window_fires_while_it_is_open(window: QMainWindow, overlay: HelpOverlay) -> None:
    fired: list[int] = []
    shortcut = QShortcut(QKeySequence("Space"), window)
    shortcut.activated.connect(lambda: fired.append(1))
    overlay.toggle()
    key(overlay, Qt.Key.Key_Space)
    assert not fired
    key(overlay, Qt.Key.Key_Escape)
    window.setFocus()
    key(window, Qt.Key.Key_Space)
    assert fired == [1]


def test_a_click_beside_the_card_closes_it(overlay: HelpOverlay) -> None:
    overlay.toggle()
    click(overlay, overlay.card.geometry().center())
    assert overlay.isVisible()
    click(overlay, QPoint(3, 3))
    assert overlay.isHidden()


def test_it_follows_the_window(window: QMainWindow, overlay: HelpOverlay, qtbot: QtBot) -> None:
    overlay.toggle()
    window.resize(960, 640)
    qtbot.waitUntil(lambda: overlay.geometry() == window.rect())
    assert overlay.rect().contains(overlay.card.geometry())


def test_it_is_drawn_in_every_form(overlay: HelpOverlay) -> None:
    for theme in (DARK, LIGHT):
        for measures in (LARGE, SMALL):
            overlay.set_theme(theme)
            overlay.set_measures(measures)
            overlay.open()
            assert not overlay.grab().isNull()


def test_keys_are_there_for_screen_readers(overlay: HelpOverlay) -> None:
    names = [child.accessibleName() for child in overlay.findChildren(type(overlay._table))]
    assert any("Ctrl+N: type a class" in name for name in names)
