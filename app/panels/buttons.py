"""Painted buttons: icon, text, detail and caret on a rounded face, with the focus ring around it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from PyQt6.QtCore import QEvent, QPoint, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QEnterEvent, QFocusEvent, QFontMetricsF, QKeyEvent, QPainter, QPaintEvent, QPen
from PyQt6.QtWidgets import QAbstractButton, QMenu, QSizePolicy, QWidget

from app.icons import ICON, paint_icon
from app.panels.focus import RING_ROOM, FocusShown, keeps_key, paint_focus_ring
from app.panels.kept_picture import KeptPicture
from app.theme import DARK, Theme, font

Face: TypeAlias = Literal["filled", "card", "chip", "ghost", "primary", "strong"]
"""``filled`` stands on a card, ``card`` on the window, ``chip`` over a picture; ``ghost`` shows when hovered."""
_KEYS = (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Down)
_GAP = 8
_CARET = 14
_CARET_GAP = 6


class FaceButton(QAbstractButton):
    """A button that paints itself; `RING_ROOM` px larger than its face on each side.

    Parameters
    ----------
    name : str
        For screen readers; also the tool tip of a button without text.
    face : Face
    icon : str
        Phosphor's name; empty: none.
    text, detail : str
        Shown side by side, the detail quieter.
    caret : bool
        It opens a menu.
    size : tuple of (int or None, int)
        Width (None: as its content needs) and height of the face, px.
    parent : QWidget, optional
    """

    def __init__(
        self,
        name: str,
        face: Face = "filled",
        *,
        icon: str = "",
        text: str = "",
        detail: str = "",
        caret: bool = False,
        size: tuple[int | None, int] = (None, 36),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = DARK
        self._face: Face = face
        self._icon, self._detail, self._caret = icon, detail, caret
        self._width, self._height = size
        self._weight, self._pixels, self._padding, self._radius, self._icon_size = 600, 13, 12, 8, ICON
        self._widest = ""
        self._longest = 0
        self._focus = FocusShown()
        self._make_menu: Callable[[], QMenu] | None = None
        self.kept = KeptPicture() if face == "chip" else None
        """What it painted last, where it lies over the picture of the events."""
        self.setText(text)
        self.setAccessibleName(name)
        if not text:
            self.setToolTip(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    # --- what it shows ---

    def set_look(
        self,
        *,
        pixels: int | None = None,
        weight: int | None = None,
        padding: int | None = None,
        radius: int | None = None,
        icon_size: int | None = None,
        widest: str | None = None,
        longest: int | None = None,
    ) -> None:
        """Change sizes: text px and weight, padding, corner radius and icon px.

        `widest` reserves room for that text, `longest` elides text wider than so many px.
        """
        self._pixels = self._pixels if pixels is None else pixels
        self._weight = self._weight if weight is None else weight
        self._padding = self._padding if padding is None else padding
        self._radius = self._radius if radius is None else radius
        self._icon_size = self._icon_size if icon_size is None else icon_size
        self._widest = self._widest if widest is None else widest
        self._longest = self._longest if longest is None else longest
        self._changed()

    def set_content(
        self, *, icon: str | None = None, text: str | None = None, detail: str | None = None, name: str | None = None
    ) -> None:
        """Change what it shows and says; None leaves a part as it is."""
        before = (self._icon, self.text(), self._detail)
        if text is not None:
            self.setText(text)
        self._icon = self._icon if icon is None else icon
        self._detail = self._detail if detail is None else detail
        if name is not None and name != self.accessibleName():
            self.setAccessibleName(name)
            if not self.text():
                self.setToolTip(name)
        if before != (self._icon, self.text(), self._detail):
            self._changed()

    def set_face(self, face: Face, size: tuple[int | None, int] | None = None) -> None:
        """Change the face's kind and its size."""
        self._face = face
        if size is not None:
            self._width, self._height = size
        self._changed()

    def set_theme(self, theme: Theme) -> None:
        """Paint in this theme."""
        self._theme = theme
        self.update()

    def keep_picture(self) -> None:
        """It lies over the picture of the events: paint only what changes."""
        self.kept = KeptPicture()

    def set_menu(self, make: Callable[[], QMenu]) -> None:
        """Open the menu that `make` gives whenever the button is clicked; the menu is deleted when it closes."""
        if self._make_menu is None:
            self.clicked.connect(self.open_menu)
        self._make_menu = make

    def open_menu(self) -> None:
        """Show the menu below the face, or above it where there is no room."""
        if self._make_menu is None:
            return
        menu = self._make_menu()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        face = self.face()
        below = self.mapToGlobal(QPoint(round(face.left()), round(face.bottom()) + 6))
        screen = self.screen()
        if screen is not None and below.y() + menu.sizeHint().height() > screen.availableGeometry().bottom():
            below.setY(below.y() - round(face.height()) - 12 - menu.sizeHint().height())
        menu.popup(below)

    # --- geometry ---

    def face(self) -> QRectF:
        """Box of the face, in the widget's own px."""
        width = self.width() - 2 * RING_ROOM if self._width is None else self._width
        return QRectF((self.width() - width) / 2, (self.height() - self._height) / 2, width, self._height)

    def sizeHint(self) -> QSize:
        """Give the face's size with the room for its focus ring."""
        width = self._content_width() + 2 * self._padding if self._width is None else self._width
        return QSize(round(width) + 2 * RING_ROOM, self._height + 2 * RING_ROOM)

    def _content_width(self) -> float:
        parts: list[float] = [self._icon_size] if self._icon else []
        metrics = QFontMetricsF(font(self._pixels, self._weight))
        if self.text():
            parts.append(max(metrics.horizontalAdvance(self._shown_text()), metrics.horizontalAdvance(self._widest)))
        if self._detail:
            parts.append(QFontMetricsF(font(self._pixels)).horizontalAdvance(self._detail))
        width = sum(parts) + _GAP * max(0, len(parts) - 1)
        return float(width + ((_CARET + _CARET_GAP) if self._caret else 0))

    def _shown_text(self) -> str:
        if not self._longest:
            return self.text()
        metrics = QFontMetricsF(font(self._pixels, self._weight))
        return metrics.elidedText(self.text(), Qt.TextElideMode.ElideMiddle, self._longest)

    def _changed(self) -> None:
        self.updateGeometry()
        self.update()

    # --- events ---

    def event(self, event: QEvent | None) -> bool:
        """Keep Space and Enter from the window's shortcuts while the ring is shown."""
        return keeps_key(event, _KEYS, self._focus) or super().event(event)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter clicks too, and the down arrow opens a menu."""
        assert event is not None
        opens = self._make_menu is not None and event.key() == Qt.Key.Key_Down
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) or opens:
            self.click()
            return
        super().keyPressEvent(event)

    def focusInEvent(self, event: QFocusEvent | None) -> None:
        """Show the ring when the focus came by keyboard."""
        assert event is not None
        self._focus.gained(event.reason())
        super().focusInEvent(event)

    def focusOutEvent(self, event: QFocusEvent | None) -> None:
        """Hide the ring."""
        assert event is not None
        self._focus.lost(event.reason())
        super().focusOutEvent(event)

    def enterEvent(self, event: QEnterEvent | None) -> None:
        """Light up."""
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent | None) -> None:
        """Grow quiet again."""
        self.update()
        super().leaveEvent(event)

    # --- painting ---

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint face, content and ring."""
        if self.kept is not None:
            self.kept.show(self, self._look(), self._paint)
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint(painter)
        painter.end()

    def _look(self) -> tuple[object, ...]:
        """All that the painting depends on, but for the size."""
        return (
            self._theme, self._face, self._icon, self.text(), self._detail, self._caret, self._width, self._height,
            self._weight, self._pixels, self._padding, self._radius, self._icon_size, self._longest, self._widest,
            self.isEnabled(), self.isChecked(), self.isDown(), self.underMouse(), self._ringed,
        )  # fmt: skip

    @property
    def _ringed(self) -> bool:
        return self.hasFocus() and self._focus.shown

    def _paint(self, painter: QPainter) -> None:
        face = self.face()
        self._paint_face(painter, face)
        self._paint_content(painter, face)
        if self._ringed:
            paint_focus_ring(painter, face, self._theme, self._radius)

    def _paint_face(self, painter: QPainter, face: QRectF) -> None:
        theme = self._theme
        lit = self.isEnabled() and (self.underMouse() or self.isDown())
        fill, edge = {
            "filled": ("bg3" if lit or self.isChecked() else "bg2", ""),
            "card": ("bg3" if lit and not theme.dark else "bg2" if lit else "bg1", ""),
            "chip": ("bg3" if lit else "chip", "line"),
            "ghost": ("bg3" if lit else "", ""),
            "primary": ("inverse", ""),
            "strong": ("bg3", ""),
        }[self._face]
        if not fill:
            return
        painter.setPen(QPen(theme.colour(edge), 1) if edge else Qt.PenStyle.NoPen)
        colour = theme.colour(fill)
        if self._face in ("primary", "strong") and lit:
            colour = colour.darker(112) if self._face == "primary" and theme.dark else colour.lighter(112)
        painter.setBrush(colour)
        box = face.adjusted(0.5, 0.5, -0.5, -0.5) if edge else face
        painter.drawRoundedRect(box, self._radius, self._radius)

    def text_colour(self) -> QColor:
        """Colour of text and icon."""
        theme = self._theme
        if not self.isEnabled():
            return theme.colour("text3")
        if self._face == "primary":
            return theme.colour("bg0" if theme.dark else "bg1")
        return theme.colour("text1")

    def _paint_content(self, painter: QPainter, face: QRectF) -> None:
        theme, colour = self._theme, self.text_colour()
        centred = self._width is not None and not self._caret
        left = face.center().x() - self._content_width() / 2 if centred else face.left() + self._padding
        if self._icon:
            quiet = bool(self.text()) and self._face != "primary"
            tint = theme.colour("text2") if quiet else colour
            paint_icon(
                painter, self._icon, QRectF(left, face.top(), self._icon_size, face.height()), tint, self._icon_size
            )
            left += self._icon_size + _GAP
        row = QRectF(left, face.top(), face.right() - left, face.height())
        align = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        if self.text():
            painter.setFont(font(self._pixels, self._weight))
            painter.setPen(colour)
            painter.drawText(row, align, self._shown_text())
            row.setLeft(row.left() + QFontMetricsF(painter.font()).horizontalAdvance(self._shown_text()) + _GAP)
        if self._detail:
            painter.setFont(font(self._pixels))
            painter.setPen(theme.colour("text2"))
            painter.drawText(row, align, self._detail)
        if self._caret:
            caret = QRectF(face.right() - self._padding - _CARET + 2, face.top(), _CARET, face.height())
            paint_icon(painter, "caret-down", caret, theme.colour("text2"), _CARET)
