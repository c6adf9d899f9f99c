"""Window, capture process and inference thread joined, with what is simulated: scenes, films, webcams."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PyQt6.QtCore import QPoint
from pytestqt.qtbot import QtBot

from main import parse_options
from pipeline.events import Resolution
from pipeline.options import Options
from pipeline.sources.base import SimulationSpec, WebcamSpec
from tests.app.test_controller import Joined
from tests.app.user_input import move, press, release
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
