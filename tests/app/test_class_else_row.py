"""The row for what nobody typed, under the user's own."""

import pytest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QRegion
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.contrast import row_fill
from app.panels.class_rows import ELSE_ID
from app.panels.classes import ClassesPanel
from app.theme import CLASS_COLOURS, DARK, LARGE, LIGHT, SMALL, Measures, Theme
from tests.app.clock import Clock
from tests.app.painted import Painted
from tests.app.user_input import click, key

NAMES = ["a person", "umbrella"]


@pytest.fixture
def panel(still_panel: ClassesPanel) -> ClassesPanel:
    still_panel.set_rows(NAMES)
    still_panel.set_else(True)
    return still_panel


def judge(panel: ClassesPanel, *values: float) -> None:
    """Give the rows' probabilities in order, then that of something else where there is one more."""
    ids = [*(row_id for row_id, _ in panel.rows()), ELSE_ID]
    panel.set_probabilities(dict(zip(ids, values, strict=False)))


def colour_at(panel: ClassesPanel, share: float) -> str:
    """Colour of its field, at this share of its width, above the words."""
    row = panel.else_row
    field = row._boxes().field
    return row.grab().toImage().pixelColor(QPoint(field.left() + int(share * field.width()), field.top() + 4)).name()


def test_it_stands_below_the_classes_and_is_none_of_them(panel: ClassesPanel) -> None:
    below_the_last = panel.view.mapTo(panel, QPoint(0, panel.view.height())).y()
    assert panel.else_row.isVisible()
    assert panel.else_row.y() == below_the_last
    assert panel.else_row.y() < panel.add_row.y()
    assert [text for _, text in panel.rows()] == NAMES
    assert panel.model.rowCount() == len(NAMES)


def test_without_classes_it_is_not_there(panel: ClassesPanel) -> None:
    panel.set_rows([])
    assert not panel.else_row.isVisible()


def test_it_shows_its_bar_and_percentage(panel: ClassesPanel) -> None:
    judge(panel, 0.15, 0.05, 0.8)
    assert panel.else_row.percentage == "80%"
    assert panel.else_row.leads
    assert colour_at(panel, 0.7) == row_fill(DARK, CLASS_COLOURS, True).name()
    assert colour_at(panel, 0.82) == DARK.colour("bg2").name()
    assert panel.else_row.accessibleName() == "something else, 80 percent"


def test_where_it_leads_no_class_does(panel: ClassesPanel, clock: Clock) -> None:
    judge(panel, 0.3, 0.1, 0.6)
    assert panel.model.winner() == ELSE_ID
    clock.now += 1
    judge(panel, 0.8, 0.1, 0.1)
    assert panel.model.winner() == panel.rows()[0][0]
    assert not panel.else_row.leads


def test_until_it_is_judged_it_shows_a_dash(panel: ClassesPanel) -> None:
    judge(panel, 0.9, 0.1)
    assert panel.else_row.percentage == "–"
    assert colour_at(panel, 0.02) == DARK.colour("bg2").name()
    panel.set_probabilities(None)
    assert panel.else_row.percentage == "–"


def test_its_switch_turns_it_off_and_on(panel: ClassesPanel, qtbot: QtBot) -> None:
    judge(panel, 0.15, 0.05, 0.8)
    with qtbot.waitSignal(panel.else_toggled) as heard:
        click(panel.else_row.switch)
    assert heard.args == [False]
    assert panel.else_row.percentage == ""
    assert colour_at(panel, 0.5) != row_fill(DARK, CLASS_COLOURS, True).name()
    assert panel.else_row.accessibleName() == "something else, off"
    panel.else_row.switch.setFocus(Qt.FocusReason.TabFocusReason)
    with qtbot.waitSignal(panel.else_toggled) as heard:
        key(panel.else_row.switch, Qt.Key.Key_Space)
    assert heard.args == [True]


def test_the_program_can_set_it_without_being_told(panel: ClassesPanel, qtbot: QtBot) -> None:
    with qtbot.assertNotEmitted(panel.else_toggled):
        panel.set_else(False)
    assert not panel.else_row.on


def test_it_cannot_be_edited_or_removed(panel: ClassesPanel) -> None:
    click(panel.else_row, panel.else_row._boxes().field.center())
    assert not panel.view.editing
    click(panel.else_row, panel.else_row._boxes().cross.center() - QPoint(60, 0))
    assert panel.else_row.isVisible()


@pytest.mark.parametrize("measures", [LARGE, SMALL])
def test_it_stays_the_last_when_classes_are_ranked(panel: ClassesPanel, measures: Measures) -> None:
    panel.set_measures(measures)
    panel.order.chosen.emit("ranked")
    judge(panel, 0.1, 0.3, 0.6)
    assert panel.model.wanted_order() == [row_id for row_id, _ in reversed(panel.rows())]
    assert panel.else_row.height() == panel.view.item_height


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_an_untrained_models_answer_does_not_lead(panel: ClassesPanel, theme: Theme) -> None:
    panel.set_theme(theme)
    panel.set_untrained(True)
    judge(panel, 0.15, 0.05, 0.8)
    assert not panel.else_row.leads
    assert colour_at(panel, 0.5) == row_fill(theme, CLASS_COLOURS, False).name()


def test_rows_show_new_digits_also_where_no_prediction_follows(panel: ClassesPanel, clock: Clock, qtbot: QtBot) -> None:
    judge(panel, 0.6, 0.4)
    viewport = panel.view.viewport()
    assert viewport is not None
    QApplication.processEvents()
    painted = Painted(viewport)
    clock.now += 10
    judge(panel, 0.25, 0.75)
    boxes = [panel.view._boxes(row_id).percentage for row_id, _ in panel.rows()]
    qtbot.waitUntil(lambda: all(painted.region.intersected(box) == QRegion(box) for box in boxes))
