"""The history of the probabilities: the last half minute, stacked or as lines."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from PyQt6.QtCore import QEvent, QPoint, QRect, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QFontMetricsF, QHideEvent, QPainter, QPaintEvent, QPixmap, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.panels.fitting import draw_line, elided, is_rtl, middle_baseline
from app.panels.focus import RING_ROOM
from app.panels.history_plot import HistoryPlot
from app.panels.history_samples import BREAK_S, ELSE, KEPT_S, Run, Samples
from app.panels.segmented import Segmented
from app.theme import DARK, LARGE, SMALL, Measures, Theme, font

SPAN_S = 30.0
STEPS = (1, 2, 5, 10, 15, 30, 60)
"""Between two times on the axis, s."""
LEAST_STEP = 120
"""Between two times on the axis, px."""
WIDEST_LABEL = 170
HEADS = {True: 44, False: 34}
AXIS = 24


REFRESH_S = 0.03
"""Predictions that come faster are drawn together."""


class _Plot(QWidget):
    """The scrolling picture with its labels. Opaque: what lies below is not painted each time that it moves on."""

    def __init__(self, panel: HistoryPanel) -> None:
        super().__init__(panel)
        self._panel = panel
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        self._panel.paint_plot(painter, self.rect())
        painter.end()


class HistoryPanel(QWidget):
    """Axes, labels and a scrolling picture. It paints no card: the window puts it on one, above the transport bar."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._samples = Samples()
        self.plot = HistoryPlot(self._samples)
        self._shown = _Plot(self)
        self._now: float | None = None
        self._refreshed_at = 0.0
        self._changed_since: float | None = None
        self._labels: dict[tuple[str, int, bool], QPixmap] = {}
        self.style_choice = Segmented([("stacked", "Stacked"), ("lines", "Lines")], "History", parent=self)
        self.style_choice.chosen.connect(self.set_style)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.set_span(SPAN_S)
        self.set_measures(LARGE)
        self.set_theme(DARK)

    # Values

    def set_rows(self, rows: Sequence[tuple[int, str, int]]) -> None:
        """Take the classes: (id, label, colour number) in the user's order."""
        if self._samples.set_rows(rows):
            self.plot.invalidate()
        self._labels.clear()
        self._refresh()

    def append(self, time_s: float, probabilities: Mapping[int, float] | None) -> None:
        """Add a prediction.

        Parameters
        ----------
        time_s : float
            Seconds, the clock of `tick`.
        probabilities : mapping of int to float, optional
            By row id. None: no motion.
        """
        before = self._samples.last_time
        if not self._samples.add(time_s, probabilities):
            self.plot.invalidate()
            self._now = None
        # What was drawn since the sample before was a guess: its value, held.
        near = before is not None and time_s - before <= BREAK_S
        since = before if near and before is not None else time_s
        self._changed_since = since if self._changed_since is None else min(since, self._changed_since)
        self._now = time_s if self._now is None else max(self._now, time_s)
        if not 0 <= self._now - self._refreshed_at < REFRESH_S:
            self._refresh()

    def tick(self, now_s: float) -> None:
        """Let time go on; `now_s` is at the right edge."""
        if self._now is not None and now_s <= self._now:
            return
        self._now = now_s
        if len(self._samples):
            self._refresh()

    def clear(self) -> None:
        """Forget all, e.g. for another source."""
        self._samples.clear()
        self.plot.invalidate()
        self._now = self._changed_since = None
        self._refresh()

    def set_untrained(self, untrained: bool) -> None:
        """Paint shades of grey: the percentages mean nothing."""
        self.plot.set_untrained(untrained)
        self.update()

    def set_style(self, key: str) -> None:
        """``stacked`` or ``lines``."""
        self.style_choice.set_current(key)
        self.plot.set_stacked(key == "stacked")
        self._labels.clear()
        self._refresh()

    def set_span(self, seconds: float) -> None:
        """Show so many seconds, 5 to 300.

        Raises
        ------
        ValueError
            For any other number.
        """
        if not 5 <= seconds <= 300:
            raise ValueError(f"the history shows 5 to 300 s, not {seconds:g}")
        self.plot.set_span(seconds)
        self._samples.kept_s = max(KEPT_S, seconds)
        self.setAccessibleName(f"History of the last {seconds:g} seconds")
        self._refresh()

    @property
    def sample_count(self) -> int:
        """Predictions remembered."""
        return len(self._samples)

    def _refresh(self) -> None:
        """Bring the picture up to now, if it is seen."""
        if not self.isVisible():
            self.plot.invalidate()
            return
        if self.plot.advance(self._now or 0.0, self._changed_since):
            self._shown.update()
        self._refreshed_at = self._now or 0.0
        self._changed_since = None

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self.plot.set_theme(theme)
        self.style_choice.set_theme(theme)
        self._labels.clear()
        self._refresh()
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self.setMinimumHeight(min(measures.history, SMALL.history))
        self.updateGeometry()
        self._place()

    def sizeHint(self) -> QSize:
        return QSize(600, self._measures.history)

    @property
    def _large(self) -> bool:
        return self._measures.row > SMALL.row

    def _plot_box(self) -> QRect:
        head = HEADS[self._large]
        left, right = 56, 16
        return QRect(left, head, max(1, self.width() - left - right), max(1, self.height() - head - AXIS))

    def _place(self) -> None:
        size = self.style_choice.sizeHint()
        middle = 21 if self._large else 17
        top = middle - size.height() // 2
        self.style_choice.setGeometry(self.width() - 12 + RING_ROOM - size.width(), top, size.width(), size.height())
        self._shown.setGeometry(self._plot_box())
        self.plot.resize(self._plot_box().size(), self.devicePixelRatioF())
        self._refresh()
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._place()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._place()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self.plot.invalidate()

    def event(self, event: QEvent | None) -> bool:
        if event is not None and event.type() == QEvent.Type.DevicePixelRatioChange:
            self._labels.clear()
            self._place()
        return super().event(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if event is None:
            return
        painter = QPainter(self)
        self._paint_axes(painter, self._plot_box())
        painter.end()

    def paint_plot(self, painter: QPainter, box: QRect) -> None:
        """Paint the picture and its labels into this box."""
        painter.drawPixmap(box.topLeft(), self.plot.pixmap)
        self._paint_labels(painter, box)

    def _paint_axes(self, painter: QPainter, box: QRect) -> None:
        theme = self._theme
        face = font(13, 600)
        painter.setPen(theme.colour("text1"))
        span = self.plot.span_s
        head = QRectF(16, 0, 300, 44 if self._large else 36)
        draw_line(painter, face, f"Last {span:g} seconds", 16, 316, middle_baseline(face, head))
        face = font(12)
        painter.setPen(theme.colour("text3"))
        for share, text in ((0.0, "100%"), (0.5, "50%"), (1.0, "0%")):
            line = QRectF(0, box.top() + share * box.height() - 8, 1, 16)
            draw_line(painter, face, text, 0, box.left() - 8, middle_baseline(face, line), at_right=True)
        step = self._step(box.width())
        baseline = middle_baseline(face, QRectF(0, box.bottom() + 4, 1, 18))
        for count in range(math.floor(span / step) + 1):
            seconds = count * step
            text = f"−{seconds:g} s" if seconds else "now"
            x = box.right() + 1 - seconds / span * box.width()
            width = QFontMetricsF(face).horizontalAdvance(text)
            left = min(max(box.left(), x - width / 2), box.right() + 1 - width)
            draw_line(painter, face, text, left, left + width, baseline)

    def _step(self, width: int) -> float:
        fitting = (step for step in STEPS if step / self.plot.span_s * width >= LEAST_STEP)
        return next(fitting, STEPS[-1])

    # Labels on large areas: pixmaps above the picture, for their place moves as the area grows

    def _paint_labels(self, painter: QPainter, box: QRect) -> None:
        painter.save()
        painter.setClipRect(box)
        for run in self._samples.runs:
            place = self._label_place(run, box)
            if place is not None:
                painter.drawPixmap(*place)
        painter.restore()

    def _label_place(self, run: Run, box: QRect) -> tuple[QPoint, QPixmap] | None:
        text = self._samples.label(run)
        start, end = max(0.0, self.plot.x(run.start)), min(float(box.width()), self.plot.x(run.end))
        if not text or end - start < 40:
            return None
        label = self._label(text, run.band)
        width = label.width() / label.devicePixelRatioF()
        height = label.height() / label.devicePixelRatioF()
        if end - start < width + 16:
            return None
        x = round((start + end - width) / 2)
        middle = self._label_height(run, box.height(), height, x, width)
        return QPoint(box.left() + x, box.top() + round(middle - height / 2)), label

    def _label_height(self, run: Run, plot: int, label: float, x: int, width: float) -> float:
        """Middle of the label, px below the plot's top: in its area, or under its line."""
        if run.band is None:
            return plot / 2
        if self.plot.stacked:
            return min(max((1 - run.middle) * plot, label / 2 + 2), plot - label / 2 - 2)
        times = self.plot.time(x - 4), self.plot.time(x + width + 4)
        values = [sample.bands[run.band] for sample in self._samples.between(*times) if sample.bands is not None]
        return min(
            max((1 - min(values, default=run.value)) * plot + label / 2 + 6, label / 2 + 2), plot - label / 2 - 2
        )

    def _label(self, text: str, band: int | None) -> QPixmap:
        key = (text, -1 if band is None else band, self.plot.stacked)
        if key not in self._labels:
            if len(self._labels) > 100:
                self._labels.clear()
            self._labels[key] = self._painted_label(text, band)
        return self._labels[key]

    def _painted_label(self, text: str, band: int | None) -> QPixmap:
        theme, face = self._theme, font(12, 600, tabular=False)
        shown = elided(text, face, WIDEST_LABEL)
        swatch = 0 if self.plot.stacked or band is None else 16
        width = math.ceil(QFontMetricsF(face).horizontalAdvance(shown)) + 14 + swatch
        ratio = self.devicePixelRatioF()
        pixmap = QPixmap(round(width * ratio), round(22 * ratio))
        pixmap.setDevicePixelRatio(ratio)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._label_surface(band))
        painter.drawRoundedRect(QRectF(0, 0, width, 22), 6, 6)
        if swatch:
            painter.setBrush(theme.colour("text3") if band == ELSE else theme.class_colour(band or 0))
            painter.drawRoundedRect(QRectF(6, 6, 10, 10), 3, 3)
        painter.setPen(theme.colour("text1"))
        line = QRectF(0, 0, width, 22)
        draw_line(painter, face, shown, 7 + swatch, width - 7, middle_baseline(face, line), rtl=is_rtl(shown))
        painter.end()
        return pixmap

    def _label_surface(self, band: int | None) -> QColor:
        if self.plot.stacked and band is not None:
            return self._theme.colour("bg1", 205 if self._theme.dark else 225)
        return self._theme.colour("bg1", 235)
