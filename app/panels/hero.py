"""The hero: the most probable class in the biggest type that fits, its probability and the runner-up."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from PyQt6.QtCore import QRect, QRectF, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QHideEvent, QPainter, QPaintEvent, QRegion, QResizeEvent, QShowEvent
from PyQt6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app import motion
from app.panels.easing import TICK_MS, Clock, Glides, Readings, out_cubic, percent_text, percent_words
from app.panels.fitting import (
    LINE_HEIGHT,
    FittedText,
    draw_fitted,
    draw_line,
    elided,
    fit_text,
    ink_box,
    is_rtl,
    middle_baseline,
    text_width,
)
from app.theme import BAR_MS, DARK, LARGE, SMALL, Measures, Theme, font

NOT_SURE_BELOW = 0.40
"""A best probability under this is greyed and called so."""
STALE_S = 1.0
"""A label that has not led for so long gives way at once."""
FADE_MS = 120
NAME_S = 2.0
"""A screen reader hears a new name at most this often."""
LABEL_WEIGHT = 650
TRACKING = -2.2
BASELINE_IN_LINE = 0.805
BAR_HEIGHT = 12
NO_MOTION = "No motion"


@dataclass(frozen=True)
class _Layout:
    """Where things stand, px from the card's top."""

    header: int
    top: int
    bottom: int
    bar: int
    state_size: int


_LARGE = _Layout(header=27, top=40, bottom=152, bar=170, state_size=32)
_SMALL = _Layout(header=21, top=30, bottom=104, bar=124, state_size=26)


@dataclass(frozen=True)
class _Face:
    """All that the hero shows apart from the moving bar and its digits."""

    header: str = "Most probable"
    text: str = ""
    colour: str = "text1"
    kind: str = "state"
    """answer, no_motion, starting or state."""
    detail: str = ""
    colour_number: int = 0
    grey_bar: bool = False


@dataclass
class _Leader:
    """The class shown, and the one that would take its place."""

    shown: tuple[str, int] | None = None
    challenger: tuple[str, int] | None = None
    led_at: float = 0.0

    def follow(self, leading: tuple[str, int], now: float) -> bool:
        """Take one prediction's leader; whether it is shown now.

        It is when it led the prediction before as well, or when the class shown has not led for a while
        (several others take turns).
        """
        stale = now - self.led_at > STALE_S
        if self.shown is None or leading in (self.shown, self.challenger) or stale:
            self.shown, self.challenger, self.led_at = leading, None, now
            return True
        self.challenger = leading
        return False


class Hero(QWidget):
    """The answer, readable from the other end of the room. It paints no card: the window puts it on one.

    Parameters
    ----------
    parent : QWidget, optional
    clock : callable
        Seconds, monotonic.
    """

    cancel_clicked = pyqtSignal()

    def __init__(self, parent: QWidget | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self._theme, self._measures = DARK, LARGE
        self._face = _Face()
        self._old_face: _Face | None = None
        self._fade_began = 0.0
        self._leader = _Leader()
        self._bar: Glides[str] = Glides(clock, BAR_MS)
        self._readings: Readings[tuple[str, str]] = Readings(clock)
        self._progress: float | None = None
        self._drawn_bar = -1.0
        self._ink = QRectF()
        """Where the big text was painted last."""
        self._fitted: dict[_Face, FittedText] = {}
        self._named_at = clock() - NAME_S
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Most probable class")
        self._cancel = QPushButton("Cancel", self)
        self._cancel.setObjectName("heroCancel")
        self._cancel.setCursor(Qt.CursorShape.PointingHandCursor)
        self._cancel.clicked.connect(self.cancel_clicked)
        self._cancel.hide()
        self._ticks = QTimer(self)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self._name_timer = QTimer(self)
        self._name_timer.setSingleShot(True)
        self._name_timer.timeout.connect(self._speak)
        self.set_theme(DARK)

    # What is shown

    @property
    def label(self) -> str:
        """The big text on screen."""
        return self._face.text

    @property
    def header(self) -> str:
        """The small text above it."""
        return self._face.header

    @property
    def detail(self) -> str:
        """The small text below it."""
        return self._face.detail

    @property
    def percentage(self) -> str:
        """The digits on screen; empty when there are none."""
        if self._face.kind == "starting":
            return "" if self._progress is None else f"{round(self._progress * 100)}%"
        best = self._readings.shown.get(("best", ""))
        return percent_text(best) if self._face.kind == "answer" and best is not None else ""

    @property
    def runner_up(self) -> str:
        """The right end of the header, e.g. ``then umbrella  6%``."""
        for (place, label), probability in self._readings.shown.items():
            if place == "then" and self._face.kind == "answer":
                return f"then {label}  {percent_text(probability)}"
        return ""

    def show_starting(self, title: str, detail: str, progress: float | None) -> None:
        """Show what is being prepared.

        Parameters
        ----------
        title : str
            E.g. ``Loading ViT-B-32``.
        detail : str
            E.g. ``Weights 214 of 354 MB. Events already play.``
        progress : float or None
            0 to 1; None when nobody knows.
        """
        self._leave_answer()
        if progress is not None:
            progress = min(1.0, max(0.0, progress))
            self._bar.move("bar", progress)
        self._progress = progress
        self._show(_Face("Getting ready", title, kind="starting", detail=detail))
        self._cancel.show()
        self._wake()

    def show_answer(
        self,
        label: str,
        probability: float,
        colour_number: int,
        runner_up: tuple[str, float] | None = None,
        untrained: bool = False,
    ) -> None:
        """Show a prediction. A new label appears only after it has led two predictions in a row.

        Parameters
        ----------
        label : str
            The most probable class.
        probability : float
            Its probability, 0 to 1.
        colour_number : int
            Its stable colour.
        runner_up : tuple of (str, float), optional
            The second class and its probability.
        untrained : bool
            The model's answers mean nothing: everything is grey.
        """
        self._cancel.hide()
        before = self._leader.shown
        if not self._leader.follow((label, colour_number), self._clock()):
            return
        readings = {("best", ""): probability}
        if runner_up is not None:
            readings[("then", runner_up[0])] = runner_up[1]
        if before != self._leader.shown:
            self._readings.reset()
        if self._readings.offer(readings):
            self._update_numbers()
        self._bar.move("bar", probability)
        self._show(self._answer_face(label, colour_number, untrained))
        self._wake()

    def show_no_motion(self, last_label: str | None, seconds_ago: float) -> None:
        """Show that too little moves for an answer, and what was seen last."""
        self._leave_answer()
        detail = "Move the object or the camera."
        if last_label:
            ago = f"{seconds_ago:.0f} s" if seconds_ago < 90 else f"{seconds_ago / 60:.0f} min"
            detail += f" Last seen: {last_label}, {ago} ago."
        self._show(_Face(text=NO_MOTION, colour="text2", kind="no_motion", detail=detail))

    def show_nothing(self, text: str) -> None:
        """Show a sentence instead of an answer, e.g. when no class is typed."""
        self._leave_answer()
        self._show(_Face("", text, "text2"))

    def _answer_face(self, label: str, colour_number: int, untrained: bool) -> _Face:
        if untrained:
            return _Face("Untrained weights", label, "text2", "answer", grey_bar=True)
        # By the number on screen, so that the words never contradict it.
        if self._readings.shown.get(("best", ""), 1.0) < NOT_SURE_BELOW:
            return _Face("Not sure", label, "text2", "answer", colour_number=colour_number)
        return _Face("Most probable", label, "text1", "answer", colour_number=colour_number)

    def _leave_answer(self) -> None:
        self._cancel.hide()
        self._leader = _Leader()
        self._readings.reset()
        if self._face.kind != "starting":
            self._bar.jump("bar", 0.0)

    def _show(self, face: _Face) -> None:
        if face == self._face:
            return
        old, self._face = self._face, face
        if face.text != old.text and old.text and motion.duration(FADE_MS) and self.isVisible():
            self._old_face, self._fade_began = old, self._clock()
        self._name_soon()
        self._wake()
        self.update()

    # Its name for screen readers

    def _name_soon(self) -> None:
        if not self._name_timer.isActive():
            self._name_timer.start(max(0, round((self._named_at + NAME_S - self._clock()) * 1000)))

    def _speak(self) -> None:
        best = self._readings.shown.get(("best", ""))
        words = [f"{self._face.header}: {self._face.text}" if self._face.header else self._face.text]
        if self._face.kind == "answer" and best is not None:
            words.append(percent_words(best))
        name = ", ".join(words)
        if name != self.accessibleName():
            self._named_at = self._clock()
            self.setAccessibleName(name)

    # Motion

    def _wake(self) -> None:
        if self.isVisible() and not self._ticks.isActive():
            self._ticks.start()

    def _tick(self) -> None:
        if self._readings.flush():
            if self._face.kind == "answer" and not self._face.grey_bar:
                self._show(self._answer_face(self._face.text, self._face.colour_number, False))
            self._name_soon()
            self._update_numbers()
        if self._old_face is not None:
            if self._fade() >= 1:
                self._old_face = None
            self.update()
        unknown = self._face.kind == "starting" and self._progress is None and motion.duration(FADE_MS) > 0
        if unknown or round(self._bar.value("bar") * self.width()) != self._drawn_bar:
            self.update(self._bar_box().toAlignedRect())
        if not (unknown or self._bar.moving() or self._readings.pending or self._old_face is not None):
            self._ticks.stop()

    def _fade(self) -> float:
        length = motion.duration(FADE_MS)
        return 1.0 if length <= 0 else min(1.0, (self._clock() - self._fade_began) * 1000 / length)

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._wake()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self._ticks.stop()
        self._old_face = None

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self._cancel.setFont(font(13, 500))
        self._cancel.setStyleSheet(
            f"QPushButton#heroCancel {{ border: 2px solid transparent; border-radius: 6px; padding: 2px 6px;"
            f" background: transparent; color: {theme.text1}; font-size: 13px; text-decoration: underline; }}"
            f"QPushButton#heroCancel:hover {{ background: {theme.bg3}; }}"
            f"QPushButton#heroCancel:focus {{ border-color: {theme.focus}; }}"
        )
        self._place_cancel()
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self._bar.milliseconds = motion.duration(BAR_MS)
        self._fitted.clear()
        self.setFixedHeight(measures.hero)
        self._place_cancel()
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._measures.right_column, self._measures.hero)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._fitted.clear()
        self._place_cancel()

    @property
    def _layout(self) -> _Layout:
        return _SMALL if self._measures.hero <= SMALL.hero else _LARGE

    def _place_cancel(self) -> None:
        size = self._cancel.sizeHint()
        right = self.width() - self._measures.padding + 8
        self._cancel.setGeometry(right - size.width(), self._layout.header - size.height() // 2, *_pair(size))

    def _bar_box(self) -> QRectF:
        left, right = self._measures.padding, self.width() - self._measures.padding
        if self._face.kind == "answer":
            # The place of two digits, whatever they are: the bar's end stands still.
            face = font(self._measures.hero_percentage, 600, TRACKING)
            right -= round(max(text_width(text, face) for text in ("88%", self.percentage))) + 15
        elif self._face.kind == "starting" and self._progress is not None:
            right -= round(text_width("100%", font(20, 600))) + 12
        return QRectF(left, self._layout.bar - BAR_HEIGHT / 2, max(0, right - left), BAR_HEIGHT)

    def _header_strip(self) -> QRect:
        return QRect(0, 0, self.width(), self._layout.top - 2)

    def _bar_strip(self) -> QRect:
        """The bar and its digits."""
        reach = round(0.42 * self._measures.hero_percentage)
        return QRect(0, self._layout.bar - reach, self.width(), 2 * reach)

    def _update_numbers(self) -> None:
        """Other digits are shown: they, the runner-up, and the bar, whose length follows its digits."""
        self.update(self._header_strip())
        self.update(self._bar_strip())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        assert event is not None
        dirty = event.region()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if dirty.intersects(self._header_strip()):
            self._paint_header(painter)
        if dirty.intersects(self._bar_strip()):
            self._paint_bar(painter, dirty)
        # The big text is the costly part, and stands still while the bar moves.
        if self._old_face is not None:
            self._paint_fade(painter, self._old_face)
        elif dirty.boundingRect() == self.rect() or dirty.intersects(self._ink.toAlignedRect()):
            self._ink = self._paint_text(painter, self._face)
        painter.end()

    def _paint_fade(self, painter: QPainter, old: _Face) -> None:
        shown = out_cubic(self._fade())
        painter.setOpacity(1 - shown)
        before = self._paint_text(painter, old)
        painter.setOpacity(shown)
        self._ink = self._paint_text(painter, self._face).united(before)

    def _paint_header(self, painter: QPainter) -> None:
        face = font(13)
        words_face = font(13, tabular=False)
        painter.setPen(self._theme.colour("text2"))
        left, right = float(self._measures.padding), float(self.width() - self._measures.padding)
        baseline = middle_baseline(face, QRectF(0, self._layout.header - 10, self.width(), 20))
        draw_line(painter, words_face, self._face.header, left, right, baseline)
        if self._face.kind != "answer" or not self.runner_up:
            return
        left += text_width(self._face.header, face) + 24
        label, _, number = self.runner_up.removeprefix("then ").rpartition("  ")
        number_width = text_width("  " + number, face)
        words = elided(f"then {label}", words_face, right - left - number_width)
        # The number stays at the edge whatever the label's direction.
        painter.setFont(face)
        painter.drawText(
            QRectF(right - number_width, 0, number_width, 2.0 * self._layout.header),
            Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
            number,
        )
        start = right - number_width - text_width(words, words_face)
        draw_line(painter, words_face, words, start, right - number_width, baseline)

    def _paint_bar(self, painter: QPainter, dirty: QRegion) -> None:
        box = self._bar_box()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("bg3"))
        painter.drawRoundedRect(box, BAR_HEIGHT / 2, BAR_HEIGHT / 2)
        value = self._bar.value("bar")
        self._drawn_bar = round(value * self.width())
        kind = self._face.kind
        if kind == "answer":
            face = font(self._measures.hero_percentage, 600, TRACKING)
            colour = self._theme.class_colour(self._face.colour_number)
            painter.setBrush(self._theme.class_colour(8) if self._face.grey_bar else colour)
        elif kind == "starting":
            face = font(20, 600)
            painter.setBrush(self._theme.colour("inverse"))
        else:
            return
        if kind == "starting" and self._progress is None:
            # A piece that goes to and fro: nobody knows how long it takes.
            phase = (self._clock() / 2.4) % 2 if motion.duration(FADE_MS) else 0.5
            share = 0.25
            start = box.left() + (phase if phase < 1 else 2 - phase) * box.width() * (1 - share)
            painter.drawRoundedRect(
                QRectF(start, box.top(), box.width() * share, BAR_HEIGHT), BAR_HEIGHT / 2, BAR_HEIGHT / 2
            )
            return
        if value > 0:
            filled = QRectF(box.left(), box.top(), max(float(BAR_HEIGHT), box.width() * value), BAR_HEIGHT)
            painter.drawRoundedRect(filled, BAR_HEIGHT / 2, BAR_HEIGHT / 2)
        right = self.width() - self._measures.padding
        if not dirty.intersects(QRect(round(box.right()) + 1, 0, self.width(), self.height())):
            return
        painter.setPen(self._theme.colour("text2" if self._face.grey_bar else "text1"))
        draw_line(painter, face, self.percentage, 0, right, middle_baseline(face, box), at_right=True)

    def _paint_text(self, painter: QPainter, face: _Face) -> QRectF:
        """Paint the big text and what stands under it; give where."""
        layout = self._layout
        left, right = self._measures.padding, self.width() - self._measures.padding
        painter.setPen(self._theme.colour(face.colour))
        bottom = float(layout.bottom)
        if face.detail:
            bottom = self._paint_detail(painter, face.detail, left, right)
        fitted = self._fit(face, right - left, bottom - layout.top)
        spare = bottom - layout.top - fitted.height
        painter.setPen(self._theme.colour(face.colour))
        first = layout.top + max(0.0, spare) / (2 if not face.detail else 1)
        baseline = first + fitted.height - fitted.pixels * LINE_HEIGHT * (1 - BASELINE_IN_LINE)
        # Big letters have a side bearing: optically at the padding.
        nudge = fitted.pixels * 0.035
        draw_fitted(painter, fitted, left - nudge, right + nudge, baseline)
        first_line = baseline - (len(fitted.lines) - 1) * fitted.pixels * LINE_HEIGHT
        ink = [ink_box(line, fitted.font) for line in fitted.lines]
        top = min((first_line + box.top() for box in ink[:1]), default=baseline)
        end = max((baseline + box.bottom() for box in ink[-1:]), default=baseline)
        end = max(end, layout.bar - BAR_HEIGHT) if face.detail else end
        return QRectF(0, top - 1, self.width(), end - top + 2)

    def _fit(self, face: _Face, width: float, height: float) -> FittedText:
        key = replace(face, colour="", header="", grey_bar=False, colour_number=0)
        if key not in self._fitted:
            if len(self._fitted) > 32:
                self._fitted.clear()
            sizes: tuple[int, ...] = self._measures.hero_sizes
            weight = LABEL_WEIGHT
            if face.kind == "no_motion":
                sizes, weight = sizes[1:], 500
            elif face.kind in ("starting", "state"):
                sizes, weight = (self._layout.state_size, 24, 20), 600
            self._fitted[key] = fit_text(face.text, sizes, width, height, weight=weight, tracking=TRACKING)
        return self._fitted[key]

    def _paint_detail(self, painter: QPainter, detail: str, left: float, right: float) -> float:
        """Draw up to two lines that end above the bar; the y above which the big text may stand."""
        fitted = fit_text(detail, (13,), right - left, 40, weight=400)
        painter.setPen(self._theme.colour("text2"))
        baseline = self._layout.bar - 32.0 if self._layout is _LARGE else self._layout.bar - 22.0
        for above, line in enumerate(reversed(fitted.lines)):
            draw_line(painter, fitted.font, line, left, right, baseline - above * 18, rtl=is_rtl(detail))
        return baseline - (len(fitted.lines) - 1) * 18 - 22


def _pair(size: QSize) -> tuple[int, int]:
    return size.width(), size.height()
