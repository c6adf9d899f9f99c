"""The field under the list that takes new classes, and the suggestions below it while there are none."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QLineF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QGuiApplication, QKeyEvent, QKeySequence, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QLineEdit, QPushButton, QSizePolicy, QWidget

from app.panels.class_delegate import FIELD_LEFT, FIELD_RADIUS, PERCENTAGE, SWATCH
from app.panels.class_rows import LONGEST_TEXT, list_lines, tidy
from app.theme import DARK, LARGE, ROW_GAP, SMALL, Measures, Theme, font

SHORTCUT = "Ctrl N"


class AddField(QLineEdit):
    """Enter, Tab or leaving the field adds what is typed."""

    added = pyqtSignal(str)
    list_pasted = pyqtSignal(str)
    left_above = pyqtSignal()
    undo_asked = pyqtSignal()
    focus_moved = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setPlaceholderText("Type a class…")
        self.setAccessibleName("Type a class")
        self.setMaxLength(LONGEST_TEXT)
        self.setFrame(False)
        self.returnPressed.connect(self._add)

    def _add(self) -> None:
        text = tidy(self.text())
        self.setText("")  # and not clear(), which could be undone here instead of in the list
        if text:
            self.added.emit(text)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        if event.matches(QKeySequence.StandardKey.Paste) and self._paste_list():
            return
        if event.matches(QKeySequence.StandardKey.Undo) and not self.isUndoAvailable():
            self.undo_asked.emit()
        elif event.key() == Qt.Key.Key_Up:
            self.left_above.emit()
        elif event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)

    def _paste_list(self) -> bool:
        """A clipboard with several lines is a list, not one long class."""
        clipboard = QGuiApplication.clipboard()
        text = "" if clipboard is None else clipboard.text()
        if len(list_lines(text)) < 2:
            return False
        self.list_pasted.emit(text)
        return True

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        self.focus_moved.emit()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        # A menu or another program in front is no end of typing.
        passing = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event is not None and event.reason() not in passing:
            self._add()
        self.focus_moved.emit()


class AddRow(QWidget):
    """Plus sign and field, in line with the rows above."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self.field = AddField(self)
        self.field.focus_moved.connect(self.update)
        self.field.textChanged.connect(self.update)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self.field.setFont(font(15, tabular=False))
        self.field.setStyleSheet(
            f"QLineEdit, QLineEdit:focus {{ background: transparent; border: none; padding: 0 8px;"
            f" color: {theme.text1}; font-size: 15px; placeholder-text-color: {theme.text2};"
            f" selection-background-color: {theme.text1}; selection-color: {theme.bg1}; }}"
        )
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self.setFixedHeight(measures.row + ROW_GAP)
        self._place()

    def sizeHint(self) -> QSize:
        return QSize(200, self._measures.row + ROW_GAP)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._place()

    def _box(self) -> QRectF:
        padding = self._measures.padding
        left = padding + FIELD_LEFT
        return QRectF(left, ROW_GAP / 2, self.width() - padding - PERCENTAGE - left, self._measures.row)

    def _place(self) -> None:
        self.field.setGeometry(self._box().toRect().adjusted(2, 2, -2, -2))

    def _hinted(self) -> bool:
        large = self._measures.row > SMALL.row
        return large and not self.field.hasFocus() and not self.field.text()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, box, focused = self._theme, self._box(), self.field.hasFocus()
        width = 2.0 if focused else 1.0
        # Outlined and not filled: a place, not yet a class. text3 keeps 3:1 against the card.
        painter.setPen(QPen(theme.colour("focus" if focused else "text3"), width))
        painter.setBrush(theme.colour("bg0" if theme.dark else "bg1") if focused else Qt.BrushStyle.NoBrush)
        half = width / 2
        painter.drawRoundedRect(box.adjusted(half, half, -half, -half), FIELD_RADIUS, FIELD_RADIUS)
        painter.setPen(QPen(theme.colour("text2"), 1.4, cap=Qt.PenCapStyle.RoundCap))
        x, y, reach = int(self._measures.padding + SWATCH / 2), box.center().y(), 6.5
        painter.drawLine(QLineF(x - reach, y, x + reach, y))
        painter.drawLine(QLineF(x, y - reach, x, y + reach))
        if self._hinted():
            self._paint_hint(painter, box)
        painter.end()

    def _paint_hint(self, painter: QPainter, box: QRectF) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("bg2"))
        chip = QRectF(box.right() - 57, box.center().y() - 11, 47, 22)
        painter.drawRoundedRect(chip, 5, 5)
        painter.setFont(font(12, 500))
        painter.setPen(self._theme.colour("text2"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, SHORTCUT)


class Suggestions(QWidget):
    """Classes to begin with: a press adds one."""

    chosen = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._buttons: list[QPushButton] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_texts(self, texts: Sequence[str]) -> None:
        """Offer these."""
        for button in self._buttons:
            button.hide()
            button.deleteLater()
        self._buttons = []
        for text in texts:
            button = QPushButton(text, self)
            button.setAccessibleName(f"Add {text}")
            button.setCursor(Qt.CursorShape.PointingHandCursor)
            button.clicked.connect(lambda _=False, text=text: self.chosen.emit(text))
            button.show()
            self._buttons.append(button)
        self.set_theme(self._theme)

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        for button in self._buttons:
            button.setFont(font(13, 500, tabular=False))
            button.setStyleSheet(
                f"QPushButton {{ background: {theme.bg2}; color: {theme.text1}; border: 2px solid transparent;"
                f" border-radius: 14px; padding: 3px 11px; font-size: 13px; font-weight: 500; }}"
                f"QPushButton:hover {{ background: {theme.bg3}; }}"
                f"QPushButton:focus {{ border-color: {theme.focus}; }}"
            )
        self._place()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self._place()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        left = self._measures.padding + FIELD_LEFT
        x, y, height = left, 26, 28
        right = self.width() - self._measures.padding
        for button in self._buttons:
            width = button.sizeHint().width()
            if x > left and x + width > right:
                x, y = left, y + height + 8
            button.setGeometry(x, y, width, height)
            x += width + 8
        self.setFixedHeight(y + height + 4)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setFont(font(12))
        painter.setPen(self._theme.colour("text2"))
        painter.drawText(self._measures.padding + FIELD_LEFT, 16, "For example")
        painter.end()
