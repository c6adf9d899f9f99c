"""What was shown, as small event frames; each can be removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from PyQt6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.panels.focus import RING_ROOM, FocusShown, keeps_key, paint_focus_ring
from app.theme import DARK, Theme

TILE = QSize(56, 42)
_GAP = 8
_RADIUS = 4
_UNDERLINE = 3
_CROSS = 18
_KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Delete, Qt.Key.Key_Backspace,
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Tile:
    """One example as it is shown."""

    id: int
    label: str
    colour: int
    """Stable number of its class's colour."""
    pixels: npt.NDArray[np.uint8]
    """(h, w), 127 where nothing moved."""


class ExampleGrid(QWidget):
    """Tiles in rows. A click on a tile's cross, or Delete on the current one, removes it."""

    removed = pyqtSignal(int)
    """Id of a tile."""
    current_changed = pyqtSignal(int, int)
    """Top and bottom of the current tile, px."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._tiles: tuple[Tile, ...] = ()
        self._images: dict[int, QImage] = {}
        self._current, self._hovered = 0, -1
        self._focus = FocusShown()
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._say()

    @property
    def tiles(self) -> tuple[Tile, ...]:
        """What is shown, in order."""
        return self._tiles

    def set_tiles(self, tiles: Sequence[Tile]) -> None:
        """Show these."""
        self._tiles = tuple(tiles)
        kept = {tile.id for tile in self._tiles}
        self._images = {number: image for number, image in self._images.items() if number in kept}
        self._current = min(self._current, max(0, len(self._tiles) - 1))
        self._hovered = -1
        self._fit()
        self._say()
        self.update()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self._images.clear()
        self.update()

    def sizeHint(self) -> QSize:
        """Give room for all tiles at this width."""
        rows = -(-len(self._tiles) // self._columns()) if self._tiles else 0
        return QSize(200, rows * (TILE.height() + _GAP) + 2 * RING_ROOM)

    def box(self, place: int) -> QRectF:
        """Where a tile is, px."""
        row, column = divmod(place, self._columns())
        x, y = RING_ROOM + column * (TILE.width() + _GAP), RING_ROOM + row * (TILE.height() + _GAP)
        return QRectF(x, y, TILE.width(), TILE.height())

    def cross(self, place: int) -> QRectF:
        """Where a tile's cross is, px."""
        box = self.box(place)
        return QRectF(box.right() - _CROSS - 2, box.top() + 2, _CROSS, _CROSS)

    def _columns(self) -> int:
        return max(1, (self.width() - 2 * RING_ROOM + _GAP) // (TILE.width() + _GAP))

    def _fit(self) -> None:
        self.setFixedHeight(self.sizeHint().height())

    def _say(self) -> None:
        if not self._tiles:
            self.setAccessibleName("Examples, none yet")
            return
        tile = self._tiles[self._current]
        self.setAccessibleName(f"Example {self._current + 1} of {len(self._tiles)}, {tile.label}")

    def _place_at(self, point: QPointF) -> int:
        return next((place for place in range(len(self._tiles)) if self.box(place).contains(point)), -1)

    def _remove(self, place: int) -> None:
        if 0 <= place < len(self._tiles):
            self.removed.emit(self._tiles[place].id)

    def event(self, event: QEvent | None) -> bool:
        """Keep the keys that move and remove from the window's shortcuts."""
        return keeps_key(event, _KEYS, self._focus) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Arrows move, Delete removes."""
        assert event is not None
        steps = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -self._columns(),
            Qt.Key.Key_Down: self._columns(),
        }
        key = Qt.Key(event.key())
        if key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._remove(self._current)
        elif key in steps and self._tiles:
            self._current = min(max(0, self._current + steps[key]), len(self._tiles) - 1)
            box = self.box(self._current)
            self.current_changed.emit(round(box.top()), round(box.bottom()))
            self._say()
            self.update()
        else:
            super().keyPressEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Show the cross of the tile under the pointer."""
        assert event is not None
        place = self._place_at(event.position())
        if place != self._hovered:
            self._hovered = place
            self.setToolTip(self._tiles[place].label if place >= 0 else "")
            self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Remove a tile by its cross, or make it the current one."""
        assert event is not None
        place = self._place_at(event.position())
        if place < 0:
            return
        self._current = place
        if self.cross(place).contains(event.position()):
            self._remove(place)
        self._say()
        self.update()

    def leaveEvent(self, event: QEvent | None) -> None:
        """Show no cross any more."""
        self._hovered = -1
        self.update()
        super().leaveEvent(event)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show the ring when the focus came by keyboard."""
        assert event is not None
        self._focus.gained(event.reason())
        super().focusInEvent(event)
        self.update()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Hide the ring."""
        assert event is not None
        self._focus.lost(event.reason())
        super().focusOutEvent(event)
        self.update()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Take as many rows as this width needs."""
        super().resizeEvent(event)
        self._fit()

    def _image(self, tile: Tile) -> QImage:
        """Draw an event frame in the window's own colours: still is the canvas."""
        if tile.id not in self._images:
            theme = self._theme
            still, on, off = (np.array(theme.colour(token).getRgb()[:3], float) for token in ("canvas", "on", "off"))
            strength = (tile.pixels.astype(float)[..., None] - 127) / 128
            # Thin outlines are faint once they are made small: the strongest pixels get the full colour.
            strength = (strength / max(float(np.quantile(np.abs(strength), 0.98)), 0.05)).clip(-1, 1)
            mixed = still + np.where(strength > 0, (off - still) * strength, (still - on) * strength)
            rgb = mixed.clip(0, 255).astype(np.uint8).tobytes()
            height, width = tile.pixels.shape
            self._images[tile.id] = QImage(rgb, width, height, 3 * width, QImage.Format.Format_RGB888).copy()
        return self._images[tile.id]

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the tiles."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for place, tile in enumerate(self._tiles):
            self._paint_tile(painter, place, tile)
        painter.end()

    def _paint_tile(self, painter: QPainter, place: int, tile: Tile) -> None:
        theme, box = self._theme, self.box(place)
        image = self._image(tile)
        share = min(image.width() / box.width(), image.height() / box.height())
        cut = QRectF(0, 0, box.width() * share, box.height() * share)
        cut.moveCenter(QRectF(image.rect()).center())
        painter.drawImage(box, image, cut)
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.fillRect(
            QRectF(box.left(), box.bottom() - _UNDERLINE, box.width(), _UNDERLINE), theme.class_colour(tile.colour)
        )
        ring = self.hasFocus() and self._focus.shown and place == self._current
        if place == self._hovered or ring:
            cross = self.cross(place)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("chip"))
            painter.drawEllipse(cross)
            painter.setPen(QPen(theme.colour("text1"), 1.4, cap=Qt.PenCapStyle.RoundCap))
            centre, reach = cross.center(), 3.5
            for slant in (1, -1):
                painter.drawLine(
                    QPointF(centre.x() - reach, centre.y() - slant * reach),
                    QPointF(centre.x() + reach, centre.y() + slant * reach),
                )
        if ring:
            paint_focus_ring(painter, box.adjusted(1, 1, -1, -1), theme, _RADIUS)
