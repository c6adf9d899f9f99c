"""The transport bar and its timeline."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.panels.timeline import Timeline, time_text
from app.panels.transport import SPEEDS, TransportBar, size_text, speed_text
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click, key, move, press, release

START, END = 1_700_000_000_000_000, 1_700_000_038_000_000  # wall clock µs: more than 32 bits


@pytest.fixture
def bar(qtbot: QtBot) -> TransportBar:
    made = TransportBar()
    qtbot.addWidget(made)
    made.set_theme(DARK)
    made.set_span(START, END)
    made.resize(1100, 64)
    made.show()
    return made


def seeks(bar: TransportBar) -> list[int]:
    said: list[int] = []
    bar.seek.connect(said.append)
    return said


def x(bar: TransportBar, time_us: int) -> QPoint:
    return QPoint(round(bar.timeline.x_of(time_us)), bar.timeline.height() // 2)


def menu_of(text: str) -> QMenu:
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert text in [action.text() for action in menu.actions()]
    return menu


def choose(menu: QMenu, text: str) -> None:
    menu.setActiveAction(next(action for action in menu.actions() if action.text() == text))
    key(menu, Qt.Key.Key_Return)


# --- recording ---


def test_play_and_step_buttons(bar: TransportBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.play_toggled):
        click(bar.play_button)
    steps: list[int] = []
    bar.step.connect(steps.append)
    click(bar.back_button)
    click(bar.forward_button)
    assert steps == [-1, 1]


def test_the_play_button_says_what_it_will_do(bar: TransportBar) -> None:
    bar.set_playing(True)
    assert bar.play_button.accessibleName() == "Pause (Space)"
    bar.set_playing(False)
    assert bar.play_button.accessibleName() == "Play (Space)"


def test_the_time_is_counted_from_the_recordings_start(bar: TransportBar) -> None:
    bar.set_position(START + 12_400_000)
    assert bar.time.text == "00:12.40"
    assert bar.timeline.accessibleName() == "Position 00:12 of 00:38"


def test_a_click_in_the_timeline_seeks_there(bar: TransportBar) -> None:
    said = seeks(bar)
    click(bar.timeline, x(bar, START + 19_000_000))
    assert len(said) == 1
    assert said[0] == pytest.approx(START + 19_000_000, abs=100_000)
    assert bar.time.text.startswith("00:1")


def test_dragging_seeks_on_and_on_but_not_with_every_move(bar: TransportBar, qtbot: QtBot) -> None:
    said = seeks(bar)
    press(bar.timeline, x(bar, START))
    for second in range(1, 31):
        move(bar.timeline, x(bar, START + second * 1_000_000))
    assert len(said) < 15  # thirty moves at once; at most one seek in 50 ms
    qtbot.waitUntil(lambda: said[-1] > START + 29_000_000)
    move(bar.timeline, x(bar, START + 35_000_000))
    release(bar.timeline, x(bar, START + 35_000_000))
    assert said[-1] == pytest.approx(START + 35_000_000, abs=100_000)


def test_the_stream_does_not_pull_the_playhead_out_of_the_hand(bar: TransportBar) -> None:
    press(bar.timeline, x(bar, START + 20_000_000))
    held = bar.timeline.position
    bar.set_position(START + 2_000_000)
    assert bar.timeline.position == held
    release(bar.timeline, x(bar, START + 20_000_000))
    bar.set_position(START + 2_000_000)
    assert bar.timeline.position == held, "the old position is still on its way"
    bar.set_position(START + 20_100_000)
    bar.set_position(START + 2_000_000)
    assert bar.timeline.position == START + 2_000_000


def test_a_seek_that_is_never_answered_lets_the_playhead_go(bar: TransportBar, qtbot: QtBot) -> None:
    click(bar.timeline, x(bar, START + 20_000_000))

    def follows() -> bool:
        bar.set_position(START + 1_000_000)
        return bar.timeline.position == START + 1_000_000

    qtbot.waitUntil(follows)


def test_keys_of_the_timeline(bar: TransportBar) -> None:
    said = seeks(bar)
    steps: list[int] = []
    bar.step.connect(steps.append)
    key(bar.timeline, Qt.Key.Key_Left)
    key(bar.timeline, Qt.Key.Key_Right)
    assert steps == [-1, 1]
    key(bar.timeline, Qt.Key.Key_End)
    assert bar.timeline.position == END
    key(bar.timeline, Qt.Key.Key_Home)
    assert bar.timeline.position == START
    assert said[0] == END


def test_an_empty_span_cannot_be_sought(bar: TransportBar) -> None:
    said = seeks(bar)
    bar.set_span(0, 0)
    press(bar.timeline, QPoint(100, 20))
    release(bar.timeline, QPoint(100, 20))
    assert said == []


def test_the_event_rate_is_the_scrubber(bar: TransportBar) -> None:
    bar.set_overview([1, 1, 1, 100])
    heights = bar.timeline._heights()
    assert heights[0] < 5
    assert heights[-1] > 20
    bar.set_overview([])
    assert len(set(bar.timeline._heights())) == 1


def test_the_judged_window_is_shaded(bar: TransportBar) -> None:
    timeline = bar.timeline
    place = x(bar, START + 10_500_000)
    before = timeline.grab().toImage().pixelColor(place.x(), 14).lightness()
    bar.set_window(START + 10_000_000, START + 11_000_000)
    assert timeline.grab().toImage().pixelColor(place.x(), 14) != before
    assert timeline.grab().toImage().pixelColor(place.x(), 14).lightness() > before


def test_a_speed_is_chosen_from_the_menu(bar: TransportBar, qtbot: QtBot) -> None:
    click(bar.speed_button)
    menu = menu_of("0.25×")
    assert [action.text() for action in menu.actions()] == [speed_text(speed) for speed in SPEEDS]
    with qtbot.waitSignal(bar.speed_chosen) as said:
        choose(menu, "0.25×")
    assert said.args == [0.25]
    assert bar.speed_button.text() == "0.25×"


def test_the_highest_speed_is_none(bar: TransportBar, qtbot: QtBot) -> None:
    click(bar.speed_button)
    with qtbot.waitSignal(bar.speed_chosen) as said:
        choose(menu_of("max"), "max")
    assert said.args == [None]


def test_loop_is_a_switch(bar: TransportBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.loop_toggled) as said:
        click(bar.loop_button)
    assert said.args == [True]
    assert bar.loop_button.isChecked()
    assert bar.loop_button.accessibleName() == "Loop (L): on"
    with qtbot.assertNotEmitted(bar.loop_toggled):
        bar.set_loop(False)
    assert not bar.loop_button.isChecked()


def test_streams_are_offered_only_when_there_are_several(bar: TransportBar, qtbot: QtBot) -> None:
    bar.set_streams(["events"], "events")
    assert bar.stream_button.isHidden()
    bar.set_streams(["events", "right"], "events")
    assert not bar.stream_button.isHidden()
    click(bar.stream_button)
    with qtbot.waitSignal(bar.stream_chosen) as said:
        choose(menu_of("right"), "right")
    assert said.args == ["right"]


# --- live ---


def test_record_is_there_only_when_live(bar: TransportBar, qtbot: QtBot) -> None:
    assert not bar.record_button.isVisible()
    bar.set_mode("live")
    assert bar.record_button.isVisible()
    assert not bar.play_button.isVisible()
    with qtbot.waitSignal(bar.record_toggled):
        click(bar.record_button)


def test_live_time_and_dropped_events(bar: TransportBar) -> None:
    bar.set_mode("live")
    bar.set_live(451.7, 12_345)
    assert bar.readout.text == "Live 00:07:31 Not judged 12,345"
    bar.set_live(451.7, 0)
    assert bar.readout.text == "Live 00:07:31 Dropped 0"


def test_while_recording_time_and_size_stand_there(bar: TransportBar) -> None:
    bar.set_mode("live")
    bar.set_live(451.7, 0)
    bar.set_recording(42.71, 38_200_000)
    assert bar.readout.text == "00:42.7 Size 38.2 MB Dropped 0"
    assert bar.record_button.accessibleName() == "Stop recording (Ctrl+R)"
    bar.set_recording(None, 0)
    assert bar.readout.text == "Live 00:07:31 Dropped 0"
    assert bar.record_button.accessibleName() == "Record (Ctrl+R)"


# --- the rest ---


@pytest.mark.parametrize(
    ("time_us", "whole", "text"),
    [
        (0, 38_000_000, "00:00.00"),
        (12_404_000, 38_000_000, "00:12.40"),
        (-5, 38_000_000, "00:00.00"),
        (5_000_000, 3_700_000_000, "0:00:05"),
        (3_723_000_000, 3_800_000_000, "1:02:03"),
    ],
)
def test_times_for_people(time_us: int, whole: int, text: str) -> None:
    assert time_text(time_us, whole) == text


@pytest.mark.parametrize(("size", "text"), [(0, "0 kB"), (38_200_000, "38.2 MB"), (2_340_000_000, "2.34 GB")])
def test_sizes_for_people(size: int, text: str) -> None:
    assert size_text(size) == text


def test_the_bar_is_as_high_as_the_window_wants(bar: TransportBar) -> None:
    for measures in (SMALL, LARGE):
        bar.set_measures(measures)
        assert bar.height() == measures.transport


def test_it_is_painted_in_both_themes_at_any_width(bar: TransportBar) -> None:
    for theme in (DARK, LIGHT):
        bar.set_theme(theme)
        for width in (500, 640, 1600):
            bar.resize(width, 64)
            assert not bar.grab().isNull()


def test_a_position_repaints_only_around_the_playhead(bar: TransportBar, qtbot: QtBot) -> None:
    painted: list[int] = []

    class Watched(Timeline):
        def paintEvent(self, event: object) -> None:
            painted.append(event.rect().width())  # type: ignore[attr-defined]
            super().paintEvent(event)  # type: ignore[arg-type]

    timeline = Watched()
    qtbot.addWidget(timeline)
    timeline.resize(800, 44)
    with qtbot.waitExposed(timeline):
        timeline.show()
    timeline.set_span(0, 10_000_000)
    QApplication.processEvents()
    painted.clear()
    timeline.set_position(100_000)
    QApplication.processEvents()
    assert painted
    assert max(painted) < 60
