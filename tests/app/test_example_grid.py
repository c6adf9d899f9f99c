"""Examples as tiles: what is shown, removed and said."""

import numpy as np
import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.panels.example_grid import ExampleGrid, Tile
from app.theme import DARK, LIGHT
from tests.app.user_input import click, key, move


@pytest.fixture
def grid(window: QWidget, qtbot: QtBot) -> ExampleGrid:
    grid = ExampleGrid(window)
    grid.resize(200, 200)
    pixels = np.full((54, 72), 127, np.uint8)
    pixels[10:44, 20:50] = 255
    grid.set_tiles([Tile(number, "my mug", 1, pixels) for number in range(1, 6)])
    window.resize(220, 220)
    window.show()
    qtbot.waitExposed(window)
    return grid


def test_tiles_stand_in_rows_and_the_grid_is_as_high_as_they_need(grid: ExampleGrid) -> None:
    assert grid.box(3).top() > grid.box(0).bottom()
    assert grid.height() >= grid.box(4).bottom()


def test_the_cross_removes_and_the_tile_itself_does_not(grid: ExampleGrid, qtbot: QtBot) -> None:
    removed: list[int] = []
    grid.removed.connect(removed.append)
    move(grid, grid.box(1).center().toPoint())
    click(grid, grid.box(1).bottomLeft().toPoint() + QPoint(6, -6))
    assert removed == []
    click(grid, grid.cross(1).center().toPoint())
    assert removed == [2]


def test_arrows_choose_what_delete_removes_and_a_reader_hears_it(grid: ExampleGrid) -> None:
    removed: list[int] = []
    grid.removed.connect(removed.append)
    grid.setFocus(Qt.FocusReason.TabFocusReason)
    key(grid, Qt.Key.Key_Right)
    key(grid, Qt.Key.Key_Down)
    assert grid.accessibleName() == "Example 5 of 5, my mug"
    key(grid, Qt.Key.Key_Delete)
    assert removed == [5]


def test_what_moved_wears_the_colours_of_the_events(grid: ExampleGrid) -> None:
    for theme in (DARK, LIGHT):
        grid.set_theme(theme)
        image = grid.grab().toImage()
        centre = grid.box(0).center().toPoint()
        assert image.pixelColor(centre) == theme.colour("off")
        assert image.pixelColor(grid.box(0).topLeft().toPoint() + QPoint(3, 3)) == theme.colour("canvas")
