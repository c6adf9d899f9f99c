"""The top bar and its menus."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.panels.buttons import FaceButton
from app.panels.top_bar import TopBar
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click, key

CAMERAS = [("DVXplorer DXB00010", "320 × 240", "DXB00010"), ("R&D camera", "", "7")]


@pytest.fixture
def bar(qtbot: QtBot) -> TopBar:
    made = TopBar()
    qtbot.addWidget(made)
    made.set_theme(DARK)
    made.resize(1600, 56)
    made.show()
    made.set_source("person.aedat4", "recording")
    made.set_model("ViT-B-32", "openai")
    return made


def button(bar: TopBar, name: str) -> FaceButton:
    return next(one for one in bar.findChildren(FaceButton) if one.accessibleName().startswith(name))


def open_menu() -> QMenu:
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    return menu


def words(menu: QMenu) -> list[str]:
    return [action.text().split("\t")[0].replace("&&", "&") for action in menu.actions() if action.text()]


def choose(menu: QMenu, text: str) -> None:
    shown = [action for action in menu.actions() if action.text().split("\t")[0].replace("&&", "&") == text]
    menu.setActiveAction(shown[0])
    key(menu, Qt.Key.Key_Return)


def test_source_and_model_are_named(bar: TopBar) -> None:
    assert button(bar, "Source").accessibleName() == "Source: person.aedat4, recording"
    assert button(bar, "Model").accessibleName() == "Model: ViT-B-32 openai"


def test_the_source_menu_has_cameras_first_and_asks_for_them(bar: TopBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.source_menu_opening):
        click(button(bar, "Source"))
    menu = open_menu()
    assert words(menu)[:2] == ["Cameras", "Looking for cameras…"]
    bar.set_cameras(CAMERAS)
    assert words(menu) == [
        "Cameras", "DVXplorer DXB00010", "R&D camera",
        "Open a recording or a film…", "Listen on the network…", "Webcam…", "Simulation",
    ]  # fmt: skip
    with qtbot.waitSignal(bar.camera_chosen) as said:
        choose(menu, "R&D camera")
    assert said.args == ["7"]


def test_no_camera_is_said_and_cannot_be_chosen(bar: TopBar) -> None:
    bar.open_source_menu()
    bar.set_cameras([])
    menu = open_menu()
    assert words(menu)[1] == "No camera found"
    assert not menu.actions()[1].isEnabled()
    menu.close()


def test_a_camera_that_appears_while_the_menu_is_open_leaves_the_chosen_entry_chosen(bar: TopBar) -> None:
    bar.open_source_menu()
    bar.set_cameras([])
    menu = open_menu()
    webcam = next(action for action in menu.actions() if action.text().startswith("Webcam"))
    menu.setActiveAction(webcam)
    bar.set_cameras([])  # as before: nothing moves
    assert menu.activeAction() is webcam
    bar.set_cameras(CAMERAS)
    assert words(menu)[1] == CAMERAS[0][0]
    chosen = menu.activeAction()
    assert chosen is not None
    assert chosen.text().startswith("Webcam")
    assert bar.source_menu_open
    menu.close()
    assert not bar.source_menu_open


def test_cameras_that_arrive_after_the_menu_closed_do_no_harm(bar: TopBar, qtbot: QtBot) -> None:
    bar.open_source_menu()
    open_menu().close()
    qtbot.waitUntil(lambda: bar._source_menu is None)
    bar.set_cameras(CAMERAS)


@pytest.mark.parametrize(
    ("text", "signal"),
    [
        ("Open a recording or a film…", "open_recording"),
        ("Listen on the network…", "listen_network"),
        ("Webcam…", "choose_webcam"),
        ("Simulation", "simulate"),
    ],
)
def test_the_other_sources(bar: TopBar, qtbot: QtBot, text: str, signal: str) -> None:
    bar.open_source_menu()
    bar.set_cameras([])
    with qtbot.waitSignal(getattr(bar, signal)):
        choose(open_menu(), text)


def test_bundled_recordings_can_be_offered(bar: TopBar, qtbot: QtBot) -> None:
    bar.set_recordings([("A tour", "30 s", "/r/tour.aedat4")])
    bar.open_source_menu()
    with qtbot.waitSignal(bar.recording_chosen) as said:
        choose(open_menu(), "A tour")
    assert said.args == ["/r/tour.aedat4"]


def test_a_model_is_chosen(bar: TopBar, qtbot: QtBot) -> None:
    bar.set_models([("ViT-B-32", "openai", "a"), ("ViT-B-16", "laion2b", "b")], "a")
    bar.open_model_menu()
    menu = open_menu()
    assert words(menu) == ["Models", "ViT-B-32", "ViT-B-16", "Load weights…"]
    with qtbot.waitSignal(bar.model_chosen) as said:
        choose(menu, "ViT-B-16")
    assert said.args == ["b"]


def test_weights_can_be_loaded(bar: TopBar, qtbot: QtBot) -> None:
    bar.open_model_menu()
    with qtbot.waitSignal(bar.load_weights):
        choose(open_menu(), "Load weights…")


def test_a_menu_is_deleted_when_it_closes(bar: TopBar, qtbot: QtBot) -> None:
    for _ in range(3):
        bar.open_source_menu()
        open_menu().close()
    qtbot.waitUntil(lambda: not bar.findChildren(QMenu))


def test_the_keyboard_opens_a_menu(bar: TopBar) -> None:
    key(button(bar, "Source"), Qt.Key.Key_Down)
    open_menu().close()
    key(button(bar, "Model"), Qt.Key.Key_Return)
    open_menu().close()


def test_settings_and_help(bar: TopBar, qtbot: QtBot) -> None:
    with qtbot.waitSignal(bar.settings_clicked):
        click(button(bar, "Settings"))
    with qtbot.waitSignal(bar.help_clicked):
        click(button(bar, "Help"))


def test_the_small_window_shows_names_only(bar: TopBar) -> None:
    large = button(bar, "Source").sizeHint().width()
    bar.set_measures(SMALL)
    assert bar.height() == SMALL.top_bar
    assert button(bar, "Source").sizeHint().width() < large
    assert button(bar, "Source").accessibleName() == "Source: person.aedat4, recording"
    bar.set_measures(LARGE)
    assert button(bar, "Source").sizeHint().width() == large


def test_a_very_long_name_is_shortened_and_told_in_full(bar: TopBar) -> None:
    name = "a_very_long_recording_name_" * 8 + ".aedat4"
    bar.set_source(name, "recording")
    assert button(bar, "Source").sizeHint().width() < 520
    assert button(bar, "Source").toolTip() == name


def test_menus_are_painted_in_both_themes(bar: TopBar) -> None:
    for theme in (DARK, LIGHT):
        bar.set_theme(theme)
        bar.open_source_menu()
        bar.set_cameras(CAMERAS)
        menu = open_menu()
        menu.setActiveAction(menu.actions()[1])
        assert menu.grab().toImage().pixelColor(20, menu.actionGeometry(menu.actions()[2]).center().y()).isValid()
        menu.close()
