"""The small dialog that asks for the address of an event stream on the network."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QWidget

from app.panels.buttons import FaceButton
from app.panels.dialogs import SmallDialog, colour, label
from app.theme import Theme, font, system_theme

EXAMPLE = "192.168.1.20:7777"
UNIX = "unix:"
HIGHEST_PORT = 65_535
_HINT = "A computer’s name or number, a colon, and the port; or unix: and a path."


def address_error(text: str) -> str | None:
    """Say in one sentence why this is no address; None when it is one.

    Parameters
    ----------
    text : str
        ``host:port``, ``[IPv6]:port`` or ``unix:PATH``.
    """
    text = text.strip()
    if not text:
        return "Type an address: host:port, or unix: and a path."
    if text.startswith(UNIX):
        return None if text.removeprefix(UNIX).strip() else "After unix: comes the path of the socket."
    host, colon, port = text.rpartition(":")
    if not colon:
        return f"The port is missing: {text}:7777, for example."
    if not port.isascii() or not port.isdecimal() or not 1 <= int(port) <= HIGHEST_PORT:
        return f"The port after the colon is a number from 1 to {HIGHEST_PORT}, not “{port}”."
    if not host or any(letter.isspace() or letter == "/" for letter in host):
        return "Before the colon comes a computer’s name or number, such as localhost or 192.168.1.20."
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        return f"An IPv6 address stands in brackets: [{host}]:{port}."
    return None


class ConnectDialog(SmallDialog):
    """Asks for an address and stays open until it is one.

    Parameters
    ----------
    parent : QWidget, optional
    address : str
        Shown at first.
    theme : Theme, optional
        That of the window by default.
    """

    address_given = pyqtSignal(str)
    """``host:port``, ``[IPv6]:port`` or ``unix:PATH``."""

    def __init__(self, parent: QWidget | None = None, address: str = "", theme: Theme | None = None) -> None:
        own = getattr(parent, "theme", None)
        theme = theme or (own if isinstance(own, Theme) else system_theme())
        super().__init__("Listen on the network", "Events sent by dv-processing’s NetworkWriter.", theme, parent, 440)
        self.field = QLineEdit(address)
        self.field.setFont(font(15, 500))
        self.field.setPlaceholderText(EXAMPLE)
        self.field.setAccessibleName("Address")
        self.field.textChanged.connect(self._edited)
        self.said = label(_HINT, theme, pixels=12, token="text2")
        self.said.setMinimumHeight(32)
        cancel = FaceButton("Cancel", "ghost", text="Cancel")
        listen = FaceButton("Listen", "primary", text="Listen")
        cancel.clicked.connect(self.reject)
        listen.clicked.connect(self.submit)
        self.field.returnPressed.connect(self.submit)
        self.column.addWidget(self.field)
        self.column.addSpacing(6)
        self.column.addWidget(self.said)
        self.column.addSpacing(8)
        self.add_buttons(cancel, listen)
        self.field.setFocus()
        self.field.selectAll()

    @property
    def error(self) -> str | None:
        """The error that is shown."""
        return self.said.text() if self.field.property("invalid") else None

    def submit(self) -> None:
        """Take the address, or say below the field what is wrong with it."""
        error = address_error(self.field.text())
        self.show_error(error)
        if error is None:
            self.address_given.emit(self.field.text().strip())
            self.accept()

    def show_error(self, error: str | None) -> None:
        """Say this below the field; None: the hint again."""
        self.field.setProperty("invalid", bool(error))
        self.field.setAccessibleDescription(error or _HINT)
        style = self.field.style()
        if style is not None:
            style.unpolish(self.field)
            style.polish(self.field)
        self.said.setText(error or _HINT)
        colour(self.said, self.theme, "error" if error else "text2")

    def _edited(self) -> None:
        if self.error is not None and address_error(self.field.text()) is None:
            self.show_error(None)
