"""Window, capture process and inference thread joined: what the user does, and what is then shown."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import controller
from app.controller import Controller
from app.panels.hero import NO_MOTION
from app.preferences import Preferences
from app.window import MainWindow
from main import parse_options
from pipeline.bundled import TOUR, default_prompts
from pipeline.capture.messages import Lost
from pipeline.options import Options
from pipeline.prediction import Prediction
from pipeline.sources.base import RecordingSpec
from tests.app.user_input import click, key, type_text
from tests.pipeline.tiny_clip import save_folder

LONG_MS = 60_000


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    model = save_folder(tmp_path_factory.mktemp("model") / "tiny")
    return parse_options(["--prompts", "a star, a cup", "--model", f"local-dir:{model}", "--precision", "fp32"])[0]


class Joined:
    """A window with its controller, as `run_window` makes them."""

    def __init__(self, options: Options, qtbot: QtBot, preferences: Preferences | None = None) -> None:
        self.qtbot = qtbot
        self.window = MainWindow()
        self.controller = Controller(self.window, options, preferences)
        self.window.show()
        self.controller.start()

    def shown(self, condition: Callable[[], bool]) -> None:
        self.qtbot.waitUntil(condition, timeout=LONG_MS)

    def status(self, name: str) -> str:
        return self.window.status.texts.get(name, "")

    def close(self) -> None:
        self.controller.close()
        self.window.close()
        self.window.deleteLater()


@pytest.fixture
def joined(options: Options, qtbot: QtBot) -> Iterator[Joined]:
    joined = Joined(options, qtbot)
    yield joined
    joined.close()


def test_what_takes_long_is_said(options: Options, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first start compiles; the card goes when events come."""
    monkeypatch.setattr(controller, "SLOW_OPENING_S", 0.0)
    joined = Joined(options, qtbot)
    try:
        view = joined.window.view
        joined.controller._show_status()  # nothing that this thread does has told it yet that the source is open
        assert view.card_shown
        assert view.card.accessibleName() == f"Getting ready. {controller.FIRST_START}"
        joined.shown(lambda: not view.card_shown)
        joined.controller._show_status()
        assert view.card.isHidden(), "and does not come again"
        joined.controller._open(RecordingSpec(TOUR, "events"))
        joined.controller._show_status()
        assert view.card.accessibleName() == "Opening. tour.aedat4", "what starts has started"
        joined.shown(lambda: not view.card_shown)
    finally:
        joined.close()


def has_answer(joined: Joined) -> bool:
    return joined.window.hero.percentage.endswith("%")


def last_prediction(joined: Joined) -> Prediction:
    """End the inference thread once something was judged; gives what it judged last."""
    joined.shown(lambda: has_answer(joined))
    joined.controller._worker.stop()
    QApplication.processEvents()
    last = joined.controller.prediction
    assert last is not None
    return last


def labels(joined: Joined) -> tuple[str, ...]:
    prediction = joined.controller.prediction
    return () if prediction is None else prediction.labels


def test_the_bundled_recording_plays_and_is_judged(joined: Joined) -> None:
    joined.shown(lambda: joined.window.view.picture_size.width() == 640)
    joined.shown(lambda: has_answer(joined))
    joined.shown(lambda: joined.status("State") == "Playing")
    assert joined.window.hero.label in ("a star", "a cup", "something else")


def test_a_class_typed_while_it_plays_is_in_the_next_predictions(joined: Joined) -> None:
    joined.shown(lambda: has_answer(joined))
    joined.window.classes.focus_add_row()
    field = QApplication.focusWidget()
    assert field is not None
    type_text(field, "a bicycle")
    key(field, Qt.Key.Key_Return)
    rows = joined.window.classes.rows()
    assert [text for _, text in rows] == ["a star", "a cup", "a bicycle"]
    joined.shown(
        lambda: joined.controller.prediction is not None and "a bicycle" in joined.controller.prediction.labels
    )


def test_a_file_that_cannot_be_opened_costs_a_banner_and_the_stream_before_goes_on(
    joined: Joined, tmp_path: Path
) -> None:
    joined.shown(lambda: has_answer(joined))
    damaged = tmp_path / "letter.aedat4"
    damaged.write_text("Dear reader", encoding="utf-8")
    joined.controller.open_path(damaged)
    joined.shown(lambda: joined.window.banner.message is not None)
    message = joined.window.banner.message
    assert message is not None
    assert "letter.aedat4" in f"{message.title} {message.detail}"
    joined.shown(lambda: joined.status("State") == "Playing")


def test_a_window_of_which_some_timesteps_were_encoded_says_so(joined: Joined) -> None:
    last = last_prediction(joined)
    for encoded, latency_ms in [(4, 120.0), (10, 0.0)]:
        joined.controller._predicted(replace(last, timesteps=10, encoded=encoded, latency_ms=latency_ms))
        joined.controller._show_status()
        assert joined.status("Skipped").endswith(" · 4 of 10 encoded") == (encoded < 10)
        assert joined.status("Latency") == ("120 ms" if latency_ms else "–")  # an old window, judged again, has none


def test_what_is_judged_after_the_camera_went_away_is_not_shown(joined: Joined) -> None:
    """The last windows are still in the inference thread when it is told that the camera is gone."""
    late = last_prediction(joined)
    joined.controller._news.status.emit(Lost("The camera was unplugged: plug it in again.", restarting=False))
    assert joined.window.hero.label == NO_MOTION
    joined.controller._predicted(late)
    assert joined.window.hero.label == NO_MOTION


def test_a_window_that_is_behind_shows_the_newest_prediction_only(joined: Joined) -> None:
    last = last_prediction(joined)
    several = [replace(last, start_us=last.start_us + step, end_us=last.end_us + step) for step in (1, 2, 3)]
    shown: list[Prediction | None] = []
    joined.controller._news.prediction.connect(lambda _: shown.append(joined.controller.prediction))

    def say() -> None:
        for each in several:
            joined.controller._predicted(each)

    thread = threading.Thread(target=say)
    thread.start()
    thread.join()  # all are said before the window has time for one
    joined.shown(lambda: len(shown) == 3)
    assert shown == [last, last, several[-1]]


def test_a_long_text_is_told_at_its_row(joined: Joined) -> None:
    joined.window.classes.set_rows(["a star", "very " * 100 + "long"], undoable=True)
    row = joined.window.classes.rows()[1][0]
    joined.shown(lambda: "77" in joined.window.classes.model.notices.get(row, ""))


def test_something_else_is_judged_and_its_switch_is_remembered(options: Options, qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    joined = Joined(options, qtbot, Preferences(file))
    try:
        joined.shown(lambda: labels(joined)[-1:] == ("something else",))
        joined.shown(lambda: joined.window.classes.else_row.percentage.endswith("%"))
        click(joined.window.classes.else_row.switch)
        joined.shown(lambda: labels(joined) == ("a star", "a cup"))
    finally:
        joined.close()
    joined = Joined(options, qtbot, Preferences(file))
    try:
        assert not joined.window.classes.else_row.on
        joined.shown(lambda: has_answer(joined))
        assert labels(joined) == ("a star", "a cup")
    finally:
        joined.close()


def test_pause_step_and_seek(joined: Joined) -> None:
    joined.shown(lambda: joined.status("State") == "Playing")
    joined.controller.toggle_play()
    joined.shown(lambda: not joined.controller.numbers().playing)
    before = joined.controller.numbers().position_us
    joined.controller.step(1)
    joined.shown(lambda: joined.controller.numbers().position_us > before)
    joined.controller.seek(5_000_000)
    joined.shown(lambda: abs(joined.controller.numbers().position_us - 5_000_000) < 60_000)
    joined.shown(lambda: joined.status("State") == "Paused")


def test_a_model_that_cannot_be_loaded_leaves_the_one_in_use(joined: Joined) -> None:
    joined.shown(lambda: has_answer(joined))
    joined.controller.load_model("ViT-B-23", None)
    joined.shown(lambda: joined.window.banner.message is not None)
    assert joined.window.banner.message is not None
    assert "ViT-B-23" in f"{joined.window.banner.message.title} {joined.window.banner.message.detail}"
    first = joined.controller.prediction
    joined.shown(lambda: joined.controller.prediction is not first)


def test_a_held_recording_is_judged_where_it_is_wound_to(joined: Joined) -> None:
    joined.shown(lambda: has_answer(joined))
    joined.controller.toggle_play()
    joined.shown(lambda: not joined.controller.numbers().playing)
    joined.controller.seek(8_000_000)
    joined.shown(lambda: joined.controller.prediction is not None and joined.controller.prediction.end_us == 8_000_000)
    joined.controller.step(-1)
    joined.shown(lambda: joined.controller.prediction is not None and joined.controller.prediction.end_us == 7_970_000)


def test_nothing_of_a_source_is_left_when_another_one_fails(options: Options, qtbot: QtBot, tmp_path: Path) -> None:
    gone = tmp_path / "gone.aedat4"
    gone.write_bytes(TOUR.read_bytes())
    joined = Joined(replace(options, source=parse_options([str(gone)])[0].source), qtbot)
    try:
        joined.shown(lambda: has_answer(joined))
        gone.unlink()
        joined.controller.open_path(gone)
        joined.shown(lambda: joined.status("State") == "Nothing open")
        assert joined.window.hero.label == "No events"
        assert joined.window.view.picture_size.isEmpty()
        joined.controller.toggle_play()
        assert joined.status("State") == "Nothing open"
    finally:
        joined.close()


def test_a_bundled_recording_brings_its_rows_unless_the_user_has_written_others(options: Options, qtbot: QtBot) -> None:
    tour, digits = default_prompts(TOUR), default_prompts(TOUR.with_name("digits.aedat4"))
    joined = Joined(replace(options, prompts=tour), qtbot)

    def rows() -> tuple[str, ...]:
        return tuple(text for _, text in joined.window.classes.rows() if text)

    try:
        joined.controller.open_path(TOUR.with_name("digits.aedat4"))
        assert rows() == digits
        joined.shown(lambda: set(labels(joined)[: len(digits)]) == set(digits))
        joined.window.classes.set_rows(["my mug"])
        joined.controller.open_path(TOUR)
        assert rows() == ("my mug",)
    finally:
        joined.close()


def test_a_folder_that_cannot_be_made_costs_a_banner(
    joined: Joined, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    monkeypatch.setattr("app.controller.recordings_folder", lambda: blocked / "recordings")
    joined.shown(lambda: joined.status("State") == "Playing")
    joined.controller.toggle_record()
    assert joined.window.banner.message is not None
    assert joined.window.banner.message.title == "The recording cannot begin"


def test_a_simulated_scene_can_be_recorded(options: Options, qtbot: QtBot, tmp_path: Path) -> None:
    target = tmp_path / "scene.aedat4"
    joined = Joined(replace(options, source=parse_options(["--simulate"])[0].source, record_to=target), qtbot)
    try:
        joined.shown(lambda: joined.status("State") == "Recording")
        joined.shown(lambda: joined.controller.numbers().recorded_events > 10_000)
        joined.controller.toggle_record()
        joined.shown(lambda: joined.window.banner.message is not None)
        assert joined.window.banner.message is not None
        assert joined.window.banner.message.title == "Recording saved"
        assert target.stat().st_size > 10_000
    finally:
        joined.close()


def test_the_recording_that_comes_with_the_program_is_there() -> None:
    assert TOUR.is_file()
