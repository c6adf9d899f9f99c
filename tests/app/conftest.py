"""Every test of the window fails on a Qt warning and on a top-level widget that it leaves behind.

And what several of them begin with: a window, a clock, the panel of the classes.
"""

import os
import sys
from collections.abc import Iterator

import pytest

if sys.platform.startswith("linux") and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PyQt6.QtCore import QEvent, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PyQt6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.motion import VARIABLE
from app.panels.classes import ClassesPanel
from app.style import set_fonts
from app.theme import DARK, LARGE, load_fonts
from tests.app.clock import Clock

_HARMLESS = (
    "This plugin does not support",  # the offscreen platform, of size hints, raise() and the like
    "could not connect to display",
)
_BAD = (QtMsgType.QtWarningMsg, QtMsgType.QtCriticalMsg, QtMsgType.QtFatalMsg)


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    return ["neuroclip-live"]


@pytest.fixture(scope="session", autouse=True)
def fonts(qapp: QApplication) -> None:
    load_fonts()
    set_fonts(qapp)


@pytest.fixture(autouse=True)
def no_qt_warnings() -> Iterator[list[str]]:
    """Collect what Qt warns of during the test; anything fails it. A test that expects a warning clears the list."""
    said: list[str] = []

    def listen(kind: QtMsgType, context: QMessageLogContext, text: str | None) -> None:
        if kind in _BAD and not (text or "").startswith(_HARMLESS):
            said.append(text or "")

    before = qInstallMessageHandler(listen)
    yield said
    qInstallMessageHandler(before)
    assert not said, f"Qt warned: {said}"


@pytest.fixture(autouse=True)
def no_leaked_widgets(qapp: QApplication, no_qt_warnings: list[str]) -> Iterator[None]:
    """Fail a test that leaves a top-level widget which is not closed and deleted (qtbot.addWidget does both)."""
    before = set(map(id, QApplication.topLevelWidgets()))
    yield
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [widget for widget in QApplication.topLevelWidgets() if id(widget) not in before]
    visible = [widget for widget in left if widget.isVisible()]
    for widget in left:
        widget.close()
        widget.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not visible, f"left open: {visible}"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    """A window without anything in it, not yet shown."""
    window = QWidget()
    qtbot.addWidget(window)
    return window


@pytest.fixture
def still_panel(window: QWidget, qtbot: QtBot, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> ClassesPanel:
    """The panel of the classes, active, without rows, its bars jumping (reduced motion)."""
    monkeypatch.setenv(VARIABLE, "1")
    panel = ClassesPanel(window, clock=clock)
    panel.set_theme(DARK)
    panel.set_measures(LARGE)
    window.resize(432, 700)
    panel.resize(432, 700)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    return panel
