"""The status bar: what runs, how fast, and on what; every item explains itself."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, QTimer
from PyQt6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QFontMetricsF,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PyQt6.QtWidgets import QHBoxLayout, QSizePolicy, QWidget

from app.panels.focus import FocusShown
from app.theme import DARK, GAP, LARGE, Measures, Theme, font

HOVER_MS = 400
NONE = "–"
_GAP = 24
_POPUP_WIDTH = 328
_POPUP_PADDING = 14
_WRAP = int(Qt.TextFlag.TextWordWrap)


@dataclass(frozen=True)
class StatusValues:
    """What the status bar shows; None is shown as a dash.

    Attributes
    ----------
    state : str
        One word, e.g. ``Playing``.
    dot : str
        Colour token of the dot before it: ok, warning, error, record or text3.
    event_rate : float or None
        events/s
    predictions_per_s : float or None
    latency_ms : float or None
    skipped : int or None
        Windows that were never predicted.
    device, precision, model : str or None
    memory_bytes : int or None
    thinning : int
        k: every k-th event is judged and drawn.
    encoded : (int, int) or None
        Timesteps of the window shown that were encoded themselves, and all of them.
    """

    state: str = "Starting"
    dot: str = "text3"
    event_rate: float | None = None
    predictions_per_s: float | None = None
    latency_ms: float | None = None
    skipped: int | None = None
    device: str | None = None
    precision: str | None = None
    model: str | None = None
    memory_bytes: int | None = None
    thinning: int = 1
    encoded: tuple[int, int] | None = None


EXPLANATIONS = {
    "State": "What the source of events is doing now.",
    "Events": "Events that arrive each second, over about the last second. Millions are normal when much moves. "
    "Where more come than this machine can take in, only every second, fourth, … is judged and drawn.",
    "Predictions": "How often each second the model judges what is seen. Every prediction looks at one whole window.",
    "Latency": "From the last event of a window to the moment its probabilities are there. Below 100 ms feels live.",
    "Skipped": "Windows that were not judged because a newer one was there already: what is shown stays current. Where "
    "the model is slower than the stream, “4 of 10 encoded” says that it has seen four of the window’s timesteps, and "
    "each of the others counts by the nearest of these.",
    "Device": "What computes the predictions, and with which precision.",
    "Model": "The recogniser and the weights it uses.",
    "Memory": "What the whole program uses now.",
}
"""What each item means, one or two sentences."""


def _rate(events_per_s: float) -> str:
    if events_per_s >= 99_500:
        return f"{events_per_s / 1e6:.2f} M/s"
    return f"{events_per_s / 1e3:.0f} k/s" if events_per_s >= 999.5 else f"{events_per_s:.0f} /s"


def _thinned(every: int) -> str:
    return "" if every == 1 else f" · 1 of {every}"


def _sampled(encoded: tuple[int, int] | None) -> str:
    return "" if encoded is None or encoded[0] >= encoded[1] else f" · {encoded[0]} of {encoded[1]} encoded"


def _texts(values: StatusValues) -> dict[str, str]:
    """What each item shows."""
    device = " · ".join(part for part in (values.device, values.precision) if part)
    memory = values.memory_bytes
    return {
        "State": values.state,
        "Events": NONE if values.event_rate is None else _rate(values.event_rate) + _thinned(values.thinning),
        "Predictions": NONE if values.predictions_per_s is None else f"{values.predictions_per_s:.1f}/s",
        "Latency": NONE if values.latency_ms is None else f"{values.latency_ms:.0f} ms",
        "Skipped": NONE if values.skipped is None else f"{values.skipped:,}" + _sampled(values.encoded),
        "Device": device or NONE,
        "Model": values.model or NONE,
        "Memory": NONE if memory is None else (f"{memory / 1e9:.1f} GB" if memory >= 1e9 else f"{memory / 1e6:.0f} MB"),
    }


class _Item(QWidget):
    """One reading: its name and its value."""

    def __init__(self, bar: StatusBar, name: str) -> None:
        super().__init__(bar)
        self._bar, self.name = bar, name
        self._theme, self._dot, self._room = DARK, "text3", 0.0
        self.text = NONE
        self._focus = FocusShown()
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Expanding)
        self._say()

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_text(self, text: str, dot: str = "text3") -> None:
        if (text, dot) == (self.text, self._dot):
            return
        before = self._room
        self.text, self._dot = text, dot
        # The room only grows by what is needed and shrinks when much is left, so that the row does not tremble.
        needed = QFontMetricsF(font(12, 600)).horizontalAdvance(text)
        self._room = needed if needed > before or needed < before - 16 else before
        self._say()
        if self._room != before:
            self.updateGeometry()
        self.update()

    def _say(self) -> None:
        self.setAccessibleName(f"{self.name}: {self.text}")
        self.setAccessibleDescription(EXPLANATIONS[self.name])

    def _lead(self) -> float:
        return 16.0 if self.name == "State" else QFontMetricsF(font(12)).horizontalAdvance(self.name) + 6

    def sizeHint(self) -> QSize:
        room = max(self._room, QFontMetricsF(font(12, 600)).horizontalAdvance(self.text))
        return QSize(round(self._lead() + room) + 2, 20)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        theme, box = self._theme, QRectF(self.rect())
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.name == "State":
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(self._dot))
            painter.drawEllipse(QPointF(4, box.center().y()), 4, 4)
        else:
            painter.setFont(font(12))
            painter.setPen(theme.colour("text2"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self.name)
        painter.setFont(font(12, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(box.adjusted(self._lead(), 0, 8, 0), Qt.AlignmentFlag.AlignVCenter, self.text)
        painter.end()

    def enterEvent(self, event: QEnterEvent | None) -> None:
        self._bar.explain_soon(self)
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        self._bar.explain_no_more(self)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        self._bar.explain(self)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        assert event is not None
        self._focus.gained(event.reason())
        self._bar.show_ring(self if self._focus.shown else None)
        if self._focus.shown:
            self._bar.explain(self)
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        assert event is not None
        self._focus.lost(event.reason())
        self._bar.show_ring(None)
        self._bar.explain_no_more(self)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        assert event is not None
        if event.key() == Qt.Key.Key_Escape and self._bar.explanation is not None:
            self._bar.explain_no_more(self)
            return
        super().keyPressEvent(event)


class _Explanation(QWidget):
    """The box above an item that says what it means."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._theme, self._title, self._body = DARK, "", ""
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    @property
    def text(self) -> str:
        return f"{self._title}. {self._body}"

    def show_at(self, theme: Theme, title: str, body: str, anchor: QPoint) -> None:
        """Stand with the lower left corner at `anchor` (the window's px), inside the window."""
        self._theme, self._title, self._body = theme, title, body
        parent = self.parentWidget()
        assert parent is not None
        width = min(_POPUP_WIDTH, parent.width() - 2 * GAP)
        inner = QRectF(0, 0, width - 2 * _POPUP_PADDING, 1000)
        height = QFontMetricsF(font(12)).boundingRect(inner, _WRAP, body).height() + 20 + 6 + 2 * _POPUP_PADDING - 2
        left = min(max(GAP, anchor.x()), parent.width() - GAP - width)
        self.setGeometry(left, anchor.y() - round(height), width, round(height))
        self.setAccessibleName(self.text)
        self.raise_()
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        theme = self._theme
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.setBrush(theme.colour("bg3" if theme.dark else "bg1"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 10, 10)
        pad = _POPUP_PADDING
        inner = QRectF(pad, pad - 1, self.width() - 2 * pad, self.height())
        painter.setFont(font(13, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(inner, 0, self._title)
        painter.setFont(font(12))
        painter.setPen(theme.colour("text2"))
        painter.drawText(inner.translated(0, 24), _WRAP, self._body)
        painter.end()


class StatusBar(QWidget):
    """The row of readings at the window's lower edge; give it new values about twice a second."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._box: _Explanation | None = None
        self._ringed: _Item | None = None
        self._hovered: _Item | None = None
        self._explained: _Item | None = None
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(HOVER_MS)
        self._delay.timeout.connect(self._explain_hovered)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * GAP, 0, GAP, 0)
        layout.setSpacing(_GAP)
        self._items = {name: _Item(self, name) for name in EXPLANATIONS}
        for item in self._items.values():
            layout.addWidget(item)
        layout.addStretch(1)
        self.set_values(StatusValues())
        self.set_measures(LARGE)

    # --- what it shows ---

    @property
    def texts(self) -> dict[str, str]:
        """What each item in sight shows."""
        return {name: item.text for name, item in self._items.items() if not item.isHidden()}

    @property
    def explanation(self) -> str | None:
        """The explanation that is shown."""
        return self._box.text if self._box is not None and not self._box.isHidden() else None

    def set_values(self, values: StatusValues) -> None:
        """Show these readings; an explanation that is open follows."""
        for name, text in _texts(values).items():
            self._items[name].set_text(text, values.dot)
        self._drop_items()
        if self.explanation is not None and self._explained is not None:
            self.explain(self._explained)

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        for item in self._items.values():
            item.set_theme(theme)
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes: the small one has no room for everything."""
        self._measures = measures
        self.setFixedHeight(measures.status_bar)
        self._drop_items()

    def item(self, name: str) -> QWidget:
        """The item of this name, a key of `EXPLANATIONS`."""
        return self._items[name]

    def sizeHint(self) -> QSize:
        """Give the bar's height."""
        return QSize(400, self._measures.status_bar)

    def minimumSizeHint(self) -> QSize:
        """Give the bar's height; it may be narrower than its items."""
        return QSize(200, self._measures.status_bar)

    # --- inside ---

    def _drop_items(self) -> None:
        """Leave out Memory, then Model, in the small window, and further ones that have no room."""
        small = self._measures.status_bar < LARGE.status_bar
        room, shown = self.width() - 3 * GAP, 0
        for name, item in self._items.items():
            shown += item.sizeHint().width() + _GAP
            fits = shown - _GAP <= room or name == "State"
            item.setVisible(fits and not (small and name in ("Model", "Memory")))

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Leave out what has no room."""
        self._drop_items()
        super().resizeEvent(event)

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Explain nothing while hidden."""
        self._close_explanation()
        super().hideEvent(event)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the focus ring, for which the items have no room."""
        if self._ringed is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("focus"), 2))
        box = self._ringed.geometry()
        ring = QRectF(box.left() - 6, self.height() / 2 - 11, box.width() + 12, 22)
        painter.drawRoundedRect(ring, 6, 6)
        painter.end()

    def show_ring(self, item: _Item | None) -> None:
        """Paint the focus ring around this item."""
        self._ringed = item
        self.update()

    def explain_soon(self, item: _Item) -> None:
        """The pointer is over this item: explain it after a moment, or at once when another is explained."""
        self._hovered = item
        if self.explanation is not None:
            self.explain(item)
        else:
            self._delay.start()

    def explain(self, item: _Item) -> None:
        """Explain this item."""
        window = self.window()
        assert window is not None
        if self._box is None or self._box.parentWidget() is not window:
            if self._box is not None:
                self._box.deleteLater()
            self._box = _Explanation(window)
        self._explained = item
        anchor = self.mapTo(window, QPoint(item.x() - _POPUP_PADDING, -GAP // 2)) if window is not self else QPoint()
        title = item.text if item.name == "State" else f"{item.name}: {item.text}"
        self._box.show_at(self._theme, title, EXPLANATIONS[item.name], anchor)

    def explain_no_more(self, item: _Item) -> None:
        """Pointer or focus have left this item."""
        if self._hovered is item:
            self._hovered = None
            self._delay.stop()
        if self._explained is item:
            self._close_explanation()

    def _explain_hovered(self) -> None:
        if self._hovered is not None:
            self.explain(self._hovered)

    def _close_explanation(self) -> None:
        self._delay.stop()
        self._explained = None
        if self._box is not None:
            self._box.hide()
