"""The history's picture: a pixmap that scrolls, of which only the newest strip is painted."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PyQt6.QtCore import QLineF, QPointF, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF, QRegion

from app.contrast import mixed
from app.panels.history_samples import BREAK_S, ELSE, OTHERS, Sample, Samples
from app.theme import DARK, Theme

AREA_SHARE = 0.56
"""Of the class colour in a stacked area."""
ELSE_SHARE = 0.2
"""Of text3 in the area of something else: quieter than any class."""
HATCH = 7
"""Between the lines of a stretch without motion, px."""
DASHES = {4: (7, 3), 5: (2, 3), 6: (10, 3), 7: (4, 4), 8: (1, 3), 9: (3, 3)}
"""Lines from the fifth on: px drawn, px left out. Counted from the time axis's start, so that scrolling keeps them."""
HELD_S = 1.0
"""The last answer is drawn up to now for so long; then the picture stays empty."""
GREYS = (1.0, 0.6, 0.85, 0.45, 0.7)
"""Of grey in neighbouring areas of an untrained model, so that they can be told apart."""
OVERLAP = 3
"""Px painted again beside a new strip: lines have a width."""


class HistoryPlot:
    """Time runs to the right, 100 % is at the top. One device pixel is one column of the pixmap."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples
        self.stacked = True
        self.span_s = 30.0
        self.painted_columns = 0
        """All columns painted so far: what the cost is made of."""
        self._theme: Theme = DARK
        self._untrained = False
        self._pixmap = QPixmap()
        self._ratio = 1.0
        self._left = 0
        """Column of the time axis that is the pixmap's first: time = column * seconds_per_column."""
        self._fresh = False

    @property
    def pixmap(self) -> QPixmap:
        """The picture; null before `resize`."""
        return self._pixmap

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self._fresh = False

    def set_untrained(self, untrained: bool) -> None:
        """Paint shades of grey: the numbers mean nothing."""
        if untrained != self._untrained:
            self._untrained = untrained
            self.invalidate()

    def _colour(self, band: int) -> QColor:
        if band == ELSE:
            return self._theme.colour("text3")
        if not self._untrained:
            return self._theme.class_colour(band)
        return mixed(self._theme.colour("bg3"), self._theme.class_colour(OTHERS), GREYS[band % len(GREYS)])

    def set_stacked(self, stacked: bool) -> None:
        """Areas on top of each other, or lines."""
        self.stacked = stacked
        self._fresh = False

    def set_span(self, span_s: float) -> None:
        """Show so many seconds."""
        self.span_s = span_s
        self._fresh = False

    def resize(self, size: QSize, ratio: float) -> None:
        """Take the plot's size in px, and the screen's device pixels for one."""
        device = QSize(max(1, round(size.width() * ratio)), max(1, round(size.height() * ratio)))
        if device == self._pixmap.size() and ratio == self._ratio:
            return
        self._ratio = ratio
        self._pixmap = QPixmap(device)
        self._pixmap.setDevicePixelRatio(ratio)
        self._fresh = False

    def invalidate(self) -> None:
        """Paint everything at the next `advance`."""
        self._fresh = False

    # Time and columns

    @property
    def _per_second(self) -> float:
        return self._pixmap.width() / self.span_s

    def x(self, time: float) -> float:
        """Where a time is, px from the plot's left."""
        return (time * self._per_second - self._left) / self._ratio

    def time(self, x: float) -> float:
        """The time at a place, px from the plot's left."""
        return self._time(x * self._ratio)

    def _time(self, column: float) -> float:
        return (column + self._left) / self._per_second

    def advance(self, now: float, since: float | None = None) -> bool:
        """Scroll so that `now` is at the right edge, and paint what is new.

        Parameters
        ----------
        now : float
            Seconds, the samples' clock.
        since : float, optional
            Time of the oldest sample whose surroundings changed; None: only time went on.

        Returns
        -------
        bool
            Whether the picture changed.
        """
        if self._pixmap.isNull():
            return False
        width = self._pixmap.width()
        left = math.floor(now * self._per_second) - width
        shift = left - self._left
        self._left = left
        if not self._fresh or not 0 <= shift < width:
            self._paint(0, width, now)
            self._fresh = True
            return True
        if shift:
            self._pixmap.scroll(-shift, 0, self._pixmap.rect())
        first = width - shift
        if since is not None:
            first = min(first, math.floor(since * self._per_second) - self._left)
        if shift == 0 and since is None:
            return False
        self._paint(max(0, first - OVERLAP), width, now)
        return True

    # Painting

    def _paint(self, first: int, end: int, now: float) -> None:
        """Paint columns [first, end) afresh."""
        self.painted_columns += end - first
        ratio = self._ratio
        height = self._pixmap.height() / ratio
        strip = QRectF(first / ratio, 0, (end - first) / ratio, height)
        painter = QPainter(self._pixmap)
        painter.setClipRect(strip)
        painter.fillRect(strip, self._theme.colour("bg1"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_grid(painter, strip)
        samples = [
            self.samples.current(sample)
            for sample in self.samples.between(self._time(first - OVERLAP), self._time(end + OVERLAP))
        ]
        for stretch in _stretches(samples, now):
            if stretch[0].bands is None:
                self._paint_hatch(painter, stretch, height)
            elif self.stacked:
                self._paint_areas(painter, stretch, height)
            else:
                self._paint_lines(painter, stretch, height)
        painter.end()

    def _paint_grid(self, painter: QPainter, strip: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        for share in (0.0, 0.5, 1.0):
            y = round(share * (strip.height() - 1))
            painter.drawLine(QLineF(strip.left(), y, strip.right(), y))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)

    def _paint_hatch(self, painter: QPainter, stretch: Sequence[Sample], height: float) -> None:
        left, right = self.x(stretch[0].time), self.x(stretch[-1].time)
        box = QRectF(left, 0, max(1.0, right - left), height)
        painter.save()
        painter.setClipRect(box, Qt.ClipOperation.IntersectClip)
        painter.fillRect(box, mixed(self._theme.colour("bg1"), self._theme.colour("bg2"), 0.6))
        painter.setPen(QPen(mixed(self._theme.colour("bg1"), self._theme.colour("text3"), 0.5), 1))
        bounds = painter.clipBoundingRect()
        # Lines stand at multiples of HATCH on the time axis: they scroll with it.
        origin = self._left / self._ratio
        start = math.floor((bounds.left() + origin) / HATCH) * HATCH - origin
        x = start
        while x < bounds.right() + height:
            painter.drawLine(QLineF(x, 0, x - height, height))
            x += HATCH
        painter.restore()

    def _paint_areas(self, painter: QPainter, stretch: Sequence[Sample], height: float) -> None:
        xs = [self.x(sample.time) for sample in stretch]
        floor = [0.0] * len(stretch)
        edges = []
        base = self._theme.colour("bg1")
        for band in self.samples.order:
            values = [sample.bands[band] for sample in stretch if sample.bands is not None]
            if max(values) <= 0.0005:
                continue
            top = [low + value for low, value in zip(floor, values, strict=True)]
            outline = [QPointF(x, height * (1 - y)) for x, y in zip(xs, top, strict=True)]
            back = [QPointF(x, height * (1 - y)) for x, y in zip(reversed(xs), reversed(floor), strict=True)]
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mixed(base, self._colour(band), ELSE_SHARE if band == ELSE else AREA_SHARE))
            painter.drawPolygon(QPolygonF(outline + back))
            edges.append(outline)
            floor = top
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(base, 1.3))
        for outline in edges[:-1]:
            painter.drawPolyline(QPolygonF(outline))

    def _paint_lines(self, painter: QPainter, stretch: Sequence[Sample], height: float) -> None:
        xs = [self.x(sample.time) for sample in stretch]
        plain = painter.clipRegion()
        for band in reversed(self.samples.order):  # the user's first row on top
            values = [_line_value(sample, band) for sample in stretch]
            if max(values) <= 0.0005:
                continue
            points = [QPointF(x, 1 + (height - 2) * (1 - y)) for x, y in zip(xs, values, strict=True)]
            pen = QPen(self._colour(band), 1.5 if band in DASHES else 2.0)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            if band in DASHES:
                painter.setClipRegion(self._dashes(plain, *DASHES[band]))
            painter.drawPolyline(QPolygonF(points))
            painter.setClipRegion(plain)

    def _dashes(self, strip: QRegion, drawn: int, left_out: int) -> QRegion:
        """The strip's columns in which a dashed line is drawn."""
        bounds, period = strip.boundingRect(), drawn + left_out
        origin = self._left / self._ratio
        x = math.floor((bounds.left() + origin) / period) * period - origin
        region = QRegion()
        while x < bounds.right() + 1:
            region += QRect(round(x), bounds.top(), drawn, bounds.height())
            x += period
        return region.intersected(strip)


def _line_value(sample: Sample, band: int) -> float:
    if sample.bands is None:
        return 0.0
    return sample.best_other if band == OTHERS else sample.bands[band]


def _stretches(samples: Sequence[Sample], now: float) -> list[list[Sample]]:
    """Split where motion begins or ends and at silences; each reaches to the next sample, the last one towards now."""
    result: list[list[Sample]] = []
    for sample in samples:
        if result and sample.time - result[-1][-1].time <= BREAK_S:
            last = result[-1][-1]
            if (last.bands is None) == (sample.bands is None):
                result[-1].append(sample)
                continue
            # An answer, or its absence, stands until the next one.
            result[-1].append(_at(last, sample.time))
        result.append([sample])
    if result and now > result[-1][-1].time:
        last = result[-1][-1]
        result[-1].append(_at(last, min(now, last.time + HELD_S)))
    return result


def _at(sample: Sample, time: float) -> Sample:
    return Sample(time, sample.bands, sample.best_other, sample.owners)
