"""Real mouse and key events, as a person would cause them."""

from typing import Any

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QWidget

_QTEST: Any = QTest  # its type hints want an instance
_LEFT = Qt.MouseButton.LeftButton
_NONE = Qt.KeyboardModifier.NoModifier


def click(widget: QWidget, at: QPoint | None = None) -> None:
    """Click at a point of the widget, or in its middle."""
    _QTEST.mouseClick(widget, _LEFT, pos=widget.rect().center() if at is None else at)


def double_click(widget: QWidget, at: QPoint | None = None) -> None:
    """Click twice."""
    _QTEST.mouseDClick(widget, _LEFT, pos=widget.rect().center() if at is None else at)


def press(widget: QWidget, at: QPoint, modifier: Qt.KeyboardModifier = _NONE) -> None:
    """Press the left button and hold it."""
    _QTEST.mousePress(widget, _LEFT, modifier, at)


def move(widget: QWidget, to: QPoint) -> None:
    """Move the pointer."""
    _QTEST.mouseMove(widget, to)


def release(widget: QWidget, at: QPoint) -> None:
    """Let the left button go."""
    _QTEST.mouseRelease(widget, _LEFT, pos=at)


def key(widget: QWidget, name: Qt.Key, modifier: Qt.KeyboardModifier = _NONE) -> None:
    """Press and release a key."""
    _QTEST.keyClick(widget, name, modifier)


def key_down(widget: QWidget, name: Qt.Key) -> None:
    """Press a key and hold it."""
    _QTEST.keyPress(widget, name)


def key_up(widget: QWidget, name: Qt.Key) -> None:
    """Let a key go."""
    _QTEST.keyRelease(widget, name)


def type_text(widget: QWidget, text: str) -> None:
    """Type letters."""
    _QTEST.keyClicks(widget, text)
