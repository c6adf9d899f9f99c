"""The segmented control."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot

from app.panels.segmented import Segmented
from app.theme import DARK, LIGHT
from tests.app.user_input import click, key

OPTIONS = [("decay", "Decay"), ("polarity", "Polarity"), ("recency", "Recency")]


@pytest.fixture
def control(qtbot: QtBot) -> Segmented:
    made = Segmented(OPTIONS, "Rendering")
    qtbot.addWidget(made)
    made.resize(made.sizeHint())
    made.show()
    return made


def centre(control: Segmented, key: str) -> QPoint:
    return control.segment(key).center().toPoint()


def test_the_first_option_is_chosen_at_first(control: Segmented) -> None:
    assert control.current == "decay"
    assert control.accessibleName() == "Rendering: Decay"


def test_a_click_chooses_and_says_so(control: Segmented, qtbot: QtBot) -> None:
    with qtbot.waitSignal(control.chosen) as said:
        click(control, centre(control, "recency"))
    assert said.args == ["recency"]
    assert control.accessibleName() == "Rendering: Recency"


def test_choosing_what_is_chosen_says_nothing(control: Segmented, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(control.chosen):
        click(control, centre(control, "decay"))


def test_setting_it_from_the_program_says_nothing(control: Segmented, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(control.chosen):
        control.set_current("polarity")
    assert control.current == "polarity"


def test_arrow_keys_move_the_choice_and_stop_at_the_ends(control: Segmented, qtbot: QtBot) -> None:
    visited = []
    for pressed in (
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Right,
        Qt.Key.Key_Left,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
    ):
        key(control, pressed)
        visited.append(control.current)
    assert visited == ["polarity", "recency", "recency", "polarity", "decay", "recency"]


def test_an_unknown_key_is_refused(control: Segmented) -> None:
    with pytest.raises(ValueError, match="decay, polarity, recency"):
        control.set_current("none")


def test_at_least_one_option_is_needed() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Segmented([])


def test_the_ring_shows_for_the_keyboard_and_not_for_the_mouse(control: Segmented, qtbot: QtBot) -> None:
    control.set_theme(DARK)
    control.activateWindow()
    qtbot.waitUntil(control.isActiveWindow)

    def ring() -> bool:
        image = control.grab().toImage()
        return image.pixelColor(control.width() // 2, 1).rgb() == QColor(DARK.focus).rgb()

    control.setFocus(Qt.FocusReason.MouseFocusReason)
    assert control.hasFocus()
    assert not ring()
    control.clearFocus()
    control.setFocus(Qt.FocusReason.TabFocusReason)
    assert ring()


def test_choosing_moves_no_segment(control: Segmented) -> None:
    before = [control.segment(key) for key, _ in OPTIONS]
    control.set_current("recency")
    assert [control.segment(key) for key, _ in OPTIONS] == before


def test_the_chosen_segment_stands_out_in_both_themes(control: Segmented) -> None:
    for theme, face in ((DARK, DARK.bg3), (LIGHT, LIGHT.bg1)):
        control.set_theme(theme)
        image = control.grab().toImage()
        box = control.segment("decay")
        assert QColor(image.pixel(round(box.left()) + 6, round(box.bottom()) - 4)) == QColor(face)
