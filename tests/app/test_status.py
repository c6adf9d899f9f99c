"""The status bar."""

import pytest
from PyQt6.QtCore import QEvent, QPointF, Qt
from PyQt6.QtGui import QColor, QEnterEvent
from PyQt6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from app.panels.status import EXPLANATIONS, StatusBar, StatusValues
from app.theme import DARK, LARGE, SMALL
from tests.app.user_input import key

VALUES = StatusValues("Playing", "ok", 210_000, 9.8, 46.4, 2, "CPU", "bf16", "ViT-B-32 openai", 1_300_000_000)


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(1600, 400)
    column = QVBoxLayout(made)
    column.setContentsMargins(0, 0, 0, 0)
    column.addStretch(1)
    column.addWidget(StatusBar())
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def bar(window: QWidget) -> StatusBar:
    made = window.findChild(StatusBar)
    assert made is not None
    made.set_theme(DARK)
    made.set_values(VALUES)
    return made


def test_every_reading_in_its_unit(bar: StatusBar) -> None:
    assert bar.texts == {
        "State": "Playing",
        "Events": "0.21 M/s",
        "Predictions": "9.8/s",
        "Latency": "46 ms",
        "Skipped": "2",
        "Device": "CPU · bf16",
        "Model": "ViT-B-32 openai",
        "Memory": "1.3 GB",
    }


def test_what_is_not_known_is_a_dash(bar: StatusBar) -> None:
    bar.set_values(StatusValues("Opening"))
    assert set(bar.texts.values()) == {"Opening", "–"}


@pytest.mark.parametrize(
    ("values", "name", "text"),
    [
        (StatusValues(event_rate=21_400), "Events", "21 k/s"),
        (StatusValues(event_rate=12), "Events", "12 /s"),
        (StatusValues(event_rate=210e6, thinning=4), "Events", "210.00 M/s · 1 of 4"),
        (StatusValues(skipped=12_345), "Skipped", "12,345"),
        (StatusValues(skipped=12_345, encoded=(4, 10)), "Skipped", "12,345 · 4 of 10 encoded"),
        (StatusValues(skipped=2, encoded=(10, 10)), "Skipped", "2"),
        (StatusValues(memory_bytes=730_000_000), "Memory", "730 MB"),
        (StatusValues(device="CPU"), "Device", "CPU"),
    ],
)
def test_small_and_large_readings(bar: StatusBar, values: StatusValues, name: str, text: str) -> None:
    bar.set_values(values)
    assert bar.texts[name] == text


def test_the_small_window_drops_memory_and_model(bar: StatusBar, window: QWidget) -> None:
    bar.set_measures(SMALL)
    assert "Memory" not in bar.texts
    assert "Model" not in bar.texts
    assert bar.texts["Device"] == "CPU · bf16"
    bar.set_measures(LARGE)
    assert "Memory" in bar.texts


def test_what_has_no_room_is_left_out_from_the_right(bar: StatusBar, window: QWidget) -> None:
    window.resize(420, 400)
    QApplication.processEvents()
    names = list(bar.texts)
    assert names == list(EXPLANATIONS)[: len(names)]
    assert 1 < len(names) < len(EXPLANATIONS)


def test_the_dot_has_the_states_colour(bar: StatusBar) -> None:
    item = bar.item("State")
    for token in ("ok", "warning", "record"):
        bar.set_values(StatusValues("State", token))
        assert item.grab().toImage().pixelColor(4, item.height() // 2) == QColor(getattr(DARK, token))


def explained(bar: StatusBar) -> str:
    return bar.explanation or ""


def hover(item: QWidget) -> None:
    place = QPointF(5, 5)
    QApplication.sendEvent(item, QEnterEvent(place, place, item.mapToGlobal(place)))


def test_hovering_explains_after_a_moment(bar: StatusBar, qtbot: QtBot) -> None:
    hover(bar.item("Latency"))
    assert not explained(bar)
    qtbot.waitUntil(lambda: bool(explained(bar)))
    assert explained(bar).startswith("Latency: 46 ms. From the last event")
    QApplication.sendEvent(bar.item("Latency"), QEvent(QEvent.Type.Leave))
    assert not explained(bar)


def test_leaving_early_explains_nothing(bar: StatusBar, qtbot: QtBot) -> None:
    hover(bar.item("Latency"))
    QApplication.sendEvent(bar.item("Latency"), QEvent(QEvent.Type.Leave))
    hover(bar.item("Skipped"))
    qtbot.waitUntil(lambda: bool(explained(bar)))
    assert explained(bar).startswith("Skipped: 2.")


def test_an_open_explanation_follows_the_readings(bar: StatusBar, qtbot: QtBot) -> None:
    hover(bar.item("Skipped"))
    qtbot.waitUntil(lambda: bool(explained(bar)))
    bar.set_values(StatusValues(skipped=7))
    assert explained(bar).startswith("Skipped: 7.")


def test_focus_explains_at_once_and_esc_ends_it(bar: StatusBar, window: QWidget, qtbot: QtBot) -> None:
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    item = bar.item("Device")
    item.setFocus(Qt.FocusReason.TabFocusReason)
    assert explained(bar).startswith("Device: CPU · bf16.")
    key(item, Qt.Key.Key_Escape)
    assert not explained(bar)


def test_the_explanation_stays_inside_the_window(bar: StatusBar, window: QWidget, qtbot: QtBot) -> None:
    for name in EXPLANATIONS:
        hover(bar.item(name))
        qtbot.waitUntil(lambda: bool(explained(bar)))
        assert bar._box is not None
        assert window.rect().contains(bar._box.geometry()), name


def test_every_item_has_a_name_and_a_description(bar: StatusBar) -> None:
    for name in EXPLANATIONS:
        assert bar.item(name).accessibleName().startswith(f"{name}: ")
        assert bar.item(name).accessibleDescription() == EXPLANATIONS[name]
