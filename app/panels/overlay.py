"""A card in the middle of the window that dims the rest and keeps the keyboard until it is closed."""

from __future__ import annotations

from abc import abstractmethod

from PyQt6.QtCore import QEvent, QObject, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QApplication, QWidget

from app.panels.card import paint_card
from app.theme import DARK, LARGE, Measures, Theme

MARGIN = 24


class Overlay(QWidget):
    """Lies over its parent. Sub-classes fill `self.card` and say its size in `card_size`.

    While it is open, no shortcut of the window fires, Tab stays inside, and Escape closes it.
    """

    closed = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.theme, self.measures = DARK, LARGE
        self._focused_before: QWidget | None = None
        self.card = QWidget(self)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        parent.installEventFilter(self)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self.theme = theme
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self.measures = measures
        self._cover()

    @abstractmethod
    def card_size(self, room_width: int, room_height: int) -> tuple[int, int]:
        """Size of the card where there is this much room, px."""

    def open(self) -> None:
        """Show it, over everything."""
        if not self.isVisible():
            self._focused_before = QApplication.focusWidget()
        self._cover()
        self.show()
        self.raise_()
        self.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_overlay(self) -> None:
        """Hide it, and give the keyboard back."""
        if self.isHidden():
            return
        self.hide()
        before, self._focused_before = self._focused_before, None
        parent = self.parentWidget()
        if before is not None and parent is not None and parent.isAncestorOf(before):
            before.setFocus(Qt.FocusReason.PopupFocusReason)
        self.closed.emit()

    def _cover(self) -> None:
        parent = self.parentWidget()
        if parent is None:
            return
        self.setGeometry(parent.rect())
        width, height = self.card_size(self.width() - 2 * MARGIN, self.height() - 2 * MARGIN)
        self.card.setGeometry((self.width() - width) // 2, (self.height() - height) // 2, width, height)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if event is not None and watched is self.parentWidget() and event.type() == QEvent.Type.Resize:
            self._cover()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # the key comes here as a press instead of firing a shortcut below
            return True
        return super().event(event)

    def focusNextPrevChild(self, forward: bool) -> bool:
        stops = [
            child
            for child in self.findChildren(QWidget)
            if child.isVisible() and child.isEnabled() and child.focusPolicy() & Qt.FocusPolicy.TabFocus
        ]
        if not stops:
            return True
        focused = QApplication.focusWidget()
        place = stops.index(focused) if focused in stops else (-1 if forward else 0)
        reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
        stops[(place + (1 if forward else -1)) % len(stops)].setFocus(reason)
        return True

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        if event.key() == Qt.Key.Key_Escape:
            self.close_overlay()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and not self.card.geometry().contains(event.position().toPoint()):
            self.close_overlay()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(0, 0, 0, 170) if self.theme.dark else QColor(18, 21, 26, 110))
        paint_card(painter, QRectF(self.card.geometry()), self.theme, edge=self.theme.colour("line"))
        painter.end()
