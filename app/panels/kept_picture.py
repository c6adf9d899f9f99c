"""What a widget painted last, copied as long as nothing in it changes: what floats over the events is painted often."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QPainter, QPixmap
from PyQt6.QtWidgets import QWidget


class KeptPicture:
    """A widget's whole face. It is made anew for another look, size or screen."""

    def __init__(self) -> None:
        self.made = 0
        """How often it was painted and not copied."""
        self._look: tuple[object, ...] = ()
        self._pixmap = QPixmap()

    def show(self, widget: QWidget, look: tuple[object, ...], paint: Callable[[QPainter], None]) -> None:
        """Copy the picture into the widget; call from its paintEvent.

        Parameters
        ----------
        widget : QWidget
        look : tuple
            All that what is painted depends on, apart from size and screen.
        paint : callable
            Paints the widget.
        """
        ratio = widget.devicePixelRatioF()
        look = (*look, widget.width(), widget.height(), ratio)
        if look != self._look:
            self._pixmap, self._look = _painted(widget, ratio, paint), look
            self.made += 1
        painter = QPainter(widget)
        painter.drawPixmap(0, 0, self._pixmap)
        painter.end()


def _painted(widget: QWidget, ratio: float, paint: Callable[[QPainter], None]) -> QPixmap:
    pixmap = QPixmap(round(widget.width() * ratio), round(widget.height() * ratio))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    paint(painter)
    painter.end()
    return pixmap
