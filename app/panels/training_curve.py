"""How far a training is, and its loss over the epochs."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.theme import DARK, Theme, font

_HEIGHT = 64
_BAR = 6


class TrainingCurve(QWidget):
    """A curve above a progress bar; the curve stays when the training is over."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._losses: list[float] = []
        self._share: float | None = None
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(_HEIGHT)
        self.begin()

    @property
    def losses(self) -> tuple[float, ...]:
        """The curve."""
        return tuple(self._losses)

    def begin(self) -> None:
        """Start with nothing."""
        self._losses, self._share = [], 0.0
        self._say()

    def add(self, share: float, loss: float) -> None:
        """Go on: how much is done, 0 to 1, and the loss of the newest epoch."""
        self._losses.append(loss)
        self._share = share
        self._say()

    def end(self) -> None:
        """Show the curve alone."""
        self._share = None
        self._say()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def sizeHint(self) -> QSize:
        """Give its height."""
        return QSize(200, _HEIGHT)

    def _say(self) -> None:
        progress = "trained" if self._share is None else f"training, {self._share * 100:.0f} percent"
        loss = f", loss {self._losses[-1]:.2f}" if self._losses else ""
        self.setAccessibleName(f"{progress}{loss}".capitalize())
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the curve with its newest value, and the bar below."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        width = float(self.width())
        plot = QRectF(1, 18, width - 2, _HEIGHT - 18 - _BAR - 10)
        painter.setFont(font(12))
        painter.setPen(theme.colour("text2"))
        row = QRectF(0, 0, width, 16)
        painter.drawText(row, Qt.AlignmentFlag.AlignLeft, "Loss")
        if self._losses:
            painter.drawText(row, Qt.AlignmentFlag.AlignRight, f"{self._losses[-1]:.3f}")
            self._paint_curve(painter, plot)
        bar = QRectF(0, _HEIGHT - _BAR - 2, width, _BAR)
        painter.setPen(Qt.PenStyle.NoPen)
        if self._share is not None:
            painter.setBrush(theme.colour("bg3"))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
            painter.setBrush(theme.colour("inverse"))
            bar.setWidth(max(_BAR, width * self._share))
            painter.drawRoundedRect(bar, _BAR / 2, _BAR / 2)
        painter.end()

    def _paint_curve(self, painter: QPainter, plot: QRectF) -> None:
        low, high = min(self._losses), max(self._losses)
        whole = max(len(self._losses) / self._share if self._share else len(self._losses), 2.0)
        points = [
            QPointF(
                plot.left() + plot.width() * place / (whole - 1),
                plot.bottom() - plot.height() * (loss - low) / max(high - low, 1e-9),
            )
            for place, loss in enumerate(self._losses)
        ]
        painter.setPen(QPen(self._theme.colour("text1"), 1.5))
        painter.drawPolyline(QPolygonF(points))
