"""Painted buttons, and how they share the keyboard with the window."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QColor, QKeySequence, QShortcut
from PyQt6.QtWidgets import QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.panels.buttons import FaceButton
from app.panels.focus import RING_ROOM
from app.panels.segmented import Segmented
from app.theme import DARK
from tests.app.user_input import click, key


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    column = QVBoxLayout(made)
    column.addWidget(FaceButton("Zoom in", "filled", icon="plus"))
    column.addWidget(Segmented([("a", "One"), ("b", "Two")]))
    with qtbot.waitExposed(made):
        made.show()
    made.activateWindow()
    qtbot.waitUntil(made.isActiveWindow)
    made.setFocus()  # not the first button, which a new window gives the focus
    return made


@pytest.fixture
def button(window: QWidget) -> FaceButton:
    made = window.findChild(FaceButton)
    assert made is not None
    return made


@pytest.fixture
def control(window: QWidget) -> Segmented:
    made = window.findChild(Segmented)
    assert made is not None
    return made


def count(window: QWidget, sequence: str) -> list[str]:
    """How often a shortcut of the window was used."""
    used: list[str] = []
    QShortcut(QKeySequence(sequence), window).activated.connect(lambda: used.append(sequence))
    return used


def clicks(button: FaceButton) -> list[bool]:
    heard: list[bool] = []
    button.clicked.connect(heard.append)
    return heard


def test_space_means_the_button_that_tab_has_reached(window: QWidget, button: FaceButton) -> None:
    shortcut, heard = count(window, "Space"), clicks(button)
    button.setFocus(Qt.FocusReason.TabFocusReason)
    key(button, Qt.Key.Key_Space)
    assert len(heard) == 1
    assert shortcut == []


def test_after_a_click_space_is_still_the_windows(window: QWidget, button: FaceButton) -> None:
    shortcut, heard = count(window, "Space"), clicks(button)
    click(button)
    assert not button.hasFocus()
    key(window, Qt.Key.Key_Space)
    assert len(heard) == 1
    assert shortcut == ["Space"]


def test_arrows_mean_the_segments_only_while_they_have_the_ring(window: QWidget, control: Segmented) -> None:
    shortcut = count(window, "Right")
    click(control, control.segment("a").center().toPoint())
    key(window, Qt.Key.Key_Right)
    assert (control.current, shortcut) == ("a", ["Right"])
    control.setFocus(Qt.FocusReason.TabFocusReason)
    key(control, Qt.Key.Key_Right)
    assert (control.current, shortcut) == ("b", ["Right"])


def test_commands_stay_the_windows(window: QWidget, button: FaceButton) -> None:
    shortcut = count(window, "Ctrl+Space")
    button.setFocus(Qt.FocusReason.TabFocusReason)
    key(button, Qt.Key.Key_Space, Qt.KeyboardModifier.ControlModifier)
    assert shortcut == ["Ctrl+Space"]


def test_tab_goes_from_one_to_the_next(window: QWidget, button: FaceButton, control: Segmented) -> None:
    button.setFocus(Qt.FocusReason.TabFocusReason)
    key(button, Qt.Key.Key_Tab)
    assert control.hasFocus()


def test_the_ring_is_two_px_wide_and_two_px_off(button: FaceButton) -> None:
    button.set_theme(DARK)
    button.setFocus(Qt.FocusReason.TabFocusReason)
    image = button.grab().toImage()
    face = button.face()
    row = round(face.center().y())
    left = round(face.left())
    assert left >= RING_ROOM
    ring = [image.pixelColor(left - offset, row) == QColor(DARK.focus) for offset in (4, 3, 2, 1)]
    assert ring == [True, True, False, False]


def test_a_new_window_shows_no_ring(qtbot: QtBot) -> None:
    button = FaceButton("Zoom in", icon="plus")
    qtbot.addWidget(button)
    button.set_theme(DARK)
    with qtbot.waitExposed(button):
        button.show()
    button.activateWindow()
    qtbot.waitUntil(button.isActiveWindow)
    image = button.grab().toImage()
    assert all(image.pixelColor(column, button.height() // 2) != QColor(DARK.focus) for column in range(RING_ROOM))


def test_a_button_that_cannot_be_used_ignores_clicks_and_looks_so(button: FaceButton) -> None:
    heard = clicks(button)
    button.setEnabled(False)
    click(button)
    assert heard == []
    assert button.text_colour() == QColor(DARK.text3)


def test_a_button_without_text_says_its_name_as_a_tool_tip() -> None:
    assert FaceButton("Settings", icon="gear-six").toolTip() == "Settings"
    assert FaceButton("Record", text="Record").toolTip() == ""


def test_reserved_room_keeps_the_width(button: FaceButton) -> None:
    button.set_look(widest="0.25×")
    button.set_content(text="1×")
    narrow = button.sizeHint()
    button.set_content(text="0.25×")
    assert button.sizeHint() == narrow
