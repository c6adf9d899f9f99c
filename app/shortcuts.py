"""The keyboard: every key that works, once, for the shortcuts themselves and for the help overlay."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject
from PyQt6.QtGui import QKeySequence, QShortcut
from PyQt6.QtWidgets import QAbstractSpinBox, QApplication, QLineEdit, QPlainTextEdit, QTextEdit

from app.window import MainWindow

if TYPE_CHECKING:
    from app.controller import Controller

RENDERINGS = ("decay", "polarity", "recency", "model_frame")

HELP = [
    (
        "Open",
        [
            ("Ctrl+O", "open a recording"),
            ("Ctrl+L", "choose a source"),
            ("Ctrl+M", "choose a model"),
        ],
    ),
    (
        "Classes",
        [
            ("Ctrl+N", "type a class"),
            ("Ctrl+F", "find a class"),
            ("↑, ↓, Enter", "move, edit"),
            ("Delete, Ctrl+Z", "remove, undo"),
            ("Alt+↑, Alt+↓", "reorder"),
            ("T", "teach this class"),
            ("Ctrl+V", "paste a list"),
        ],
    ),
    (
        "Playing",
        [
            ("Space", "play or pause"),
            ("←, →", "one timestep back or on"),
            ("[, ]", "slower, faster"),
            ("L", "loop"),
            ("Shift+drag", "mark a span to teach from"),
            ("Ctrl+R", "record a live source"),
            ("Ctrl+,", "settings of the camera"),
        ],
    ),
    (
        "View",
        [
            ("1, 2, 3, 4", "rendering of the events"),
            ("M", "show what the model sees"),
            ("+, −, 0", "zoom in, out, fit"),
            ("F1, Esc", "this help"),
        ],
    ),
]
"""What the overlay shows, by section: (keys, what they do)."""


def add_shortcuts(window: MainWindow, controller: Controller) -> None:
    """Connect the keys. Single keys rest while a text field has the focus."""

    def key(sequence: str, slot: Callable[[], object]) -> None:
        QShortcut(QKeySequence(sequence), window).activated.connect(slot)

    def single(sequence: str, slot: Callable[[], object]) -> None:
        shortcut = QShortcut(QKeySequence(sequence), window)
        shortcut.activated.connect(slot)
        resting.append(shortcut)

    resting: list[QShortcut] = []
    key("Ctrl+O", controller.choose_recording)
    key("Ctrl+L", window.top_bar.open_source_menu)
    key("Ctrl+M", window.top_bar.open_model_menu)
    key("Ctrl+N", window.classes.focus_add_row)
    key("Ctrl+F", window.classes.focus_search)
    key("Ctrl+R", controller.toggle_record)
    key("Ctrl+,", controller.camera.toggle)
    key("F1", window.help.toggle)
    key("Esc", window.banner.close_message)
    single("Space", controller.toggle_play)
    single("Left", lambda: controller.step(-1))
    single("Right", lambda: controller.step(1))
    single("[", lambda: controller.change_speed(-1))
    single("]", lambda: controller.change_speed(1))
    single("L", controller.toggle_loop)
    for number, rendering in enumerate(RENDERINGS, start=1):
        single(str(number), partial(controller.choose_rendering, rendering))
    single("M", window.view.toggle_model_view)
    single("0", window.view.fit)
    for plus in ("+", "="):
        single(plus, window.view.zoom_in)
    single("-", window.view.zoom_out)
    window.help.set_shortcuts(HELP)
    _rest_while_typing(window, resting)


def _rest_while_typing(window: QObject, shortcuts: list[QShortcut]) -> None:
    def focus_changed(_before: QObject | None, now: QObject | None) -> None:
        typing = isinstance(now, QLineEdit | QTextEdit | QPlainTextEdit | QAbstractSpinBox)
        for shortcut in shortcuts:
            shortcut.setEnabled(not typing)

    application = QApplication.instance()
    assert isinstance(application, QApplication)
    application.focusChanged.connect(focus_changed)
    window.destroyed.connect(lambda: application.focusChanged.disconnect(focus_changed))
