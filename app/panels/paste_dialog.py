"""Paste a list of classes: one a line, what is there already is named."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QFontMetricsF,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QSyntaxHighlighter,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
)
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QTextEdit, QVBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.class_rows import MOST_ROWS, list_lines, same_key
from app.panels.focus import RING_ROOM
from app.panels.overlay import Overlay
from app.theme import Theme, font

ALREADY_THERE = "already there"
TWICE = "twice"
LINE_HEIGHT = 28


def line_notes(lines: list[str], existing: AbstractSet[str]) -> list[str]:
    """Name the duplicates of a list.

    Parameters
    ----------
    lines : list of str
        Lines as typed.
    existing : set of str
        `same_key` of the classes that are there.

    Returns
    -------
    list of str
        For each line ``already there``, ``twice`` (an earlier line is the same), or nothing.
    """
    seen: set[str] = set()
    notes = []
    for line in lines:
        key = same_key(line)
        notes.append("" if not key else ALREADY_THERE if key in existing else TWICE if key in seen else "")
        seen.add(key)
    return notes


def new_classes(text: str, existing: AbstractSet[str]) -> list[str]:
    """The classes of a list that are neither there yet nor named before in it."""
    lines = list_lines(text)
    return [line for line, note in zip(lines, line_notes(lines, existing), strict=True) if not note]


class _Dimmer(QSyntaxHighlighter):
    """Greys the lines that add nothing."""

    def __init__(self, document: QTextDocument, editor: ListEdit) -> None:
        super().__init__(document)
        self._editor = editor

    def highlightBlock(self, text: str | None) -> None:
        if text and self._editor.note(self.currentBlock().blockNumber()):
            grey = QTextCharFormat()
            grey.setForeground(self._editor.theme.colour("text3"))
            self.setFormat(0, 2 * len(text), grey)


class ListEdit(QTextEdit):
    """Plain lines, each with its note at the right."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.theme = theme
        self.existing: AbstractSet[str] = frozenset()
        self._notes: list[str] = []
        self.setAcceptRichText(False)
        self.setTabChangesFocus(True)
        self.setLineWrapMode(QTextEdit.LineWrapMode.NoWrap)
        self.setAccessibleName("Classes, one a line")
        document = self.document()
        assert document is not None
        document.setDocumentMargin(8)
        self._dimmer = _Dimmer(document, self)
        self.textChanged.connect(self._judge)

    def note(self, line: int) -> str:
        """What is said about a line, from 0."""
        return self._notes[line] if line < len(self._notes) else ""

    def set_list(self, text: str, existing: AbstractSet[str]) -> None:
        """Begin with this text."""
        self.existing = existing
        self._notes = []
        self.setPlainText(text)
        spaced = QTextBlockFormat()
        spaced.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.FixedHeight.value)  # type: ignore[arg-type]
        cursor = QTextCursor(self.document())
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.mergeBlockFormat(spaced)
        document = self.document()
        if document is not None:
            document.clearUndoRedoStacks()
        self.moveCursor(QTextCursor.MoveOperation.End)
        self._judge()

    def _judge(self) -> None:
        notes = line_notes(self.toPlainText().split("\n"), self.existing)
        if notes == self._notes:
            return
        self._notes = notes
        self.blockSignals(True)
        self._dimmer.rehighlight()
        self.blockSignals(False)
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        viewport, document = self.viewport(), self.document()
        layout = None if document is None else document.documentLayout()
        bar = self.verticalScrollBar()
        if viewport is None or document is None or layout is None or bar is None:
            return
        painter = QPainter(viewport)
        face = font(12)
        painter.setFont(face)
        block: QTextBlock = self.cursorForPosition(viewport.rect().topLeft()).block()
        while block.isValid():
            box = layout.blockBoundingRect(block).translated(0, -bar.value())
            if box.top() > viewport.height():
                break
            if note := self.note(block.blockNumber()):
                width = QFontMetricsF(face).horizontalAdvance(note) + 20
                place = QRectF(viewport.width() - width, box.top() + 4, width, LINE_HEIGHT - 4)
                painter.fillRect(place, self.theme.colour("bg0" if self.theme.dark else "bg1"))
                painter.setPen(self.theme.colour("text2"))
                painter.drawText(place, Qt.AlignmentFlag.AlignCenter, note)
            block = block.next()
        painter.end()


class PasteDialog(Overlay):
    """Lies over the window. Ctrl+Enter adds."""

    accepted = pyqtSignal(list, bool)
    """The classes, and whether they replace all."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._existing: AbstractSet[str] = frozenset()
        self._title = QLabel("Paste a list of classes")
        self._detail = QLabel()
        self.edit = ListEdit(self.theme)
        self.replace_button = FaceButton("Replace all", text="Replace all")
        self.add_button = FaceButton("Add", "primary", text="Add")
        self.cancel_button = FaceButton("Cancel", text="Cancel")
        buttons = QHBoxLayout()
        buttons.setSpacing(8 - 2 * RING_ROOM)
        buttons.addWidget(self.cancel_button)
        buttons.addStretch(1)
        buttons.addWidget(self.replace_button)
        buttons.addWidget(self.add_button)
        for label in (self._title, self._detail):
            label.setIndent(RING_ROOM)
        column = QVBoxLayout(self.card)
        side = 24 - RING_ROOM
        column.setContentsMargins(side, 22, side, side)
        column.setSpacing(0)
        column.addWidget(self._title)
        column.addSpacing(6)
        column.addWidget(self._detail)
        column.addSpacing(14)
        field = QHBoxLayout()
        field.setContentsMargins(RING_ROOM, 0, RING_ROOM, 0)
        field.addWidget(self.edit)
        column.addLayout(field, 1)
        column.addSpacing(20 - RING_ROOM)
        column.addLayout(buttons)
        self.edit.textChanged.connect(self._count)
        self.add_button.clicked.connect(lambda: self._accept(replace=False))
        self.replace_button.clicked.connect(lambda: self._accept(replace=True))
        self.cancel_button.clicked.connect(self.close_overlay)
        self.set_theme(self.theme)

    def ask(self, text: str, existing: AbstractSet[str], detail: str = "") -> None:
        """Open with this list.

        Parameters
        ----------
        text : str
            One class a line; may be empty.
        existing : set of str
            `same_key` of the classes that are there.
        detail : str
            Where the list is from, or what was left out of it.
        """
        self._existing = existing
        self._detail.setText(detail or "One class a line. Commas stay part of a class.")
        self.edit.set_list(text, existing)
        self._count()
        self.open()
        if self.add_button.isEnabled():
            self.add_button.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            self.edit.setFocus(Qt.FocusReason.PopupFocusReason)

    def card_size(self, room_width: int, room_height: int) -> tuple[int, int]:
        return min(480, room_width), min(416, room_height)

    def _count(self) -> None:
        text = self.edit.toPlainText()
        count = len(new_classes(text, self._existing))
        words = "Add 1 class" if count == 1 else f"Add {count} classes"
        self.add_button.set_content(text=words, name=words)
        self.add_button.setEnabled(count > 0)
        self.replace_button.setEnabled(bool(list_lines(text)))

    def _accept(self, *, replace: bool) -> None:
        existing: AbstractSet[str] = frozenset() if replace else self._existing
        classes = new_classes(self.edit.toPlainText(), existing)
        if classes:
            self.close_overlay()
            self.accepted.emit(classes[:MOST_ROWS], replace)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and event.modifiers() & Qt.KeyboardModifier.ControlModifier:
            self._accept(replace=False)
        else:
            super().keyPressEvent(event)

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        super().set_theme(theme)
        self.edit.theme = theme
        surface = theme.bg0 if theme.dark else theme.bg1
        self._title.setFont(font(20, 600))
        self._title.setStyleSheet(f"color: {theme.text1}; font-size: 20px; font-weight: 600;")
        self._detail.setStyleSheet(f"color: {theme.text2}; font-size: 13px;")
        self._detail.setWordWrap(True)
        self.edit.setFont(font(15, tabular=False))
        self.edit.setStyleSheet(
            f"QTextEdit {{ background: {surface}; color: {theme.text1}; border: 2px solid {theme.text3};"
            f" border-radius: 8px; padding: 0 2px; font-size: 15px; }}"
            f"QTextEdit:focus {{ border-color: {theme.focus}; padding: 0 2px; }}"
        )
        for button in (self.replace_button, self.cancel_button, self.add_button):
            button.set_theme(theme)


def read_list(raw: bytes) -> str:
    """Text of a list file: UTF-8 with or without a mark, UTF-16 with one, else as Western European."""
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16", "replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def list_summary(added: int, asked: int) -> str:
    """One sentence on what a list did, e.g. for the hint under the classes."""
    words = "1 class" if added == 1 else f"{added} classes"
    left = asked - added
    return f"Added {words}." if left <= 0 else f"Added {words}; {left} left out, the list holds {MOST_ROWS} at most."
