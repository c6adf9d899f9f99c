"""The small dialog that asks which webcam is to be looked through."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import NumberField, SmallDialog
from app.theme import Theme, system_theme

MOST = 63


class WebcamDialog(SmallDialog):
    """Asks for the number of a webcam.

    Parameters
    ----------
    parent : QWidget, optional
    number : int
        Shown at first.
    theme : Theme, optional
        That of the window by default.
    """

    number_given = pyqtSignal(int)

    def __init__(self, parent: QWidget | None = None, number: int = 0, theme: Theme | None = None) -> None:
        own = getattr(parent, "theme", None)
        theme = theme or (own if isinstance(own, Theme) else system_theme())
        super().__init__(
            "Webcam",
            "An ordinary camera as an event camera: what changes between its pictures becomes events.",
            theme,
            parent,
            440,
        )
        self.field = NumberField("Number of the webcam", theme, 0, MOST, 1)
        self.field.set_value(number)
        self.add_row("Number", "0 is the first, often the one built in.", self.field)
        cancel = FaceButton("Cancel", "ghost", text="Cancel")
        look = FaceButton("Open", "primary", text="Open")
        cancel.clicked.connect(self.reject)
        look.clicked.connect(self.submit)
        self.add_buttons(cancel, look)
        self.field.setFocus()

    def submit(self) -> None:
        """Take the number."""
        self.number_given.emit(round(self.field.value))
        self.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter takes the number, as the button does."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit()
        else:
            super().keyPressEvent(event)
