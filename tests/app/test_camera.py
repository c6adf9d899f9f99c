"""The panel of the camera's settings, by mouse and keyboard."""

from dataclasses import replace

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.panels.camera import COVER, CameraPanel
from app.panels.setting_rows import ChoiceRow, NumberRow, RegionRow, SettingRow, SwitchRow, Value
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click, key, type_text

RATES = (("slow", "100 Hz"), ("usual", "1000 Hz"), ("fast", "5000 Hz"), ("fastest", "10000 Hz"))
ROWS = [
    SettingRow("contrast_on", "Contrast threshold ON", "Sensitivity", "number", 9, 9, 0, 17, explanation="Lower."),
    SettingRow("rate", "Readout rate", "Readout", "choice", "usual", "usual", choices=RATES),
    SettingRow("hold", "Hold", "Readout", "switch", True, True),
    SettingRow("region", "Region of interest", "Picture", "region", (0, 0, 640, 480), (0, 0, 640, 480)),
    SettingRow("delay", "Delay", "Picture", "number", 500, 500, 0, 2000, 100, "µs", active=False),
    SettingRow("way", "Way", "Picture", "choice", "a", "a", choices=(("a", "One"), ("b", "Other"))),
]


@pytest.fixture
def panel(qtbot: QtBot) -> CameraPanel:
    made = CameraPanel()
    qtbot.addWidget(made)
    made.resize(400, 500)
    made.set_camera("DVXplorer DXA00000")
    made.set_rows(ROWS)
    made.show()
    return made


def wanted(panel: CameraPanel) -> list[tuple[str, Value]]:
    heard: list[tuple[str, Value]] = []
    panel.setting_changed.connect(lambda name, value: heard.append((name, value)))
    return heard


def test_it_shows_what_the_camera_offers_group_by_group(panel: CameraPanel) -> None:
    assert list(panel.rows) == [row.key for row in ROWS]
    kinds = [type(widget) for widget in panel.rows.values()]
    assert kinds == [NumberRow, ChoiceRow, SwitchRow, RegionRow, NumberRow, ChoiceRow]
    assert [heading.text() for heading in panel.headings] == ["Sensitivity", "Readout", "Picture"]
    assert not panel.rows["delay"].isVisible()
    delay = panel.rows["delay"]
    assert isinstance(delay, NumberRow)
    assert delay.number.box.text() == "500 µs"
    assert not panel.reset_button.isEnabled()


def test_a_number_by_its_stepper_and_by_typing(panel: CameraPanel) -> None:
    heard = wanted(panel)
    row = panel.rows["contrast_on"]
    assert isinstance(row, NumberRow)
    box = row.number.box
    box.setFocus()
    key(box, Qt.Key.Key_Down)
    box.selectAll()
    type_text(box, "3")
    key(box, Qt.Key.Key_Return)
    assert heard == [("contrast_on", 8), ("contrast_on", 3)]


def test_a_refused_value_goes_back(panel: CameraPanel) -> None:
    """The camera's answer counts, not what was asked for."""
    row = panel.rows["contrast_on"]
    assert isinstance(row, NumberRow)
    key(row.number.box, Qt.Key.Key_Up)
    assert row.number.value == 10
    panel.set_rows(ROWS)
    assert row.number.value == 9
    panel.say("DVXplorer refused contrast_on = 10: it stays 9.", failed=True)
    assert panel.message.endswith("it stays 9.")


def test_switch_menu_and_segments(panel: CameraPanel) -> None:
    heard = wanted(panel)
    hold, way = panel.rows["hold"], panel.rows["way"]
    assert isinstance(hold, SwitchRow)
    assert isinstance(way, ChoiceRow)
    assert way.segments is not None
    key(hold.switch, Qt.Key.Key_Space)
    key(way.segments, Qt.Key.Key_Right)
    assert heard == [("hold", False), ("way", "b")]


def test_many_choices_are_a_menu(panel: CameraPanel) -> None:
    heard = wanted(panel)
    rate = panel.rows["rate"]
    assert isinstance(rate, ChoiceRow)
    assert rate.button is not None
    assert rate.button.text() == "1000 Hz"
    menu = rate.make_menu()
    assert [action.text() for action in menu.actions()] == [text for _, text in RATES]
    menu.actions()[2].trigger()
    assert heard == [("rate", "fast")]
    menu.deleteLater()


def test_a_region_stays_on_the_sensor(panel: CameraPanel) -> None:
    heard = wanted(panel)
    region = panel.rows["region"]
    assert isinstance(region, RegionRow)
    box = region.numbers[0].box
    box.selectAll()
    type_text(box, "600")
    key(box, Qt.Key.Key_Return)
    assert heard == [("region", (600, 0, 40, 480))]


def test_what_is_changed_can_go_back_by_itself_and_with_all(panel: CameraPanel, qtbot: QtBot) -> None:
    heard = wanted(panel)
    assert not panel.rows["contrast_on"].back.isVisible()
    panel.set_rows([replace(ROWS[0], value=4), *ROWS[1:]])
    click(panel.rows["contrast_on"].back)
    assert heard == [("contrast_on", 9)]
    with qtbot.waitSignal(panel.reset_clicked):
        click(panel.reset_button)


def test_rows_that_count_now_are_shown(panel: CameraPanel) -> None:
    panel.set_rows([replace(row, active=True) for row in ROWS])
    assert panel.rows["delay"].isVisibleTo(panel)


def test_another_camera_has_other_rows(panel: CameraPanel, qtbot: QtBot) -> None:
    before = panel.rows["hold"]
    with qtbot.waitSignal(before.destroyed):
        panel.set_rows([ROWS[0]])
    assert list(panel.rows) == ["contrast_on"]
    assert [heading.text() for heading in panel.headings] == ["Sensitivity"]


def test_hot_pixels(panel: CameraPanel, qtbot: QtBot) -> None:
    assert panel.hot_pixels == COVER
    with qtbot.waitSignal(panel.find_clicked):
        click(panel.find_button)
    panel.set_hot_pixels(0, searching=True)
    assert not panel.find_button.isEnabled()
    panel.set_hot_pixels(1200, searching=False)
    assert panel.hot_pixels == "1,200 left out."
    with qtbot.waitSignal(panel.forget_clicked):
        key(panel.forget_button, Qt.Key.Key_Space)


def test_tab_reaches_every_control(panel: CameraPanel, qtbot: QtBot) -> None:
    qtbot.waitActive(panel)
    panel.activateWindow()
    panel.close_button.setFocus()
    seen = set()
    for _ in range(60):
        focused = QApplication.focusWidget()
        if focused is None:
            break
        seen.add(focused.accessibleName() or focused.objectName())
        key(focused, Qt.Key.Key_Tab)
    for name in ("Contrast threshold ON", "Readout rate: 1000 Hz", "Hold", "Region of interest, height", "Way: One"):
        assert name in seen
    for button in (panel.find_button, panel.save_button, panel.close_button):
        assert button.accessibleName() in seen


def test_both_themes_and_sizes(panel: CameraPanel) -> None:
    for theme, measures in ((LIGHT, SMALL), (DARK, LARGE)):
        panel.set_theme(theme)
        panel.set_measures(measures)
        row = panel.rows["contrast_on"]
        assert theme.text1.lower() in row.title.styleSheet().lower()
        assert row.explanation.isVisible() == (measures is LARGE)
        assert row.toolTip() == ("" if measures is LARGE else "Lower.")
