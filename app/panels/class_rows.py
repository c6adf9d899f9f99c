"""The user's classes: rows with stable ids and colours, changed by undoable steps."""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QUndoCommand, QUndoStack

from app.theme import CLASS_COLOURS

MOST_ROWS = 2000
"""More classes are not taken: nobody reads them, and encoding them takes minutes."""
LONGEST_TEXT = 1000
"""Characters of a class; no tokenizer reads as many."""
NO_ID = -1
ELSE_ID = -1
"""Of the row "something else", which is none of the user's; theirs are numbered from 1."""


@dataclass(frozen=True)
class Row:
    """One class."""

    id: int
    """Stable, never given again."""
    text: str
    number: int
    """Its colour: 0 to 7, or 8 for the grey that all others share."""

    @cached_property
    def _parts(self) -> tuple[str, str | None]:
        return split_text(self.text)

    @property
    def label(self) -> str:
        """What is shown large: the text, or the part before ``=``."""
        return self._parts[0]

    @property
    def prompt(self) -> str | None:
        """The full prompt after ``=``; None where the template applies."""
        return self._parts[1]


Rows = tuple[Row, ...]


def tidy(text: str) -> str:
    """One line without control characters and doubled spaces."""
    plain = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text[: 4 * LONGEST_TEXT])
    return " ".join(plain.split())[:LONGEST_TEXT]


def split_text(text: str) -> tuple[str, str | None]:
    """Split ``label = full prompt`` at the first ``=`` with words on both sides; without one, all is the label."""
    for place, character in enumerate(text):
        if character == "=":
            label, prompt = text[:place].strip(), text[place + 1 :].strip()
            if label and prompt:
                return label, prompt
    return text, None


def same_key(text: str) -> str:
    """What two texts share that name the same class."""
    return tidy(text).casefold()


def list_lines(text: str) -> list[str]:
    """The classes of a pasted list: one a line, empty lines left out, commas kept."""
    return [line for line in (tidy(line) for line in text.splitlines()) if line]


def _free_number(taken: Iterable[int]) -> int:
    used = set(taken)
    return next((number for number in range(CLASS_COLOURS) if number not in used), CLASS_COLOURS)


class _Change(QUndoCommand):
    """The rows before and after; the whole list is small, and a snapshot cannot get out of step."""

    def __init__(self, rows: ClassRows, after: Rows, title: str, merge: int | None) -> None:
        super().__init__(title)
        self._rows, self._before, self._after, self._merge = rows, rows.rows, after, merge

    def id(self) -> int:
        return NO_ID if self._merge is None else self._merge

    def mergeWith(self, other: QUndoCommand | None) -> bool:
        if not isinstance(other, _Change) or other.id() != self.id():
            return False
        self._after = other._after
        return True

    def redo(self) -> None:
        self._rows._put(self._after)

    def undo(self) -> None:
        self._rows._put(self._before)


class ClassRows(QObject):
    """The list and its history. Every change by the user is one step that can be undone."""

    changed = pyqtSignal()
    """After any change, also by `reset`."""
    edited = pyqtSignal()
    """After a change by the user, undoing included."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Rows = ()
        self.undo_stack = QUndoStack(self)
        self.undo_stack.setUndoLimit(200)
        self._ids = itertools.count(1)
        self._index: dict[int, int] = {}
        self._quiet = False

    def __len__(self) -> int:
        return len(self.rows)

    def find(self, row_id: int) -> Row | None:
        """The row with this id."""
        index = self._index.get(row_id)
        return None if index is None else self.rows[index]

    def position(self, row_id: int) -> int:
        """Its place in the user's order, from 0; -1 when it is not there."""
        return self._index.get(row_id, -1)

    def keys(self) -> set[str]:
        """`same_key` of every row."""
        return {same_key(row.text) for row in self.rows}

    def reset(self, texts: Sequence[str], *, undoable: bool) -> None:
        """Replace all rows; a text that is there already keeps its id and its colour."""
        after = self._from_texts(texts)
        if undoable:
            self._push(after, "replace all classes")
            return
        self.undo_stack.clear()
        self._quiet = True
        self._put(after)
        self._quiet = False

    def add(self, texts: Sequence[str], at: int | None = None) -> list[int]:
        """Add classes at the end, or before the row `at`; their ids. Empty texts are left out."""
        room = max(0, MOST_ROWS - len(self.rows))
        new = self._numbered([tidy(text) for text in texts if tidy(text)][:room], self.rows)
        if new:
            place = len(self.rows) if at is None else at
            title = f"add “{new[0].label}”" if len(new) == 1 else f"add {len(new)} classes"
            self._push((*self.rows[:place], *new, *self.rows[place:]), title)
        return [row.id for row in new]

    def edit(self, row_id: int, text: str) -> None:
        """Change a row's text; an empty one removes the row."""
        text, row = tidy(text), self.find(row_id)
        if row is None or text == row.text:
            return
        if not text:
            self.remove([row_id])
            return
        after = tuple(replace(other, text=text) if other.id == row_id else other for other in self.rows)
        self._push(after, f"change “{row.label}”")

    def remove(self, row_ids: Iterable[int]) -> None:
        """Remove rows."""
        gone = {row_id for row_id in row_ids if row_id in self._index}
        if not gone:
            return
        first = self.find(next(iter(gone)))
        title = f"remove “{first.label}”" if first is not None and len(gone) == 1 else f"remove {len(gone)} classes"
        self._push(tuple(row for row in self.rows if row.id not in gone), title)

    def move(self, row_id: int, place: int, *, merge: bool = False) -> None:
        """Put a row at this place; with `merge`, moves of one row in a row are one step."""
        row = self.find(row_id)
        if row is None:
            return
        others = [other for other in self.rows if other.id != row_id]
        place = min(max(0, place), len(others))
        after = (*others[:place], row, *others[place:])
        if after != self.rows:
            self._push(after, f"move “{row.label}”", merge=row_id if merge else None)

    def reorder(self, order: Sequence[int]) -> None:
        """Take the user's new order: all ids, each once."""
        rows = {row.id: row for row in self.rows}
        if set(order) == set(rows) and tuple(order) != tuple(rows):
            self._push(tuple(rows[row_id] for row_id in order), "reorder the classes")

    def _from_texts(self, texts: Sequence[str]) -> Rows:
        spare: dict[str, list[Row]] = {}
        for row in self.rows:
            spare.setdefault(row.text, []).append(row)
        tidied = [tidy(text) for text in texts if tidy(text)][:MOST_ROWS]
        kept = [spare[text].pop(0) if spare.get(text) else None for text in tidied]
        new = iter(
            self._numbered(
                [text for text, row in zip(tidied, kept, strict=True) if row is None],
                [row for row in kept if row is not None],
            )
        )
        return tuple(row if row is not None else next(new) for row in kept)

    def _numbered(self, texts: Sequence[str], beside: Sequence[Row]) -> list[Row]:
        taken = [row.number for row in beside]
        rows = []
        for text in texts:
            number = _free_number(taken)
            taken.append(number)
            rows.append(Row(next(self._ids), text, number))
        return rows

    def _push(self, after: Rows, title: str, merge: int | None = None) -> None:
        self.undo_stack.push(_Change(self, after, title, merge))

    def _put(self, rows: Rows) -> None:
        self.rows = rows
        self._index = {row.id: place for place, row in enumerate(rows)}
        self.changed.emit()
        if not self._quiet:
            self.edited.emit()
