"""What the window's small dialogs share: a titled surface, labelled rows and a number with its steppers."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPalette
from PyQt6.QtWidgets import QDialog, QDoubleSpinBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.panels.buttons import FaceButton
from app.panels.focus import RING_ROOM
from app.theme import Theme, font

PADDING = 24


def label(text: str, theme: Theme, *, pixels: int = 13, weight: int = 400, token: str = "text1") -> QLabel:
    """Give a label in the interface font and a colour of the theme; it wraps."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    result.setWordWrap(True)
    result.setFont(font(pixels, weight))
    colour(result, theme, token)
    return result


def colour(widget: QLabel, theme: Theme, token: str) -> None:
    """Give the label a colour of the theme."""
    widget.setStyleSheet(f"color: {theme.colour(token).name()}; background: transparent;")


class SmallDialog(QDialog):
    """A dialog with a title and a sentence below it; deleted when it closes. It follows no later theme.

    Parameters
    ----------
    title, detail : str
    theme : Theme
    parent : QWidget, optional
    width : int
        px
    """

    def __init__(self, title: str, detail: str, theme: Theme, parent: QWidget | None, width: int) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setFixedWidth(width)
        palette = self.palette()
        palette.setColor(QPalette.ColorRole.Window, theme.colour("bg1"))
        self.setPalette(palette)
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(PADDING, PADDING - 4, PADDING, PADDING - RING_ROOM)
        self.column.setSpacing(0)
        self.column.addWidget(label(title, theme, pixels=20, weight=600))
        self.column.addSpacing(4)
        self.column.addWidget(label(detail, theme, token="text2"))
        self.column.addSpacing(20)

    def add_row(self, name: str, explanation: str, field: QWidget) -> None:
        """Add a setting: its name, what it does, and the field at the right."""
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addStretch(1)
        words.addWidget(label(name, self.theme, weight=600))
        words.addWidget(label(explanation, self.theme, pixels=12, token="text2"))
        words.addStretch(1)
        row = QHBoxLayout()
        row.setSpacing(16)
        row.addLayout(words, 1)
        row.addWidget(field, 0, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.column.addLayout(row)
        self.column.addSpacing(16)

    def add_buttons(self, *buttons: FaceButton) -> None:
        """Add the last row: buttons at the right, the main one last."""
        row = QHBoxLayout()
        row.setContentsMargins(0, 4, -RING_ROOM, 0)
        row.setSpacing(0)
        row.addStretch(1)
        for button in buttons:
            button.set_theme(self.theme)
            row.addWidget(button)
        self.column.addLayout(row)


class NumberField(QWidget):
    """A number to type, with a stepper at each side.

    Parameters
    ----------
    name : str
        For screen readers.
    theme : Theme
    least, most, step : float
    suffix : str
        Unit, with a space before it.
    decimals : int
    """

    changed = pyqtSignal(float)

    def __init__(
        self, name: str, theme: Theme, least: float, most: float, step: float, suffix: str = "", decimals: int = 0
    ) -> None:
        super().__init__()
        self.box = QDoubleSpinBox()
        self.box.setDecimals(decimals)
        self.box.setRange(least, most)
        self.box.setSingleStep(step)
        self.box.setSuffix(suffix)
        self.box.setKeyboardTracking(False)
        self.box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
        self.box.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.box.setFont(font(13, 500))
        self.box.setFixedSize(QSize(84, 32))
        self.box.setAccessibleName(name)
        less = FaceButton(f"{name}: less", "filled", icon="minus", size=(32, 32))
        more = FaceButton(f"{name}: more", "filled", icon="plus", size=(32, 32))
        less.clicked.connect(self.box.stepDown)
        more.clicked.connect(self.box.stepUp)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        for button in (less, more):
            button.set_theme(theme)
            button.set_look(icon_size=14)
            button.setAutoRepeat(True)
        for widget in (less, self.box, more):
            row.addWidget(widget)
        self.setFocusProxy(self.box)
        self.box.valueChanged.connect(self.changed)

    @property
    def value(self) -> float:
        """The number."""
        return float(self.box.value())

    def set_value(self, value: float) -> None:
        """Show this number; `changed` is emitted when it differs."""
        self.box.setValue(value)
