"""A simulation's objects: chosen from a chip, and drawn about in the view."""

from collections.abc import Callable

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.panels.events_view import EventsView
from app.panels.objects_chip import StayingMenu, chosen_text
from app.theme import DARK, SMALL
from tests.app.user_input import click, key, move, press, release

OBJECTS = ("star", "cup", "umbrella")


@pytest.fixture
def view(qtbot: QtBot) -> EventsView:
    made = EventsView()
    qtbot.addWidget(made)
    made.resize(1000, 600)
    made.set_theme(DARK)
    made.set_picture(np.zeros((240, 320, 4), np.uint8))
    made.set_objects(OBJECTS, OBJECTS)
    made.show()
    return made


@pytest.fixture
def chosen(view: EventsView) -> list[list[str]]:
    said: list[list[str]] = []
    view.objects_chosen.connect(said.append)
    return said


@pytest.fixture
def dragged(view: EventsView) -> list[tuple[float, float, bool]]:
    said: list[tuple[float, float, bool]] = []
    view.object_dragged.connect(lambda *where: said.append(where))
    return said


@pytest.fixture
def menu(view: EventsView) -> StayingMenu:
    click(view.objects)
    opened = QApplication.activePopupWidget()
    assert isinstance(opened, StayingMenu)
    return opened


@pytest.fixture
def entry(menu: StayingMenu) -> Callable[[str], QPoint]:
    def find(text: str) -> QPoint:
        return next(menu.actionGeometry(action).center() for action in menu.actions() if action.text() == text)

    return find


@pytest.mark.parametrize(
    ("names", "text"), [(OBJECTS, "In turn"), ((), "In turn"), (("cup",), "Cup"), (("cup", "star"), "2 in turn")]
)
def test_the_chip_says_what_is_shown(names: tuple[str, ...], text: str) -> None:
    assert chosen_text(OBJECTS, names) == text


def test_only_a_simulation_has_the_chip(view: EventsView) -> None:
    assert view.objects.isVisible()
    view.set_objects((), ())
    assert not view.objects.isVisible()


def test_objects_are_ticked_one_after_another_in_a_menu_that_stays(
    view: EventsView, menu: StayingMenu, entry: Callable[[str], QPoint], chosen: list[list[str]]
) -> None:
    click(menu, entry("Umbrella"))
    assert view.objects.text() == "Umbrella"
    click(menu, entry("Star"))
    assert view.objects.text() == "2 in turn"
    click(menu, entry("Umbrella"))
    click(menu, entry("All in turn"))
    assert menu.isVisible()
    assert chosen == [["umbrella"], ["star", "umbrella"], ["star"], list(OBJECTS)]
    assert view.objects.accessibleName() == "Objects: In turn"


def test_without_the_last_one_all_are_shown(
    menu: StayingMenu, entry: Callable[[str], QPoint], chosen: list[list[str]]
) -> None:
    click(menu, entry("Cup"))
    click(menu, entry("Cup"))
    assert chosen == [["cup"], list(OBJECTS)]


def test_the_keyboard_ticks_too_and_esc_closes(menu: StayingMenu, chosen: list[list[str]], qtbot: QtBot) -> None:
    for _ in range(2):
        key(menu, Qt.Key.Key_Down)
    key(menu, Qt.Key.Key_Space)
    key(menu, Qt.Key.Key_Down)
    key(menu, Qt.Key.Key_Return)
    assert chosen == [["star"], ["star", "cup"]]
    key(menu, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)


def test_ticks_are_painted(menu: StayingMenu, entry: Callable[[str], QPoint]) -> None:
    before = menu.grab().toImage()
    click(menu, entry("Cup"))
    assert menu.grab().toImage() != before


def test_in_a_narrow_view_the_chip_covers_no_other(view: EventsView) -> None:
    view.set_measures(SMALL)
    for width in (1000, 420, 330):
        view.resize(width, 400)
        boxes = [view.objects.geometry(), view.zoom_chip.geometry(), view.model_view.geometry()]
        assert not boxes[0].intersects(boxes[1].adjusted(2, 2, -2, -2))
        assert not boxes[0].intersects(boxes[2].adjusted(2, 2, -2, -2))


def test_dragging_tells_where_on_the_sensor_the_pointer_is(
    view: EventsView, dragged: list[tuple[float, float, bool]]
) -> None:
    assert view.cursor().shape() == Qt.CursorShape.OpenHandCursor
    press(view, QPoint(500, 300))
    assert view.cursor().shape() == Qt.CursorShape.ClosedHandCursor
    move(view, QPoint(600, 350))
    release(view, QPoint(600, 350))
    assert dragged[0] == (160, 120, True)
    assert dragged[-2] == (200, 140, True)
    assert dragged[-1] == (200, 140, False)
    assert view.cursor().shape() == Qt.CursorShape.OpenHandCursor


def test_beside_the_picture_nothing_is_drawn_about(view: EventsView, dragged: list[tuple[float, float, bool]]) -> None:
    press(view, QPoint(20, 300))
    release(view, QPoint(20, 300))
    assert dragged == []


def test_without_a_simulation_nothing_is_drawn_about(
    view: EventsView, dragged: list[tuple[float, float, bool]]
) -> None:
    view.set_objects((), ())
    press(view, QPoint(500, 300))
    move(view, QPoint(600, 350))
    release(view, QPoint(600, 350))
    assert dragged == []


def test_a_source_that_goes_while_the_object_is_held_ends_the_drag(
    view: EventsView, dragged: list[tuple[float, float, bool]]
) -> None:
    press(view, QPoint(500, 300))
    view.set_objects((), ())
    release(view, QPoint(500, 300))
    assert dragged == [(160, 120, True)]
    assert view.cursor().shape() == Qt.CursorShape.ArrowCursor


def test_the_scene_is_ticked_in_the_same_menu(view: EventsView, qtbot: QtBot) -> None:
    said: list[tuple[str, str]] = []
    view.scene_chosen.connect(lambda *what: said.append(what))
    view.set_scene("plain", "dark", "usual")
    click(view.objects)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, StayingMenu)
    for text in ("Textured ground", "In the dark", "Strong noise", "Without noise", "Without noise"):
        action = next(action for action in menu.actions() if action.text() == text)
        click(menu, menu.actionGeometry(action).center())
    assert menu.isVisible()
    assert said == [
        ("ground", "textured"),
        ("light", "day"),
        ("noise", "strong"),
        ("noise", "none"),
        ("noise", "usual"),
    ]


@pytest.mark.parametrize("by_key", [False, True])
def test_a_picture_is_asked_for_and_the_menu_closes(
    view: EventsView, menu: StayingMenu, entry: Callable[[str], QPoint], qtbot: QtBot, by_key: bool
) -> None:
    with qtbot.waitSignal(view.picture_clicked):
        if by_key:
            menu.setActiveAction(next(action for action in menu.actions() if action.text() == "Picture from file…"))
            key(menu, Qt.Key.Key_Return)
        else:
            click(menu, entry("Picture from file…"))
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is None)
