"""The class list: rows that are edited in place, moved, removed and ranked while their bars move."""

from __future__ import annotations

import time

from PyQt6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QRect, QSize, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import (
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PyQt6.QtWidgets import QAbstractItemView, QListView, QSizePolicy, QStyleOptionViewItem, QWidget

from app import motion
from app.panels.class_delegate import ClassDelegate, Pointer, RowBoxes
from app.panels.class_list_model import ClassListModel
from app.panels.easing import TICK_MS, Clock, in_out_cubic
from app.theme import BAR_MS, ROW_GAP, Measures, Theme

RANK_S = 1.0
"""The ranked order changes at most this often."""
RANK_MS = 180
KEYBOARD = (Qt.FocusReason.TabFocusReason, Qt.FocusReason.BacktabFocusReason, Qt.FocusReason.ShortcutFocusReason)


class ClassListView(QListView):
    """Shows a `ClassListModel`.

    Parameters
    ----------
    model : ClassListModel
    parent : QWidget, optional
    clock : callable
        Seconds, monotonic.
    """

    left_below = pyqtSignal()
    """Down, Tab or Enter beyond the last row: the field under the list is next."""
    list_pasted = pyqtSignal(str)
    teach_pressed = pyqtSignal(int)
    """Teach of this row was pressed: by the pointer, or T with the cursor on it."""
    teach_released = pyqtSignal()
    ticked = pyqtSignal()
    """Bars or digits may look different now."""

    def __init__(self, model: ClassListModel, parent: QWidget | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self.classes = model
        self.pointer = Pointer()
        self.rows_delegate = ClassDelegate(model, self.pointer, self)
        self._ranked_at = float("-inf")
        self._came_from: dict[int, int] = {}
        self._moving_since = 0.0
        self._pressed: tuple[int, str] | None = None
        self._keyboard = False
        self.setModel(model)
        self.setItemDelegate(self.rows_delegate)
        self.rows_delegate.stepped.connect(self._edit_neighbour)
        self.setUniformItemSizes(True)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setFrameShape(QListView.Shape.NoFrame)
        self.setMouseTracking(True)
        self.setAccessibleName("Classes")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        model.modelReset.connect(self._content_changed)
        model.rowsInserted.connect(self._content_changed)
        model.rowsRemoved.connect(self._content_changed)
        self._ticks = QTimer(self)
        self._ticks.setInterval(TICK_MS)
        self._ticks.timeout.connect(self._tick)
        self.setStyleSheet("QListView { background: transparent; border: none; outline: none; }")
        viewport = self.viewport()
        if viewport is not None:  # it paints its surface itself: the card below is not painted for every moved bar
            viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self.rows_delegate.set_theme(theme)
        self._repaint_all()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self.rows_delegate.set_measures(measures)
        self.classes.bars.milliseconds = motion.duration(BAR_MS)
        self.scheduleDelayedItemsLayout()
        bar = self.verticalScrollBar()
        if bar is not None:
            bar.setSingleStep(measures.row + ROW_GAP)
        self.updateGeometry()
        self._repaint_all()

    @property
    def item_height(self) -> int:
        """A row and its gap, px."""
        return self.rows_delegate.measures.row + ROW_GAP

    def sizeHint(self) -> QSize:
        return QSize(200, len(self.classes.order) * self.item_height)

    def minimumSizeHint(self) -> QSize:
        return QSize(100, min(len(self.classes.order), 1) * self.item_height)

    def _content_changed(self) -> None:
        self.updateGeometry()
        self._forget_motion()

    def _repaint_all(self) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update()

    # Live values

    def values_changed(self, everything: bool) -> None:
        """Probabilities came: move the bars, and the rows where they are ranked."""
        if everything:
            self._repaint_all()
        self._rank()
        if self._ticks.isActive() and self.classes.digits.wait_s() > 0:
            return  # the next tick shows it: predictions may come much more often than bars are moved
        if self.isVisible():
            self._ticks.start()
        self._tick()

    def _rank(self) -> None:
        if not self.classes.ranked or self._frozen() or self._clock() - self._ranked_at < RANK_S:
            return
        tops = self._tops()
        if self.classes.rank():
            self._ranked_at = self._clock()
            self._glide_from(tops)

    def _frozen(self) -> bool:
        return self.editing or self.pointer.hovered is not None or self.pointer.dragged is not None

    @property
    def editing(self) -> bool:
        """Whether a row's field is open."""
        return self.state() == QAbstractItemView.State.EditingState

    def shown_ids(self) -> list[int]:
        """Ids of the rows on screen."""
        offset, height = self.verticalOffset(), self.height()
        first = max(0, offset // self.item_height)
        return list(self.classes.order[first : (offset + height) // self.item_height + 1])

    def _tick(self) -> None:
        """Repaint what looks different now: bars that moved a pixel, digits whose turn it is."""
        digits = self.classes.digits
        winner, before = self.classes.winner(), dict(digits.shown) if digits.pending else digits.shown
        if digits.flush():
            for row_id in self.shown_ids():
                changed = digits.shown.get(row_id) != before.get(row_id)
                if changed or row_id in (winner, self.classes.winner()):
                    self._repaint_row(row_id)
        field = self.rows_delegate.boxes(QRect(), self.width()).field.width()
        for row_id in self.shown_ids():
            if self.rows_delegate.fill_width(row_id, field) != self.rows_delegate.painted.get(row_id):
                self._update(self._boxes(row_id).field)
        if self._came_from:
            if (self._clock() - self._moving_since) * 1000 >= motion.duration(RANK_MS):
                self._came_from = {}
            self._repaint_all()
        if not (self.classes.bars.moving() or digits.pending or self._came_from):
            self._ticks.stop()
        self.ticked.emit()

    def _update(self, box: QRect) -> None:
        viewport = self.viewport()
        if viewport is not None:
            viewport.update(box)

    def _repaint_row(self, row_id: int | None) -> None:
        if row_id is not None and self.classes.place(row_id) >= 0:
            self._update(self._item(row_id))

    def _item(self, row_id: int) -> QRect:
        top = self.classes.place(row_id) * self.item_height - self.verticalOffset()
        return QRect(0, top, self.width(), self.item_height)

    def _boxes(self, row_id: int) -> RowBoxes:
        return self.rows_delegate.boxes(self._item(row_id), self.width())

    # Rows that glide to their new places

    def _tops(self) -> dict[int, int]:
        return {row_id: place * self.item_height for place, row_id in enumerate(self.classes.order)}

    def _glide_from(self, tops: dict[int, int]) -> None:
        if motion.duration(RANK_MS) <= 0 or not self.isVisible():
            return
        self._came_from, self._moving_since = tops, self._clock()
        if not self._ticks.isActive():
            self._ticks.start()

    def _forget_motion(self) -> None:
        self._came_from = {}

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint the rows that look different: Qt itself would paint all between the first and the last of them."""
        assert event is not None
        dirty, delegate = event.region(), self.rows_delegate
        painter = QPainter(self.viewport())
        painter.fillRect(event.rect(), delegate.theme.colour("bg1"))
        option = QStyleOptionViewItem()
        option.widget = self
        delegate.dirty = dirty
        for place, top in self._gliding() if self._came_from else self._standing():
            option.rect = QRect(0, top, self.width(), self.item_height)
            if dirty.intersects(option.rect):
                delegate.paint(painter, option, self.classes.index(place))
        delegate.dirty = None
        painter.end()

    def _standing(self) -> list[tuple[int, int]]:
        """Place and top (px) of the rows on screen."""
        offset, height = self.verticalOffset(), self.item_height
        first, last = max(0, offset // height), (offset + self.height()) // height + 1
        return [(place, place * height - offset) for place in range(first, min(last, len(self.classes.order)))]

    def _gliding(self) -> list[tuple[int, int]]:
        """The same while rows glide to their places; what rises comes last, above what sinks."""
        progress = in_out_cubic((self._clock() - self._moving_since) * 1000 / max(1, motion.duration(RANK_MS)))
        offset, height = self.verticalOffset(), self.height()
        shown = []
        for place, row_id in enumerate(self.classes.order):
            target = place * self.item_height - offset
            start = self._came_from.get(row_id, place * self.item_height) - offset
            top = round(start + (target - start) * progress)
            if -self.item_height < top < height:
                shown.append((start - target, place, top))
        return [(place, top) for _, place, top in sorted(shown)]

    # The pointer

    def _part_at(self, point: QPoint) -> tuple[int | None, str]:
        place = (point.y() + self.verticalOffset()) // self.item_height
        if not 0 <= place < len(self.classes.order) or not 0 <= point.x() < self.width():
            return None, ""
        row_id = self.classes.order[place]
        return row_id, self._boxes(row_id).part(point.x(), point.y())

    def _hover(self, row_id: int | None, part: str) -> None:
        if (row_id, part) == (self.pointer.hovered, self.pointer.part):
            return
        old, self.pointer.hovered, self.pointer.part = self.pointer.hovered, row_id, part
        self._repaint_row(old)
        self._repaint_row(row_id)
        shapes = {"field": Qt.CursorShape.IBeamCursor, "cross": Qt.CursorShape.PointingHandCursor}
        shapes["teach"] = Qt.CursorShape.PointingHandCursor
        if self.classes.movable:
            shapes["handle"] = Qt.CursorShape.OpenHandCursor
        viewport = self.viewport()
        if viewport is not None:
            viewport.setCursor(shapes.get(part, Qt.CursorShape.ArrowCursor))

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        self._keyboard = False
        row_id, part = self._part_at(event.position().toPoint())
        self._hover(row_id, part)
        self._pressed = None if row_id is None else (row_id, part)
        if row_id is not None:
            self._make_current(row_id)
        if part == "handle" and self.classes.movable:
            self.pointer.dragged = row_id
        if part == "teach" and row_id is not None:
            self.teach_pressed.emit(row_id)
        self._show_ring()
        self._repaint_row(row_id)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        point = event.position().toPoint()
        if self.pointer.dragged is None:
            self._hover(*self._part_at(point))
            return
        place = (point.y() + self.verticalOffset()) // self.item_height
        self._drag_to(min(max(0, place), len(self.classes.order) - 1))

    def _drag_to(self, place: int) -> None:
        dragged = self.pointer.dragged
        if dragged is None or self.classes.place(dragged) == place:
            return
        order = [row_id for row_id in self.classes.order if row_id != dragged]
        order.insert(place, dragged)
        tops = self._tops()
        self.classes.preview_order(order)
        self._glide_from(tops)
        self.scrollTo(self.classes.index(place))

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        if self.pointer.dragged is not None:
            self._end_drag(keep=True)
            return
        if self._pressed is not None and self._pressed[1] == "teach":
            self.teach_released.emit()
        released, pressed, self._pressed = self._part_at(event.position().toPoint()), self._pressed, None
        if pressed is None or released != pressed:
            return
        row_id, part = pressed
        if part == "cross":
            self.remove(row_id)
        elif part == "field":
            self.edit_row(row_id, at=event.position().toPoint())

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        self.mousePressEvent(event)

    def _end_drag(self, *, keep: bool) -> None:
        dragged, self.pointer.dragged, self._pressed = self.pointer.dragged, None, None
        if keep:
            self.classes.rows.reorder(list(self.classes.order))
        else:
            self.classes.refresh()
        self._repaint_row(dragged)

    def leaveEvent(self, event: QEvent | None) -> None:
        super().leaveEvent(event)
        self._hover(None, "")

    def scrollContentsBy(self, dx: int, dy: int) -> None:
        super().scrollContentsBy(dx, dy)
        if self.pointer.hovered is not None and self.pointer.dragged is None:
            viewport = self.viewport()
            if viewport is not None:
                self._hover(*self._part_at(viewport.mapFromGlobal(self.cursor().pos())))

    # The keyboard

    def current_id(self) -> int | None:
        """The row with the cursor."""
        row = self.classes.row_at(self.currentIndex())
        return None if row is None else row.id

    def _make_current(self, row_id: int) -> None:
        place = self.classes.place(row_id)
        selection = self.selectionModel()
        if place >= 0 and selection is not None:
            selection.setCurrentIndex(self.classes.index(place), QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def focus_row(self, place: int) -> None:
        """Put the keyboard on a row; -1 is the last."""
        if not self.classes.order:
            return
        self._make_current(self.classes.order[place])
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self._keyboard = True
        self._show_ring()

    def _show_ring(self) -> None:
        old = self.pointer.ring
        self.pointer.ring = self.current_id() if self.hasFocus() and self._keyboard and not self.editing else None
        if old != self.pointer.ring:
            self._repaint_row(old)
            self._repaint_row(self.pointer.ring)

    def currentChanged(self, current: QModelIndex, previous: QModelIndex) -> None:
        super().currentChanged(current, previous)
        self._show_ring()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        if event is not None and event.reason() in KEYBOARD:
            self._keyboard = True
            if not self.currentIndex().isValid() and self.classes.order:
                self._make_current(self.classes.order[0])
        self._show_ring()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        if self.pointer.dragged is not None:
            self._end_drag(keep=False)
        self._show_ring()

    def keyboardSearch(self, search: str | None) -> None:
        """Do nothing: letters are the window's single keys."""

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is None:
            return
        if self.editing:
            event.ignore()  # what the row's field has left
            return
        self._keyboard = True
        if self.pointer.dragged is not None and event.key() == Qt.Key.Key_Escape:
            self._end_drag(keep=False)
        elif event.matches(QKeySequence.StandardKey.Paste):
            self._paste()
        elif not self._act(event):
            if event.text() and event.text().isprintable():
                event.ignore()
                return
            super().keyPressEvent(event)
        self._show_ring()

    def keyReleaseEvent(self, event: QKeyEvent | None) -> None:
        """Let T go: the class is not taught any more."""
        if event is not None and event.key() == Qt.Key.Key_T and not event.isAutoRepeat():
            self.teach_released.emit()
            return
        super().keyReleaseEvent(event)

    def show_taught(self, row_id: int | None) -> None:
        """Show that the class of this row is being taught; None: none is."""
        old, self.pointer.taught = self.pointer.taught, row_id
        self._repaint_row(old)
        self._repaint_row(row_id)

    def _act(self, event: QKeyEvent) -> bool:
        """Do what the key says to the current row; whether it says anything."""
        row_id, key = self.current_id(), event.key()
        last = bool(self.classes.order) and row_id == self.classes.order[-1]
        if key == Qt.Key.Key_Down and last and not event.modifiers() & Qt.KeyboardModifier.AltModifier:
            self.left_below.emit()
        elif row_id is None:
            return False
        elif event.modifiers() & Qt.KeyboardModifier.AltModifier and key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_row(row_id, -1 if key == Qt.Key.Key_Up else 1)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_F2):
            self.edit_row(row_id)
        elif key == Qt.Key.Key_T and not event.modifiers():
            if not event.isAutoRepeat():
                self.teach_pressed.emit(row_id)
        elif key in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove(row_id)
        else:
            return False
        return True

    def _paste(self) -> None:
        from PyQt6.QtGui import QGuiApplication

        clipboard = QGuiApplication.clipboard()
        if clipboard is not None and clipboard.text().strip():
            self.list_pasted.emit(clipboard.text())

    # What is done to rows

    def move_row(self, row_id: int, step: int) -> None:
        """Move a row up (-1) or down (1) in the user's own order."""
        if not self.classes.movable:
            return
        tops = self._tops()
        self.classes.rows.move(row_id, self.classes.rows.position(row_id) + step, merge=True)
        self._make_current(row_id)
        self._glide_from(tops)
        self.scrollTo(self.currentIndex())

    def remove(self, row_id: int) -> None:
        """Remove a row; the one that takes its place becomes current."""
        place = self.classes.place(row_id)
        self.classes.rows.remove([row_id])
        order = self.classes.order
        if order:
            self._make_current(order[min(max(0, place), len(order) - 1)])
        self._show_ring()
        viewport = self.viewport()
        if self.pointer.hovered is not None and viewport is not None:
            self._hover(*self._part_at(viewport.mapFromGlobal(self.cursor().pos())))

    def edit_row(self, row_id: int, at: QPoint | None = None) -> None:
        """Open a row's field; with the cursor `at` a point of the list, else at its end."""
        place = self.classes.place(row_id)
        if place < 0:
            return
        self._make_current(row_id)
        self.scrollTo(self.classes.index(place))
        self.edit(self.classes.index(place))
        editor = self.rows_delegate.editor
        if editor is not None and at is not None:
            editor.setCursorPosition(editor.cursorPositionAt(at - editor.pos()))
        self._show_ring()

    def _edit_neighbour(self, step: int) -> None:
        if step == 0:
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        place = self.currentIndex().row() + step
        if place >= len(self.classes.order):
            self.left_below.emit()
        elif place >= 0:
            self.edit_row(self.classes.order[place])

    # Qt

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._forget_motion()

    def showEvent(self, event: QShowEvent | None) -> None:
        super().showEvent(event)
        self._ticks.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        super().hideEvent(event)
        self._ticks.stop()
        self._forget_motion()
        self._hover(None, "")
