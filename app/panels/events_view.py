"""The view of the events: the picture, what of it the model sees, and the chips that float over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, QSizeF, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDragMoveEvent,
    QDropEvent,
    QImage,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QGestureEvent, QMenu, QPinchGesture, QSizePolicy, QWidget

from app.panels.buttons import FaceButton
from app.panels.camera_frame import CameraFrame
from app.panels.chips import CHIP, RADIUS, RecordingChip, SensorChip, SwitchChip, Themed, ZoomChip
from app.panels.focus import RING_ROOM
from app.panels.menu import Menu
from app.panels.objects_chip import ObjectsChip
from app.panels.overlays import DropCurtain, MessageCard
from app.panels.picture_canvas import CrispPicture, Crop, Placement
from app.panels.round_frame import RoundFrame
from app.panels.segmented import Segmented
from app.theme import DARK, LARGE, Measures, Theme

RENDERINGS = [("decay", "Decay"), ("polarity", "Polarity"), ("recency", "Recency"), ("model_frame", "Model frame")]
"""Key and name of each rendering."""
_EDGE = 12
"""Between a chip and the view's edges, px."""
_SHADE = 0.58
"""Of the canvas colour over what the model does not see."""
_PADDING_GREY = QColor(127, 127, 127, 90)
"""Shown where `fit` pads the picture: the model sees 127 there."""
_LINE = 2
"""Width of the lines at the edges of what the model sees, px."""
_GREYED = 0.45
_WHEEL_STEP = 1.25
_CARD_ICONS = {"plugs": "link-break", "camera-slash": "video-camera-slash"}


class EventsView(QWidget):
    """Shows the newest picture of the events.

    Wheel and pinch enlarge around the pointer, dragging moves an enlarged picture, a double click fits it again.
    In front of a simulation dragging draws the object about, and the middle button moves the picture.
    """

    rendering_chosen = pyqtSignal(str)
    """Key of `RENDERINGS`."""
    model_view_toggled = pyqtSignal(bool)
    card_clicked = pyqtSignal()
    objects_chosen = pyqtSignal(list)
    """Names (str) of the objects that a simulation is to show in turn."""
    scene_chosen = pyqtSignal(str, str)
    """A setting of a simulation's scene (``ground``, ``light``, ``noise``) and its value."""
    picture_clicked = pyqtSignal()
    """A picture from a file is to be shown by the simulation."""
    object_dragged = pyqtSignal(float, float, bool)
    """Where on the sensor (px) a simulation's object is drawn to, and whether it is held there."""
    dropped = pyqtSignal(list)
    """Paths (str) of files that can be played, or of lists of classes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._pixels: npt.NDArray[np.uint8] | None = None
        self._image = QImage()
        self._grey: QImage | None = None
        self._crop: Crop = "crop"
        self._place = Placement()
        self._crisp = CrispPicture()
        self._drag_from: QPointF | None = None
        self._leading = False
        """The pointer draws a simulation's object about."""
        self._frame = RoundFrame()
        self.setAcceptDrops(True)
        self.setMinimumSize(320, 200)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.grabGesture(Qt.GestureType.PinchGesture)
        self.setAccessibleName("Events")
        self._make_chips()

    def _make_chips(self) -> None:
        self.sensor_chip = SensorChip(self)
        self.recording_chip = RecordingChip(self)
        self.renderings = Segmented(RENDERINGS, "Rendering", "chip", self)
        self.renderings.chosen.connect(self._choose_rendering)
        self.rendering_menu = FaceButton(
            "Rendering: Decay", "chip", text="Decay", caret=True, size=(96, CHIP), parent=self
        )
        self.rendering_menu.set_look(pixels=12, weight=500, radius=RADIUS)
        self.rendering_menu.set_menu(self._make_rendering_menu)
        self.zoom_chip = ZoomChip(self)
        self.zoom_chip.in_clicked.connect(self.zoom_in)
        self.zoom_chip.out_clicked.connect(self.zoom_out)
        self.zoom_chip.fit_clicked.connect(self.fit)
        self.model_view = SwitchChip("Model’s view", "Show what the model sees (M)", self)
        self.model_view.setChecked(True)
        self.model_view.toggled.connect(self._model_view_changed)
        self.objects = ObjectsChip(self)
        self.objects.chosen.connect(self._choose_objects)
        self.objects.scene_chosen.connect(self.scene_chosen)
        self.objects.picture_clicked.connect(self.picture_clicked)
        self.objects.hide()
        self.camera_frame = CameraFrame(self)
        self.card = MessageCard(self)
        self.card.clicked.connect(self.card_clicked)
        self.curtain = DropCurtain(self)
        for before, after in zip(self._tab_order, self._tab_order[1:], strict=False):
            QWidget.setTabOrder(before, after)

    @property
    def _tab_order(self) -> tuple[QWidget, ...]:
        zoom = self.zoom_chip
        return (self.renderings, self.rendering_menu, zoom.minus, zoom.plus, zoom.fit, self.objects, self.model_view)

    @property
    def _themed(self) -> tuple[Themed, ...]:
        return (
            self.sensor_chip, self.recording_chip, self.renderings, self.rendering_menu,
            self.zoom_chip, self.objects, self.model_view, self.camera_frame, self.card, self.curtain,
        )  # fmt: skip

    # --- what it shows ---

    def set_picture(self, array: npt.NDArray[np.uint8]) -> None:
        """Show this picture; the array is kept and must not be changed any more.

        Parameters
        ----------
        array : uint8, shape (H, W, 4)
            Blue, green, red, unused.

        Raises
        ------
        ValueError
            Another shape or dtype.
        """
        if array.ndim != 3 or array.shape[2] != 4 or array.dtype != np.uint8 or not array.size:
            raise ValueError(f"a picture is uint8 (H, W, 4), not {array.dtype} {array.shape}")
        pixels = np.ascontiguousarray(array)
        height, width = pixels.shape[:2]
        self._pixels = pixels
        self._image = QImage(cast("bytes", pixels.data), width, height, 4 * width, QImage.Format.Format_RGB32)
        self._grey = None
        if QSizeF(width, height) != self._place.picture:
            self._place_picture()
        else:
            self.update(self._place.box.intersected(QRectF(self.rect())).toAlignedRect())

    def clear_picture(self) -> None:
        """Show no picture: another source is being opened."""
        self._image, self._pixels, self._grey = QImage(), None, None
        self._place_picture()
        self.update()

    def set_camera_frame(self, array: npt.NDArray[np.uint8] | None) -> None:
        """Show this frame of the camera beside the events, as `set_picture` takes it; None: there are none."""
        if array is None:
            self.camera_frame.hide()
            return
        before = self.camera_frame.frame_size
        self.camera_frame.set_frame(array)
        if self.camera_frame.isHidden() or before != self.camera_frame.frame_size:
            self._place_chips()
            self.camera_frame.show()

    def set_sensor(self, name: str, width: int, height: int) -> None:
        """Show the sensor's name and size, px."""
        self.sensor_chip.set_sensor(name, width, height)
        self.sensor_chip.setVisible(bool(name))
        self.setAccessibleName(f"Events of {name}" if name else "Events")
        self._place_chips()

    def set_rate(self, events_per_second: float | None) -> None:
        """Show this rate and add it to the curve of the last readings."""
        self.sensor_chip.set_rate(None if self.card_shown else events_per_second)
        self._place_chips()

    def set_rendering(self, key: str) -> None:
        """Show this key of `RENDERINGS` as chosen."""
        self.renderings.set_current(key)
        text = dict(RENDERINGS)[key]
        self.rendering_menu.set_content(text=text.removesuffix(" frame"), name=f"Rendering: {text}")

    def set_model_view(self, on: bool) -> None:
        """Show, or not, what of the picture the model sees."""
        self.model_view.blockSignals(True)
        self.model_view.setChecked(on)
        self.model_view.blockSignals(False)
        self.model_view.update()
        self.update()

    def set_crop(self, mode: Crop) -> None:
        """Take how the model's square is cut: its centre, the whole stretched, or the whole padded."""
        self._crop = mode
        self.update()

    def set_recording(self, seconds: float | None) -> None:
        """Show the red dot and how long has been recorded; None: nothing is."""
        shown = not self.recording_chip.isHidden()
        self.recording_chip.set_seconds(seconds)
        if shown == self.recording_chip.isHidden():
            self._place_chips()

    def set_objects(self, objects: Sequence[str], chosen: Sequence[str]) -> None:
        """Offer a simulation's objects, those chosen ticked, and let them be drawn about; none: no simulation plays."""
        if self._leading and not objects:
            self._leading = False
        self.objects.set_objects(objects, chosen)
        self.objects.setVisible(bool(objects))
        self._place_chips()
        self._moved()

    def set_scene(self, ground: str, light: str, noise: str) -> None:
        """Show how a simulation's scene is set."""
        self.objects.set_scene(ground, light, noise)

    def set_droppable(self, extensions: list[str]) -> None:
        """Take the file name endings of recordings that can be played, e.g. ``.aedat4``."""
        self.curtain.set_extensions(extensions)

    def show_card(self, icon: str, title: str, text: str, button_text: str | None) -> None:
        """Grey the picture and say why over it; `icon` is Phosphor's name."""
        self.card.set_message(_CARD_ICONS.get(icon, icon), title, text, button_text)
        self.card.show()
        self.set_rate(None)
        self.update()

    def hide_card(self) -> None:
        """Take the card away."""
        if self.card_shown:
            self.card.hide()
            self.update()

    def keep_below(self, y: int) -> None:
        """Let the card leave what is above y free: a banner lies there."""
        self.card.keep_below(y)

    @property
    def camera_frame_shown(self) -> bool:
        """Whether a frame of the camera is beside the events."""
        return not self.camera_frame.isHidden()

    @property
    def card_shown(self) -> bool:
        """Whether a card lies over the picture."""
        return not self.card.isHidden()

    @property
    def picture_size(self) -> QSize:
        """Size of the picture shown, px."""
        return self._image.size()

    @property
    def scale(self) -> float:
        """Px of the screen a px of the sensor."""
        return self._place.scale

    def zoom_in(self) -> None:
        """Enlarge to the next step."""
        self._place.step(1)
        self._moved()

    def zoom_out(self) -> None:
        """Reduce to the next step."""
        self._place.step(-1)
        self._moved()

    def fit(self) -> None:
        """Fit the picture into the view."""
        self._place.fit()
        self._moved()

    def toggle_model_view(self) -> None:
        """Show or hide what the model sees, as a click on the switch does."""
        self.model_view.toggle()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        for widget in self._themed:
            widget.set_theme(theme)
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes: in the small one the renderings become a menu."""
        self._measures = measures
        self._place_chips()

    # --- inside ---

    def _choose_rendering(self, key: str) -> None:
        self.set_rendering(key)
        self.rendering_chosen.emit(key)

    def _choose_objects(self, names: list[str]) -> None:
        self._place_chips()
        self.objects_chosen.emit(names)

    def _draw_about(self, position: QPointF, *, held: bool) -> None:
        """Draw the object to this place of the view."""
        on_sensor = (position - self._place.box.topLeft()) / self._place.scale
        self.object_dragged.emit(on_sensor.x(), on_sensor.y(), held)

    @property
    def _can_lead(self) -> bool:
        return bool(self.objects.objects) and not self._image.isNull() and not self.card_shown

    def _make_rendering_menu(self) -> QMenu:
        menu = Menu(self._theme, self)
        for key, text in RENDERINGS:
            menu.add(text, lambda key=key: self._choose_rendering(key), checked=key == self.renderings.current)  # type: ignore[misc]
        return menu

    def _model_view_changed(self, on: bool) -> None:
        self.update()
        self.model_view_toggled.emit(on)

    def _moved(self) -> None:
        self.zoom_chip.set_scale(self._place.scale)
        if self._drag_from is None and not self._leading:
            grabbed = self._place.can_pan() or self._can_lead
            self.setCursor(Qt.CursorShape.OpenHandCursor if grabbed else Qt.CursorShape.ArrowCursor)
        self.update()

    def _place_picture(self) -> None:
        self._place.set_sizes(QSizeF(self.size()), QSizeF(self._image.size()))
        self._moved()

    def _place_chips(self) -> None:
        small = self._measures.top_bar < LARGE.top_bar
        self.sensor_chip.set_compact(small)
        wide = self.sensor_chip.width() + self.renderings.sizeHint().width() + 3 * _EDGE
        as_menu = small or wide + (120 if not self.recording_chip.isHidden() else 0) > self.width()
        self.renderings.setVisible(not as_menu)
        self.rendering_menu.setVisible(as_menu)
        choice = self.rendering_menu if as_menu else self.renderings
        choice.resize(choice.sizeHint())
        right, bottom = self.width() - _EDGE + RING_ROOM, self.height() - _EDGE
        choice.move(right - choice.width(), _EDGE - RING_ROOM)
        self.sensor_chip.move(_EDGE, _EDGE)
        self.recording_chip.move(_EDGE + self.sensor_chip.width() + 8, _EDGE)
        if self.recording_chip.geometry().right() > choice.x():
            self.recording_chip.move(_EDGE, _EDGE + CHIP + 8)
        self.zoom_chip.resize(self.zoom_chip.sizeHint())
        self.zoom_chip.move(_EDGE, bottom - CHIP)
        self.objects.resize(self.objects.sizeHint())
        beside = _EDGE + self.zoom_chip.width() + 8 - RING_ROOM
        room = self.width() - _EDGE - self.model_view.sizeHint().width() - 8
        above = beside + self.objects.width() > room
        self.objects.move(
            _EDGE - RING_ROOM if above else beside, bottom - CHIP - RING_ROOM - (CHIP + 8 if above else 0)
        )
        self.model_view.resize(self.model_view.sizeHint())
        self.model_view.move(right - self.model_view.width(), bottom - CHIP - RING_ROOM)
        frame = self.camera_frame
        frame.resize(frame.size_in(self.size()))
        frame.move(self.width() - _EDGE - frame.width(), bottom - CHIP - 8 - frame.height())

    # --- painting ---

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint canvas, picture, what the model sees, and the corners."""
        assert event is not None
        view = QRectF(self.rect())
        painter = QPainter(self)
        self._paint_canvas(painter, QRectF(event.rect()))
        if not self._image.isNull():
            self._paint_picture(painter, view)
        if self.model_view.isChecked() and not self._image.isNull():
            self._paint_model_view(painter, view)
        self._frame.draw(painter, view, self._theme, self.devicePixelRatioF())
        painter.end()

    def _paint_canvas(self, painter: QPainter, dirty: QRectF) -> None:
        """Paint what no picture covers; at its edges it may cover half a pixel."""
        covered = QRectF() if self._image.isNull() or self.card_shown else self._place.box.adjusted(1, 1, -1, -1)
        for part in _around(dirty, covered) if covered.intersects(dirty) else [dirty]:
            painter.fillRect(part.toAlignedRect(), self._theme.colour("canvas"))

    def _paint_picture(self, painter: QPainter, view: QRectF) -> None:
        image = self._image
        if self.card_shown:
            if self._grey is None:
                grey = image.convertToFormat(QImage.Format.Format_Grayscale8)
                self._grey = grey.convertToFormat(QImage.Format.Format_RGB32)
            image = self._grey
            painter.setOpacity(_GREYED)
        self._crisp.draw(painter, image, self._place.box, view, self.devicePixelRatioF())
        painter.setOpacity(1.0)

    def _paint_model_view(self, painter: QPainter, view: QRectF) -> None:
        theme, square, box = self._theme, self._place.model_square(self._crop), self._place.box
        if self._crop == "fit":
            for padding in _around(square, box):
                painter.fillRect(padding.intersected(view), _PADDING_GREY)
        elif self._crop == "crop":
            shade = theme.colour("canvas", round(255 * _SHADE))
            for outside in _around(view, square):
                painter.fillRect(outside, shade)
        line = theme.colour("text3", 120)
        for x in (square.left() - _LINE, square.right()):
            if view.left() <= x < view.right():
                painter.fillRect(QRectF(round(x), view.top(), _LINE, view.height()), line)
        for y in (square.top() - _LINE, square.bottom()):
            if view.top() <= y < view.bottom():
                painter.fillRect(QRectF(view.left(), round(y), view.width(), _LINE), line)

    # --- events ---

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Place everything anew."""
        self._place_picture()
        self._place_chips()
        self.card.place()
        self.curtain.setGeometry(self.rect())
        super().resizeEvent(event)

    def event(self, event: QEvent | None) -> bool:
        """Follow a pinch on a touchpad or a touch screen."""
        if isinstance(event, QNativeGestureEvent) and event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture:
            self._place.zoom_to(self._place.scale * (1 + event.value()), event.position())
            self._moved()
            return True
        if isinstance(event, QGestureEvent):
            pinch = event.gesture(Qt.GestureType.PinchGesture)
            if isinstance(pinch, QPinchGesture):
                self._place.zoom_to(self._place.scale * pinch.scaleFactor(), pinch.centerPoint())
                self._moved()
                return True
        return super().event(event)

    def wheelEvent(self, event: QWheelEvent | None) -> None:
        """Enlarge or reduce around the pointer."""
        assert event is not None
        turns = event.angleDelta().y() / 120
        if turns and not self._image.isNull():
            self._place.zoom_to(self._place.scale * _WHEEL_STEP**turns, event.position())
            self._moved()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Begin to draw a simulation's object about, or to move an enlarged picture."""
        assert event is not None
        left, middle = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton
        if event.button() == left and self._can_lead and self._place.box.contains(event.position()):
            self._leading = True
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            self._draw_about(event.position(), held=True)
            event.accept()
            return
        if event.button() in (left, middle) and self._place.can_pan():
            self._drag_from = event.position()
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            event.accept()
            return
        super().mousePressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the picture, or the object, with the pointer."""
        assert event is not None
        if self._leading:
            self._draw_about(event.position(), held=True)
            return
        if self._drag_from is not None:
            if self._place.pan(event.position() - self._drag_from):
                self._moved()
            self._drag_from = event.position()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Let go of the picture, or of the object."""
        assert event is not None
        if self._leading and event.button() == Qt.MouseButton.LeftButton:
            self._leading = False
            self._draw_about(event.position(), held=False)
            self._moved()
        if self._drag_from is not None:
            self._drag_from = None
            self._moved()
        super().mouseReleaseEvent(event)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Fit the picture again."""
        self.fit()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Say what dropping the files would do."""
        assert event is not None
        paths = _paths(event)
        if paths and self.curtain.announce(paths):
            event.acceptProposedAction()
        elif paths:
            event.setDropAction(Qt.DropAction.IgnoreAction)
            event.accept()

    def dragMoveEvent(self, event: QDragMoveEvent | None) -> None:
        """Go on saying so."""
        assert event is not None
        if self.curtain.usable(_paths(event)):
            event.acceptProposedAction()
        else:
            event.ignore()

    def dragLeaveEvent(self, event: QDragLeaveEvent | None) -> None:
        """Take the curtain away."""
        self.curtain.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent | None) -> None:
        """Hand on what can be used."""
        assert event is not None
        self.curtain.hide()
        usable = self.curtain.usable(_paths(event))
        if usable:
            event.acceptProposedAction()
            self.dropped.emit(usable)


def _paths(event: QDropEvent) -> list[str]:
    data = event.mimeData()
    return [] if data is None else [url.toLocalFile() for url in data.urls() if url.isLocalFile()]


def _around(outer: QRectF, inner: QRectF) -> list[QRectF]:
    """What of `outer` lies outside `inner`: above, below, left and right of it."""
    inner = inner.intersected(outer)
    parts = [
        QRectF(outer.left(), outer.top(), outer.width(), inner.top() - outer.top()),
        QRectF(outer.left(), inner.bottom(), outer.width(), outer.bottom() - inner.bottom()),
        QRectF(outer.left(), inner.top(), inner.left() - outer.left(), inner.height()),
        QRectF(inner.right(), inner.top(), outer.right() - inner.right(), inner.height()),
    ]
    return [part for part in parts if part.width() > 0.5 and part.height() > 0.5]
