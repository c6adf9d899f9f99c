"""Messages over the view."""

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app import motion
from app.panels.banner import KEPT, Banner
from app.panels.buttons import FaceButton
from app.theme import DARK, LIGHT
from tests.app.user_input import click, key


@pytest.fixture
def view(qtbot: QtBot) -> QWidget:
    made = QWidget()
    qtbot.addWidget(made)
    made.resize(900, 500)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def banner(view: QWidget, monkeypatch: pytest.MonkeyPatch) -> Banner:
    monkeypatch.setenv(motion.VARIABLE, "1")
    made = Banner(view)
    made.set_theme(DARK)
    return made


def button(banner: Banner, name: str) -> FaceButton:
    return next(one for one in banner.findChildren(FaceButton) if one.accessibleName().startswith(name))


def test_at_first_there_is_none(banner: Banner) -> None:
    assert banner.isHidden()


def test_a_message_shows_and_is_spoken(banner: Banner) -> None:
    banner.show_message(
        "error", "The disk is full: recording stopped", "38.2 MB are saved and readable.", "Open folder"
    )
    assert banner.isVisible()
    assert banner.accessibleName() == ("Error: The disk is full: recording stopped. 38.2 MB are saved and readable.")


def test_the_button_acts_and_the_message_stays(banner: Banner, qtbot: QtBot) -> None:
    banner.show_message("info", "Recording saved", "", "Open folder")
    with qtbot.waitSignal(banner.action) as said:
        click(button(banner, "Open folder"))
    assert said.args == ["Recording saved"]
    assert banner.isVisible()


def test_without_an_action_there_is_no_button(banner: Banner) -> None:
    banner.show_message("info", "First", "", "Open folder")
    banner.show_message("error", "Second", "", None)
    assert button(banner, "Open folder").isHidden()


def test_the_cross_closes(banner: Banner, qtbot: QtBot) -> None:
    banner.show_message("error", "Wrong", "")
    with qtbot.waitSignal(banner.closed) as said:
        click(button(banner, "Close"))
    assert said.args == ["Wrong"]
    assert banner.isHidden()


def test_esc_closes_where_the_focus_is_in_the_banner(banner: Banner, view: QWidget, qtbot: QtBot) -> None:
    banner.show_message("error", "Wrong", "")
    close = button(banner, "Close")
    key(close, Qt.Key.Key_Escape)
    assert banner.isHidden()


def test_the_same_title_replaces(banner: Banner) -> None:
    banner.show_message("error", "The camera does not answer", "Once")
    banner.show_message("error", "The camera does not answer", "Twice")
    assert banner.count == 1
    assert banner.message is not None
    assert banner.message.detail == "Twice"


def test_the_gravest_and_newest_comes_first_and_the_others_after_it(banner: Banner) -> None:
    banner.show_message("error", "Old error")
    banner.show_message("info", "Saved")
    banner.show_message("warning", "Slow disk")
    banner.show_message("error", "New error")
    seen = []
    while banner.message is not None:
        seen.append(banner.message.title)
        banner.close_message()
    assert seen == ["New error", "Old error", "Slow disk", "Saved"]


def test_messages_do_not_pile_up_without_end(banner: Banner) -> None:
    for number in range(3 * KEPT):
        banner.show_message("error", f"Error {number}")
    assert banner.count == KEPT
    assert banner.message is not None
    assert banner.message.title == f"Error {3 * KEPT - 1}"


def test_a_message_can_be_taken_back(banner: Banner, qtbot: QtBot) -> None:
    banner.show_message("warning", "The disk is slow")
    with qtbot.assertNotEmitted(banner.closed):
        banner.dismiss("The disk is slow")
    assert banner.isHidden()


def test_closing_when_there_is_nothing_does_nothing(banner: Banner, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(banner.closed):
        banner.close_message()


def test_it_follows_the_views_width_and_grows_with_long_text(banner: Banner, view: QWidget) -> None:
    covered: list[int] = []
    banner.covers.connect(covered.append)
    banner.show_message("error", "A file that cannot be read " * 3, "Because of something " * 8, "Open folder")
    wide = banner.height()
    view.resize(420, 500)
    QApplication.processEvents()
    assert banner.width() == 420 - 24
    assert banner.height() > wide
    assert covered[-1] == banner.geometry().bottom() + 9
    banner.close_message()
    assert covered[-1] == 0


def test_it_fades_in_and_out_and_leaves_no_effect_behind(
    banner: Banner, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv(motion.VARIABLE, "0")
    banner.show_message("error", "Wrong")
    assert banner.isVisible()
    assert banner.graphicsEffect() is not None
    qtbot.waitUntil(lambda: banner.graphicsEffect() is None)
    assert banner.isVisible()
    banner.close_message()
    qtbot.waitUntil(banner.isHidden)
    assert banner.graphicsEffect() is None


def test_a_message_during_the_fade_out_comes_back(
    banner: Banner, monkeypatch: pytest.MonkeyPatch, qtbot: QtBot
) -> None:
    monkeypatch.setenv(motion.VARIABLE, "0")
    banner.show_message("error", "First")
    banner.close_message()
    banner.show_message("error", "Second")
    qtbot.waitUntil(lambda: banner.graphicsEffect() is None)
    assert banner.isVisible()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
@pytest.mark.parametrize("level", ["error", "warning", "info"])
def test_each_level_is_painted(banner: Banner, theme: object, level: str) -> None:
    banner.set_theme(theme)  # type: ignore[arg-type]
    banner.show_message(level, "Title", "Detail", "Act")  # type: ignore[arg-type]
    image = banner.grab().toImage()
    assert len({image.pixel(px, image.height() // 2) for px in range(image.width())}) > 3
