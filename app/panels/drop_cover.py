"""What lies over the classes while a list hangs over them, about to be dropped."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app.theme import DARK, Theme, font


class DropCover(QWidget):
    """Says what dropping will do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._name = DARK, ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme

    def show_name(self, name: str) -> None:
        """Cover the panel while `name` hangs over it."""
        self._name = name
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("bg1", 235))
        painter.drawRoundedRect(QRectF(self.rect()), 12, 12)
        pen = QPen(self._theme.colour("text1"), 2)
        pen.setDashPattern([4, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(9, 9, -9, -9), 10, 10)
        painter.setFont(font(15, 600))
        box = QRectF(self.rect()).adjusted(24, 0, -24, 0)
        centre = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(box, centre, f"Drop to add the classes in {self._name}\none class a line")
        painter.end()
