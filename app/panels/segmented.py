"""A painted segmented control: one of a few choices, all in sight."""

from __future__ import annotations

from typing import Literal, TypeAlias

from PyQt6.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QEnterEvent, QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.panels.focus import RING_ROOM, FocusShown, keeps_key, paint_focus_ring
from app.panels.kept_picture import KeptPicture
from app.theme import DARK, LARGE, Measures, Theme, font

Surface: TypeAlias = Literal["inset", "chip"]
_KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Home, Qt.Key.Key_End,
)  # fmt: skip
_HEIGHT = {"inset": 28, "chip": 36}
_PADDING = {"inset": 11, "chip": 12}
_RADIUS = {"inset": 8, "chip": 10}
_EDGE = {"inset": 2, "chip": 4}
"""Between the control's outline and the chosen segment, px."""
_FONT = 12
_WIDEST_WEIGHT = 600
"""Widths are measured with the chosen segment's weight, so that choosing moves nothing."""


class Segmented(QWidget):
    """One choice of several. Arrow keys, Home and End move it.

    The widget is `RING_ROOM` px larger than the control on each side, so that the focus ring has its place.

    Parameters
    ----------
    options : list of (key, text)
        At least one; keys differ.
    name : str
        What is chosen, for screen readers, e.g. ``Order``.
    surface : "inset" or "chip"
        ``inset`` stands on a card, ``chip`` floats over a picture.
    parent : QWidget, optional
    """

    chosen = pyqtSignal(str)

    def __init__(
        self, options: list[tuple[str, str]], name: str = "", surface: Surface = "inset", parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        if not options:
            raise ValueError("a segmented control needs at least one option")
        self._options = options
        self._name = name
        self._surface: Surface = surface
        self._theme, self._current, self._hovered = DARK, options[0][0], ""
        self._focus = FocusShown()
        self.kept = KeptPicture() if surface == "chip" else None
        """What it painted last, where it floats over a picture."""
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self._widths = self._measure()
        self._say()

    @property
    def current(self) -> str:
        """Key of the choice shown."""
        return self._current

    def set_current(self, key: str) -> None:
        """Show this choice; `chosen` is not emitted.

        Raises
        ------
        ValueError
            No option has this key.
        """
        if key not in self._keys():
            raise ValueError(f"no option {key!r}: there are {', '.join(self._keys())}")
        if key != self._current:
            self._current = key
            self._say()
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._widths = self._measure()
        self.updateGeometry()
        self.update()

    def set_measures(self, measures: Measures = LARGE) -> None:
        """Keep the size: it is the same in both windows."""

    def sizeHint(self) -> QSize:
        """Give the control's size with the room for its focus ring."""
        width = sum(self._widths) + 2 * _EDGE[self._surface] + 2 * RING_ROOM
        return QSize(round(width), _HEIGHT[self._surface] + 2 * RING_ROOM)

    def segment(self, key: str) -> QRectF:
        """Box of an option, in the widget's own px."""
        face = self._face()
        edge = _EDGE[self._surface]
        left = face.left() + edge
        for (option, _), width in zip(self._options, self._widths, strict=True):
            if option == key:
                return QRectF(left, face.top() + edge, width, face.height() - 2 * edge)
            left += width
        raise ValueError(f"no option {key!r}")

    # --- what it is made of ---

    def _keys(self) -> list[str]:
        return [key for key, _ in self._options]

    def _measure(self) -> list[float]:
        metrics = QFontMetricsF(font(_FONT, _WIDEST_WEIGHT))
        return [
            float(round(metrics.horizontalAdvance(text) + 2 * _PADDING[self._surface])) for _, text in self._options
        ]

    def _face(self) -> QRectF:
        height = _HEIGHT[self._surface]
        width = sum(self._widths) + 2 * _EDGE[self._surface]
        return QRectF(RING_ROOM, (self.height() - height) / 2, width, height)

    def _say(self) -> None:
        text = dict(self._options)[self._current]
        self.setAccessibleName(f"{self._name}: {text}" if self._name else text)

    def _choose(self, key: str) -> None:
        if key != self._current:
            self.set_current(key)
            self.chosen.emit(key)

    def _at(self, x: float, y: float) -> str:
        return next((key for key in self._keys() if self.segment(key).adjusted(0, -6, 0, 6).contains(x, y)), "")

    # --- events ---

    def event(self, event: QEvent | None) -> bool:
        """Keep the arrow keys from the window's shortcuts while the ring is shown."""
        return keeps_key(event, _KEYS, self._focus) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the choice with the arrow keys, Home and End."""
        assert event is not None
        keys = self._keys()
        place = keys.index(self._current)
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Up:
                place -= 1
            case Qt.Key.Key_Right | Qt.Key.Key_Down:
                place += 1
            case Qt.Key.Key_Home:
                place = 0
            case Qt.Key.Key_End:
                place = len(keys) - 1
            case _:
                super().keyPressEvent(event)
                return
        self._choose(keys[min(max(place, 0), len(keys) - 1)])

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Choose the segment under the pointer."""
        assert event is not None
        if event.button() == Qt.MouseButton.LeftButton and (
            key := self._at(event.position().x(), event.position().y())
        ):
            self._choose(key)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Light up the segment under the pointer."""
        assert event is not None
        self._hover(self._at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent | None) -> None:
        """Light up nothing."""
        self._hover("")
        super().leaveEvent(event)

    def enterEvent(self, event: QEnterEvent | None) -> None:
        """Show that this can be clicked."""
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        super().enterEvent(event)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show the ring when the focus came by keyboard."""
        assert event is not None
        self._focus.gained(event.reason())
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Hide the ring."""
        assert event is not None
        self._focus.lost(event.reason())
        super().focusOutEvent(event)

    def _hover(self, key: str) -> None:
        if key != self._hovered:
            self._hovered = key
            self.update()

    # --- painting ---

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint outline, chosen segment, texts and ring."""
        if self.kept is not None:
            look = (self._theme, self._current, self._hovered, self._ringed)
            self.kept.show(self, look, self._paint)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint(painter)
        painter.end()

    @property
    def _ringed(self) -> bool:
        return self.hasFocus() and self._focus.shown

    def _paint(self, painter: QPainter) -> None:
        theme, face, radius = self._theme, self._face(), _RADIUS[self._surface]
        chip = self._surface == "chip"
        painter.setPen(QPen(theme.colour("line"), 1) if chip else Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("chip" if chip else "bg2"))
        painter.drawRoundedRect(face.adjusted(0.5, 0.5, -0.5, -0.5) if chip else face, radius, radius)
        for key, text in self._options:
            self._paint_segment(painter, key, text)
        if self._ringed:
            paint_focus_ring(painter, face, theme, radius)

    def _paint_segment(self, painter: QPainter, key: str, text: str) -> None:
        theme, box, chosen = self._theme, self.segment(key), key == self._current
        if chosen:
            radius = _RADIUS[self._surface] - _EDGE[self._surface]
            white = self._surface == "inset" and not theme.dark
            painter.setPen(QPen(theme.colour("line"), 1) if white else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("bg1" if white else "bg3"))
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5) if white else box, radius, radius)
        painter.setFont(font(_FONT, _WIDEST_WEIGHT if chosen else 500))
        painter.setPen(theme.colour("text1" if chosen or key == self._hovered else "text2"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
