"""Menus as the window draws them: icon, text, and a quieter detail at the right."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QAction, QPainter, QPainterPath, QPaintEvent, QPen, QRegion, QResizeEvent
from PyQt6.QtWidgets import QMenu, QWidget

from app.icons import ICON, paint_icon
from app.theme import Theme, font

_RADIUS = 10
_ICON_GAP = 12
_INSET = 10
_MEASURES = """
QMenu {{ background: transparent; border: none; padding: 6px; }}
QMenu::item {{ padding: 10px {right}px 10px {left}px; background: transparent; }}
QMenu::separator {{ height: 1px; margin: 5px 0; background: transparent; }}
"""
"""For the style, which only measures the entries here."""
_LEAST_DETAIL_GAP = 24


class Menu(QMenu):
    """A stock menu, its keys and its accessibility, painted in the window's own way.

    Add entries with `add` and headings with `add_header`.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._icons: dict[QAction, str] = {}
        self._details: dict[QAction, str] = {}
        self._headers: set[QAction] = set()
        self.setWindowFlag(Qt.WindowType.FramelessWindowHint)
        self.setWindowFlag(Qt.WindowType.NoDropShadowWindowHint)
        self.setAttribute(Qt.WidgetAttribute.WA_TranslucentBackground)
        self.setFont(font(13, 500))
        self.setStyleSheet(_MEASURES.format(left=_INSET + ICON + _ICON_GAP, right=_INSET + _LEAST_DETAIL_GAP))

    def add(
        self,
        text: str,
        chosen: Callable[[], None] | None = None,
        *,
        icon: str = "",
        detail: str = "",
        checked: bool = False,
    ) -> QAction:
        """Add an entry; `chosen` is called when it is chosen. A checked one shows a tick instead of its icon."""
        shown = text.replace("&", "&&")
        action = QAction(f"{shown}\t{detail}" if detail else shown, self)
        self._icons[action] = "check" if checked else icon
        self._details[action] = detail
        if chosen is not None:
            action.triggered.connect(lambda: chosen())
        self.addAction(action)
        return action

    def set_checked(self, action: QAction, checked: bool) -> None:
        """Tick an entry that has no icon, or not, while the menu is open."""
        self._icons[action] = "check" if checked else ""
        self.update()

    def add_header(self, text: str) -> None:
        """Add a heading, which cannot be chosen."""
        action = QAction(text.replace("&", "&&"), self)
        action.setEnabled(False)
        self._headers.add(action)
        self.addAction(action)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Cut the corners off: without a compositor, what is translucent would be black."""
        outline = QPainterPath()
        outline.addRoundedRect(QRectF(self.rect()), _RADIUS, _RADIUS)
        self.setMask(QRegion(outline.toFillPolygon().toPolygon()))
        super().resizeEvent(event)

    def _words(self, action: QAction) -> str:
        return action.text().split("\t")[0].replace("&&", "&")

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the surface and every entry."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.setBrush(theme.colour("bg1"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        for action in self.actions():
            self._paint_action(painter, action, QRectF(self.actionGeometry(action)))
        painter.end()

    def _paint_action(self, painter: QPainter, action: QAction, box: QRectF) -> None:
        theme = self._theme
        if action.isSeparator():
            painter.setPen(QPen(theme.colour("line"), 1))
            painter.drawLine(QPointF(box.left(), box.center().y()), QPointF(box.right(), box.center().y()))
            return
        if action is self.activeAction() and action.isEnabled():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("bg3"))
            painter.drawRoundedRect(box, 6, 6)
        align = Qt.AlignmentFlag.AlignVCenter
        left = box.left() + _INSET
        if action in self._headers:
            painter.setFont(font(12, 500))
            painter.setPen(theme.colour("text2"))
            painter.drawText(QRectF(left, box.top(), box.width(), box.height()), align, self._words(action))
            return
        if name := self._icons.get(action):
            paint_icon(painter, name, QRectF(left, box.top(), ICON, box.height()), theme.colour("text1"))
        left += ICON + _ICON_GAP
        row = QRectF(left, box.top(), box.right() - _INSET - left, box.height())
        painter.setFont(font(13, 500))
        painter.setPen(theme.colour("text1" if action.isEnabled() else "text3"))
        painter.drawText(row, align, self._words(action))
        painter.setFont(font(12))
        painter.setPen(theme.colour("text2"))
        painter.drawText(row, align | Qt.AlignmentFlag.AlignRight, self._details.get(action, ""))

    def active_words(self) -> str:
        """Give the words of the entry that Return would choose; nothing where there is none."""
        action = self.activeAction()
        return "" if action is None else self._words(action)

    def set_active(self, words: str) -> None:
        """Go to the entry with these words, where there is one, so that a menu filled anew stays where it was."""
        for action in self.actions():
            if words and self._words(action) == words and action.isEnabled():
                self.setActiveAction(action)

    def empty(self) -> None:
        """Remove all entries."""
        self._icons.clear()
        self._details.clear()
        self._headers.clear()
        self.clear()
