"""The dialog for a webcam: by its name, or by its number where none is known."""

from collections.abc import Sequence

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.panels.menu import Menu
from app.panels.webcam import WebcamDialog
from app.theme import DARK
from tests.app.user_input import click, key, type_text

FRONT, BACK = (0, "Integrated Camera", "/dev/video0"), (1, "", "/dev/video2")


def opened(qtbot: QtBot, webcams: Sequence[tuple[int, str, str]] = ()) -> WebcamDialog:
    made = WebcamDialog(None, webcams, DARK)
    qtbot.addWidget(made)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    return made


def test_a_number_is_given_and_closes(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    assert dialog.field is not None
    dialog.field.set_value(2)
    with qtbot.waitSignal(dialog.given) as said:
        dialog.submit()
    assert said.args == [2, ""]
    assert not dialog.isVisible()


def test_a_typed_number_and_enter_open_it(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    assert dialog.field is not None
    dialog.field.box.selectAll()
    type_text(dialog.field.box, "3")
    with qtbot.waitSignal(dialog.given) as said:
        key(dialog.field.box, Qt.Key.Key_Return)
    assert said.args == [3, ""]


def test_esc_gives_nothing(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    with qtbot.assertNotEmitted(dialog.given):
        key(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()


def test_the_first_webcam_is_offered_by_its_name(qtbot: QtBot) -> None:
    dialog = opened(qtbot, (FRONT, BACK))
    assert dialog.field is None
    assert dialog.choice is not None
    assert dialog.choice.text() == "Integrated Camera"
    with qtbot.waitSignal(dialog.given) as said:
        dialog.submit()
    assert said.args == [0, "Integrated Camera"]


@pytest.mark.parametrize("webcam", [BACK, (1, "Back", "/dev/video2")])
def test_another_is_chosen_from_the_menu(webcam: tuple[int, str, str], qtbot: QtBot) -> None:
    dialog = opened(qtbot, (FRONT, webcam))
    assert dialog.choice is not None
    click(dialog.choice)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, Menu)
    shown = webcam[1] or "Webcam 1"
    action = next(action for action in menu.actions() if action.text() == f"{shown}\t/dev/video2")
    click(menu, menu.actionGeometry(action).center())
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
    assert dialog.choice.text() == shown
    with qtbot.waitSignal(dialog.given) as said:
        dialog.submit()
    assert said.args == list(webcam[:2])
