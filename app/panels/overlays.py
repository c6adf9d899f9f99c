"""What lies over the picture for a while: a card that says why there is none, and the curtain for dropped files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from PyQt6.QtCore import QRectF, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QWidget

from app.icons import paint_icon
from app.panels.buttons import FaceButton
from app.theme import CARD_RADIUS, DARK, Theme, font

_CARD_WIDTH = 400
_PADDING = 24
_CENTRED = Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop
_WRAPPED = _CENTRED | Qt.TextFlag.TextWordWrap
CLASS_LIST = ".txt"


def _height(text: str, pixels: int, weight: int, width: float) -> float:
    metrics = QFontMetricsF(font(pixels, weight))
    return metrics.boundingRect(QRectF(0, 0, width, 10_000), int(_WRAPPED), text).height() if text else 0.0


class MessageCard(QWidget):
    """Icon, title, a sentence and perhaps a button, in the middle of the view."""

    clicked = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._icon, self._title, self._text = "", "", ""
        self._free_from = 0
        self._button = FaceButton("", "filled", text=" ", parent=self)
        self._button.clicked.connect(self.clicked)
        self.hide()

    def set_message(self, icon: str, title: str, text: str, button_text: str | None) -> None:
        """Show this; the text is wrapped."""
        self._icon, self._title, self._text = icon, title, text
        self._button.setVisible(bool(button_text))
        if button_text:
            self._button.set_content(text=button_text, name=button_text)
        self.setAccessibleName(f"{title}. {text}")
        self.place()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._button.set_theme(theme)
        self.update()

    def keep_below(self, y: int) -> None:
        """Leave what is above y (px of the parent) free."""
        self._free_from = y
        self.place()

    def place(self) -> None:
        """Stand in the middle of the free part of the parent, as large as the text needs."""
        parent = self.parentWidget()
        assert parent is not None
        width = min(_CARD_WIDTH, parent.width() - 24)
        inner = width - 2 * _PADDING
        self._title_top = 24 + 24 + 14
        self._text_top = self._title_top + _height(self._title, 17, 600, inner) + 8
        height = self._text_top + _height(self._text, 13, 400, inner)
        if not self._button.isHidden():
            self._button.resize(self._button.sizeHint())
            self._button.move(round((width - self._button.width()) / 2), round(height + 16))
            height += 16 + self._button.height()
        height = round(height + 22)
        top = max(60, self._free_from)
        self.setGeometry((parent.width() - width) // 2, max(top, (parent.height() - height) // 2), width, height)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint surface, icon and texts."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.setBrush(theme.colour("bg1"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), CARD_RADIUS, CARD_RADIUS)
        paint_icon(painter, self._icon, QRectF(0, 24, self.width(), 24), theme.colour("text1"), 24)
        inner = QRectF(_PADDING, self._title_top, self.width() - 2 * _PADDING, self.height())
        painter.setFont(font(17, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(inner, int(_WRAPPED), self._title)
        inner.moveTop(self._text_top)
        painter.setFont(font(13))
        painter.setPen(theme.colour("text2"))
        painter.drawText(inner, int(_WRAPPED), self._text)
        painter.end()


class DropCurtain(QWidget):
    """Covers the view while files are held over it and says what letting go will do."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._extensions: tuple[str, ...] = (".aedat4",)
        self._title, self._accepts = "", True
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def title(self) -> str:
        """What it says will happen."""
        return self._title

    @property
    def hint(self) -> str:
        """What can be dropped at all."""
        names = ", ".join(extension.lstrip(".") for extension in self._extensions)
        return f"{names} — or a list of classes (txt)"

    def set_extensions(self, extensions: Sequence[str]) -> None:
        """Take the file name endings of recordings that can be played, e.g. ``.aedat4``."""
        self._extensions = tuple(extensions)

    def announce(self, paths: Sequence[str]) -> bool:
        """Show what dropping these will do; whether it does anything."""
        usable = self.usable(paths)
        self._accepts = bool(usable)
        if not usable:
            name = PurePath(paths[0]).name if paths else "this"
            self._title = f"{name} cannot be played"
        elif PurePath(usable[0]).suffix.lower() == CLASS_LIST:
            self._title = f"Drop to add the classes in {PurePath(usable[0]).name}"
        else:
            self._title = f"Drop to play {PurePath(usable[0]).name}"
        self.setAccessibleName(self._title)
        parent = self.parentWidget()
        assert parent is not None
        self.setGeometry(parent.rect())
        self.raise_()
        self.show()
        self.update()
        return self._accepts

    def usable(self, paths: Sequence[str]) -> list[str]:
        """Those that can be played, or else the lists of classes."""
        endings = {path: PurePath(path).suffix.lower() for path in paths}
        recordings = [path for path in paths if endings[path] in self._extensions]
        return recordings or [path for path in paths if endings[path] == CLASS_LIST]

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the curtain, its dashed edge and the words."""
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("canvas", 214))
        painter.drawRoundedRect(QRectF(self.rect()), CARD_RADIUS, CARD_RADIUS)
        pen = QPen(theme.colour("focus" if self._accepts else "text3"), 2)
        pen.setDashPattern([5, 3])
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(9, 9, -9, -9), CARD_RADIUS, CARD_RADIUS)
        middle = self.height() / 2
        icon = "file-arrow-down" if self._accepts else "file-x"
        paint_icon(painter, icon, QRectF(0, middle - 68, self.width(), 40), theme.colour("text1"), 40)
        row = QRectF(24, middle - 16, self.width() - 48, 30)
        painter.setFont(font(20, 600))
        painter.setPen(theme.colour("text1"))
        metrics = QFontMetricsF(painter.font())
        shown = metrics.elidedText(self._title, Qt.TextElideMode.ElideMiddle, row.width())
        painter.drawText(row, Qt.AlignmentFlag.AlignCenter, shown)
        painter.setFont(font(13))
        painter.setPen(theme.colour("text2"))
        painter.drawText(row.translated(0, 30), Qt.AlignmentFlag.AlignCenter, self.hint)
        painter.end()
