"""Window, capture process and inference thread joined, with what is simulated: scenes, films, webcams."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from app.preferences import Preferences
from main import parse_options
from pipeline.events import Resolution
from pipeline.options import Options
from pipeline.sources.base import SimulationSpec, WebcamSpec
from tests.app.test_controller import Joined
from tests.app.user_input import move, press, release
from tests.pipeline.simulation.test_picture_file import square, write
from tests.pipeline.sources.made_films import RATE, make_film
from tests.pipeline.tiny_clip import save_folder


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Options:
    model = save_folder(tmp_path_factory.mktemp("model") / "tiny")
    given = parse_options(["--simulate", "--model", f"local-dir:{model}", "--precision", "fp32"])[0]
    return replace(given, source=SimulationSpec(Resolution(160, 120)))


@pytest.fixture
def joined(simulated: Options, qtbot: QtBot) -> Iterator[Joined]:
    joined = Joined(simulated, qtbot)
    yield joined
    joined.close()


def test_objects_are_chosen_and_drawn_about_while_it_plays(joined: Joined) -> None:
    view = joined.window.view
    joined.shown(lambda: joined.status("State") == "Live" and view.picture_size.width() == 160)
    assert "umbrella" in view.objects.objects
    view.objects.tick("fish")
    assert view.objects.text() == "Fish"
    middle = view.rect().center()
    press(view, middle)
    move(view, middle + QPoint(40, 30))
    release(view, middle + QPoint(40, 30))
    count = joined.controller.numbers().events_total
    joined.shown(lambda: joined.controller.numbers().events_total > count + 1000)
    assert joined.window.banner.message is None


def test_a_picture_of_ones_own_is_shown_and_offered_as_a_class(joined: Joined, tmp_path: Path) -> None:
    view, banner, classes = joined.window.view, joined.window.banner, joined.window.classes
    joined.shown(lambda: joined.status("State") == "Live" and view.picture_size.width() == 160)
    rows = classes.rows()
    path = write(tmp_path / "old_mug.png", square((255, 255, 255, 0), (200, 200, 200, 255)))
    joined.controller.steering.show_picture(path)
    assert view.objects.text() == "Old mug"
    assert classes.rows() == rows
    message = banner.message
    assert message is not None
    assert message.title == "Old mug is shown"
    assert message.action_text == "Add as a class"
    banner.action.emit(message.title)
    assert [text for _, text in classes.rows()] == [*(text for _, text in rows), "an old mug"]
    assert banner.message is None
    count = joined.controller.numbers().events_total
    joined.shown(lambda: joined.controller.numbers().events_total > count + 1000)
    assert banner.message is None


def test_a_file_that_is_no_picture_costs_a_banner(joined: Joined, tmp_path: Path) -> None:
    joined.shown(lambda: joined.status("State") == "Live")
    (tmp_path / "letter.png").write_text("no picture", encoding="utf-8")
    joined.controller.steering.show_picture(tmp_path / "letter.png")
    message = joined.window.banner.message
    assert message is not None
    assert message.title == "letter.png is no picture that can be read"
    assert "letter" not in joined.window.view.objects.objects


def test_the_scene_is_remembered_for_the_next_start(simulated: Options, qtbot: QtBot, tmp_path: Path) -> None:
    joined = Joined(simulated, qtbot, Preferences(tmp_path / "window.ini"))
    joined.shown(lambda: joined.status("State") == "Live")
    joined.window.view.objects.tick_scene("ground", "textured", "plain")
    count = joined.controller.numbers().events_total
    joined.shown(lambda: joined.controller.numbers().events_total > count + 1000)
    joined.close()
    again = Joined(simulated, qtbot, Preferences(tmp_path / "window.ini"))
    again.shown(lambda: again.status("State") == "Live")
    assert again.window.view.objects.scene == {"ground": "textured", "light": "day", "noise": "usual"}
    again.close()


def test_a_dropped_film_plays_like_a_recording(joined: Joined, tmp_path: Path) -> None:
    film = make_film(tmp_path / "square.mp4", 3 * RATE)
    joined.window.view.dropped.emit([str(film)])
    joined.shown(lambda: joined.status("State") == "Playing")
    joined.shown(lambda: joined.controller.numbers().position_us > 500_000)
    assert not joined.window.view.objects.isVisible()
    joined.controller.seek(2_000_000)
    joined.shown(lambda: joined.controller.numbers().position_us >= 2_000_000)
    joined.shown(lambda: joined.status("State") == "Ended")


def test_a_film_that_is_none_costs_a_banner_and_the_simulation_goes_on(joined: Joined, tmp_path: Path) -> None:
    joined.shown(lambda: joined.status("State") == "Live")
    (tmp_path / "letter.mp4").write_text("Dear reader, this is no film.\n" * 200, encoding="utf-8")
    joined.controller.open_path(tmp_path / "letter.mp4")
    joined.shown(lambda: joined.window.banner.message is not None)
    message = joined.window.banner.message
    assert message is not None
    assert "letter.mp4" in message.title
    joined.shown(lambda: joined.status("State") == "Live")


def test_a_webcam_that_is_not_there_is_waited_for(simulated: Options, qtbot: QtBot) -> None:
    joined = Joined(replace(simulated, source=WebcamSpec(99)), qtbot)
    joined.shown(lambda: joined.window.view.card_shown)
    joined.shown(lambda: joined.status("State") == "Waiting")
    joined.close()
