"""The scrubber of a recording: its event rate as bars, the judged window, and the playhead."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from PyQt6.QtCore import QEvent, QPointF, QRect, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QFocusEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QResizeEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.panels.focus import FocusShown, paint_focus_ring
from app.theme import DARK, Theme

SEEK_MS = 50
"""While the playhead is dragged, a seek at most this often."""
_HELD_S = 0.4
"""After a seek the playhead stays where it was put until the stream is there, but no longer than this."""
_NEAR = 0.02
"""Of the span: the stream counts as arrived."""
_PITCH, _BAR = 4.0, 2.4
_KNOB = 5.0
_SIDE = 8
"""Room for knob and ring at both ends, px."""
_LOWEST = 3.0


def time_text(microseconds: int, whole_us: int = 0) -> str:
    """Give a time for people: ``00:12.40``; with hours when the whole is so long: ``1:02:03``."""
    hundredths = max(0, microseconds) // 10_000
    minutes, rest = divmod(hundredths, 6000)
    if max(microseconds, whole_us) >= 3_600_000_000:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest // 100:02d}"
    return f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"


class Timeline(QWidget):
    """Where in a recording one is. All times are the recording's own µs."""

    seek = pyqtSignal("qint64")
    """While dragging at most every `SEEK_MS`, and once more where the playhead is let go."""
    span_marked = pyqtSignal("qint64", "qint64")
    """Drawn with Shift held, by the pointer or with the arrow keys and Enter."""
    step = pyqtSignal(int)
    """An arrow key: -1 or 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._start, self._end, self._position = 0, 0, 0
        self._window: tuple[int, int] | None = None
        self._mark: tuple[int, int] | None = None
        """Where a span that is being marked begins, and where it ends now."""
        self._marking = False
        self._counts: list[int] = []
        self._bars: dict[bool, QPixmap] = {}
        self._dragging = False
        self._asked: int | None = None
        self._asked_at = 0.0
        self._waiting: int | None = None
        self._throttle = QTimer(self)
        self._throttle.setSingleShot(True)
        self._throttle.setInterval(SEEK_MS)
        self._throttle.timeout.connect(self._send_waiting)
        self._focus = FocusShown()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setMinimumWidth(80)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self._say()

    # --- what it shows ---

    @property
    def position(self) -> int:
        """Where the playhead stands, µs."""
        return self._position

    @property
    def span(self) -> tuple[int, int]:
        """First and last time, µs."""
        return (self._start, self._end)

    def set_span(self, start_us: int, end_us: int) -> None:
        """Take the recording's first and last time; everything else is forgotten."""
        self._start, self._end = start_us, max(start_us, end_us)
        self._position, self._window, self._counts, self._asked = start_us, None, [], None
        self._mark, self._marking = None, False
        self._renew()

    def set_overview(self, counts: Sequence[int]) -> None:
        """Take the number of events in equal parts of the whole span."""
        self._counts = list(counts)
        self._renew()

    def set_position(self, position_us: int) -> bool:
        """Move the playhead, unless it is held; whether it moved."""
        if self._dragging or self._is_held(position_us):
            return False
        return self._move(position_us)

    def set_window(self, start_us: int, end_us: int) -> None:
        """Shade the time that was judged."""
        before, self._window = self._window_box(), (start_us, end_us)
        after = self._window_box()
        if before != after:
            self._update_part(before.united(after))

    @property
    def marked(self) -> tuple[int, int] | None:
        """The span that is marked, µs."""
        return None if self._mark is None else (min(self._mark), max(self._mark))

    def clear_mark(self) -> None:
        """Mark nothing any more."""
        self._mark, self._marking = None, False
        self.update()

    def _mark_to(self, time_us: int) -> None:
        start = self._position if self._mark is None else self._mark[0]
        self._mark = (start, min(max(time_us, self._start), self._end))
        self.update()

    def _finish_mark(self) -> None:
        self._marking = False
        span = self.marked
        if span is not None and span[1] > span[0]:
            self.span_marked.emit(*span)
        else:
            self.clear_mark()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._renew()

    def sizeHint(self) -> QSize:
        """Give a size that shows something."""
        return QSize(400, 44)

    # --- geometry ---

    def x_of(self, time_us: int) -> float:
        """Where a time stands, px."""
        width = self.width() - 2 * _SIDE
        share = (time_us - self._start) / (self._end - self._start) if self._end > self._start else 0.0
        return _SIDE + width * min(max(share, 0.0), 1.0)

    def time_at(self, x: float) -> int:
        """The time that stands at x px."""
        share = (x - _SIDE) / max(1, self.width() - 2 * _SIDE)
        return self._start + round(min(max(share, 0.0), 1.0) * (self._end - self._start))

    def _window_box(self) -> QRectF:
        if self._window is None:
            return QRectF()
        left, right = self.x_of(self._window[0]), self.x_of(self._window[1])
        return QRectF(left, self._top(), max(2.0, right - left), self._bottom() - self._top())

    def _top(self) -> float:
        return max(4.0, self.height() / 2 - 22)

    def _bottom(self) -> float:
        return min(self.height() - 4.0, self.height() / 2 + 22)

    def _update_part(self, part: QRectF) -> None:
        self.update(part.toAlignedRect().adjusted(-2, 0, 2, 0).intersected(self.rect()))

    def _is_held(self, position_us: int) -> bool:
        if self._asked is None:
            return False
        near = abs(position_us - self._asked) <= _NEAR * (self._end - self._start)
        if near or time.monotonic() - self._asked_at > _HELD_S:
            self._asked = None
            return False
        return True

    def _move(self, position_us: int) -> bool:
        position_us = min(max(position_us, self._start), self._end)
        if position_us == self._position:
            return False
        before, self._position = self.x_of(self._position), position_us
        after = self.x_of(position_us)
        if abs(after - before) * self.devicePixelRatioF() >= 0.25:
            reach = _KNOB + 2
            left, right = min(before, after) - reach, max(before, after) + reach
            self._update_part(QRectF(left, 0, right - left, self.height()))
            self._say()
        return True

    def _say(self) -> None:
        whole = self._end - self._start
        at = time_text(self._position - self._start, whole)
        self.setAccessibleName(f"Position {at.split('.')[0]} of {time_text(whole).split('.')[0]}")

    # --- seeking ---

    def _ask(self, time_us: int) -> None:
        self._move(time_us)
        self._waiting = self._position
        if not self._throttle.isActive():
            self._send_waiting()

    def _send_waiting(self) -> None:
        if self._waiting is None:
            return
        self._asked, self._asked_at = self._waiting, time.monotonic()
        self._waiting = None
        self._throttle.start()
        self.seek.emit(self._asked)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the playhead."""
        assert event is not None
        if event.button() != Qt.MouseButton.LeftButton or self._end <= self._start:
            return
        at = self.time_at(event.position().x())
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._marking, self._mark = True, (at, at)
        else:
            self.clear_mark()
            self._dragging = True
            self._ask(at)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the playhead along; without a button, say which time is here."""
        assert event is not None
        if self._end <= self._start:
            return
        at = self.time_at(event.position().x())
        if self._marking:
            self._mark_to(at)
        elif self._dragging:
            self._ask(at)
        text = time_text(at - self._start, self._end - self._start)
        QToolTip.showText(self.mapToGlobal(QPointF(event.position().x() - 10, -44).toPoint()), text, self)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let the playhead go: where it is now is always sought."""
        if self._marking:
            self._finish_mark()
        if self._dragging:
            self._dragging = False
            self._throttle.stop()
            self._send_waiting()

    def leaveEvent(self, event: QEvent | None) -> None:
        """Say no time any more."""
        QToolTip.hideText()
        super().leaveEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """Keep Escape from the window's shortcuts while a span is being marked."""
        asked = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.ShortcutOverride
        if asked and self._mark is not None and isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Arrows step, and with Shift mark a span that Enter takes; Home, End and the page keys go far."""
        assert event is not None
        tenth = (self._end - self._start) // 10
        shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        hundredth = max(1, (self._end - self._start) // 100)
        end = self._position if self._mark is None else self._mark[1]
        match event.key():
            case Qt.Key.Key_Left if shift:
                self._mark_to(end - hundredth)
            case Qt.Key.Key_Right if shift:
                self._mark_to(end + hundredth)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter if self._mark is not None:
                self._finish_mark()
            case Qt.Key.Key_Escape if self._mark is not None:
                self.clear_mark()
            case Qt.Key.Key_Left:
                self.step.emit(-1)
            case Qt.Key.Key_Right:
                self.step.emit(1)
            case Qt.Key.Key_Home:
                self._ask(self._start)
            case Qt.Key.Key_End:
                self._ask(self._end)
            case Qt.Key.Key_PageUp:
                self._ask(self._position - tenth)
            case Qt.Key.Key_PageDown:
                self._ask(self._position + tenth)
            case _:
                super().keyPressEvent(event)

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

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Draw the bars anew."""
        self._renew()
        super().resizeEvent(event)

    # --- painting ---

    def _renew(self) -> None:
        self._bars.clear()
        self._say()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the bars from their pictures, the window and the playhead."""
        theme = self._theme
        painter = QPainter(self)
        x = self.x_of(self._position)
        for played, left, right in ((True, 0.0, x), (False, x, float(self.width()))):
            painter.save()
            painter.setClipRect(QRectF(left, 0, right - left, self.height()))
            painter.drawPixmap(0, 0, self._picture(played))
            painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._window is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("text1", 48))
            painter.drawRoundedRect(self._window_box(), 3, 3)
        if (span := self.marked) is not None:
            left, right = self.x_of(span[0]), self.x_of(span[1])
            painter.setPen(QPen(theme.colour("focus"), 1.5))
            painter.setBrush(theme.colour("text1", 60))
            painter.drawRoundedRect(
                QRectF(left, self._top(), max(2.0, right - left), self._bottom() - self._top()), 3, 3
            )
        if self._end > self._start:
            painter.setPen(QPen(theme.colour("text1"), 2))
            painter.drawLine(QPointF(x, self._top()), QPointF(x, self._bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("text1"))
            painter.drawEllipse(QPointF(x, self._top() + 1), _KNOB, _KNOB)
        if self.hasFocus() and self._focus.shown:
            face = QRectF(5, self._top() - 1, self.width() - 10, self._bottom() - self._top() + 2)
            paint_focus_ring(painter, face.adjusted(0, 2, 0, -2), theme, 6)
        painter.end()

    def _picture(self, played: bool) -> QPixmap:
        if played not in self._bars:
            self._bars[played] = self._draw_bars(
                self._theme.colour("text2" if played else "text3", 255 if played else 120)
            )
        return self._bars[played]

    def _draw_bars(self, colour: QColor) -> QPixmap:
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(QRect(0, 0, round(self.width() * ratio), round(self.height() * ratio)).size())
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        for place, height in enumerate(self._heights()):
            left = _SIDE + place * _PITCH
            painter.drawRoundedRect(QRectF(left, self.height() / 2 - height / 2, _BAR, height), _BAR / 2, _BAR / 2)
        painter.end()
        return pixmap

    def _heights(self) -> list[float]:
        """Height of each bar, px: the mean rate of its part of the span, as a share of the highest."""
        bars = int((self.width() - 2 * _SIDE) // _PITCH)
        if bars < 1:
            return []
        if not self._counts or max(self._counts) <= 0:
            return [_LOWEST] * bars
        counts = np.asarray(self._counts, float)
        edges = np.linspace(0, len(counts), bars + 1)
        summed = np.interp(edges, np.arange(len(counts) + 1), np.concatenate([[0.0], np.cumsum(counts)]))
        rates = np.diff(summed)
        tallest = max(_LOWEST, min(36.0, self.height() - 20.0))
        return [max(_LOWEST, float(rate) * tallest) for rate in rates / max(rates.max(), 1e-9)]
