"""The row under the classes for all that nobody typed: quieter than they are, and with a switch."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent, QPen, QResizeEvent
from PyQt6.QtWidgets import QSizePolicy, QWidget

from app.contrast import readable, row_fill
from app.panels.class_delegate import FIELD_RADIUS, INSET, UNDERLINE, ClassDelegate, RowBoxes
from app.panels.class_list_model import ClassListModel
from app.panels.class_rows import ELSE_ID
from app.panels.easing import percent_words
from app.panels.fitting import draw_line, elided, middle_baseline
from app.panels.focus import RING_ROOM
from app.panels.switch import SWITCH, Switch
from app.theme import CLASS_COLOURS, DARK, LARGE, ROW_GAP, Measures, Theme, font

LABEL = "something else"
WHAT = "The probability that something is shown that stands in no row"


class ElseRow(QWidget):
    """Swatch, bar, switch and percentage, in line with the rows above.

    Parameters
    ----------
    model : ClassListModel
        Its values for `ELSE_ID` are shown.
    delegate : ClassDelegate
        Paints the rows above: their boxes and bars are this row's.
    parent : QWidget, optional
    """

    toggled = pyqtSignal(bool)
    """The user switched it on or off."""

    def __init__(self, model: ClassListModel, delegate: ClassDelegate, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model, self._delegate = model, delegate
        self._theme, self._measures = DARK, LARGE
        self._painted: tuple[object, ...] = ()
        self.switch = Switch("Judge “something else” too", self)
        self.switch.clicked.connect(self._switched)
        self.setToolTip(WHAT)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)  # its card is not painted for every moved bar
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    @property
    def on(self) -> bool:
        """Whether it is judged."""
        return self.switch.isChecked()

    def set_on(self, on: bool) -> None:
        """Show it as judged or not; nothing is emitted."""
        self.switch.setChecked(on)
        self.follow()

    def _switched(self, on: bool) -> None:
        self.follow()
        self.toggled.emit(on)

    @property
    def percentage(self) -> str:
        """The digits on screen; empty when it is off."""
        return self._model.percentage(ELSE_ID) if self.on else ""

    @property
    def leads(self) -> bool:
        """Whether it is the most probable row."""
        return self.on and self._model.winner() == ELSE_ID and not self._model.untrained

    def follow(self) -> None:
        """Paint again where something looks different now."""
        look = self._look()
        if look != self._painted:
            only_bar = look[1:] == self._painted[1:]
            self.update(self._boxes().field if only_bar else self.rect())

    def _look(self) -> tuple[object, ...]:
        return self._fill_width(), self.percentage, self.leads, self.on, self._model.known

    def _fill_width(self) -> int:
        return self._delegate.fill_width(ELSE_ID, self._boxes().field.width()) if self.on else 0

    def _boxes(self) -> RowBoxes:
        return self._delegate.boxes(QRect(0, 0, self.width(), self.height()), self.width())

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self.switch.set_theme(theme)
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self.setFixedHeight(measures.row + ROW_GAP)
        self._place()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, self._measures.row + ROW_GAP)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._place()

    def _place(self) -> None:
        size, field = self.switch.sizeHint(), self._boxes().field
        left = field.right() + 1 - INSET - SWITCH.width() - RING_ROOM
        self.switch.setGeometry(left, field.top() + (field.height() - size.height()) // 2, size.width(), size.height())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), self._theme.colour("bg1"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        boxes = self._boxes()
        self._painted = self._look()
        self._paint_swatch(painter, boxes.swatch)
        self._paint_field(painter, boxes.field)
        self._paint_words(painter, boxes)
        painter.end()
        self._speak()

    def _paint_swatch(self, painter: QPainter, box: QRect) -> None:
        """A ring and no colour: it stands for no class."""
        painter.setPen(QPen(self._theme.colour("text3" if self.on else "bg3"), 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRoundedRect(QRectF(box).adjusted(1, 1, -1, -1), 5, 5)

    def _paint_field(self, painter: QPainter, box: QRect) -> None:
        if not self.on:
            painter.setPen(QPen(self._theme.colour("line"), 1))
            painter.drawRoundedRect(QRectF(box).adjusted(0.5, 0.5, -0.5, -0.5), FIELD_RADIUS, FIELD_RADIUS)
            return
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("bg2"))
        painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
        width = self._fill_width()
        fill, line = row_fill(self._theme, CLASS_COLOURS, self.leads), self._theme.class_colour(CLASS_COLOURS)
        for colour, height in ((fill, box.height()), (line, UNDERLINE)):
            painter.save()
            painter.setClipRect(QRect(box.left(), box.bottom() + 1 - height, width, height))
            painter.setBrush(colour)
            painter.drawRoundedRect(QRectF(box), FIELD_RADIUS, FIELD_RADIUS)
            painter.restore()

    def _paint_words(self, painter: QPainter, boxes: RowBoxes) -> None:
        theme, field = self._theme, boxes.field
        weight = 650 if self.leads else 500
        face, figures = font(15, weight, tabular=False), font(15, weight)
        left, right = field.left() + INSET, self.switch.geometry().left()
        surface = row_fill(theme, CLASS_COLOURS, self.leads) if self._fill_width() > INSET else theme.colour("bg2")
        painter.setPen(readable(theme, "text2", surface) if self.on else theme.colour("text3"))
        draw_line(painter, face, elided(LABEL, face, right - left), left, right, middle_baseline(face, QRectF(field)))
        painter.setPen(theme.colour("text1" if self.leads else "text2"))
        box = boxes.percentage
        baseline = middle_baseline(figures, QRectF(box))
        draw_line(painter, figures, self.percentage, box.left(), box.right() + 1, baseline, at_right=True)

    def _speak(self) -> None:
        value = self._model.digits.shown.get(ELSE_ID) if self.on and self._model.known else None
        words = f"{LABEL}, off" if not self.on else LABEL if value is None else f"{LABEL}, {percent_words(value)}"
        if words != self.accessibleName():
            self.setAccessibleName(words)
