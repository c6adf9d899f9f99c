"""A switch: on or off."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QWidget

from app.panels.buttons import FaceButton
from app.theme import Theme

SWITCH = QSize(32, 18)


def paint_switch(painter: QPainter, track: QRectF, theme: Theme, on: bool, knob: str) -> None:
    """Paint a switch whose track is there; `knob` is the colour of the surface it stands on."""
    radius = track.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("inverse" if on else "bg3"))
    painter.drawRoundedRect(track, radius, radius)
    centre = QPointF(track.right() - radius if on else track.left() + radius, track.center().y())
    painter.setBrush(theme.colour(knob if on else "text2"))
    painter.drawEllipse(centre, 6.5, 6.5)


class Switch(FaceButton):
    """A switch that stands alone; a click, Space or Enter moves it.

    Parameters
    ----------
    name : str
        What it switches, for screen readers; also the tool tip.
    parent : QWidget, optional
    """

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, "ghost", size=(SWITCH.width(), SWITCH.height()), parent=parent)
        self.setCheckable(True)
        self.set_look(radius=SWITCH.height() // 2)

    def _paint_content(self, painter: QPainter, face: QRectF) -> None:
        paint_switch(painter, face, self._theme, self.isChecked(), "bg1")
