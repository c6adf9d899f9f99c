"""While a class is taught: a border in its colour around the picture, and how many examples there are."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QRectF, Qt
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app.panels.chips import paint_chip
from app.panels.fitting import elided
from app.theme import CARD_RADIUS, DARK, Measures, Theme, font

_BORDER = 4
_CHIP = 40
_ABOVE = 64
"""Room for the chips at the view's lower edge, px."""


class TeachCover(QWidget):
    """Lies over the view and takes no clicks."""

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self._theme = DARK
        self._label, self._colour, self._count, self._wanted = "", 0, 0, 0
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        view.installEventFilter(self)
        self.hide()

    @property
    def text(self) -> str:
        """What it says, e.g. ``Teaching “a cup” 14 of 16``."""
        return f"Teaching “{self._label}” {self._detail()}"

    def show_teaching(self, label: str, colour: int, count: int, wanted: int) -> None:
        """Show this class and its count."""
        self._label, self._colour, self._count, self._wanted = label, colour, count, wanted
        self.setAccessibleName(self.text)
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.show()
        self.raise_()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Do nothing: it is the same in every window."""

    def _detail(self) -> str:
        return "Waiting for motion" if not self._count else f"{self._count} of {self._wanted}"

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        parent = self.parentWidget()
        if event is not None and event.type() == QEvent.Type.Resize and parent is not None:
            self.setGeometry(parent.rect())
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint border and chip."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        half = _BORDER / 2
        painter.setPen(QPen(theme.class_colour(self._colour), _BORDER))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(half, half, -half, -half), CARD_RADIUS, CARD_RADIUS)
        bold, plain = font(13, 600), font(13)
        shown = elided(f"Teaching “{self._label}”", bold, self.width() - 260)
        words, detail = QFontMetricsF(bold).horizontalAdvance(shown), self._detail()
        width = 18 + 10 + 8 + words + 12 + QFontMetricsF(plain).horizontalAdvance(detail) + 18
        chip = QRectF((self.width() - width) / 2, self.height() - _ABOVE - _CHIP, width, _CHIP)
        paint_chip(painter, chip, theme)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("record"))
        painter.drawEllipse(QRectF(chip.left() + 18, chip.center().y() - 5, 10, 10))
        left = chip.left() + 36
        middle = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        painter.setFont(bold)
        painter.setPen(theme.colour("text1"))
        painter.drawText(QRectF(left, chip.top(), words + 4, _CHIP), middle, shown)
        painter.setFont(plain)
        painter.setPen(theme.colour("text2"))
        painter.drawText(QRectF(left + words + 12, chip.top(), 200, _CHIP), middle, detail)
        painter.end()
