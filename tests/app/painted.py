"""Watches what of a widget is painted, by its real paint events."""

from __future__ import annotations

from PyQt6.QtCore import QEvent, QObject, QRect
from PyQt6.QtGui import QPaintEvent, QRegion
from PyQt6.QtWidgets import QWidget


class Painted(QObject):
    """What of a widget has been painted since.

    Attributes
    ----------
    boxes : list of QRect
        One a paint event.
    region : QRegion
        All of them together.
    """

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.boxes: list[QRect] = []
        self.region = QRegion()
        widget.installEventFilter(self)

    @property
    def count(self) -> int:
        """How often it was painted."""
        return len(self.boxes)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        if isinstance(event, QPaintEvent):
            self.boxes.append(event.rect())
            self.region += event.region()
        return False
