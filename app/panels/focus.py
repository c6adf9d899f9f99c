"""The focus ring of painted widgets: 2 px wide, 2 px off, and only where the keyboard is used."""

from __future__ import annotations

from collections.abc import Collection

from PyQt6.QtCore import QEvent, QRectF, Qt
from PyQt6.QtGui import QKeyEvent, QPainter, QPen

from app.theme import Theme

RING = 2
RING_OFF = 2
RING_ROOM = RING + RING_OFF
"""Room that a widget leaves around its face for the ring, px."""
_BY_POINTER = (Qt.FocusReason.MouseFocusReason,)
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
_UNCHANGED = (
    Qt.FocusReason.ActiveWindowFocusReason,
    Qt.FocusReason.PopupFocusReason,
    Qt.FocusReason.MenuBarFocusReason,
)


class FocusShown:
    """Whether the ring of a widget that has the focus is to be seen."""

    def __init__(self) -> None:
        self.shown = False

    def gained(self, reason: Qt.FocusReason) -> None:
        """Take the reason of a focus-in event: a click shows no ring, coming back from a menu changes nothing."""
        if reason not in _UNCHANGED:
            self.shown = reason not in _BY_POINTER

    def lost(self, reason: Qt.FocusReason) -> None:
        """Take the reason of a focus-out event."""
        if reason not in _UNCHANGED:
            self.shown = False


def keeps_key(event: QEvent | None, keys: Collection[Qt.Key], focus: FocusShown) -> bool:
    """Take a key for the widget before a shortcut of the window gets it; give this every event.

    Only where the ring is shown: who uses the mouse means the window's shortcut.

    Parameters
    ----------
    event : QEvent or None
    keys : collection of Qt.Key
        What the widget does something with.
    focus : FocusShown
    """
    if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.ShortcutOverride:
        return False
    if not focus.shown or event.modifiers() & _COMMANDS or event.key() not in keys:
        return False
    event.accept()
    return True


def paint_focus_ring(painter: QPainter, face: QRectF, theme: Theme, radius: float) -> None:
    """Paint the ring around a face with corners of this radius."""
    off = RING_OFF + RING / 2
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(theme.colour("focus"), RING))
    painter.drawRoundedRect(face.adjusted(-off, -off, off, off), radius + off, radius + off)
    painter.restore()
