"""The rounded surface that the panels of the right column stand on."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPen

from app.theme import CARD_RADIUS, Theme


def paint_card(
    painter: QPainter, box: QRectF, theme: Theme, surface: QColor | None = None, edge: QColor | None = None
) -> None:
    """Fill a card; the light theme, whose surfaces differ little, gets a hairline around it."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    if edge is None and not theme.dark:
        edge = theme.colour("line")
    painter.setPen(Qt.PenStyle.NoPen if edge is None else QPen(edge, 1))
    painter.setBrush(surface or theme.colour("bg1"))
    painter.drawRoundedRect(box if edge is None else box.adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)
    painter.restore()


def paint_ring(painter: QPainter, box: QRectF, colour: QColor, radius: float, width: float = 2) -> None:
    """Outline whose outer edge is the box: the focus ring, or the border of a field."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(colour, width))
    half = width / 2
    painter.drawRoundedRect(box.adjusted(half, half, -half, -half), radius - half, radius - half)
    painter.restore()
