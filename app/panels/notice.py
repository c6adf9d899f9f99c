"""The notice card under the hero: something the user should know about the answers."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPaintEvent
from PyQt6.QtWidgets import QGridLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QWidget

from app import icons
from app.contrast import mixed
from app.panels.card import paint_card
from app.theme import DARK, LARGE, Measures, Theme, font

ICON = 20


class Notice(QWidget):
    """A card with an icon, a title, a text, perhaps a button, and a cross. Hidden until `show_notice`."""

    dismissed = pyqtSignal()
    action = pyqtSignal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme, self._level = DARK, "info"
        self._icon, self._title, self._text = QLabel(), QLabel(), QLabel()
        self._button, self._close = QPushButton(), QToolButton()
        for label in (self._title, self._text):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
        self._icon.setFixedSize(ICON, 28)
        self._button.setObjectName("noticeButton")
        self._button.clicked.connect(self.action)
        self._close.setObjectName("noticeClose")
        self._close.setAccessibleName("Dismiss this notice")
        self._close.setToolTip("Dismiss")
        self._close.setFixedSize(28, 28)
        self._close.clicked.connect(self._dismiss)
        self._grid = QGridLayout(self)
        self._grid.setHorizontalSpacing(10)
        self._grid.setVerticalSpacing(0)
        self._grid.setColumnStretch(1, 1)
        self._grid.addWidget(self._icon, 0, 0, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(self._title, 0, 1)
        self._grid.addWidget(self._close, 0, 2, Qt.AlignmentFlag.AlignTop)
        self._grid.addWidget(self._text, 1, 1)
        self._grid.addWidget(self._button, 2, 1, Qt.AlignmentFlag.AlignLeft)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.set_measures(LARGE)
        self.set_theme(DARK)
        self.hide()

    def show_notice(self, level: str, title: str, text: str, button_text: str | None = None) -> None:
        """Show the card.

        Parameters
        ----------
        level : str
            ``info`` or ``warning``.
        title, text : str
            What it is, and what it means.
        button_text : str, optional
            What can be done about it; pressing emits `action`.

        Raises
        ------
        ValueError
            When `level` is neither.
        """
        if level not in ("info", "warning"):
            raise ValueError(f"a notice is info or warning, not {level!r}")
        self._level = level
        self._title.setText(title)
        self._text.setText(text)
        self._button.setText(button_text or "")
        self._button.setVisible(bool(button_text))
        self.setAccessibleName(f"{title}. {text}")
        self.set_theme(self._theme)
        self.updateGeometry()
        self.show()

    def hide_notice(self) -> None:
        """Hide the card: what it said is no longer so."""
        self.hide()

    def _dismiss(self) -> None:
        self.hide()
        self.dismissed.emit()

    def set_theme(self, theme: Theme) -> None:
        """Take the window's colours."""
        self._theme = theme
        warning = self._level == "warning"
        name, colour = ("warning", "warning") if warning else ("info", "text1")
        self._icon.setPixmap(icons.icon(name, theme.colour(colour)).pixmap(QSize(ICON, ICON)))
        self._close.setIcon(icons.icon("x", theme.colour("text2")))
        self._close.setIconSize(QSize(16, 16))
        self._title.setFont(font(13, 600, tabular=False))
        self._text.setFont(font(12, tabular=False))
        self._button.setFont(font(13, 600, tabular=False))
        self._title.setStyleSheet(f"color: {theme.text1}; font-size: 13px; font-weight: 600;")
        self._text.setStyleSheet(f"color: {theme.text2}; font-size: 12px;")
        self._button.setStyleSheet(
            f"QPushButton {{ background: {theme.bg3}; color: {theme.text1}; border: 2px solid transparent;"
            f" border-radius: 6px; padding: 6px 10px; margin-top: 9px; font-size: 13px; font-weight: 600; }}"
            f"QPushButton:hover {{ background: {theme.line}; }}"
            f"QPushButton:focus {{ border-color: {theme.focus}; }}"
        )
        self._close.setStyleSheet(
            "QToolButton { background: transparent; border: 2px solid transparent; border-radius: 6px; padding: 0; }"
            f"QToolButton:hover {{ background: {theme.bg3}; }}"
            f"QToolButton:focus {{ border-color: {theme.focus}; }}"
        )
        self.update()

    def set_measures(self, measures: Measures) -> None:
        """Take the window's sizes."""
        side = measures.padding - 6
        self._grid.setContentsMargins(side, 10, 8, 14)
        self.updateGeometry()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        theme = self._theme
        surface, edge = theme.colour("bg2"), theme.colour("line")
        if self._level == "warning":
            surface = mixed(theme.colour("bg1"), theme.colour("warning"), 0.14 if theme.dark else 0.07)
            edge = mixed(theme.colour("bg1"), theme.colour("warning"), 0.55)
        painter = QPainter(self)
        paint_card(painter, QRectF(self.rect()), theme, surface, edge)
        painter.end()
