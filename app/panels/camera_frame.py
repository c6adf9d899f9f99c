"""What a camera's other sensor sees, small beside the events: of a DAVIS, pictures of the same pixels."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QRectF, QSize, Qt
from PyQt6.QtGui import QImage, QPainter, QPainterPath, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app.panels.chips import RADIUS
from app.theme import DARK, Theme

_SHARE = 0.3
"""Of the view's width and height that it takes at most."""
_SMALLEST, _LARGEST = 96, 360
"""Width, px."""


class CameraFrame(QWidget):
    """The newest frame, framed as the chips are; it lets clicks through to the picture behind it."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._image = QImage()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Frames of the camera")
        self.hide()

    def set_frame(self, array: npt.NDArray[np.uint8]) -> None:
        """Show this frame, uint8 (H, W, 4), blue, green, red, unused; the array must not be changed any more."""
        self._pixels = np.ascontiguousarray(array)
        height, width = array.shape[:2]
        self._image = QImage(cast("bytes", self._pixels.data), width, height, 4 * width, QImage.Format.Format_RGB32)
        self.update()

    @property
    def frame_size(self) -> QSize:
        """Size of the frame shown, px."""
        return self._image.size()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def size_in(self, view: QSize) -> QSize:
        """Give the size that it has in a view of this size, px; the frame keeps its proportions."""
        frame = self._image.size()
        if frame.isEmpty():
            return QSize(0, 0)
        width = min(max(_SHARE * view.width(), _SMALLEST), _LARGEST)
        width = min(width, _SHARE * view.height() * frame.width() / frame.height() * 1.2)
        return QSize(round(width), round(width * frame.height() / frame.width()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the frame with round corners and an outline."""
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5)
        outline = QPainterPath()
        outline.addRoundedRect(box, RADIUS, RADIUS)
        painter.setClipPath(outline)
        painter.drawImage(QRectF(self.rect()), self._image)
        painter.setClipping(False)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawPath(outline)
        painter.end()
