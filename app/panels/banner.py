"""Messages over the picture: what went wrong or was done. They can be closed, and nothing waits for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from PyQt6.QtCore import QEvent, QObject, QPropertyAnimation, QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QGraphicsOpacityEffect, QWidget

from app import motion
from app.contrast import mixed
from app.icons import paint_icon
from app.panels.buttons import FaceButton
from app.panels.focus import RING_ROOM
from app.panels.kept_picture import KeptPicture
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

Level: TypeAlias = Literal["error", "warning", "info"]
FADE_MS = 160
KEPT = 5
"""Messages kept at a time; older ones give way."""
_RANK = {"error": 0, "warning": 1, "info": 2}
_ICONS = {"error": "warning-octagon", "warning": "warning", "info": "info"}
_COLOURS = {"error": "error", "warning": "warning", "info": "text2"}
_EDGE_SHARE, _FILL_DARK, _FILL_LIGHT = 0.55, 0.20, 0.08
"""Of the level's colour in outline and surface."""
_EDGE = 12
_TOP = 12 + 36 + 8
_TEXT_LEFT = 46
_WRAP = int(Qt.TextFlag.TextWordWrap)


@dataclass(frozen=True)
class Message:
    """What the user is told."""

    level: Level
    title: str
    detail: str = ""
    action_text: str | None = None


class Banner(QWidget):
    """Lies over the upper edge of its parent and shows one message: the gravest, of these the newest.

    A message with the title of an earlier one replaces it; closing one shows the next.
    """

    action = pyqtSignal(str)
    """The message's button was clicked; its title."""
    closed = pyqtSignal(str)
    """The user closed the message; its title."""
    covers = pyqtSignal(int)
    """Down to this y the parent is covered, px; 0: nothing is."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._messages: list[Message] = []
        self._button = FaceButton("", "filled", text=" ", size=(None, 32), parent=self)
        self._button.clicked.connect(self._act)
        self._close = FaceButton("Close the message (Esc)", "ghost", icon="x", size=(28, 28), parent=self)
        self._close.clicked.connect(self.close_message)
        for button in (self._button, self._close):
            button.keep_picture()
        self.kept = KeptPicture()
        self._title_height = self._detail_height = 0.0
        self._fade: QPropertyAnimation | None = None
        parent.installEventFilter(self)
        self.hide()

    # --- what it shows ---

    @property
    def message(self) -> Message | None:
        """The message in sight."""
        return self._messages[0] if self._messages else None

    @property
    def count(self) -> int:
        """Messages that wait to be closed, the one in sight included."""
        return len(self._messages)

    def show_message(self, level: Level, title: str, detail: str = "", action_text: str | None = None) -> None:
        """Tell the user something."""
        message = Message(level, title, detail, action_text)
        others = [other for other in self._messages if other.title != title]
        self._messages = sorted([message, *others], key=lambda one: _RANK[one.level])[:KEPT]
        self._show_first()

    def dismiss(self, title: str) -> None:
        """Take back the message of this title, because its cause is gone."""
        self._messages = [message for message in self._messages if message.title != title]
        self._show_first()

    def close_message(self) -> None:
        """Close the message in sight, as × and Esc do."""
        if self._messages:
            title = self._messages.pop(0).title
            self._show_first()
            self.closed.emit(title)

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        for button in (self._button, self._close):
            button.set_theme(theme)
        self.update()

    def set_measures(self, measures: Measures = SMALL) -> None:
        """Take the window's sizes; it keeps its own."""
        self._measures = measures

    # --- inside ---

    def _act(self) -> None:
        if self._messages:
            self.action.emit(self._messages[0].title)

    def _show_first(self) -> None:
        message = self.message
        if message is None:
            self._fade_to(0.0)
            return
        self._button.setVisible(bool(message.action_text))
        if message.action_text:
            self._button.set_content(text=message.action_text, name=message.action_text)
        self.setAccessibleName(f"{message.level.capitalize()}: {message.title}. {message.detail}".strip())
        self._lay_out()
        self.update()
        if self.isHidden() or self._fade is not None:
            self.show()
            self._fade_to(1.0)
        self.raise_()

    def _fade_to(self, opacity: float) -> None:
        if self.isHidden():
            return
        effect = self.graphicsEffect()
        start = effect.opacity() if isinstance(effect, QGraphicsOpacityEffect) else 1.0 - opacity
        self._stop_fade()
        milliseconds = motion.duration(FADE_MS)
        parent = self.parentWidget()
        if not milliseconds or parent is None or not parent.isVisible():
            self._faded(opacity)
            return
        effect = QGraphicsOpacityEffect(self)
        effect.setOpacity(start)
        self.setGraphicsEffect(effect)
        self._fade = QPropertyAnimation(effect, b"opacity", self)
        self._fade.setDuration(milliseconds)
        self._fade.setStartValue(start)
        self._fade.setEndValue(opacity)
        self._fade.finished.connect(lambda: self._faded(opacity))
        self._fade.start()

    def _stop_fade(self) -> None:
        if self._fade is not None:
            self._fade.stop()
            self._fade.deleteLater()
            self._fade = None
        self.setGraphicsEffect(None)

    def _faded(self, opacity: float) -> None:
        # The effect costs a copy of everything below at each picture: it goes as soon as it is done.
        self._stop_fade()
        if not opacity and not self._messages:
            self.hide()
            self.covers.emit(0)

    def _lay_out(self) -> None:
        message, parent = self.message, self.parentWidget()
        if message is None or parent is None:
            return
        width = max(120, parent.width() - 2 * _EDGE)
        right = width - 10
        self._close.resize(self._close.sizeHint())
        right -= self._close.width() - RING_ROOM
        close_x = right
        if message.action_text:
            self._button.resize(self._button.sizeHint())
            right -= self._button.width() - RING_ROOM + 4
        self._text_width = max(60, right - _TEXT_LEFT - 8)
        self._title_height = self._height(message.title, 600, 13)
        self._detail_height = self._height(message.detail, 400, 12)
        height = round(max(56, self._title_height + self._detail_height + 22))
        self.setGeometry(_EDGE, _TOP, width, height)
        self._close.move(close_x, round((height - self._close.height()) / 2))
        self._button.move(right, round((height - self._button.height()) / 2))
        self.covers.emit(self.geometry().bottom() + 9)

    def _height(self, text: str, weight: int, pixels: int) -> float:
        if not text:
            return 0.0
        box = QRectF(0, 0, self._text_width, 400)
        return QFontMetricsF(font(pixels, weight)).boundingRect(box, _WRAP, text).height()

    # --- events ---

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Follow the parent's size."""
        if event is not None and watched is self.parentWidget() and event.type() == QEvent.Type.Resize:
            self._lay_out()
        return False

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Esc closes the message."""
        assert event is not None
        if event.key() == Qt.Key.Key_Escape and self._messages:
            self.close_message()
            return
        super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint surface, icon and words."""
        message = self.message
        if message is not None:
            look = (self._theme, message, self._text_width, self._title_height, self._detail_height)
            self.kept.show(self, look, lambda painter: self._paint(painter, message))

    def _paint(self, painter: QPainter, message: Message) -> None:
        theme = self._theme
        tint, chip = theme.colour(_COLOURS[message.level]), theme.colour("chip")
        quiet = message.level == "info"
        painter.setPen(QPen(theme.colour("line") if quiet else mixed(chip, tint, _EDGE_SHARE), 1))
        painter.setBrush(chip if quiet else mixed(chip, tint, _FILL_DARK if theme.dark else _FILL_LIGHT))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        icon_tint = theme.colour("text1") if quiet else tint
        paint_icon(painter, _ICONS[message.level], QRectF(14, 0, 22, self.height()), icon_tint, 22)
        top = (self.height() - self._title_height - self._detail_height - (2 if message.detail else 0)) / 2
        painter.setFont(font(13, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(QRectF(_TEXT_LEFT, top, self._text_width, self._title_height + 2), _WRAP, message.title)
        painter.setFont(font(12))
        painter.setPen(theme.colour("text2"))
        below = QRectF(_TEXT_LEFT, top + self._title_height + 2, self._text_width, self._detail_height + 2)
        painter.drawText(below, _WRAP, message.detail)
