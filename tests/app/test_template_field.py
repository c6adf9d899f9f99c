import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.panels.menu import Menu
from app.panels.template_field import NO_PLACEHOLDER, TemplateField, has_placeholder, pieces
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.user_input import click, key, type_text

TEMPLATES = [
    ("plain", "A photo of a …", "a photo of a {}"),
    ("points", "ES-ImageNet (paper)", "A low quality point cloud image of {}."),
    ("photos", "Ensemble: photos", "7 texts, averaged"),
]


@pytest.fixture
def field(window: QWidget, qtbot: QtBot) -> TemplateField:
    field = TemplateField(window)
    field.set_measures(LARGE)
    field.set_templates(TEMPLATES)
    field.set_template("points")
    field.resize(432, field.height())
    window.resize(432, 300)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    return field


def write(field: TemplateField, text: str) -> None:
    field.start_editing()
    field.edit.selectAll()
    type_text(field.edit, text)
    key(field.edit, Qt.Key.Key_Return)


def menu(field: TemplateField) -> Menu:
    found = field.findChild(Menu)
    assert found is not None
    return found


def test_it_shows_the_template_and_says_it(field: TemplateField) -> None:
    assert field.preview == "A low quality point cloud image of {}."
    assert field.accessibleName() == "Template: A low quality point cloud image of {class}."


def test_another_is_chosen_from_the_menu(field: TemplateField, qtbot: QtBot) -> None:
    click(field)
    shown = menu(field)
    qtbot.waitUntil(shown.isVisible)
    with qtbot.waitSignal(field.template_chosen) as heard:
        key(shown, Qt.Key.Key_Down)
        key(shown, Qt.Key.Key_Return)
    assert heard.args == ["plain"]
    assert field.key == "plain"


def test_the_keyboard_opens_the_menu_too(field: TemplateField, qtbot: QtBot) -> None:
    field.setFocus(Qt.FocusReason.TabFocusReason)
    key(field, Qt.Key.Key_Space)
    shown = menu(field)
    qtbot.waitUntil(shown.isVisible)
    key(shown, Qt.Key.Key_Escape)
    assert field.key == "points"


def test_a_free_template_is_taken(field: TemplateField, qtbot: QtBot) -> None:
    with qtbot.waitSignal(field.template_chosen) as heard:
        write(field, "a sketch of a {} on paper")
    assert heard.args == ["a sketch of a {} on paper"]
    assert field.key == "a sketch of a {} on paper"
    assert field.edit.isHidden()


def test_a_text_without_a_place_for_the_class_is_refused_in_one_sentence(field: TemplateField) -> None:
    heard: list[str] = []
    field.template_chosen.connect(heard.append)
    write(field, "a sketch")
    assert field.message == NO_PLACEHOLDER
    assert field.edit.isVisible(), "what was typed is not lost"
    assert field.edit.text() == "a sketch"
    type_text(field.edit, " of {}")
    assert field.message == ""
    key(field.edit, Qt.Key.Key_Return)
    assert heard == ["a sketch of {}"]


def test_escape_keeps_the_template(field: TemplateField) -> None:
    field.start_editing()
    type_text(field.edit, "x {}")
    key(field.edit, Qt.Key.Key_Escape)
    assert field.key == "points"
    assert field.edit.isHidden()


def test_typing_a_known_template_chooses_it(field: TemplateField) -> None:
    write(field, "a photo of a {class}")
    assert field.key == "plain"


def test_setting_it_from_outside_is_not_a_choice(field: TemplateField) -> None:
    heard: list[str] = []
    field.template_chosen.connect(heard.append)
    field.set_template("the {} itself")
    assert field.preview == "the {} itself"
    assert not heard


def test_pieces_stand_around_the_class() -> None:
    assert pieces("a {} and a {class}!") == ["a ", " and a ", "!"]
    assert has_placeholder("{}")
    assert not has_placeholder("{ }")


@pytest.mark.parametrize("text", ["{}", "x" * 400 + "{}", "{} first", "{}{}", "صورة {}", "7 texts, averaged", ""])
def test_any_template_is_drawn(field: TemplateField, text: str) -> None:
    for theme, measures in ((DARK, LARGE), (LIGHT, SMALL)):
        field.set_theme(theme)
        field.set_measures(measures)
        field.set_template(text)
        assert not field.grab().isNull()
