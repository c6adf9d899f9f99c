"""The whole window with a camera of the make-believe bus, used as a person would; a program of its own.

python -m tests.app.camera_window THRESHOLD [FOLDER] opens the camera's settings by keyboard, types the contrast
threshold, looks for hot pixels, and prints as JSON what is then shown; with FOLDER it leaves pictures there.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication

from app.controller import Controller
from app.panels.setting_rows import NumberRow
from app.style import set_fonts
from app.theme import DARK, LIGHT, load_fonts
from app.window import MainWindow
from main import parse_options
from pipeline.leaving import leave
from tests.app.user_input import click, key, type_text

PATIENCE_S = 240.0


def wait_for(application: QApplication, condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited in vain for {what}")
        application.processEvents()
        time.sleep(0.01)


def main(threshold: str, folder: str | None = None) -> None:
    application = QApplication(sys.argv[:1])
    load_fonts()
    set_fonts(application)
    window = MainWindow()
    controller = Controller(window, parse_options(["--camera", "--prompts", "a dot", "--model", "untrained"])[0])
    window.show()
    controller.start()
    panel = window.camera
    try:
        wait_for(application, lambda: window.transport.camera_button.isVisible(), "settings")
        wait_for(application, lambda: window.view.picture_size.width() > 0, "a picture")
        window.activateWindow()
        wait_for(application, window.isActiveWindow, "the keyboard")
        key(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
        wait_for(application, panel.isVisible, "the panel")
        row = panel.rows["contrast_on"]
        assert isinstance(row, NumberRow)
        row.number.box.selectAll()
        type_text(row.number.box, threshold)
        key(row.number.box, Qt.Key.Key_Return)
        wait_for(application, lambda: row.row.value == int(threshold), "the threshold")
        click(panel.find_button)
        wait_for(application, lambda: "left out" in panel.hot_pixels, "hot pixels")
        if folder is not None:
            take_pictures(application, window, Path(folder))
        print(json.dumps({"hot_pixels": panel.hot_pixels, "message": panel.message, "rows": list(panel.rows)}))
    finally:
        controller.close()
        window.close()


def take_pictures(application: QApplication, window: MainWindow, folder: Path) -> None:
    for name, theme, size in (
        ("dark", DARK, (1600, 1000)),
        ("light", LIGHT, (1600, 1000)),
        ("small", DARK, (1000, 680)),
    ):
        window.resize(*size)
        window.set_theme(theme)
        for _ in range(100):  # pictures in the new colours arrive
            application.processEvents()
            time.sleep(0.02)
        window.grab().save(str(folder / f"camera-{name}.png"))


if __name__ == "__main__":
    main(*sys.argv[1:])
    leave(0)  # as the program does
