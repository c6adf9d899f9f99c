import pytest
from PyQt6.QtWidgets import QPushButton, QToolButton
from pytestqt.qtbot import QtBot

from app.panels.notice import Notice
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click


@pytest.fixture
def notice(qtbot: QtBot) -> Notice:
    panel = Notice()
    qtbot.addWidget(panel)
    return panel


def test_it_is_hidden_until_there_is_something_to_say(notice: Notice) -> None:
    assert notice.isHidden()
    notice.show_notice("info", "Small built-in model", "It knows drawings, not photographs.", "Choose a model")
    assert notice.isVisible()
    assert notice.accessibleName() == "Small built-in model. It knows drawings, not photographs."


def test_its_button_acts(notice: Notice, qtbot: QtBot) -> None:
    notice.show_notice("warning", "Untrained weights", "The percentages mean nothing.", "Load weights")
    button = notice.findChild(QPushButton)
    assert button is not None
    assert button.text() == "Load weights"
    with qtbot.waitSignal(notice.action):
        click(button)
    assert notice.isVisible(), "acting does not dismiss"


def test_without_an_action_there_is_no_button(notice: Notice) -> None:
    notice.show_notice("info", "Title", "Text", None)
    button = notice.findChild(QPushButton)
    assert button is not None
    assert button.isHidden()


def test_the_cross_dismisses_it(notice: Notice, qtbot: QtBot) -> None:
    notice.show_notice("info", "Title", "Text")
    cross = notice.findChild(QToolButton)
    assert cross is not None
    with qtbot.waitSignal(notice.dismissed):
        click(cross)
    assert notice.isHidden()


def test_hiding_it_from_outside_is_no_dismissal(notice: Notice) -> None:
    heard: list[int] = []
    notice.dismissed.connect(lambda: heard.append(1))
    notice.show_notice("info", "Title", "Text")
    notice.hide_notice()
    assert notice.isHidden()
    assert not heard


def test_a_long_text_makes_it_higher(notice: Notice) -> None:
    notice.show_notice("info", "Title", "Short.")
    short = notice.heightForWidth(328)
    notice.show_notice("info", "Title", "A sentence that needs several lines. " * 5)
    assert notice.heightForWidth(328) > short + 30


@pytest.mark.parametrize("level", ["info", "warning"])
@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
def test_both_levels_are_drawn_in_both_themes(notice: Notice, level: str, theme: object) -> None:
    notice.set_theme(DARK if theme is DARK else LIGHT)
    for measures in (LARGE, SMALL):
        notice.set_measures(measures)
        notice.show_notice(level, "Title <b>", "Text & more", "Do it")
        assert not notice.grab().isNull()


def test_another_level_is_a_bug(notice: Notice) -> None:
    with pytest.raises(ValueError, match="info or warning"):
        notice.show_notice("error", "Title", "Text")
