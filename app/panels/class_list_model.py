"""The classes as the list shows them: filtered, in the user's order or by probability, with what each row shows."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from PyQt6.QtCore import QAbstractListModel, QModelIndex, QObject, Qt

from app.panels.class_rows import ELSE_ID, ClassRows, Row
from app.panels.easing import Clock, Glides, Readings, percent_text, percent_words
from app.theme import BAR_MS

ROW_ROLE = Qt.ItemDataRole.UserRole + 1
NO_PARENT = QModelIndex()


class ClassListModel(QAbstractListModel):
    """Rows in the order shown, and their live values.

    Parameters
    ----------
    rows : ClassRows
        The user's list; the model follows it.
    parent : QObject, optional
    clock : callable
        Seconds, monotonic.
    """

    def __init__(self, rows: ClassRows, parent: QObject | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__(parent)
        self.rows = rows
        self.bars: Glides[int] = Glides(clock, BAR_MS)
        self.digits: Readings[int] = Readings(clock)
        self.known = False
        """Whether there are probabilities; else dashes."""
        self.untrained = False
        self.notices: Mapping[int, str] = {}
        self.examples: Mapping[int, int] = {}
        """How many examples each class has."""
        self.filter = ""
        self._probabilities: Mapping[int, float] = {}
        self._judged: dict[int, float] = {}
        self._winner: int | None = None
        self._ranked = False
        self._order: list[int] = []
        self._places: dict[int, int] = {}
        rows.changed.connect(self.refresh)

    # Order

    @property
    def order(self) -> Sequence[int]:
        """Ids from the top down."""
        return self._order

    @property
    def ranked(self) -> bool:
        """By probability instead of as the user put them."""
        return self._ranked

    def set_ranked(self, ranked: bool) -> None:
        """Choose the order."""
        self._ranked = ranked
        self.refresh()

    def set_filter(self, words: str) -> None:
        """Show only rows that contain this text; empty for all."""
        self.filter = words.strip().casefold()
        self.refresh()

    @property
    def movable(self) -> bool:
        """Whether rows can be put elsewhere: only in the user's own order, all shown."""
        return not self._ranked and not self.filter

    def place(self, row_id: int) -> int:
        """Its place in the list shown, from 0; -1 when it is not shown."""
        return self._places.get(row_id, -1)

    def wanted_order(self) -> list[int]:
        """The order that the list should have now."""
        shown = [row for row in self.rows.rows if self.filter in row.text.casefold()]
        if self._ranked:
            shown.sort(key=lambda row: -self._probabilities.get(row.id, 0.0))  # stable: ties stay as typed
        return [row.id for row in shown]

    def refresh(self) -> None:
        """Follow the rows, the filter and the ranking."""
        self.bars.keep({ELSE_ID, *(row.id for row in self.rows.rows)})
        self._set_order(self.wanted_order())

    def preview_order(self, order: list[int]) -> None:
        """Show the rows so while one is being dragged; nothing of the user's list changes yet."""
        self._set_order(order)

    def rank(self) -> bool:
        """Take the order of the newest probabilities; whether anything moved."""
        order = self.wanted_order()
        if order == self._order:
            return False
        self._set_order(order)
        return True

    def _set_order(self, order: list[int]) -> None:
        old = self._order
        if order == old:
            if order:
                self.dataChanged.emit(self.index(0), self.index(len(order) - 1))
            return
        if set(order) == set(old):
            self.layoutAboutToBeChanged.emit()
            before = self.persistentIndexList()
            ids = [old[index.row()] for index in before]
            self._take(order)
            self.changePersistentIndexList(before, [self.index(self._places[row_id]) for row_id in ids])
            self.layoutChanged.emit()
            return
        if not self._insert_or_remove(old, order):
            self.beginResetModel()
            self._take(order)
            self.endResetModel()

    def _insert_or_remove(self, old: list[int], new: list[int]) -> bool:
        """One run of rows came or went, the common case: the current row and the scroll position stay."""
        start = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        count = abs(len(new) - len(old))
        if len(new) > len(old) and new[:start] + new[start + count :] == old:
            self.beginInsertRows(NO_PARENT, start, start + count - 1)
            self._take(new)
            self.endInsertRows()
            return True
        if len(new) < len(old) and old[:start] + old[start + count :] == new:
            self.beginRemoveRows(NO_PARENT, start, start + count - 1)
            self._take(new)
            self.endRemoveRows()
            return True
        return False

    def _take(self, order: list[int]) -> None:
        self._order = order
        self._places = {row_id: place for place, row_id in enumerate(order)}

    # Values

    def set_probabilities(self, probabilities: Mapping[int, float] | None) -> bool:
        """Take a prediction, None for no answer; whether all rows look different (dashes came or went)."""
        was_known, self.known = self.known, probabilities is not None
        if probabilities is None:
            self.digits.reset()
            self.bars.clear()
            return was_known
        self._probabilities = probabilities
        for row_id in (*(row.id for row in self.rows.rows), ELSE_ID):
            value = probabilities.get(row_id)
            if value is not None:
                self.bars.move(row_id, value)
        self.digits.hold(dict(probabilities))  # the view shows them, and paints what changed
        return not was_known

    def winner(self) -> int | None:
        """The id of the most probable row, as the digits say; `ELSE_ID` where that is something else."""
        shown = self.digits.shown
        if shown is not self._judged:  # asked for every row that is painted; new digits are a new dictionary
            self._judged, self._winner = shown, max(shown, key=lambda row_id: shown[row_id], default=None)
        return self._winner if self.known else None

    def percentage(self, row_id: int) -> str:
        """The digits of a row."""
        value = self.digits.shown.get(row_id) if self.known else None
        return "–" if value is None else percent_text(value)

    # Qt

    def row_at(self, index: QModelIndex) -> Row | None:
        """The class at this place."""
        if not index.isValid() or index.row() >= len(self._order):
            return None
        return self.rows.find(self._order[index.row()])

    def rowCount(self, parent: QModelIndex = NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._order)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        wanted = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsEditable
        return wanted | Qt.ItemFlag.ItemNeverHasChildren if index.isValid() else Qt.ItemFlag.NoItemFlags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return row.text
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self.words(row)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self.notices.get(row.id)
        return row if role == ROW_ROLE else None

    def setData(self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index)
        if row is None or role != Qt.ItemDataRole.EditRole:
            return False
        self.rows.edit(row.id, str(value))
        return True

    def words(self, row: Row) -> str:
        """A row for a screen reader: ``umbrella, 6 percent``."""
        value = self.digits.shown.get(row.id) if self.known else None
        parts = [row.label] if value is None else [row.label, percent_words(value)]
        if count := self.examples.get(row.id):
            parts.append("1 example" if count == 1 else f"{count} examples")
        if row.id in self.notices:
            parts.append(self.notices[row.id])
        return ", ".join(parts)
