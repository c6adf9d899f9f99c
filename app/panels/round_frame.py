"""The round corners of the view of the events, and its outline where the theme is light."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QPainter, QPainterPath, QPen, QPixmap

from app.theme import CARD_RADIUS, Theme

_PIECE = CARD_RADIUS + 2
"""Side of a piece that holds one corner, px."""


class RoundFrame:
    """Drawn over every picture: the four corners are painted once for each theme and screen."""

    def __init__(self) -> None:
        self._made_for: tuple[object, ...] = ()
        self._corners: list[QPixmap] = []

    def draw(self, painter: QPainter, view: QRectF, theme: Theme, ratio: float) -> None:
        """Draw the corners of `view`, which the window's colour fills, and the outline."""
        if self._made_for != (theme, ratio):
            self._made_for, self._corners = (theme, ratio), _corners(theme, ratio)
        right, bottom = int(view.width()) - _PIECE, int(view.height()) - _PIECE
        places = ((0, 0), (right, 0), (0, bottom), (right, bottom))
        for (x, y), corner in zip(places, self._corners, strict=True):
            painter.drawPixmap(x, y, corner)
        if not theme.dark:
            colour = theme.colour("line")
            for top in (0.0, view.height() - 1):
                painter.fillRect(QRectF(_PIECE, top, view.width() - 2 * _PIECE, 1), colour)
            for left in (0.0, view.width() - 1):
                painter.fillRect(QRectF(left, _PIECE, 1, view.height() - 2 * _PIECE), colour)


def _corners(theme: Theme, ratio: float) -> list[QPixmap]:
    """Top left, top right, bottom left and bottom right."""
    whole = QRectF(0, 0, 2 * _PIECE, 2 * _PIECE)
    pixmap = QPixmap(QSize(2 * _PIECE, 2 * _PIECE) * ratio)
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.fillPath(_outside(whole), theme.colour("bg0"))
    if not theme.dark:
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.drawRoundedRect(whole.adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)
    painter.end()
    side = round(_PIECE * ratio)
    rest = pixmap.width() - side
    pieces = [pixmap.copy(x, y, side, side) for y in (0, rest) for x in (0, rest)]
    for piece in pieces:
        piece.setDevicePixelRatio(ratio)
    return pieces


def _outside(box: QRectF) -> QPainterPath:
    """The four corners that a rounded rectangle leaves free."""
    whole, rounded = QPainterPath(), QPainterPath()
    whole.addRect(box)
    rounded.addRoundedRect(box, CARD_RADIUS, CARD_RADIUS)
    return whole.subtracted(rounded)
