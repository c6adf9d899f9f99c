"""The dialog for a network address."""

import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.panels.connect import ConnectDialog, address_error
from app.theme import DARK
from tests.app.user_input import key, type_text


@pytest.fixture
def dialog(qtbot: QtBot) -> ConnectDialog:
    made = ConnectDialog(theme=DARK)
    qtbot.addWidget(made)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    return made


@pytest.mark.parametrize("address", ["localhost:7777", " 192.168.1.20:1 ", "[::1]:65535", "unix:/tmp/events.sock"])
def test_addresses(address: str) -> None:
    assert address_error(address) is None


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("", "Type an address"),
        ("localhost", "The port is missing"),
        ("localhost:", "not “”"),
        ("localhost:99999", "not “99999”"),
        ("localhost:0", "from 1 to 65535"),
        ("localhost:-5", "not “-5”"),
        ("localhost:７７", "not “７７”"),
        (":7777", "a computer’s name"),
        ("my host:7777", "a computer’s name"),
        ("tcp://host:7777", "a computer’s name"),
        ("fe80::1:7777", "in brackets: [fe80::1]:7777"),
        ("unix:", "the path of the socket"),
    ],
)
def test_what_is_no_address_is_said_in_a_sentence(address: str, reason: str) -> None:
    error = address_error(address)
    assert error is not None
    assert reason in error
    assert error.endswith(".")


def test_a_good_address_is_given_and_closes(dialog: ConnectDialog, qtbot: QtBot) -> None:
    type_text(dialog.field, " localhost:7777 ")
    with qtbot.waitSignal(dialog.address_given) as said:
        key(dialog.field, Qt.Key.Key_Return)
    assert said.args == ["localhost:7777"]
    assert not dialog.isVisible()


def test_a_bad_address_is_explained_and_nothing_is_lost(dialog: ConnectDialog, qtbot: QtBot) -> None:
    type_text(dialog.field, "localhost")
    with qtbot.assertNotEmitted(dialog.address_given):
        key(dialog.field, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert dialog.field.text() == "localhost"
    assert dialog.error == "The port is missing: localhost:7777, for example."
    assert dialog.field.accessibleDescription() == dialog.error


def test_the_error_goes_when_the_address_is_mended(dialog: ConnectDialog) -> None:
    type_text(dialog.field, "localhost")
    dialog.submit()
    type_text(dialog.field, ":7")
    assert dialog.error is None


def test_esc_gives_nothing(dialog: ConnectDialog, qtbot: QtBot) -> None:
    type_text(dialog.field, "localhost:7777")
    with qtbot.assertNotEmitted(dialog.address_given):
        key(dialog.field, Qt.Key.Key_Escape)
    assert not dialog.isVisible()
