"""The template that a class is put into: a menu of known ones, and a field for one's own."""

from __future__ import annotations

from collections.abc import Sequence

from PyQt6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QEnterEvent,
    QFocusEvent,
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PyQt6.QtWidgets import QLineEdit, QSizePolicy, QWidget

from app.icons import paint_icon
from app.panels.class_rows import tidy
from app.panels.fitting import draw_line, elided, middle_baseline
from app.panels.focus import RING_ROOM, FocusShown, paint_focus_ring
from app.panels.menu import Menu
from app.theme import DARK, LARGE, Measures, Theme, font

PLACEHOLDERS = ("{class}", "{}")
CHIP = "{class}"
NO_PLACEHOLDER = "Write {} where the class goes, for example: a photo of a {}"
HEIGHT = 36
MESSAGE = 22
"""Room under the field for the sentence that refuses a template."""

Template = tuple[str, str, str]


def has_placeholder(text: str) -> bool:
    """Whether a class can be put into this text."""
    return any(placeholder in text for placeholder in PLACEHOLDERS)


def pieces(text: str) -> list[str]:
    """Split at the placeholders; between two pieces stands the class."""
    return text.replace("{class}", "{}").split("{}")


class TemplateEdit(QLineEdit):
    """The field while the user writes a template."""

    cancelled = pyqtSignal()
    left = pyqtSignal()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        if event is not None and event.key() == Qt.Key.Key_Escape:
            self.cancelled.emit()
        else:
            super().keyPressEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        passing = (Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason)
        if event is not None and event.reason() not in passing:
            self.left.emit()


class TemplateField(QWidget):
    """Shows the template, opens the menu, and takes a free one."""

    template_chosen = pyqtSignal(str)
    """A key of the menu, or the text of a free template."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._measures = DARK, LARGE
        self._templates: list[Template] = []
        self._key = ""
        self._message = ""
        self._hovered = False
        self._focus = FocusShown()
        self.edit = TemplateEdit(self)
        self.edit.setMaxLength(500)
        self.edit.setPlaceholderText("a photo of a {}")
        self.edit.setAccessibleName("Template of your own; {} stands for the class")
        self.edit.hide()
        self.edit.returnPressed.connect(self._commit)
        self.edit.cancelled.connect(self._cancel)
        self.edit.left.connect(self._leave)
        self.edit.textEdited.connect(lambda _: self._say(""))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(HEIGHT + 2 * RING_ROOM)
        self.set_theme(DARK)

    # What is chosen

    @property
    def key(self) -> str:
        """Key of the template shown; a free template's text."""
        return self._key

    @property
    def message(self) -> str:
        """Why the template typed is refused; empty when it is not."""
        return self._message

    def set_templates(self, templates: Sequence[Template]) -> None:
        """Fill the menu: (key, title, preview) each."""
        self._templates = list(templates)
        self._changed()

    def set_template(self, key: str) -> None:
        """Show this template; nothing is emitted. A key that is not in the menu is a free template's text."""
        self._key = key
        self._changed()

    def _known(self) -> Template | None:
        return next((template for template in self._templates if template[0] == self._key), None)

    @property
    def preview(self) -> str:
        """What the field shows."""
        known = self._known()
        return self._key if known is None else known[2]

    def _changed(self) -> None:
        known = self._known()
        title = "Your own" if known is None else known[1]
        words = CHIP.join(pieces(self.preview))
        self.setAccessibleName(f"Template: {words}")
        self.setToolTip(f"{title}\n{words}" if known is not None else words)
        self.update()

    def _choose(self, key: str) -> None:
        if key != self._key:
            self.set_template(key)
            self.template_chosen.emit(key)

    # The menu

    def open_menu(self) -> None:
        """Show the known templates, and the way to write one."""
        menu = Menu(self._theme, self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for key, title, preview in self._templates:
            menu.add(title, lambda key=key: self._choose(key), checked=key == self._key)  # type: ignore[misc]
            actions = menu.actions()
            actions[-1].setToolTip(CHIP.join(pieces(preview)))
        menu.setToolTipsVisible(True)
        menu.addSeparator()
        menu.add("Write your own…", self.start_editing, icon="pencil-simple")
        box = self._box()
        menu.setMinimumWidth(round(box.width()))
        menu.popup(self.mapToGlobal(QPoint(round(box.left()), round(box.bottom()) + 6)))

    # A free template

    def start_editing(self) -> None:
        """Let the user write a template, beginning with the one shown."""
        preview = self.preview
        self.edit.setText(preview if has_placeholder(preview) else "a photo of a {}")
        self.edit.show()
        self.edit.setFocus(Qt.FocusReason.OtherFocusReason)
        self.edit.selectAll()
        self.update()

    def _commit(self) -> None:
        text = tidy(self.edit.text())
        if not has_placeholder(text):
            self._say(NO_PLACEHOLDER)
            return
        self._close()
        self._choose(self._named(text))

    def _named(self, text: str) -> str:
        """The key of the menu's template with this very text, else the text."""
        same = (
            key for key, _, preview in self._templates if pieces(preview) == pieces(text) and has_placeholder(preview)
        )
        return next(same, text)

    def _leave(self) -> None:
        """Leaving the field takes a good template, and drops one that cannot be used."""
        if self.edit.isHidden():
            return
        text = tidy(self.edit.text())
        if has_placeholder(text):
            self._close()
            self._choose(self._named(text))
        else:
            self._close()

    def _cancel(self) -> None:
        self._close()
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _close(self) -> None:
        had_focus = self.edit.hasFocus()
        self.edit.hide()
        self._say("")
        if had_focus:
            self.setFocus(Qt.FocusReason.OtherFocusReason)

    def _say(self, message: str) -> None:
        if message == self._message:
            return
        self._message = message
        self.edit.setAccessibleDescription(message)
        self.setFixedHeight(HEIGHT + 2 * RING_ROOM + (MESSAGE if message else 0))
        self._style_edit()
        self.update()

    # Events

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        inside = event is not None and self._box().contains(event.position())
        if event is not None and inside and event.button() == Qt.MouseButton.LeftButton:
            self.open_menu()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        opening = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_F4)
        if event is not None and event.key() in opening:
            self.open_menu()
        elif event is not None and event.key() == Qt.Key.Key_F2:
            self.start_editing()
        else:
            super().keyPressEvent(event)

    def enterEvent(self, event: QEnterEvent | None) -> None:
        super().enterEvent(event)
        self._hovered = True
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.update()

    def leaveEvent(self, event: QEvent | None) -> None:
        super().leaveEvent(event)
        self._hovered = False
        self.update()

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        super().focusInEvent(event)
        if event is not None:
            self._focus.gained(event.reason())
        self.update()

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        super().focusOutEvent(event)
        if event is not None:
            self._focus.lost(event.reason())
        self.update()

    # Looks

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        self._style_edit()
        self.update()

    def _style_edit(self) -> None:
        theme = self._theme
        edge = theme.error if self._message else theme.focus
        self.edit.setFont(font(13))
        self.edit.setStyleSheet(
            f"QLineEdit, QLineEdit:focus {{ background: {theme.bg0 if theme.dark else theme.bg1}; color: {theme.text1};"
            f" border: 2px solid {edge}; border-radius: 8px; padding: 0 10px; font-size: 13px; }}"
        )

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        self._measures = measures
        self._place()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(240, self.height())

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        super().resizeEvent(event)
        self._place()

    def _box(self) -> QRectF:
        padding = self._measures.padding
        return QRectF(padding, RING_ROOM, self.width() - 2 * padding, HEIGHT)

    def _place(self) -> None:
        self.edit.setGeometry(self._box().toRect())

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme, box = self._theme, self._box()
        if self._message:
            face = font(12)
            painter.setPen(theme.colour("error"))
            words = elided(self._message, face, box.width())
            line = QRectF(box.left(), box.bottom() + 4, box.width(), MESSAGE - 4)
            draw_line(painter, face, words, line.left(), line.right(), middle_baseline(face, line))
        if self.edit.isHidden():
            self._paint_face(painter, box)
        painter.end()

    def _paint_face(self, painter: QPainter, box: QRectF) -> None:
        theme = self._theme
        painter.setPen(QPen(theme.colour("line"), 1))
        painter.setBrush(theme.colour("bg2") if self._hovered else QColor(0, 0, 0, 0))
        painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), 8, 8)
        paint_icon(painter, "quotes", QRectF(box.left() + 10, box.top(), 18, box.height()), theme.colour("text2"))
        paint_icon(
            painter, "caret-down", QRectF(box.right() - 26, box.top(), 18, box.height()), theme.colour("text2"), 14
        )
        self._paint_preview(painter, box.adjusted(36, 0, -34, 0))
        if self.hasFocus() and self._focus.shown:
            paint_focus_ring(painter, box, theme, 8)

    def _paint_preview(self, painter: QPainter, box: QRectF) -> None:
        """The template's words, and chips where the class goes."""
        plain, strong = font(13, tabular=False), font(12, 600)
        x = box.left()
        parts = pieces(self.preview)
        for place, part in enumerate(parts):
            words = part.strip()
            if words:
                gap = 6.0 if place else 0.0
                room = box.right() - x - gap - (self._chip_width(strong) + 6 if place < len(parts) - 1 else 0)
                if room < 16:
                    return
                shown = elided(words, plain, room)
                painter.setPen(self._theme.colour("text2"))
                x += gap if words[0].isalnum() else 2.0 if place else 0.0
                draw_line(painter, plain, shown, x, box.right(), middle_baseline(plain, box))
                x += QFontMetricsF(plain).horizontalAdvance(shown)
            if place < len(parts) - 1:
                x = self._paint_chip(painter, strong, x + (6 if words or place else 0), box)

    def _chip_width(self, face: QFont) -> float:
        return QFontMetricsF(face).horizontalAdvance(CHIP) + 12

    def _paint_chip(self, painter: QPainter, face: QFont, x: float, box: QRectF) -> float:
        """Paint one chip; where it ends."""
        chip = QRectF(round(x), box.center().y() - 10, round(self._chip_width(face)), 20)
        if chip.right() > box.right() + 1:
            return box.right() + 1
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("bg3"))
        painter.drawRoundedRect(chip, 5, 5)
        painter.setFont(face)
        painter.setPen(self._theme.colour("text1"))
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, CHIP)
        return chip.right()
