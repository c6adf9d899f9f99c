"""Phosphor icons in the theme's colours, drawn once for each size and colour."""

from __future__ import annotations

from functools import lru_cache

import qtawesome
from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap

ICON = 18
"""Size of an icon in the window, px."""
_FULL_EM = 1 / 0.875
"""qtawesome draws a glyph at 0.875 of the icon; Phosphor's glyphs have their own margin."""


@lru_cache(maxsize=512)
def _glyph(name: str, colour: int) -> QIcon:
    # "path" draws without hinting, which would bend the thin strokes unevenly.
    made: QIcon = qtawesome.icon(f"ph.{name}", color=QColor.fromRgba(colour), scale_factor=_FULL_EM, draw="path")
    return made


@lru_cache(maxsize=512)
def _pixmap(name: str, colour: int, size: int, ratio: float) -> QPixmap:
    return _glyph(name, colour).pixmap(QSize(size, size), ratio)


def icon(name: str, colour: QColor) -> QIcon:
    """Phosphor's icon of this name (``film-strip``) for a stock widget.

    Raises
    ------
    Exception
        There is no icon of that name: a bug, so qtawesome's own error is left as it is.
    """
    return _glyph(name, colour.rgba())


def paint_icon(painter: QPainter, name: str, box: QRectF, colour: QColor, size: int = ICON) -> None:
    """Draw the icon in the middle of the box, on whole pixels."""
    device = painter.device()
    ratio = device.devicePixelRatioF() if device is not None else 1.0
    pixmap = _pixmap(name, colour.rgba(), size, ratio)
    left = round((box.center().x() - size / 2) * ratio) / ratio
    top = round((box.center().y() - size / 2) * ratio) / ratio
    painter.drawPixmap(QPointF(left, top), pixmap)


def window_icon() -> QIcon:
    """The program's own icon, for the title bar and the task bar."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        pixmap = QPixmap(size, size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        paint_logo(painter, QRectF(0, 0, size, size), QColor("#EEF1F5"), QColor("#0D0F13"))
        painter.end()
        result.addPixmap(pixmap)
    return result


_DOTS = (
    (0.50, 0.27, 0.090),
    (0.28, 0.50, 0.090),
    (0.50, 0.50, 0.055),
    (0.72, 0.50, 0.090),
    (0.36, 0.73, 0.070),
    (0.64, 0.73, 0.070),
)
"""Events of the logo: x, y and radius as shares of its side."""


def paint_logo(painter: QPainter, box: QRectF, tile: QColor, dots: QColor) -> None:
    """Draw the logo: a rounded tile with events that form a small network."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(tile)
    painter.drawRoundedRect(box, box.width() * 0.27, box.width() * 0.27)
    painter.setBrush(dots)
    for x, y, radius in _DOTS:
        centre = QPointF(box.left() + x * box.width(), box.top() + y * box.height())
        painter.drawEllipse(centre, radius * box.width(), radius * box.width())
    painter.restore()
