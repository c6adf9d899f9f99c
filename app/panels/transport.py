"""The bar below the history: play, step and seek a recording; record a live stream."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Literal, TypeAlias

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFontMetricsF, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QStackedLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.chips import Themed, clock_text
from app.panels.focus import RING_ROOM
from app.panels.menu import Menu
from app.panels.timeline import Timeline, time_text
from app.theme import DARK, LARGE, Measures, Theme, font

Mode: TypeAlias = Literal["recording", "live"]
SPEEDS: tuple[float | None, ...] = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, None)
"""Paces offered, times real time; None: as fast as it goes."""


def speed_text(speed: float | None) -> str:
    """Give a pace for people: ``1×``, ``0.25×``, ``max``."""
    return "max" if speed is None else f"{speed:g}×"


def size_text(size: float) -> str:
    """Give bytes for people: ``38.2 MB``."""
    if size < 1e6:
        return f"{size / 1e3:.0f} kB"
    return f"{size / 1e6:.1f} MB" if size < 1e9 else f"{size / 1e9:.2f} GB"


class Readout(QWidget):
    """A few words and numbers side by side; the numbers in the stronger colour."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._name = DARK, name
        self._parts: tuple[tuple[str, str], ...] = ()
        self._large = False
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        """All that is shown, e.g. ``Live 00:07:31``."""
        return " ".join(part for pair in self._parts for part in pair if part)

    def set_parts(self, *parts: tuple[str, str], large: bool = False) -> None:
        """Show (word, number) pairs; `large` makes the first number a title."""
        if (parts, large) == (self._parts, self._large):
            return
        before = self.sizeHint()
        self._parts, self._large = parts, large
        self.setAccessibleName(f"{self._name}: {self.text}")
        if self.sizeHint() != before:
            self.updateGeometry()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def _pieces(self) -> list[tuple[float, tuple[int, int], str, str]]:
        """Left edge, font, colour and text of each piece."""
        left, pieces = 0.0, []
        for place, (word, number) in enumerate(self._parts):
            big = self._large and place == 0
            for text, face, colour in ((word, (13, 400), "text2"), (number, (20 if big else 13, 600), "text1")):
                if text:
                    pieces.append((left, face, colour, text))
                    left += QFontMetricsF(font(*face)).horizontalAdvance(text) + 7
            left += 17
        return pieces

    def sizeHint(self) -> QSize:
        """Give the size of what is shown."""
        pieces = self._pieces()
        if not pieces:
            return QSize(0, 36)
        left, face, _, text = pieces[-1]
        return QSize(round(left + QFontMetricsF(font(*face)).horizontalAdvance(text)) + 2, 36)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the words and numbers."""
        painter = QPainter(self)
        baseline = self.height() / 2 + QFontMetricsF(font(13)).capHeight() / 2
        for left, face, colour, text in self._pieces():
            painter.setFont(font(*face))
            painter.setPen(self._theme.colour(colour))
            rise = (QFontMetricsF(painter.font()).capHeight() - QFontMetricsF(font(13)).capHeight()) / 2
            painter.drawText(QPointF(left, baseline + rise), text)
        painter.end()


class _TimeReadout(QWidget):
    """Where one is, and how long the whole is."""

    def __init__(self) -> None:
        super().__init__()
        self._theme, self._now, self._whole, self._with_whole = DARK, "00:00.00", "00:00.00", True
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # its card is not painted with every position
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    @property
    def text(self) -> str:
        return self._now

    def set_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.update()

    def set_times(self, now: str, whole: str) -> None:
        if (now, whole) == (self._now, self._whole):
            return
        changed = (len(now), whole) != (len(self._now), self._whole)
        self._now, self._whole = now, whole
        if changed:
            self.updateGeometry()
        self.update()

    def set_with_whole(self, with_whole: bool) -> None:
        self._with_whole = with_whole
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        width = QFontMetricsF(font(15, 600)).horizontalAdvance(self._now)
        if self._with_whole:
            width += 6 + QFontMetricsF(font(13)).horizontalAdvance(f"/ {self._whole}")
        return QSize(round(width) + 2, 36)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        box = QRectF(self.rect())
        painter.fillRect(self.rect(), self._theme.colour("bg1"))
        painter.setFont(font(15, 600))
        painter.setPen(self._theme.colour("text1"))
        painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, self._now)
        if self._with_whole:
            box.setLeft(QFontMetricsF(painter.font()).horizontalAdvance(self._now) + 6)
            painter.setFont(font(13))
            painter.setPen(self._theme.colour("text2"))
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, f"/ {self._whole}")
        painter.end()


class _RecordButton(FaceButton):
    """Record, or Stop while a recording goes on."""

    def __init__(self) -> None:
        super().__init__("Record (Ctrl+R)", "strong", text="Record", size=(96, 40))
        self._recording = False
        self.set_look(radius=20)

    def set_recording(self, recording: bool) -> None:
        self._recording = recording
        self.set_content(
            text="Stop" if recording else "Record", name="Stop recording (Ctrl+R)" if recording else "Record (Ctrl+R)"
        )

    def _paint_content(self, painter: QPainter, face: QRectF) -> None:
        theme = self._theme
        if self._recording:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("record", 60))
            painter.drawRoundedRect(face, self._radius, self._radius)
        width = QFontMetricsF(font(13, 600)).horizontalAdvance(self.text())
        left = face.center().x() - (14 + 7 + width) / 2
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("record"))
        middle = face.center().y()
        if self._recording:
            painter.drawRoundedRect(QRectF(left + 1, middle - 6, 12, 12), 3, 3)
        else:
            painter.drawEllipse(QPointF(left + 7, middle), 7, 7)
        painter.setFont(font(13, 600))
        painter.setPen(theme.colour("text1"))
        painter.drawText(
            QRectF(left + 21, face.top(), width + 4, face.height()), Qt.AlignmentFlag.AlignVCenter, self.text()
        )


class TransportBar(QWidget):
    """Play, step and seek for a recording; record and the time for a live stream. All times in the stream's µs."""

    play_toggled = pyqtSignal()
    step = pyqtSignal(int)
    """-1 or 1 timestep."""
    seek = pyqtSignal("qint64")
    """Time in µs."""
    speed_chosen = pyqtSignal(object)
    """float, or None: as fast as it goes."""
    loop_toggled = pyqtSignal(bool)
    """What is wanted now."""
    stream_chosen = pyqtSignal(str)
    record_toggled = pyqtSignal()
    camera_toggled = pyqtSignal(bool)
    """Whether the camera's settings are wanted."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._mode: Mode = "recording"
        self._playing, self._speed, self._loop = False, 1.0, False
        self._chosen_speed: float | None = 1.0
        self._streams: list[str] = []
        self._stream = ""
        self._live = (0.0, 0)
        self._recording: tuple[float, int] | None = None
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._make_replay())
        self._stack.addWidget(self._make_live())
        self.set_measures(LARGE)
        self._show_time()
        self._show_live()

    def _make_replay(self) -> QWidget:
        self.back_button = FaceButton("Step back (←)", "ghost", icon="skip-back", size=(32, 36))
        self.play_button = FaceButton("Play (Space)", "strong", icon="play-fill", size=(40, 40))
        self.forward_button = FaceButton("Step forward (→)", "ghost", icon="skip-forward", size=(32, 36))
        self.play_button.set_look(radius=20, icon_size=20)
        for button in (self.back_button, self.forward_button):
            button.set_look(icon_size=20)
        self.time = _TimeReadout()
        self.timeline = Timeline()
        self.stream_button = FaceButton("Event stream", "filled", text="events", caret=True)
        self.speed_button = FaceButton("Speed: 1×", "filled", text="1×", caret=True, size=(64, 36))
        self.loop_button = FaceButton("Loop (L)", "filled", icon="repeat", size=(36, 36))
        self.loop_button.setCheckable(True)
        self.stream_button.set_look(longest=120)
        self.stream_button.set_menu(self._make_stream_menu)
        self.speed_button.set_menu(self._make_speed_menu)
        self.stream_button.hide()
        self.back_button.clicked.connect(lambda: self.step.emit(-1))
        self.forward_button.clicked.connect(lambda: self.step.emit(1))
        self.play_button.clicked.connect(self.play_toggled)
        self.loop_button.clicked.connect(self._loop_clicked)
        self.timeline.seek.connect(self._sought)
        self.timeline.step.connect(self.step)
        page = QWidget()
        layout = self._row(page, 12 - RING_ROOM)
        for widget in (self.back_button, self.play_button, self.forward_button):
            layout.addWidget(widget)
        layout.addSpacing(8)
        layout.addWidget(self.time)
        layout.addSpacing(8)
        layout.addWidget(self.timeline, 1)
        layout.addSpacing(4)
        for widget in (self.stream_button, self.speed_button, self.loop_button):
            layout.addWidget(widget)
        return page

    def _make_live(self) -> QWidget:
        self.record_button = _RecordButton()
        self.record_button.clicked.connect(self.record_toggled)
        self.readout = Readout("Stream")
        page = QWidget()
        layout = self._row(page, 12 - RING_ROOM)
        layout.addWidget(self.record_button)
        layout.addSpacing(16)
        layout.addWidget(self.readout)
        layout.addStretch(1)
        self.camera_button = FaceButton(
            "Camera settings (Ctrl+,)", "filled", icon="sliders-horizontal", text="Camera settings"
        )
        self.camera_button.setCheckable(True)
        self.camera_button.clicked.connect(self.camera_toggled)
        self.camera_button.hide()
        layout.addWidget(self.camera_button)
        return page

    @staticmethod
    def _row(page: QWidget, left: int) -> QHBoxLayout:
        layout = QHBoxLayout(page)
        layout.setContentsMargins(left, 0, 12 - RING_ROOM, 0)
        layout.setSpacing(0)
        return layout

    @property
    def _buttons(self) -> tuple[FaceButton, ...]:
        return (
            self.back_button, self.play_button, self.forward_button,
            self.stream_button, self.speed_button, self.loop_button, self.record_button, self.camera_button,
        )  # fmt: skip

    # --- what it shows ---

    @property
    def mode(self) -> Mode:
        """What it is for now."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Become the bar of a recording or of a live stream."""
        self._mode = mode
        self._stack.setCurrentIndex(0 if mode == "recording" else 1)

    def set_span(self, start_us: int, end_us: int) -> None:
        """Take the recording's first and last time."""
        self.timeline.set_span(start_us, end_us)
        self._show_time()

    def set_position(self, position_us: int) -> None:
        """Move the playhead, unless it is being dragged."""
        if self.timeline.set_position(position_us):
            self._show_time()

    def set_window(self, start_us: int, end_us: int) -> None:
        """Shade the time that was judged."""
        self.timeline.set_window(start_us, end_us)

    def set_overview(self, counts: Sequence[int]) -> None:
        """Take the number of events in equal parts of the recording."""
        self.timeline.set_overview(counts)

    def set_playing(self, playing: bool) -> None:
        """Show whether it plays."""
        self._playing = playing
        self.play_button.set_content(
            icon="pause-fill" if playing else "play-fill", name="Pause (Space)" if playing else "Play (Space)"
        )

    def set_speed(self, speed: float | None) -> None:
        """Show this pace; None: as fast as it goes."""
        self._chosen_speed = speed
        self.speed_button.set_content(text=speed_text(speed), name=f"Speed: {speed_text(speed)}")

    def set_loop(self, loop: bool) -> None:
        """Show whether the recording begins again at its end."""
        self._loop = loop
        self.loop_button.setChecked(loop)
        self.loop_button.setAccessibleName(f"Loop (L): {'on' if loop else 'off'}")
        self.loop_button.update()

    def set_streams(self, streams: Sequence[str], current: str) -> None:
        """Offer these event streams of the file; with only one there is nothing to choose."""
        self._streams, self._stream = list(streams), current
        self.stream_button.setVisible(len(streams) > 1)
        self.stream_button.set_content(text=current, name=f"Event stream: {current}")

    def set_live(self, elapsed_s: float, dropped: int) -> None:
        """Show how long the stream runs and how many events were dropped."""
        self._live = (elapsed_s, dropped)
        self._show_live()

    def set_recording(self, seconds: float | None, size: int) -> None:
        """Show how long and how many bytes have been recorded; None: nothing is."""
        self._recording = None if seconds is None else (seconds, size)
        self.record_button.set_recording(seconds is not None)
        self._show_live()

    def set_camera_settings(self, offered: bool) -> None:
        """Offer the camera's settings, where there are any."""
        self.camera_button.setVisible(offered)

    def set_camera_shown(self, shown: bool) -> None:
        """Show whether the camera's settings are open."""
        self.camera_button.setChecked(shown)
        self.camera_button.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        themed: tuple[Themed, ...] = (*self._buttons, self.time, self.timeline, self.readout)
        for widget in themed:
            widget.set_theme(theme)
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes: the small one leaves out the whole length."""
        self._measures = measures
        self.setFixedHeight(measures.transport)
        self.time.set_with_whole(measures.transport >= LARGE.transport)

    # --- inside ---

    def _show_time(self) -> None:
        start, end = self.timeline.span
        whole = end - start
        self.time.set_times(time_text(self.timeline.position - start, whole), time_text(whole))

    def _show_live(self) -> None:
        elapsed, dropped = self._live
        lost = ("Not judged" if dropped else "Dropped", f"{dropped:,}")  # recordings have them
        if self._recording is not None:
            seconds, size = self._recording
            self.readout.set_parts(("", clock_text(seconds)), ("Size", size_text(size)), lost, large=True)
            return
        minutes, rest = divmod(int(elapsed), 60)
        self.readout.set_parts(("Live", f"{minutes // 60:02d}:{minutes % 60:02d}:{rest:02d}"), lost)

    def _sought(self, time_us: int) -> None:
        self._show_time()
        self.seek.emit(time_us)

    def _loop_clicked(self) -> None:
        self.set_loop(not self._loop)
        self.loop_toggled.emit(self._loop)

    def _make_speed_menu(self) -> QMenu:
        menu = Menu(self._theme, self)
        for speed in SPEEDS:
            menu.add(speed_text(speed), partial(self._choose_speed, speed), checked=speed == self._chosen_speed)
        return menu

    def _choose_speed(self, speed: float | None) -> None:
        self.set_speed(speed)
        self.speed_chosen.emit(speed)

    def _make_stream_menu(self) -> QMenu:
        menu = Menu(self._theme, self)
        for stream in self._streams:
            menu.add(stream, partial(self.stream_chosen.emit, stream), checked=stream == self._stream)
        return menu

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the line that parts it from the history above."""
        painter = QPainter(self)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.drawLine(QPointF(16, 0.5), QPointF(self.width() - 16, 0.5))
        painter.end()
