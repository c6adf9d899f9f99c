"""Where the picture stands in the view, how far it is enlarged, and how it is drawn crisply."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from PyQt6.QtCore import QPointF, QRect, QRectF, QSizeF, Qt
from PyQt6.QtGui import QImage, QPainter

Crop: TypeAlias = Literal["crop", "stretch", "fit"]
STEPS = (0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Enlargements that plus and minus stop at."""
_LARGEST = STEPS[-1]
_SMALLEST = 0.1


class Placement:
    """The picture's place in a view: fitted to it, or enlarged by hand around a point.

    All lengths are logical px of the view; `centre` is in px of the picture.
    """

    def __init__(self) -> None:
        self.view = QSizeF(0, 0)
        self.picture = QSizeF(0, 0)
        self.fitted = True
        self._scale = 1.0
        self._centre = QPointF(0, 0)

    @property
    def scale(self) -> float:
        """View px a picture px."""
        return self._fitting() if self.fitted else self._scale

    @property
    def box(self) -> QRectF:
        """Where the picture is, in the view's px; it may be larger than the view."""
        scale = self.scale
        width, height = self.picture.width() * scale, self.picture.height() * scale
        if self.fitted:
            left, top = (self.view.width() - width) / 2, (self.view.height() - height) / 2
        else:
            left = self.view.width() / 2 - self._centre.x() * scale
            top = self.view.height() / 2 - self._centre.y() * scale
        return QRectF(round(left), round(top), width, height)

    def set_sizes(self, view: QSizeF, picture: QSizeF) -> None:
        """Take the sizes of view and picture; another picture size fits it anew."""
        if picture != self.picture:
            self.fitted = True
        self.view, self.picture = view, picture
        self._keep_in_sight()

    def fit(self) -> None:
        """Fit the picture into the view."""
        self.fitted = True

    def zoom_to(self, scale: float, around: QPointF | None = None) -> None:
        """Enlarge to `scale`; what is at `around` (view px; None: the middle) stays where it is."""
        if self.picture.isEmpty():
            return
        scale = min(max(scale, min(_SMALLEST, self._fitting())), _LARGEST)
        around = QPointF(self.view.width() / 2, self.view.height() / 2) if around is None else around
        before = self.box
        point = (around - before.topLeft()) / self.scale
        self.fitted, self._scale = False, scale
        middle = QPointF(self.view.width() / 2, self.view.height() / 2)
        self._centre = point + (middle - around) / scale
        self._keep_in_sight()

    def step(self, direction: int) -> None:
        """Enlarge (1) or reduce (-1) to the next of `STEPS`."""
        now = self.scale
        if direction > 0:
            self.zoom_to(next((step for step in STEPS if step > now * 1.01), _LARGEST))
        else:
            self.zoom_to(next((step for step in reversed(STEPS) if step < now / 1.01), now))

    def pan(self, by: QPointF) -> bool:
        """Move the picture by so many view px; whether it moved."""
        if self.fitted:
            return False
        before = QPointF(self._centre)
        self._centre -= by / self._scale
        self._keep_in_sight()
        return bool(self._centre != before)

    def can_pan(self) -> bool:
        """Whether the picture is larger than the view."""
        box = self.box
        return not self.fitted and (box.width() > self.view.width() + 1 or box.height() > self.view.height() + 1)

    def model_square(self, crop: Crop) -> QRectF:
        """What the model sees, in the view's px: the centre square, the whole picture, or the square around it."""
        box = self.box
        if crop == "stretch":
            return box
        side = min(box.width(), box.height()) if crop == "crop" else max(box.width(), box.height())
        centre = box.center()
        return QRectF(centre.x() - side / 2, centre.y() - side / 2, side, side)

    def _fitting(self) -> float:
        if self.picture.isEmpty() or self.view.isEmpty():
            return 1.0
        return min(self.view.width() / self.picture.width(), self.view.height() / self.picture.height())

    def _keep_in_sight(self) -> None:
        """A picture larger than the view covers it; a smaller one stays in the middle."""
        if self.fitted or self.picture.isEmpty():
            return
        for axis, size, view in (
            ("x", self.picture.width(), self.view.width()),
            ("y", self.picture.height(), self.view.height()),
        ):
            half = view / 2 / self._scale
            value = getattr(self._centre, axis)()
            value = size / 2 if 2 * half >= size else min(max(value, half), size - half)
            (self._centre.setX if axis == "x" else self._centre.setY)(value)


class CrispPicture:
    """Draws the part of an image that shows: enlarged to the next whole factor, then smoothly reduced.

    Every pixel of the sensor gets the same size without the blur of interpolation. The enlarged image is kept: the
    next picture is drawn into the same memory.
    """

    def __init__(self) -> None:
        self._enlarged = QImage()

    def draw(self, painter: QPainter, image: QImage, box: QRectF, clip: QRectF, ratio: float) -> None:
        """Draw it.

        Parameters
        ----------
        painter : QPainter
        image : QImage
        box : QRectF
            Where the whole image goes, logical px.
        clip : QRectF
            What of that is in sight.
        ratio : float
            Device px a logical px.
        """
        shown = box.intersected(clip)
        if image.isNull() or shown.isEmpty():
            return
        scale = box.width() / image.width()
        part = _part_in_sight(image.rect(), shown, box.topLeft(), scale)
        target = QRectF(part)
        target = QRectF(box.topLeft() + target.topLeft() * scale, target.size() * scale)
        factor = scale * ratio
        whole = math.ceil(factor - 1e-6)
        smooth = abs(whole - factor) > 1e-3
        if whole > 1 and smooth:
            image = self._enlarge(image, part, whole)
            part = image.rect()
        elif factor < 0.5:
            image = _reduce(image, part, target.size() * ratio)
            part = image.rect()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.setClipRect(clip)
        painter.drawImage(target, image, QRectF(part))
        painter.restore()

    def _enlarge(self, image: QImage, part: QRect, factor: int) -> QImage:
        """Give the part with every pixel as a square of so many."""
        size = part.size() * factor
        if self._enlarged.size() != size or self._enlarged.format() != image.format():
            self._enlarged = QImage(size, image.format())
        painter = QPainter(self._enlarged)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        painter.drawImage(self._enlarged.rect(), image, part)
        painter.end()
        return self._enlarged


def _part_in_sight(image: QRect, shown: QRectF, origin: QPointF, scale: float) -> QRect:
    """Give the whole pixels of the image that show; `origin` is its corner in the view."""
    left = max(0, math.floor((shown.left() - origin.x()) / scale))
    top = max(0, math.floor((shown.top() - origin.y()) / scale))
    right = min(image.width(), math.ceil((shown.right() - origin.x()) / scale))
    bottom = min(image.height(), math.ceil((shown.bottom() - origin.y()) / scale))
    return QRect(left, top, right - left, bottom - top)


def _reduce(image: QImage, part: QRect, size: QSizeF) -> QImage:
    """Give the part in this size, every pixel of it counted."""
    return image.copy(part).scaled(
        max(1, round(size.width())), max(1, round(size.height())),
        Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation,
    )  # fmt: skip
