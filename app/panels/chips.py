"""The chips that float over the picture. Each is painted once for its content and then only copied."""

from __future__ import annotations

from abc import abstractmethod
from collections import deque
from typing import Protocol

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import QHBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.focus import RING_ROOM
from app.panels.kept_picture import KeptPicture
from app.panels.switch import SWITCH, paint_switch
from app.theme import DARK, Theme, font

CHIP = 36
"""Height of a chip, px."""
RADIUS = 10
_PADDING = 14
_SPARK = QSize(66, 18)
_GAPS = {"size": 8, "spark": 14, "rate": 8}
"""Before each part of the sensor chip, px."""
_RATES_KEPT = 40
"""Readings in the sparkline: twenty seconds at two a second."""


def rate_text(events_per_s: float | None) -> str:
    """Give an event rate for people: ``0.21 Mev/s``, ``21 kev/s``, ``812 ev/s``, or a dash."""
    if events_per_s is None:
        return "–"
    if events_per_s >= 99_500:
        return f"{events_per_s / 1e6:.2f} Mev/s" if events_per_s < 99_500_000 else f"{events_per_s / 1e6:.0f} Mev/s"
    if events_per_s >= 999.5:
        return f"{events_per_s / 1e3:.0f} kev/s"
    return f"{events_per_s:.0f} ev/s"


def clock_text(seconds: float) -> str:
    """Give a recording's length: ``00:42.7``, or ``1:02:03`` from an hour on."""
    tenths = int(max(0.0, seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    if minutes >= 60:
        return f"{minutes // 60}:{minutes % 60:02d}:{rest // 10:02d}"
    return f"{minutes:02d}:{rest // 10:02d}.{rest % 10}"


class Themed(Protocol):
    """A widget that follows the theme."""

    def set_theme(self, theme: Theme) -> None: ...


class PaintedChip(QWidget):
    """A chip that only shows; it lets clicks through to the picture."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._cache: QPixmap | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._renew()

    @abstractmethod
    def content_width(self) -> float:
        """Width of what `paint_content` draws, px."""

    @abstractmethod
    def paint_content(self, painter: QPainter, box: QRectF) -> None:
        """Draw into the box between the paddings."""

    def _renew(self) -> None:
        self._cache = None
        size = QSize(round(self.content_width()) + 2 * _PADDING, CHIP)
        if size != self.size():
            self.resize(size)
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Copy the chip, painted when its content changed."""
        ratio = self.devicePixelRatioF()
        if self._cache is None or self._cache.devicePixelRatio() != ratio:
            self._cache = self._paint(ratio)
        painter = QPainter(self)
        painter.drawPixmap(0, 0, self._cache)
        painter.end()

    def _paint(self, ratio: float) -> QPixmap:
        pixmap = QPixmap(round(self.width() * ratio), round(self.height() * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        paint_chip(painter, QRectF(self.rect()), self._theme)
        self.paint_content(painter, QRectF(_PADDING, 0, self.width() - 2 * _PADDING, self.height()))
        painter.end()
        return pixmap


def paint_chip(painter: QPainter, box: QRectF, theme: Theme) -> None:
    """Paint a chip's surface and outline."""
    painter.setPen(QPen(theme.colour("line"), 1))
    painter.setBrush(theme.colour("chip"))
    painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), RADIUS, RADIUS)


class SensorChip(PaintedChip):
    """The sensor's name and size, and its event rate with the last seconds as a curve."""

    _NAME, _PLAIN, _RATE = (13, 600), (12, 400), (12, 500)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._name, self._size, self._compact = "", "", False
        self._rate: float | None = None
        self._rates: deque[float] = deque(maxlen=_RATES_KEPT)
        self._renew()
        self._say()

    @property
    def rates(self) -> tuple[float, ...]:
        """The readings of the curve, oldest first."""
        return tuple(self._rates)

    def set_sensor(self, name: str, width: int, height: int) -> None:
        """Show another sensor; its curve begins anew."""
        self._name, self._size = name, f"{width} × {height}" if width and height else ""
        self._rate = None
        self._rates.clear()
        self._renew()
        self._say()

    def set_rate(self, events_per_s: float | None) -> None:
        """Show this rate and add it to the curve; None: unknown."""
        self._rate = events_per_s
        if events_per_s is not None:
            self._rates.append(events_per_s)
        self._renew()
        self._say()

    def set_compact(self, compact: bool) -> None:
        """Show only name and rate."""
        self._compact = compact
        self._renew()

    def _say(self) -> None:
        self.setAccessibleName(f"Sensor {self._name} {self._size}, {rate_text(self._rate)}".replace("  ", " "))

    def _parts(self) -> list[tuple[str, float, tuple[int, int], str]]:
        """Kind, width, font and text of what stands side by side."""
        parts = [("name", 0.0, self._NAME, self._shown_name())] if self._name else []
        if not self._compact:
            if self._size:
                parts.append(("size", 0.0, self._PLAIN, self._size))
            parts.append(("spark", float(_SPARK.width()), self._PLAIN, ""))
        parts.append(("rate", 0.0, self._RATE, rate_text(self._rate)))
        return [
            (kind, width or QFontMetricsF(font(*face)).horizontalAdvance(text), face, text)
            for kind, width, face, text in parts
        ]

    def _shown_name(self) -> str:
        metrics = QFontMetricsF(font(*self._NAME))
        return metrics.elidedText(self._name, Qt.TextElideMode.ElideMiddle, 160 if self._compact else 260)

    def content_width(self) -> float:
        """Width of the parts, px; the chip does not tremble with the digits, which are all as wide."""
        parts = self._parts()
        return sum(width for _, width, _, _ in parts) + sum(
            self._gap(place, kind) for place, (kind, *_) in enumerate(parts)
        )

    def _gap(self, place: int, kind: str) -> int:
        if place == 0:
            return 0
        return 12 if kind == "rate" and self._compact else _GAPS[kind]

    def paint_content(self, painter: QPainter, box: QRectF) -> None:
        """Draw name, size, curve and rate."""
        theme, left = self._theme, box.left()
        for place, (kind, width, face, text) in enumerate(self._parts()):
            left += self._gap(place, kind)
            if kind == "spark":
                top = box.center().y() - _SPARK.height() / 2
                self._paint_spark(painter, QRectF(left, top, _SPARK.width(), _SPARK.height()))
            else:
                painter.setFont(font(*face))
                painter.setPen(theme.colour("text2" if kind == "size" else "text1"))
                cell = QRectF(left, box.top(), width + 2, box.height())
                painter.drawText(cell, Qt.AlignmentFlag.AlignVCenter, text)
            left += width

    def _paint_spark(self, painter: QPainter, box: QRectF) -> None:
        theme = self._theme
        if len(self._rates) < 2:
            painter.setPen(QPen(theme.colour("text3", 110), 1))
            painter.drawLine(QPointF(box.left(), box.bottom() - 1), QPointF(box.right(), box.bottom() - 1))
            return
        highest = max(max(self._rates), 1.0)
        step = box.width() / (_RATES_KEPT - 1)
        start = box.right() - step * (len(self._rates) - 1)
        line = QPolygonF(
            [
                QPointF(start + step * place, box.bottom() - 1 - (box.height() - 3) * rate / highest)
                for place, rate in enumerate(self._rates)
            ]
        )
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(theme.colour("text2"), 1.4, cap=Qt.PenCapStyle.RoundCap, join=Qt.PenJoinStyle.RoundJoin))
        painter.drawPolyline(line)


class RecordingChip(PaintedChip):
    """The red dot and how long has been recorded."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._text = ""
        self.hide()

    def set_seconds(self, seconds: float | None) -> None:
        """Show the time recorded, or hide the chip."""
        text = "" if seconds is None else clock_text(seconds)
        if text == self._text:
            return
        self._text = text
        self.setAccessibleName(f"Recording, {text}" if text else "")
        self._renew()
        self.setVisible(bool(text))

    def content_width(self) -> float:
        """Dot, gap and time, px."""
        return 16 + QFontMetricsF(font(12, 600)).horizontalAdvance(self._text)

    def paint_content(self, painter: QPainter, box: QRectF) -> None:
        """Draw dot and time."""
        theme = self._theme
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("record"))
        painter.drawEllipse(QPointF(box.left() + 4, box.center().y()), 4, 4)
        painter.setFont(font(12, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(box.adjusted(16, 0, 4, 0), Qt.AlignmentFlag.AlignVCenter, self._text)


class ZoomChip(QWidget):
    """Minus, the enlargement, plus, and Fit."""

    out_clicked = pyqtSignal()
    in_clicked = pyqtSignal()
    fit_clicked = pyqtSignal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme, self._percent = DARK, ""
        self.kept = KeptPicture()
        self.minus = FaceButton("Zoom out (−)", "ghost", icon="minus", size=(28, 28), parent=self)
        self.plus = FaceButton("Zoom in (+)", "ghost", icon="plus", size=(28, 28), parent=self)
        self.fit = FaceButton("Fit the picture into the view (0)", "ghost", text="Fit", size=(40, 28), parent=self)
        self.minus.clicked.connect(self.out_clicked)
        self.plus.clicked.connect(self.in_clicked)
        self.fit.clicked.connect(self.fit_clicked)
        for button in self._buttons:
            button.set_look(pixels=12, weight=500, icon_size=16, radius=6)
            button.keep_picture()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.minus)
        layout.addSpacing(44)
        layout.addWidget(self.plus)
        layout.addSpacing(9)
        layout.addWidget(self.fit)
        self.resize(self.sizeHint())
        self.set_scale(1.0)

    @property
    def _buttons(self) -> tuple[FaceButton, ...]:
        return (self.minus, self.plus, self.fit)

    @property
    def percent(self) -> str:
        """The enlargement as shown, e.g. ``270%``."""
        return self._percent

    def set_scale(self, scale: float) -> None:
        """Show this enlargement; 1 is one px of the screen a px of the sensor."""
        percent = f"{scale * 100:.0f}%"
        if percent != self._percent:
            self._percent = percent
            self.setAccessibleName(f"Enlarged to {percent}")
            self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        for button in self._buttons:
            button.set_theme(theme)
        self.update()

    def sizeHint(self) -> QSize:
        """Give the chip's size."""
        return QSize(super().sizeHint().width(), CHIP)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint surface, number and the line before Fit."""
        self.kept.show(self, (self._theme, self._percent), self._paint)

    def _paint(self, painter: QPainter) -> None:
        paint_chip(painter, QRectF(self.rect()), self._theme)
        painter.setFont(font(12, 500))
        painter.setPen(self._theme.colour("text1"))
        left, right = self.minus.geometry().right(), self.plus.geometry().left()
        number = QRectF(left - RING_ROOM, 0, right - left + 2 * RING_ROOM, self.height())
        painter.drawText(number, Qt.AlignmentFlag.AlignCenter, self._percent)
        x = (self.plus.geometry().right() + self.fit.geometry().left()) / 2 + 1
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(QPointF(x, 10), QPointF(x, self.height() - 10))


class SwitchChip(FaceButton):
    """A chip with a switch at its right end; all of it can be clicked."""

    def __init__(self, text: str, name: str, parent: QWidget) -> None:
        super().__init__(name, "chip", text=text, parent=parent)
        self.setCheckable(True)
        self.set_look(pixels=12, weight=500, radius=RADIUS, padding=_PADDING)

    def sizeHint(self) -> QSize:
        """Give the chip's size with the room for its focus ring."""
        hint = super().sizeHint()
        return QSize(hint.width() + SWITCH.width() + 12, hint.height())

    def _paint_content(self, painter: QPainter, face: QRectF) -> None:
        super()._paint_content(painter, face)
        left, top = face.right() - 11 - SWITCH.width(), face.center().y() - SWITCH.height() / 2
        track = QRectF(left, top, SWITCH.width(), SWITCH.height())
        paint_switch(painter, track, self._theme, self.isChecked(), "chip")
