"""The settings dialog."""

import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.panels.buttons import FaceButton
from app.panels.settings import SettingsDialog, SettingsValues
from app.theme import DARK
from tests.app.user_input import click, key, type_text

VALUES = SettingsValues(timestep_ms=20.0, timesteps=5, threshold=1, view="fit", normalisation="reference")


@pytest.fixture
def dialog(qtbot: QtBot) -> SettingsDialog:
    made = SettingsDialog(VALUES, theme=DARK)
    qtbot.addWidget(made)
    made.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
    made.show()
    return made


def said(dialog: SettingsDialog) -> list[SettingsValues]:
    heard: list[SettingsValues] = []
    dialog.changed.connect(heard.append)
    return heard


def button(dialog: SettingsDialog, name: str) -> FaceButton:
    return next(one for one in dialog.findChildren(FaceButton) if one.accessibleName() == name)


def test_it_shows_what_holds(dialog: SettingsDialog) -> None:
    assert dialog.values == VALUES
    assert dialog.timestep.box.text() == "20 ms"
    assert dialog.view.current == "fit"


def test_a_typed_number_counts_when_it_is_finished(dialog: SettingsDialog) -> None:
    heard = said(dialog)
    box = dialog.timestep.box
    box.selectAll()
    type_text(box, "45")
    assert heard == []
    key(box, Qt.Key.Key_Return)
    assert [values.timestep_ms for values in heard] == [45.0]
    assert dialog.isVisible()


def test_the_steppers(dialog: SettingsDialog) -> None:
    heard = said(dialog)
    click(button(dialog, "Timesteps a window: more"))
    click(button(dialog, "Threshold: less"))
    assert [(values.timesteps, values.threshold) for values in heard] == [(6, 1), (6, 0)]


def test_numbers_stay_in_their_range(dialog: SettingsDialog) -> None:
    dialog.timesteps.set_value(1000)
    assert dialog.values.timesteps == 64
    dialog.timestep.set_value(0)
    assert dialog.values.timestep_ms == 1


def test_view_and_normalisation(dialog: SettingsDialog) -> None:
    heard = said(dialog)
    key(dialog.view, Qt.Key.Key_Left)
    click(dialog.normalisation, dialog.normalisation.segment("clip").center().toPoint())
    assert [(values.view, values.normalisation) for values in heard] == [("stretch", "reference"), ("stretch", "clip")]


def test_a_fraction_of_a_millisecond_is_kept(qtbot: QtBot) -> None:
    dialog = SettingsDialog(SettingsValues(timestep_ms=2.5), theme=DARK)
    qtbot.addWidget(dialog)
    click(button(dialog, "Threshold: more"))
    assert dialog.values == SettingsValues(timestep_ms=2.5, threshold=1)


def test_reset_says_one_change(dialog: SettingsDialog) -> None:
    heard = said(dialog)
    click(button(dialog, "Reset to the defaults"))
    assert heard == [SettingsValues()]
    click(button(dialog, "Reset to the defaults"))
    assert heard == [SettingsValues()]


def test_done_closes(dialog: SettingsDialog) -> None:
    click(button(dialog, "Done"))
    assert not dialog.isVisible()
