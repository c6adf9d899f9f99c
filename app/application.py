"""Starts the window and ends it cleanly, however it is asked to end."""

from __future__ import annotations

import signal
import sys

from PyQt6.QtCore import QTimer
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication

from app.controller import Controller
from app.icons import window_icon
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
    controller = Controller(window, options)
    signal.signal(signal.SIGINT, lambda *_: application.exit(CTRL_C))
    signal.signal(signal.SIGTERM, lambda *_: application.exit(TERMINATED))
    window.show()
    # The first picture of the window is on the screen before anything else starts.
    QTimer.singleShot(0, controller.start)
    try:
        return application.exec()
    finally:
        controller.close()
