import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PyQt6.QtCore import QMimeData, QModelIndex, QPoint, QPointF, QRect, Qt, QUrl
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication, QPainter, QRegion
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication, QStyleOptionViewItem, QWidget
from pytestqt.qtbot import QtBot

from app.motion import VARIABLE
from app.panels.classes import HINT, ClassesPanel
from app.panels.paste_dialog import PasteDialog
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.clock import Clock

QTEST: Any = QTest  # its type hints want an instance
NAMES = ["a person", "umbrella", "a cup of coffee", "bicycle"]


@pytest.fixture
def panel(still_panel: ClassesPanel) -> ClassesPanel:
    still_panel.set_rows(NAMES)
    return still_panel


def texts(panel: ClassesPanel) -> list[str]:
    return [text for _, text in panel.rows()]


def shown(panel: ClassesPanel) -> list[str]:
    return [panel.model.index(place).data() for place in range(panel.model.rowCount())]


def is_at(panel: ClassesPanel, text: str, place: int) -> bool:
    return shown(panel)[place] == text


def point(panel: ClassesPanel, place: int, part: str) -> QPoint:
    boxes = panel.view._boxes(panel.model.order[place])
    return getattr(boxes, part).center()  # type: ignore[no-any-return]


def click(panel: ClassesPanel, place: int, part: str) -> None:
    viewport = panel.view.viewport()
    assert viewport is not None
    QTEST.mouseClick(viewport, Qt.MouseButton.LeftButton, pos=point(panel, place, part))


def keys(widget: QWidget | None, *pressed: Qt.Key | str, modifier: Qt.KeyboardModifier | None = None) -> None:
    for key in pressed:
        target = QApplication.focusWidget() if widget is None else widget
        assert target is not None
        if isinstance(key, str):
            QTEST.keyClicks(target, key)
        else:
            QTEST.keyClick(target, key, modifier or Qt.KeyboardModifier.NoModifier)


def spy(panel: ClassesPanel, heard: Callable[[int], None]) -> Callable[..., None]:
    """Paint as before, and tell which rows."""
    plain = panel.view.rows_delegate.paint

    def paint(painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        heard(index.row())
        plain(painter, option, index)

    return paint


def dialog(panel: ClassesPanel) -> PasteDialog:
    window = panel.window()
    assert window is not None
    found = window.findChild(PasteDialog)
    assert found is not None
    return found


def copy(text: str) -> None:
    clipboard = QGuiApplication.clipboard()
    assert clipboard is not None
    clipboard.setText(text)


class TestTyping:
    def test_enter_adds_a_class_and_stays_there(self, panel: ClassesPanel, qtbot: QtBot) -> None:
        panel.focus_add_row()
        with qtbot.waitSignal(panel.rows_changed) as heard:
            keys(panel.add_row.field, "a dog", Qt.Key.Key_Return)
        assert heard.args == [panel.rows()]
        keys(panel.add_row.field, "a cat", Qt.Key.Key_Return)
        assert texts(panel) == [*NAMES, "a dog", "a cat"]
        assert panel.add_row.field.hasFocus()
        assert panel.add_row.field.text() == ""

    @pytest.mark.parametrize("leave", ["tab", "focus"])
    def test_leaving_the_field_adds_what_is_typed(self, panel: ClassesPanel, leave: str) -> None:
        panel.focus_add_row()
        keys(panel.add_row.field, "a dog")
        if leave == "tab":
            keys(panel.add_row.field, Qt.Key.Key_Tab)
        else:
            panel.view.setFocus()
        assert texts(panel)[-1] == "a dog"

    def test_nothing_typed_adds_nothing(self, panel: ClassesPanel) -> None:
        panel.focus_add_row()
        keys(panel.add_row.field, "   ", Qt.Key.Key_Return, Qt.Key.Key_Tab)
        assert texts(panel) == NAMES

    def test_escape_drops_what_is_typed(self, panel: ClassesPanel) -> None:
        panel.focus_add_row()
        keys(panel.add_row.field, "a dog", Qt.Key.Key_Escape, Qt.Key.Key_Tab)
        assert texts(panel) == NAMES

    def test_a_click_edits_in_place_and_enter_commits(self, panel: ClassesPanel) -> None:
        click(panel, 2, "field")
        assert panel.view.editing
        keys(None, Qt.Key.Key_End, " now", Qt.Key.Key_Return)
        assert texts(panel)[2] == "a cup of coffee now"
        assert not panel.view.editing

    def test_escape_leaves_a_row_as_it_was(self, panel: ClassesPanel) -> None:
        click(panel, 1, "field")
        keys(None, "x", Qt.Key.Key_Escape)
        assert texts(panel) == NAMES

    def test_leaving_a_row_commits_it(self, panel: ClassesPanel) -> None:
        click(panel, 1, "field")
        keys(None, Qt.Key.Key_End, "s")
        panel.focus_add_row()
        assert texts(panel)[1] == "umbrellas"

    def test_tab_commits_and_goes_on_in_the_next_row(self, panel: ClassesPanel) -> None:
        click(panel, 2, "field")
        keys(None, Qt.Key.Key_End, "!", Qt.Key.Key_Tab)
        assert panel.view.editing
        keys(None, Qt.Key.Key_End, "?", Qt.Key.Key_Tab)
        assert texts(panel)[2:] == ["a cup of coffee!", "bicycle?"]
        assert panel.add_row.field.hasFocus()

    def test_an_emptied_row_is_removed(self, panel: ClassesPanel, qtbot: QtBot) -> None:
        click(panel, 1, "field")
        keys(None, Qt.Key.Key_End)
        editor = panel.view.rows_delegate.editor
        assert editor is not None
        editor.selectAll()
        keys(None, Qt.Key.Key_Delete, Qt.Key.Key_Return)
        qtbot.waitUntil(lambda: texts(panel) == ["a person", "a cup of coffee", "bicycle"])

    def test_predictions_do_not_disturb_typing(self, panel: ClassesPanel, clock: Clock) -> None:
        panel.order.chosen.emit("ranked")
        click(panel, 1, "field")
        keys(None, Qt.Key.Key_End, "s and ")
        for k in range(5):
            clock.now += 0.5
            panel.set_probabilities({row_id: (place == k % 4) * 0.9 for place, (row_id, _) in enumerate(panel.rows())})
        keys(None, "more", Qt.Key.Key_Return)
        assert "umbrellas and more" in texts(panel)

    def test_right_to_left_text_and_emoji(self, panel: ClassesPanel) -> None:
        panel.focus_add_row()
        for text in ("مظلة حمراء", "🚲 自転車"):
            panel.add_row.field.insert(text)
            keys(panel.add_row.field, Qt.Key.Key_Return)
        assert texts(panel)[-2:] == ["مظلة حمراء", "🚲 自転車"]
        assert not panel.grab().isNull()


class TestKeys:
    def test_arrows_move_and_enter_edits(self, panel: ClassesPanel) -> None:
        panel.view.focus_row(0)
        keys(panel.view, Qt.Key.Key_Down, Qt.Key.Key_Return)
        assert panel.view.editing
        keys(None, Qt.Key.Key_End, "s", Qt.Key.Key_Return)
        assert texts(panel)[1] == "umbrellas"
        assert panel.view.hasFocus()

    def test_down_from_the_last_row_and_up_again(self, panel: ClassesPanel) -> None:
        panel.view.focus_row(-1)
        keys(panel.view, Qt.Key.Key_Down)
        assert panel.add_row.field.hasFocus()
        keys(panel.add_row.field, Qt.Key.Key_Up)
        assert panel.view.hasFocus()
        assert panel.view.currentIndex().row() == 3

    def test_delete_removes_and_the_next_row_is_current(self, panel: ClassesPanel) -> None:
        panel.view.focus_row(1)
        keys(panel.view, Qt.Key.Key_Delete)
        assert texts(panel) == ["a person", "a cup of coffee", "bicycle"]
        assert panel.view.currentIndex().data() == "a cup of coffee"

    def test_undo_and_redo(self, panel: ClassesPanel) -> None:
        before = panel.rows()
        panel.view.focus_row(1)
        keys(panel.view, Qt.Key.Key_Delete)
        keys(panel.view, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
        assert panel.rows() == before
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        keys(panel.view, Qt.Key.Key_Z, modifier=both)
        assert texts(panel) == ["a person", "a cup of coffee", "bicycle"]

    def test_undo_in_the_empty_field_takes_the_added_class_back(self, panel: ClassesPanel) -> None:
        panel.focus_add_row()
        keys(panel.add_row.field, "x", Qt.Key.Key_Return)
        assert texts(panel)[-1] == "x"
        keys(panel.add_row.field, Qt.Key.Key_Z, modifier=Qt.KeyboardModifier.ControlModifier)
        assert texts(panel) == NAMES

    def test_alt_and_arrows_reorder_as_one_step(self, panel: ClassesPanel) -> None:
        panel.view.focus_row(3)
        keys(panel.view, Qt.Key.Key_Up, Qt.Key.Key_Up, modifier=Qt.KeyboardModifier.AltModifier)
        assert texts(panel) == ["a person", "bicycle", "umbrella", "a cup of coffee"]
        assert panel.view.currentIndex().row() == 1
        panel.undo()
        assert texts(panel) == NAMES

    def test_single_keys_are_left_to_the_window(self, panel: ClassesPanel) -> None:
        panel.view.focus_row(0)
        keys(panel.view, "u")
        assert panel.view.currentIndex().row() == 0, "letters do not search in the list"


class TestMouse:
    def test_the_cross_removes(self, panel: ClassesPanel) -> None:
        click(panel, 1, "cross")
        assert texts(panel) == ["a person", "a cup of coffee", "bicycle"]
        assert not panel.view.editing

    def test_dragging_the_handle_reorders_in_one_step(self, panel: ClassesPanel, qtbot: QtBot) -> None:
        viewport = panel.view.viewport()
        assert viewport is not None
        heard: list[object] = []
        panel.rows_changed.connect(heard.append)
        start = point(panel, 3, "handle")
        QTEST.mousePress(viewport, Qt.MouseButton.LeftButton, pos=start)
        for place in (2, 1, 0):
            QTEST.mouseMove(viewport, QPoint(start.x(), point(panel, place, "row").y()))
            qtbot.waitUntil(partial(is_at, panel, "bicycle", place))
        assert not heard, "nothing changes before the row is let go"
        QTEST.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=point(panel, 0, "handle"))
        assert texts(panel) == ["bicycle", "a person", "umbrella", "a cup of coffee"]
        assert len(heard) == 1
        panel.undo()
        assert texts(panel) == NAMES

    def test_escape_ends_a_drag_without_a_change(self, panel: ClassesPanel, qtbot: QtBot) -> None:
        viewport = panel.view.viewport()
        assert viewport is not None
        QTEST.mousePress(viewport, Qt.MouseButton.LeftButton, pos=point(panel, 0, "handle"))
        QTEST.mouseMove(viewport, point(panel, 2, "handle"))
        qtbot.waitUntil(lambda: shown(panel)[2] == "a person")
        keys(panel.view, Qt.Key.Key_Escape)
        QTEST.mouseRelease(viewport, Qt.MouseButton.LeftButton, pos=point(panel, 2, "handle"))
        assert shown(panel) == texts(panel) == NAMES


class TestLists:
    def test_pasting_names_duplicates_and_adds_the_rest(self, panel: ClassesPanel) -> None:
        copy("umbrella\na dog\na hand, waving\n\nA Dog\n")
        panel.view.focus_row(0)
        keys(panel.view, Qt.Key.Key_V, modifier=Qt.KeyboardModifier.ControlModifier)
        asked = dialog(panel)
        assert asked.isVisible()
        assert [asked.edit.note(line) for line in range(4)] == ["already there", "", "", "twice"]
        assert asked.add_button.text() == "Add 2 classes"
        keys(None, Qt.Key.Key_Return)
        assert texts(panel) == [*NAMES, "a dog", "a hand, waving"]
        assert asked.isHidden()
        assert panel.said == "Added 2 classes."
        panel.undo()
        assert texts(panel) == NAMES

    def test_replace_all_keeps_ids_of_what_stays(self, panel: ClassesPanel) -> None:
        ids = {text: row_id for row_id, text in panel.rows()}
        panel.paste_list("umbrella\nstar\n")
        QTEST.mouseClick(dialog(panel).replace_button, Qt.MouseButton.LeftButton)
        assert texts(panel) == ["umbrella", "star"]
        assert panel.rows()[0][0] == ids["umbrella"]

    def test_one_copied_class_is_added_at_once(self, panel: ClassesPanel) -> None:
        copy("a dog")
        panel.view.focus_row(0)
        keys(panel.view, Qt.Key.Key_V, modifier=Qt.KeyboardModifier.ControlModifier)
        assert texts(panel)[-1] == "a dog"

    def test_a_list_pasted_into_the_field_is_a_list(self, panel: ClassesPanel) -> None:
        copy("a dog\na cat")
        panel.focus_add_row()
        keys(panel.add_row.field, Qt.Key.Key_V, modifier=Qt.KeyboardModifier.ControlModifier)
        assert dialog(panel).isVisible()
        keys(None, Qt.Key.Key_Escape)
        assert dialog(panel).isHidden()
        assert texts(panel) == NAMES

    def test_the_button_opens_an_empty_dialog_to_type_in(self, panel: ClassesPanel) -> None:
        QTEST.mouseClick(panel.paste_button, Qt.MouseButton.LeftButton)
        asked = dialog(panel)
        assert not asked.add_button.isEnabled()
        keys(None, "a dog", Qt.Key.Key_Return, "bicycle")
        assert asked.edit.note(1) == "already there"
        keys(None, Qt.Key.Key_Return, modifier=Qt.KeyboardModifier.ControlModifier)
        assert texts(panel) == [*NAMES, "a dog"]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
    def test_a_dropped_text_file_is_a_list(self, panel: ClassesPanel, tmp_path: Path, encoding: str) -> None:
        path = tmp_path / "list.txt"
        path.write_text("café\nمظلة\numbrella\n", encoding=encoding)
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(path))])
        self._drop(panel, mime)
        assert [dialog(panel).edit.note(line) for line in range(3)] == ["", "", "already there"]
        keys(None, Qt.Key.Key_Return)
        assert texts(panel)[-2:] == ["café", "مظلة"]

    def test_other_files_are_not_for_this_panel(self, panel: ClassesPanel, tmp_path: Path) -> None:
        mime = QMimeData()
        mime.setUrls([QUrl.fromLocalFile(str(tmp_path / "sparks.aedat4"))])
        assert not self._enter(panel, mime)

    def test_what_cannot_be_read_is_said(self, panel: ClassesPanel, tmp_path: Path) -> None:
        panel.paste_file(tmp_path / "missing.txt")
        assert panel.said.startswith("missing.txt cannot be read: ")
        (tmp_path / "binary.txt").write_bytes(b"\x00\x01\x02" * 100)
        panel.paste_file(tmp_path / "binary.txt")
        assert panel.said.startswith("binary.txt is not a text file")
        (tmp_path / "empty.txt").write_bytes(b"\n\n")
        panel.paste_file(tmp_path / "empty.txt")
        assert panel.said.startswith("empty.txt holds no classes")
        (tmp_path / "large.txt").write_bytes(b"word\n" * 300_000)
        panel.paste_file(tmp_path / "large.txt")
        assert "larger than a megabyte" in panel.said
        panel.paste_file(tmp_path)
        assert "cannot be read" in panel.said
        assert texts(panel) == NAMES

    def _enter(self, panel: ClassesPanel, mime: QMimeData) -> bool:
        event = QDragEnterEvent(
            QPoint(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        event.ignore()
        QApplication.sendEvent(panel, event)
        return event.isAccepted()

    def _drop(self, panel: ClassesPanel, mime: QMimeData) -> None:
        assert self._enter(panel, mime)
        event = QDropEvent(
            QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(panel, event)


class TestValues:
    def test_rows_show_dashes_until_there_is_an_answer(self, panel: ClassesPanel, clock: Clock) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        assert [panel.model.percentage(row_id) for row_id in ids] == ["–"] * 4
        panel.set_probabilities(dict(zip(ids, [0.87, 0.1, 0.026, 0.004], strict=True)))
        assert [panel.model.percentage(row_id) for row_id in ids] == ["87%", "10%", "3%", "<1%"]
        panel.set_probabilities(None)
        assert [panel.model.percentage(row_id) for row_id in ids] == ["–"] * 4

    def test_a_class_without_a_probability_keeps_its_dash(self, panel: ClassesPanel) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        panel.set_probabilities({ids[0]: 1.0})
        assert panel.model.percentage(ids[1]) == "–"

    def test_bars_are_as_long_as_the_probability_and_never_invisible(self, panel: ClassesPanel) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        panel.set_probabilities(dict(zip(ids, [0.5, 0.5, 0.0, 0.0], strict=True)))
        width = panel.view.rows_delegate.fill_width
        assert width(ids[0], 300) == 150
        assert width(ids[2], 300) == 4
        panel.set_probabilities(None)
        assert width(ids[0], 300) == 0

    def test_rows_speak(self, panel: ClassesPanel) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        panel.set_probabilities(dict(zip(ids, [0.5, 0.06, 0.4, 0.001], strict=True)))
        panel.set_notices({ids[3]: "The same as row 2."})
        said = [panel.model.index(k).data(Qt.ItemDataRole.AccessibleTextRole) for k in range(4)]
        assert said[1] == "umbrella, 6 percent"
        assert said[3] == "bicycle, less than 1 percent, The same as row 2."
        assert panel.model.index(3).data(Qt.ItemDataRole.ToolTipRole) == "The same as row 2."

    def test_a_colour_stays_with_its_class(self, panel: ClassesPanel) -> None:
        numbers = {text: panel.colour_number(row_id) for row_id, text in panel.rows()}
        assert numbers == {"a person": 0, "umbrella": 1, "a cup of coffee": 2, "bicycle": 3}
        click(panel, 0, "cross")
        panel.view.focus_row(2)
        keys(panel.view, Qt.Key.Key_Up, modifier=Qt.KeyboardModifier.AltModifier)
        assert {text: panel.colour_number(row_id) for row_id, text in panel.rows()} == {
            "umbrella": 1, "bicycle": 3, "a cup of coffee": 2
        }  # fmt: skip
        assert panel.colour_number(12345) == 8

    def test_only_what_looks_different_is_repainted(
        self, panel: ClassesPanel, clock: Clock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        first = dict(zip(ids, [0.7, 0.2, 0.06, 0.04], strict=True))
        panel.set_probabilities(first)
        panel.grab()
        painted: list[int] = []
        monkeypatch.setattr(panel.view.rows_delegate, "paint", spy(panel, painted.append))
        QApplication.processEvents()
        painted.clear()
        clock.now += 0.1
        panel.set_probabilities({**first, ids[2]: 0.0605})
        QApplication.processEvents()
        assert painted == []
        panel.set_probabilities({**first, ids[2]: 0.3})
        qtbot.waitUntil(lambda: bool(painted))
        assert set(painted) == {2}

    def test_what_lies_between_two_rows_that_change_is_not_repainted(
        self, panel: ClassesPanel, clock: Clock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        first = dict(zip(ids, [0.1, 0.2, 0.3, 0.4], strict=True))
        panel.set_probabilities(first)
        panel.grab()
        QApplication.processEvents()
        painted: set[int] = set()
        monkeypatch.setattr(panel.view.rows_delegate, "paint", spy(panel, painted.add))
        clock.now += 0.1
        panel.set_probabilities({**first, ids[0]: 0.2, ids[2]: 0.2})
        qtbot.waitUntil(lambda: len(painted) >= 2)
        assert painted == {0, 2}

    def test_bars_are_moved_no_more_often_than_30_times_a_second(
        self, panel: ClassesPanel, clock: Clock, qtbot: QtBot
    ) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        panel.set_probabilities(dict.fromkeys(ids, 0.25))
        ticks: list[float] = []
        panel.view.ticked.connect(lambda: ticks.append(time.monotonic()))
        began = time.monotonic()
        for k in range(100):
            clock.now += 0.002
            panel.set_probabilities({ids[0]: 0.01 * k})
            qtbot.wait(2)
        assert 2 <= len(ticks) <= (time.monotonic() - began) * 31 + 2

    def test_where_only_a_strip_was_painted_a_moved_bar_is_painted_again(self, panel: ClassesPanel) -> None:
        """As while the list is scrolled: the rest of the row still shows the old bar."""
        ids = [row_id for row_id, _ in panel.rows()]
        view, viewport, painted = panel.view, panel.view.viewport(), panel.view.rows_delegate.painted
        assert viewport is not None
        panel.set_probabilities({ids[0]: 0.8, **dict.fromkeys(ids[1:], 0.05)})
        viewport.repaint()
        box = view._boxes(ids[0]).field
        width = view.rows_delegate.fill_width(ids[0], box.width())
        strip = QRect(box.left(), box.top() + 5, box.width(), 3)
        viewport.repaint(strip)
        assert painted[ids[0]] == width, "all of it shows the same"
        painted[ids[0]] = 22
        viewport.repaint(strip)
        assert painted[ids[0]] != width
        view._tick()
        QApplication.processEvents()
        assert painted[ids[0]] == width

    def test_a_moved_bar_leaves_the_same_screen_as_painting_all(self, panel: ClassesPanel, clock: Clock) -> None:
        ids = [row_id for row_id, _ in panel.rows()]
        panel.set_probabilities(dict.fromkeys(ids, 0.25))
        view, viewport = panel.view, panel.view.viewport()
        assert viewport is not None
        screen = view.grab().toImage()
        clock.now += 0.1
        panel.set_probabilities({**dict.fromkeys(ids, 0.25), ids[1]: 0.9})
        field = view._boxes(ids[1]).field
        viewport.render(screen, field.topLeft(), QRegion(field))
        assert screen == view.grab().toImage()


class TestOrder:
    def ranked(self, panel: ClassesPanel, clock: Clock, values: list[float]) -> list[str]:
        panel.set_probabilities(dict(zip([row_id for row_id, _ in panel.rows()], values, strict=True)))
        return shown(panel)

    def test_ranked_rows_follow_their_probability_at_most_once_a_second(
        self, panel: ClassesPanel, clock: Clock
    ) -> None:
        QTEST.mouseClick(panel.order, Qt.MouseButton.LeftButton, pos=panel.order.segment("ranked").center().toPoint())
        assert self.ranked(panel, clock, [0.1, 0.2, 0.6, 0.1])[0] == "a cup of coffee"
        clock.now += 0.5
        assert self.ranked(panel, clock, [0.8, 0.1, 0.05, 0.05])[0] == "a cup of coffee"
        clock.now += 0.6
        assert self.ranked(panel, clock, [0.8, 0.1, 0.05, 0.05]) == NAMES
        assert texts(panel) == NAMES, "the user's own order stays"

    def test_the_order_is_frozen_under_the_pointer(self, panel: ClassesPanel, clock: Clock, qtbot: QtBot) -> None:
        panel.order.chosen.emit("ranked")
        viewport = panel.view.viewport()
        assert viewport is not None
        QTEST.mouseMove(viewport, point(panel, 1, "field"))
        qtbot.waitUntil(lambda: panel.view.pointer.hovered is not None)
        clock.now += 5
        assert self.ranked(panel, clock, [0.1, 0.2, 0.6, 0.1]) == NAMES

    def test_the_current_row_stays_current_when_rows_move(self, panel: ClassesPanel, clock: Clock) -> None:
        panel.order.chosen.emit("ranked")
        panel.view.focus_row(3)
        assert self.ranked(panel, clock, [0.1, 0.2, 0.1, 0.6])[0] == "bicycle"
        assert panel.view.currentIndex().row() == 0

    def test_rows_glide_to_their_place(
        self, panel: ClassesPanel, clock: Clock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, "0")
        panel.set_measures(LARGE)
        panel.order.chosen.emit("ranked")
        self.ranked(panel, clock, [0.1, 0.2, 0.1, 0.6])
        clock.now += 0.09
        halfway = panel.grab().toImage()
        clock.now += 1
        qtbot.waitUntil(lambda: not panel.view._came_from)
        assert panel.grab().toImage() != halfway


class TestManyRows:
    def test_from_20_rows_on_there_is_a_search_field(self, panel: ClassesPanel) -> None:
        assert not panel.search.isVisible()
        panel.set_rows([f"class {k}" for k in range(20)])
        assert panel.search.isVisible()
        assert panel.search.placeholderText() == "Find among 20"

    def test_500_rows_are_found_ranked_and_shown(self, panel: ClassesPanel, clock: Clock) -> None:
        panel.set_rows([f"thing {k}" for k in range(500)])
        panel.focus_search()
        keys(panel.search, "thing 49")
        assert shown(panel) == ["thing 49", *(f"thing {k}" for k in range(490, 500))]
        keys(panel.search, "x")
        assert panel.model.rowCount() == 0
        keys(panel.search, Qt.Key.Key_Escape)
        assert panel.model.rowCount() == 500
        panel.order.chosen.emit("ranked")
        panel.set_probabilities({row_id: k / 1e6 for k, (row_id, _) in enumerate(panel.rows())})
        assert shown(panel)[0] == "thing 499"
        assert not panel.grab().isNull()

    def test_only_rows_on_screen_are_painted(
        self, panel: ClassesPanel, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        panel.set_rows([f"thing {k}" for k in range(500)])
        painted: set[int] = set()
        monkeypatch.setattr(panel.view.rows_delegate, "paint", spy(panel, painted.add))
        panel.set_probabilities({row_id: 1 / 500 for row_id, _ in panel.rows()})
        panel.grab()
        assert 0 < len(painted) < 20

    def test_the_field_for_new_classes_stays_in_sight(self, panel: ClassesPanel) -> None:
        panel.set_rows([f"thing {k}" for k in range(500)])
        QApplication.processEvents()
        assert panel.add_row.geometry().bottom() < panel.height()
        assert panel.add_row.geometry().top() >= panel.view.geometry().bottom()


class TestEmptyList:
    def test_six_suggestions_of_which_a_click_adds_one(self, panel: ClassesPanel) -> None:
        panel.set_rows([])
        buttons = panel.suggestions._buttons
        assert len(buttons) == 6
        assert panel.suggestions.isVisible()
        QTEST.mouseClick(buttons[2], Qt.MouseButton.LeftButton)
        assert texts(panel) == [buttons[2].text()]
        assert panel.suggestions.isHidden()

    def test_removing_the_last_class_brings_them_back(self, panel: ClassesPanel) -> None:
        panel.set_rows(["only"])
        click(panel, 0, "cross")
        assert panel.rows() == []
        assert panel.suggestions.isVisible()


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("measures", [LARGE, SMALL], ids=["large", "small"])
def test_every_form_is_drawn(panel: ClassesPanel, theme: object, measures: object) -> None:
    panel.set_theme(DARK if theme is DARK else LIGHT)
    panel.set_measures(LARGE if measures is LARGE else SMALL)
    panel.set_rows(["مظلة", "x" * 2000, "star = a bright star", "a"])
    ids = [row_id for row_id, _ in panel.rows()]
    panel.set_notices({ids[0]: "longer than 77 tokens: the end is not read"})
    panel.set_untrained(True)
    panel.set_probabilities(dict.fromkeys(ids, 0.25))
    assert not panel.grab().isNull()


def test_setting_rows_from_outside_is_not_a_change_by_the_user(panel: ClassesPanel) -> None:
    heard: list[object] = []
    panel.rows_changed.connect(heard.append)
    panel.set_rows(["x", "y"])
    assert not heard
    panel.undo()
    assert texts(panel) == ["x", "y"]
    panel.set_rows(["z"], undoable=True)
    panel.undo()
    assert texts(panel) == ["x", "y"]
    assert len(heard) == 2
    assert panel.said == HINT
