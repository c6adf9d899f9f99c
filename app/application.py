"""Starts the window and ends it cleanly, however it is asked to end."""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Callable
from types import TracebackType

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from app.controller import Controller
from app.icons import window_icon
from app.preferences import Preferences, preferences_file
from app.style import set_fonts
from app.theme import load_fonts
from app.window import MainWindow
from pipeline.options import Options

CTRL_C = 130
TERMINATED = 143


def run_window(options: Options) -> int:
    """Show the window until the user closes it; gives the exit status (130 after Ctrl-C)."""
    QGuiApplication.setDesktopFileName("neuroclip-live")
    application = QApplication(sys.argv[:1])
    application.setApplicationName("NeuroCLIP Live")
    application.setApplicationDisplayName("NeuroCLIP Live")
    load_fonts()
    set_fonts(application)
    application.setWindowIcon(window_icon())
    window = MainWindow()
    sys.excepthook = _bug_hook(window)
    controller = Controller(window, options, Preferences(preferences_file()))
    signal.signal(signal.SIGINT, lambda *_: application.exit(CTRL_C))
    signal.signal(signal.SIGTERM, lambda *_: application.exit(TERMINATED))
    window.show()
    # The first picture of the window is on the screen before anything else starts.
    QTimer.singleShot(0, controller.start)
    try:
        return application.exec()
    finally:
        controller.close()


def _bug_hook(window: MainWindow) -> Callable[[type[BaseException], BaseException, TracebackType | None], None]:
    """Make a bug in one slot cost a banner and a traceback in the terminal; without a hook PyQt aborts the process."""

    def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        traceback.print_exception(kind, error, trace)
        lines = str(error).splitlines()
        what = f"{kind.__name__}: {lines[0]}" if lines else kind.__name__
        window.banner.show_message(
            "error", "A fault in the program", f"{what}. The terminal has the details; it goes on."
        )

    return tell
