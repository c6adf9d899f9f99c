"""All keys at a glance: F1 opens and closes it."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent
from PyQt6.QtWidgets import QScrollArea, QVBoxLayout, QWidget

from app.contrast import mixed
from app.panels.fitting import draw_line, elided, middle_baseline
from app.panels.overlay import Overlay
from app.theme import DARK, SMALL, Theme, font

Section = tuple[str, Sequence[tuple[str, str]]]
BETWEEN_KEYS = ","
"""Keys of one line are given as ``Ctrl+Z, Ctrl+Shift+Z``."""


class _Table(QWidget):
    """The sections in as many columns as fit."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._sections: Sequence[Section] = ()
        self._size = 17
        self._columns: list[list[Section]] = [[]]

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def fill(self, sections: Sequence[Section], size: int, columns: int) -> None:
        """Take the sections, the type's size in px and the number of columns."""
        self._sections, self._size = sections, size
        self._columns = self._split(columns)
        self.setMinimumHeight(self.wanted_height(columns))
        self.setAccessibleName("; ".join(f"{keys}: {what}" for _, rows in sections for keys, what in rows))
        self.update()

    @property
    def _line(self) -> int:
        return round(self._size * 2.1)

    def _height(self, sections: Sequence[Section]) -> int:
        return sum((len(rows) + 1) * self._line + self._line // 2 for _, rows in sections)

    def _split(self, columns: int) -> list[list[Section]]:
        """Fill the columns from the left, none much higher than its share."""
        share = self._height(self._sections) / columns
        result: list[list[Section]] = [[]]
        for section in self._sections:
            higher = self._height([*result[-1], section])
            if result[-1] and len(result) < columns and higher - share > self._height([section]) / 2:
                result.append([])
            result[-1].append(section)
        return result

    def wanted_height(self, columns: int) -> int:
        """Height with so many columns, px."""
        return max((self._height(column) for column in self._split(columns)), default=0)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap = 48
        width = (self.width() - gap * (len(self._columns) - 1)) / len(self._columns)
        for place, column in enumerate(self._columns):
            left, top = place * (width + gap), 0.0
            for title, rows in column:
                self._write(painter, font(self._size, 650), "text1", title, left, left + width, top)
                top += self._line
                keys_width = self._keys_width(column, width)
                for keys, what in rows:
                    self._paint_keys(painter, keys, left, top)
                    start = left + keys_width + 20
                    self._write(painter, font(self._size), "text2", what, start, left + width, top)
                    top += self._line
                top += self._line // 2
        painter.end()

    def _write(
        self, painter: QPainter, face: QFont, token: str, text: str, left: float, right: float, top: float
    ) -> None:
        painter.setPen(self._theme.colour(token))
        baseline = middle_baseline(face, QRectF(left, top, 1, self._line))
        draw_line(painter, face, elided(text, face, right - left), left, right, baseline)

    def _caps(self, keys: str) -> list[str]:
        return [key.strip() for key in keys.split(BETWEEN_KEYS) if key.strip()]

    def _cap_width(self, key: str) -> float:
        face = font(self._size - 2, 600)
        return max(QFontMetricsF(face).horizontalAdvance(key) + 16, self._size * 1.6)

    def _keys_width(self, column: Sequence[Section], width: float) -> float:
        widest = max(
            (sum(self._cap_width(key) + 6 for key in self._caps(keys)) for _, rows in column for keys, _ in rows),
            default=0.0,
        )
        return min(widest, width * 0.6)

    def _paint_keys(self, painter: QPainter, keys: str, left: float, top: float) -> None:
        face = font(self._size - 2, 600)
        for key in self._caps(keys):
            height = round(self._size * 1.6)
            cap = QRectF(left, top + (self._line - height) / 2, self._cap_width(key), height)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._cap_colour())
            painter.drawRoundedRect(cap, 6, 6)
            painter.setFont(face)
            painter.setPen(self._theme.colour("text1"))
            painter.drawText(cap, Qt.AlignmentFlag.AlignCenter, key)
            left += cap.width() + 6

    def _cap_colour(self) -> QColor:
        return mixed(self._theme.colour("bg3"), self._theme.colour("text1"), 0.05)


class HelpOverlay(Overlay):
    """The table of keys, in type that can be read from two metres."""

    def __init__(self, parent: QWidget, sections: Sequence[Section] = ()) -> None:
        super().__init__(parent)
        self._sections: Sequence[Section] = sections
        self._table = _Table()
        self._scroll = QScrollArea()
        self._scroll.setWidget(self._table)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setFrameShape(QScrollArea.Shape.NoFrame)
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._scroll.setStyleSheet("QScrollArea, QScrollArea > QWidget > QWidget { background: transparent; }")
        column = QVBoxLayout(self.card)
        column.setContentsMargins(32, 76, 32, 24)
        column.addWidget(self._scroll)
        self.setAccessibleName("Keyboard")

    def set_shortcuts(self, sections: Sequence[Section]) -> None:
        """Take the keys that work: sections of (keys, what they do); several keys are parted by commas."""
        self._sections = sections
        self._cover()

    def toggle(self) -> None:
        """Open it, or close it."""
        if self.isVisible():
            self.close_overlay()
        else:
            self.open()

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        super().set_theme(theme)
        self._table.set_theme(theme)

    def card_size(self, room_width: int, room_height: int) -> tuple[int, int]:
        size = 15 if self.measures.row <= SMALL.row else 18
        columns = max(1, min(3, (room_width - 64) // (size * 22)))
        self._table.fill(self._sections, size, columns)
        width = min(room_width, 64 + columns * size * 22 + 48 * (columns - 1))
        return width, min(room_height, 100 + self._table.wanted_height(columns))

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        bar = self._scroll.verticalScrollBar()
        steps = {Qt.Key.Key_Down: 40, Qt.Key.Key_Up: -40, Qt.Key.Key_PageDown: 300, Qt.Key.Key_PageUp: -300}
        if event.key() == Qt.Key.Key_F1:
            self.close_overlay()
        elif Qt.Key(event.key()) in steps and bar is not None:
            bar.setValue(bar.value() + steps[Qt.Key(event.key())])
        else:
            super().keyPressEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        box = QRectF(self.card.geometry())
        face = font(24, 650, -1.0)
        painter.setPen(self.theme.colour("text1"))
        head = QRectF(box.left() + 32, box.top() + 24, box.width() - 64, 36)
        draw_line(painter, face, "Keyboard", head.left(), head.right(), middle_baseline(face, head))
        face = font(13)
        painter.setPen(self.theme.colour("text2"))
        draw_line(
            painter, face, "F1 or Esc closes", head.left(), head.right(), middle_baseline(face, head), at_right=True
        )
        painter.end()
