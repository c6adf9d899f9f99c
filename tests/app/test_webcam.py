"""The dialog for a webcam's number."""

from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.panels.webcam import WebcamDialog
from app.theme import DARK
from tests.app.user_input import key, type_text


def opened(qtbot: QtBot) -> WebcamDialog:
    made = WebcamDialog(theme=DARK)
    qtbot.addWidget(made)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    return made


def test_a_number_is_given_and_closes(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.field.set_value(2)
    with qtbot.waitSignal(dialog.number_given) as said:
        dialog.submit()
    assert said.args == [2]
    assert not dialog.isVisible()


def test_a_typed_number_and_enter_open_it(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    dialog.field.box.selectAll()
    type_text(dialog.field.box, "3")
    with qtbot.waitSignal(dialog.number_given) as said:
        key(dialog.field.box, Qt.Key.Key_Return)
    assert said.args == [3]


def test_esc_gives_nothing(qtbot: QtBot) -> None:
    dialog = opened(qtbot)
    with qtbot.assertNotEmitted(dialog.number_given):
        key(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
