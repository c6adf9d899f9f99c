"""The small dialog that asks which webcam is to be looked through."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QMenu, QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import NumberField, SmallDialog
from app.panels.menu import Menu
from app.theme import Theme, system_theme

MOST = 63
_LONGEST = 230
"""Of a webcam's name, px."""


class WebcamDialog(SmallDialog):
    """Offers the webcams by their names; where none is known, it asks for a number.

    Parameters
    ----------
    parent : QWidget, optional
    webcams : sequence of (int, str, str)
        Number, name and device of each.
    theme : Theme, optional
        That of the window by default.
    """

    given = pyqtSignal(int, str)
    """The number, and the name where it is known."""

    def __init__(
        self,
        parent: QWidget | None = None,
        webcams: Sequence[tuple[int, str, str]] = (),
        theme: Theme | None = None,
    ) -> None:
        own = getattr(parent, "theme", None)
        theme = theme or (own if isinstance(own, Theme) else system_theme())
        super().__init__(
            "Webcam",
            "An ordinary camera as an event camera: what changes between its pictures becomes events.",
            theme,
            parent,
            440,
        )
        self.webcams = tuple(webcams)
        self.field: NumberField | None = None
        """Where no webcam is known."""
        self.choice: FaceButton | None = None
        """Where some are."""
        first = self._make_choice() if webcams else self._make_field()
        cancel = FaceButton("Cancel", "ghost", text="Cancel")
        look = FaceButton("Open", "primary", text="Open")
        cancel.clicked.connect(self.reject)
        look.clicked.connect(self.submit)
        self.add_buttons(cancel, look)
        first.setFocus()

    def _make_field(self) -> QWidget:
        self.field = NumberField("Number of the webcam", self.theme, 0, MOST, 1)
        self.add_row("Number", "None is found yet; 0 is the first one.", self.field)
        return self.field

    def _make_choice(self) -> QWidget:
        self.choice = FaceButton("Webcam", "filled", text=" ", caret=True)
        self.choice.set_look(weight=500, longest=_LONGEST)
        self.choice.set_theme(self.theme)
        self.choice.set_menu(self._make_menu)
        self.choose(0)
        self.add_row("Camera", "", self.choice)
        return self.choice

    def _make_menu(self) -> QMenu:
        menu = Menu(self.theme, self)
        for place, (number, name, device) in enumerate(self.webcams):
            text = name or f"Webcam {number}"
            menu.add(text, partial(self.choose, place), detail=device, checked=place == self.place)
        return menu

    def choose(self, place: int) -> None:
        """Take the webcam at this place of those offered."""
        self.place = place
        number, name, _ = self.webcams[place]
        text = name or f"Webcam {number}"
        if self.choice is not None:
            self.choice.set_content(text=text, name=f"Webcam: {text}")

    def submit(self) -> None:
        """Take what is chosen."""
        if self.field is not None:
            self.given.emit(round(self.field.value), "")
        else:
            self.given.emit(*self.webcams[self.place][:2])
        self.accept()

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Enter takes what is chosen, as the button does."""
        if event is not None and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.submit()
        else:
            super().keyPressEvent(event)
