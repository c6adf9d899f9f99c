"""Paints one row of the class list, and opens its field for editing."""

from __future__ import annotations

from dataclasses import dataclass

from PyQt6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QObject,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    pyqtSignal,
)
from PyQt6.QtGui import QColor, QFont, QKeyEvent, QPainter, QPen, QRegion
from PyQt6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.contrast import mixed, readable, row_fill
from app.icons import paint_icon
from app.panels.card import paint_ring
from app.panels.class_list_model import ROW_ROLE, ClassListModel
from app.panels.class_rows import LONGEST_TEXT, Row, tidy
from app.panels.fitting import draw_line, elided, is_rtl, middle_baseline, text_width
from app.theme import CLASS_COLOURS, DARK, LARGE, ROW_GAP, Measures, Theme, font

SWATCH = 16
FIELD_LEFT = SWATCH + 10
"""From the padding to the field, px."""
PERCENTAGE = 60
FIELD_RADIUS = 6
INSET = 12
CROSS = 28
TEACH = QSize(74, 28)
LEAST_FILL = 4
UNDERLINE = 3
_SEVERAL = -1
HANDLE_REACH = 22
STEPS = {
    Qt.Key.Key_Return: 0,
    Qt.Key.Key_Enter: 0,
    Qt.Key.Key_Up: -1,
    Qt.Key.Key_Backtab: -1,
    Qt.Key.Key_Down: 1,
    Qt.Key.Key_Tab: 1,
}
"""Keys that commit a row, and the row edited next: none, the one before or the one after."""


@dataclass(frozen=True)
class RowBoxes:
    """Where the parts of a row are, in the view."""

    row: QRect
    handle: QRect
    swatch: QRect
    field: QRect
    teach: QRect
    cross: QRect
    percentage: QRect

    def part(self, x: int, y: int) -> str:
        """What is under the point: handle, teach, cross, field or row."""
        if self.teach.contains(x, y):
            return "teach"
        if self.cross.contains(x, y):
            return "cross"
        if self.field.contains(x, y):
            return "field"
        return "handle" if self.handle.contains(x, y) else "row"


@dataclass
class Pointer:
    """What the pointer and the focus are on; the view keeps it, the delegate shows it."""

    hovered: int | None = None
    part: str = ""
    dragged: int | None = None
    ring: int | None = None
    """The row with the keyboard's focus."""
    edited: int | None = None
    taught: int | None = None
    """The row whose class is being taught."""


class RowEditor(QLineEdit):
    """The field of a row while it is edited."""

    def __init__(self, parent: QWidget | None) -> None:
        super().__init__(parent)
        self.setFrame(False)
        self.setMaxLength(LONGEST_TEXT)
        self.setAccessibleName("Class")


class ClassDelegate(QStyledItemDelegate):
    """Swatch, field with a bar, percentage; see `RowBoxes`.

    Parameters
    ----------
    model : ClassListModel
        Its bars and digits are painted.
    pointer : Pointer
        Shared with the view.
    """

    stepped = pyqtSignal(int)
    """A row was committed with a key of `STEPS`."""
    _row_goes = pyqtSignal(int, str)

    def __init__(self, model: ClassListModel, pointer: Pointer, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model, self._pointer = model, pointer
        self.theme, self.measures = DARK, LARGE
        self.painted: dict[int, int] = {}
        """Width in px of each fill on screen; `_SEVERAL`: parts of it have another."""
        self.dirty: QRegion | None = None
        """What of the view has to be painted; None: all."""
        self.editor: RowEditor | None = None
        self._elided: dict[tuple[str, int, int], str] = {}
        self._row_goes.connect(model.rows.edit, Qt.ConnectionType.QueuedConnection)  # type: ignore[call-arg]
        self.set_measures(LARGE)

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self.theme = theme

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self.measures = measures
        self._plain, self._bold = font(15, 500, tabular=False), font(15, 650, tabular=False)
        self._figures, self._bold_figures = font(15, 500), font(15, 650)
        self._small, self._small_bold = font(12, tabular=False), font(12, 600, tabular=False)
        self._dim = font(13, tabular=False)
        self._elided.clear()

    # Geometry

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(0, self.measures.row + ROW_GAP)

    def boxes(self, item: QRect, width: int) -> RowBoxes:
        """Parts of a row whose item is there, in a view this wide."""
        padding, height = self.measures.padding, self.measures.row
        top = item.top() + ROW_GAP // 2
        middle = top + height // 2
        right = width - padding
        field = QRect(padding + FIELD_LEFT, top, right - PERCENTAGE - padding - FIELD_LEFT, height)
        cross = QRect(field.right() + 1 - 20 - CROSS // 2, middle - CROSS // 2, CROSS, CROSS)
        return RowBoxes(
            row=QRect(padding - 8, item.top(), width - 2 * padding + 16, item.height()),
            handle=QRect(0, top, HANDLE_REACH if padding > 20 else padding, height),
            swatch=QRect(padding, middle - SWATCH // 2, SWATCH, SWATCH),
            field=field,
            teach=QRect(cross.left() - 4 - TEACH.width(), middle - TEACH.height() // 2, TEACH.width(), TEACH.height()),
            cross=cross,
            percentage=QRect(right - PERCENTAGE, top, PERCENTAGE, height),
        )

    def fill_width(self, row_id: int, field: int) -> int:
        """Width of a row's fill now, in a field this wide, px."""
        if not self._model.known or row_id not in self._model.digits.shown:
            return 0
        return min(field, max(LEAST_FILL, round(self._model.bars.value(row_id) * field)))

    # Painting

    def paint(self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if painter is None or not isinstance(row, Row) or option.widget is None:
            return
        boxes = self.boxes(option.rect, option.widget.width())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        winner = self._model.winner() == row.id and not self._model.untrained
        active = row.id in (self._pointer.hovered, self._pointer.ring, self._pointer.dragged, self._pointer.taught)
        if self._is_dirty(boxes.swatch):
            self._paint_swatch(painter, row, boxes.swatch)
        fill = self._paint_field(painter, row, boxes.field, winner, active)
        if self._pointer.edited != row.id:
            self._paint_words(painter, row, boxes, winner, active, fill)
        if active and self._pointer.edited != row.id:
            self._paint_teach(painter, row, boxes.teach)
            self._paint_cross(painter, row, boxes.cross)
        elif self._model.examples.get(row.id) and self._pointer.edited != row.id:
            self._paint_count(painter, row, boxes.field, fill)
        if row.id in (self._pointer.hovered, self._pointer.dragged) and self._model.movable:
            self._paint_handle(painter, row, boxes.handle)
        if self._is_dirty(boxes.percentage):
            self._paint_percentage(painter, row, boxes.percentage, winner)
        if row.id in (self._pointer.ring, self._pointer.dragged) and self._pointer.edited != row.id:
            paint_ring(painter, QRectF(boxes.row), self.theme.colour("focus"), 8)
        painter.restore()

    def _is_dirty(self, box: QRect) -> bool:
        return self.dirty is None or self.dirty.intersects(box)

    def number(self, row: Row) -> int:
        """Its colour, or grey where the answers mean nothing."""
        return CLASS_COLOURS if self._model.untrained else row.number

    def _paint_swatch(self, painter: QPainter, row: Row, box: QRect) -> None:
        colour = self.theme.class_colour(self.number(row))
        if not self._model.known:
            colour = mixed(self.theme.colour("bg1"), colour, 0.5)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRoundedRect(QRectF(box), 5, 5)

    def _paint_field(self, painter: QPainter, row: Row, box: QRect, winner: bool, active: bool) -> QColor | None:
        """Paint the field and its bar; the colour of the fill."""
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("bg3" if active else "bg2"))
        painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        width = self.fill_width(row.id, box.width())
        if width != self.painted.get(row.id):
            # Where only a strip is painted, as while the list is scrolled, the rest still shows another width.
            whole = self.dirty is None or QRegion(box).subtracted(self.dirty).isEmpty()
            self.painted[row.id] = width if whole else _SEVERAL
        if width <= 0:
            return None
        fill = row_fill(self.theme, self.number(row), winner, "bg3" if active else "bg2")
        # The same rounded shape, cut by a rectangle: round at the left, straight where the value ends.
        painter.save()
        painter.setClipRect(QRect(box.left(), box.top(), width, box.height()), Qt.ClipOperation.IntersectClip)
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        painter.setClipRect(
            QRect(box.left(), box.bottom() + 1 - UNDERLINE, width, UNDERLINE), Qt.ClipOperation.IntersectClip
        )
        painter.setBrush(self.theme.class_colour(self.number(row)))
        painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        painter.restore()
        return fill

    def _paint_words(
        self, painter: QPainter, row: Row, boxes: RowBoxes, winner: bool, active: bool, fill: QColor | None
    ) -> None:
        field = boxes.field
        notice = self._model.notices.get(row.id)
        left, right = field.left() + INSET, field.right() + 1 - INSET
        if active:
            right = boxes.teach.left() - 8
        elif self._model.examples.get(row.id):
            right -= 52
        if notice:
            right -= 22
            middle = field.center().y() + 1
            self._paint_notice_mark(painter, QRectF(right + 6, middle - 8, 16, 16))
        two_lines = notice is not None and field.height() >= 40
        line = QRectF(field.left(), field.top() + (5 if two_lines else 0), 1, 20 if two_lines else field.height())
        face = self._bold if winner else self._plain
        rtl = is_rtl(row.label)
        painter.setPen(self.theme.colour("text1" if self._model.known else "text2"))
        label = self._fit(row.label, face, right - left)
        baseline = middle_baseline(face, line)
        draw_line(painter, face, label, left, right, baseline, rtl=rtl)
        under_words = fill if self.fill_width(row.id, field.width()) > INSET else None
        surface = under_words or self.theme.colour("bg3" if active else "bg2")
        painter.setPen(readable(self.theme, "text2", surface))
        if row.prompt is not None:
            taken = text_width(label, face) + 10
            start, end = (left, right - taken) if rtl else (left + taken, right)
            if end - start > 24:
                draw_line(
                    painter, self._dim, self._fit(row.prompt, self._dim, end - start), start, end, baseline, rtl=rtl
                )
        if two_lines and notice is not None:
            low = middle_baseline(self._small, QRectF(field.left(), field.top() + 23, 1, 16))
            draw_line(painter, self._small, self._fit(notice, self._small, right - left), left, right, low, rtl=rtl)

    def _fit(self, text: str, face: QFont, width: float) -> str:
        key = (text, face.weight() * 100 + face.pixelSize(), int(width))
        if key not in self._elided:
            if len(self._elided) > 2000:
                self._elided.clear()
            self._elided[key] = elided(text, face, width)
        return self._elided[key]

    def _paint_notice_mark(self, painter: QPainter, box: QRectF) -> None:
        """A circle with an exclamation mark: drawn, because an icon would be a pixmap for every row."""
        painter.setPen(QPen(self.theme.colour("warning"), 1.5, cap=Qt.PenCapStyle.RoundCap))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(box.adjusted(1, 1, -1, -1))
        x, y = box.center().x(), box.center().y()
        painter.drawLine(QPointF(x, y - 3.5), QPointF(x, y + 0.5))
        painter.drawPoint(QPointF(x, y + 3.2))

    def _paint_teach(self, painter: QPainter, row: Row, box: QRect) -> None:
        """Paint the button that is held to teach."""
        theme, held = self.theme, self._pointer.taught == row.id
        hot = self._pointer.hovered == row.id and self._pointer.part == "teach"
        surface = mixed(theme.colour("bg3"), theme.colour("text1"), 0.24 if hot else 0.14)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("inverse") if held else surface)
        painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        colour = theme.colour("bg0" if theme.dark else "bg1") if held else theme.colour("text1")
        paint_icon(painter, "hand-pointing", QRectF(box.left() + 8, box.top(), 16, box.height()), colour, 16)
        painter.setFont(self._small_bold)
        painter.setPen(colour)
        words = QRect(box.left() + 28, box.top(), box.width() - 30, box.height())
        painter.drawText(words, Qt.AlignmentFlag.AlignVCenter, "Stop" if held else "Teach")

    def _paint_count(self, painter: QPainter, row: Row, field: QRect, fill: QColor | None) -> None:
        """Paint how many examples a class has."""
        covered = self.fill_width(row.id, field.width()) > field.width() - 60
        colour = readable(self.theme, "text2", fill if covered and fill is not None else self.theme.colour("bg2"))
        box = QRectF(field.right() + 1 - INSET - 48, field.top(), 16, field.height())
        paint_icon(painter, "stack", box, colour, 16)
        painter.setFont(self._dim)
        painter.setPen(colour)
        count = QRectF(box.right() + 4, field.top(), 28, field.height())
        painter.drawText(count, Qt.AlignmentFlag.AlignVCenter, str(self._model.examples[row.id]))

    def _paint_cross(self, painter: QPainter, row: Row, box: QRect) -> None:
        hot = self._pointer.hovered == row.id and self._pointer.part == "cross"
        if hot:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(mixed(self.theme.colour("bg3"), self.theme.colour("text1"), 0.14))
            painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        painter.setPen(QPen(self.theme.colour("text1" if hot else "text2"), 1.4, cap=Qt.PenCapStyle.RoundCap))
        x, y, reach = box.left() + box.width() / 2, box.top() + box.height() / 2, 5
        painter.drawLine(QPointF(x - reach, y - reach), QPointF(x + reach, y + reach))
        painter.drawLine(QPointF(x - reach, y + reach), QPointF(x + reach, y - reach))

    def _paint_handle(self, painter: QPainter, row: Row, box: QRect) -> None:
        hot = self._pointer.hovered == row.id and self._pointer.part == "handle"
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.colour("text1" if hot or self._pointer.dragged == row.id else "text3"))
        x, y = self.measures.padding - 11.0, box.top() + box.height() / 2
        for dx in (-2.5, 2.5):
            for dy in (-5.0, 0.0, 5.0):
                painter.drawEllipse(QPointF(x + dx, y + dy), 1.1, 1.1)

    def _paint_percentage(self, painter: QPainter, row: Row, box: QRect, winner: bool) -> None:
        face = self._bold_figures if winner else self._figures
        painter.setPen(self.theme.colour("text1" if self._model.known else "text2"))
        text = self._model.percentage(row.id)
        draw_line(painter, face, text, box.left(), box.right() + 1, middle_baseline(face, QRectF(box)), at_right=True)

    # Editing

    def createEditor(self, parent: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex) -> QWidget | None:
        editor = RowEditor(parent)
        theme = self.theme
        editor.setFont(self._plain)
        editor.setStyleSheet(
            f"QLineEdit {{ background: {theme.bg0 if theme.dark else theme.bg1}; color: {theme.text1};"
            f" border: 2px solid {theme.focus}; border-radius: {FIELD_RADIUS}px; padding: 0 8px;"
            f" selection-background-color: {theme.text1}; selection-color: {theme.bg1}; }}"
        )
        self.editor = editor
        row = index.data(ROW_ROLE)
        self._pointer.edited = row.id if isinstance(row, Row) else None
        return editor

    def destroyEditor(self, editor: QWidget | None, index: QModelIndex) -> None:
        self.editor = None
        self._pointer.edited = None
        super().destroyEditor(editor, index)

    def updateEditorGeometry(self, editor: QWidget | None, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        if editor is not None and option.widget is not None:
            editor.setGeometry(self.boxes(option.rect, option.widget.width()).field)

    def setEditorData(self, editor: QWidget | None, index: QModelIndex) -> None:
        # Only at the start: a prediction that arrives must not overwrite what is being typed.
        if isinstance(editor, RowEditor) and not editor.isModified() and not editor.text():
            editor.setText(str(index.data(Qt.ItemDataRole.EditRole)))
            editor.end(False)

    def setModelData(self, editor: QWidget | None, model: QAbstractItemModel | None, index: QModelIndex) -> None:
        row = index.data(ROW_ROLE)
        if not isinstance(editor, RowEditor) or not isinstance(row, Row):
            return
        text = tidy(editor.text())
        if text and self._model.filter in text.casefold():
            self._model.rows.edit(row.id, text)
        else:
            # The row goes away: not while the view still holds its editor.
            self._row_goes.emit(row.id, text)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        # Qt's own filter commits Enter later, through the event loop, and ends Tab's round in the last row.
        if watched is self.editor and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = STEPS.get(Qt.Key(event.key()))
            if step is not None:
                self._step(step)
                return True
        return super().eventFilter(watched, event)

    def _step(self, step: int) -> None:
        editor = self.editor
        if editor is None:
            return
        self.commitData.emit(editor)
        self.closeEditor.emit(editor, QStyledItemDelegate.EndEditHint.NoHint)
        self.stepped.emit(step)
