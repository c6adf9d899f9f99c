"""Joins the panel of the camera's settings and the capture process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QObject
from PyQt6.QtWidgets import QFileDialog

from app.panels.setting_rows import SettingRow
from app.window import MainWindow
from pipeline.capture.messages import (
    CameraState,
    Command,
    FindHotPixels,
    ForgetHotPixels,
    ResetCamera,
    SetCamera,
)
from pipeline.sources.base import SourceInfo
from pipeline.sources.camera_config import config_text, write_text
from pipeline.sources.camera_settings import Setting, counts

SUFFIX = ".toml"


class CameraTuning(QObject):
    """What the user sets of the open camera. Lives in the Qt thread.

    Parameters
    ----------
    window : MainWindow
    send : callable
        Takes commands for the capture process.
    """

    def __init__(self, window: MainWindow, send: Callable[[Command], None]) -> None:
        super().__init__(window)
        self._window, self._send = window, send
        self._camera = ""
        self._state: CameraState | None = None
        panel = window.camera
        panel.setting_changed.connect(lambda key, value: send(SetCamera(key, value)))
        panel.reset_clicked.connect(lambda: send(ResetCamera()))
        panel.find_clicked.connect(lambda: send(FindHotPixels()))
        panel.forget_clicked.connect(lambda: send(ForgetHotPixels()))
        panel.save_clicked.connect(self._choose_file)
        panel.close_clicked.connect(lambda: window.show_camera(False))
        window.transport.camera_toggled.connect(window.show_camera)

    def forget(self) -> None:
        """Another source is being opened."""
        self._state = None
        self._window.transport.set_camera_settings(False)
        self._window.show_camera(False)

    def opened(self, info: SourceInfo) -> None:
        """A source is open."""
        self._camera = info.name

    def state_arrived(self, state: CameraState) -> None:
        """Show how the camera is set."""
        self._state = state
        panel = self._window.camera
        self._window.transport.set_camera_settings(True)
        panel.set_camera(self._camera)
        panel.set_rows([_row(setting, state) for setting in state.settings])
        panel.set_hot_pixels(len(state.hot_pixels), searching=state.searching)
        panel.say(state.message, failed=state.failed)
        if state.failed and not panel.isVisible():
            self._window.banner.show_message("error", "The camera is not set so", state.message, None)

    def toggle(self) -> None:
        """Open or close the panel, where the open camera can be set."""
        if self._state is not None:
            self._window.show_camera(not self._window.camera.isVisible())

    def save(self, path: Path) -> None:
        """Write how the camera is set to a file for ``--camera-config``."""
        state = self._state
        if state is None:
            return
        settings = [each for each in state.settings if counts(each, state.settings)]
        try:
            write_text(path, config_text(self._camera, settings, state.hot_pixels))
        except OSError as error:
            self._window.camera.say(f"{path}: {error.strerror or error}; choose another place.", failed=True)
            return
        self._window.camera.say(f"Saved to {path.name}: use it with --camera-config.")

    def _choose_file(self) -> None:
        name = f"{self._camera.replace(' ', '_')}{SUFFIX}"
        path, _ = QFileDialog.getSaveFileName(
            self._window, "Save the camera’s settings", name, f"Settings of a camera (*{SUFFIX})"
        )
        if path:
            self.save(Path(path) if Path(path).suffix else Path(path).with_suffix(SUFFIX))


def _row(setting: Setting, state: CameraState) -> SettingRow:
    return SettingRow(
        key=setting.key,
        title=setting.title,
        group=setting.group,
        kind=setting.kind,
        value=setting.value,
        default=setting.default,
        least=setting.least,
        most=setting.most,
        step=setting.step,
        unit=setting.unit,
        choices=setting.choices,
        explanation=setting.explanation,
        active=counts(setting, state.settings),
    )
