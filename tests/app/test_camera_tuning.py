"""What the user sets of a camera, on its way to the capture process and back; in a real window."""

import json
import sys
import tomllib
from pathlib import Path

import pytest
from PyQt6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.camera_tuning import CameraTuning
from app.panels.setting_rows import NumberRow
from app.window import MainWindow
from pipeline.capture.messages import (
    CameraState,
    Command,
    FindHotPixels,
    ForgetHotPixels,
    ResetCamera,
    SetCamera,
)
from pipeline.events import Resolution
from pipeline.sources.base import SourceInfo
from pipeline.sources.camera_config import read_config
from pipeline.sources.camera_settings import Setting, with_value
from tests.app.user_input import click, key
from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.scene import Scene
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.test_camera_tuning import covered
from tests.programs import ROOT, environment

SETTINGS = (
    Setting("contrast_on", "Contrast threshold ON", "Sensitivity", "number", 9, 9, 0, 17),
    Setting("auto", "Automatic", "Frames", "switch", True, True),
    Setting("exposure", "Exposure", "Frames", "number", 10, 10, 1, 99, unit="µs", only_if=("auto", False)),
)
INFO = SourceInfo("camera", "DVXplorer A1", Resolution(640, 480), camera="DVXplorer", serial="A1")


class Tuned:
    def __init__(self, window: MainWindow) -> None:
        self.window = window
        self.sent: list[Command] = []
        self.tuning = CameraTuning(window, self.sent.append)


@pytest.fixture
def tuned(qtbot: QtBot) -> Tuned:
    window = MainWindow()
    qtbot.addWidget(window)
    window.show()
    window.transport.set_mode("live")
    return Tuned(window)


def test_the_settings_are_offered_where_a_camera_has_them(tuned: Tuned) -> None:
    window = tuned.window
    assert not window.transport.camera_button.isVisible()
    tuned.tuning.toggle()
    assert not window.camera.isVisible()
    tuned.tuning.opened(INFO)
    tuned.tuning.state_arrived(CameraState(SETTINGS))
    assert window.transport.camera_button.isVisible()
    click(window.transport.camera_button)
    assert window.camera.isVisible()
    assert not window.classes.isVisible()
    assert not window.camera.rows["exposure"].isVisible()
    click(window.camera.close_button)
    assert window.classes.isVisible()
    click(window.transport.camera_button)
    tuned.tuning.forget()
    assert window.classes.isVisible()
    assert not window.transport.camera_button.isVisible()


def test_what_is_set_is_sent_and_the_answer_shown(tuned: Tuned) -> None:
    panel = tuned.window.camera
    tuned.tuning.opened(INFO)
    tuned.tuning.state_arrived(CameraState(SETTINGS))
    tuned.tuning.toggle()
    row = panel.rows["contrast_on"]
    assert isinstance(row, NumberRow)
    key(row.number.box, Qt.Key.Key_Down)
    click(panel.find_button)
    tuned.tuning.state_arrived(CameraState(with_value(SETTINGS, "contrast_on", 8), ((1, 2),), message="Done."))
    assert (row.number.value, panel.message, panel.hot_pixels) == (8, "Done.", "1 left out.")
    click(panel.forget_button)
    click(panel.reset_button)
    assert tuned.sent == [SetCamera("contrast_on", 8), FindHotPixels(), ForgetHotPixels(), ResetCamera()]


def test_a_refusal_is_told_where_the_user_looks(tuned: Tuned) -> None:
    tuned.tuning.opened(INFO)
    tuned.tuning.state_arrived(CameraState(SETTINGS, message="It stays 9.", failed=True))
    message = tuned.window.banner.message
    assert message is not None
    assert message.detail == "It stays 9."


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_whole_window_with_a_camera_by_keyboard(bus: UsbBus, tmp_path: Path) -> None:
    """Through capture process and driver to the camera's registers; kept for it, and found again at the next start."""
    camera = Dvxplorer(scene=Scene(covered(Dvxplorer.resolution, [(3, 4), (639, 479)]), repeat=True))
    bus.plug_in(camera)
    home = environment(XDG_CONFIG_HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path))
    command = [sys.executable, "-m", "tests.app.camera_window", "3"]
    done = bus.run(command, env=home, cwd=ROOT, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    shown = json.loads(done.stdout.splitlines()[-1])
    assert shown["hot_pixels"] == "2 left out."
    (kept,) = (tmp_path / "neuroclip-live" / "cameras").iterdir()
    config = read_config(kept)
    assert config.values == {"contrast_on": 3}
    assert sorted(config.hot_pixels) == [(3, 4), (639, 479)]


def test_it_is_saved_as_a_file_for_scripts(tuned: Tuned, tmp_path: Path) -> None:
    """What has no effect is not written."""
    tuned.tuning.opened(INFO)
    tuned.tuning.state_arrived(CameraState(with_value(SETTINGS, "contrast_on", 3), ((5, 6),)))
    tuned.tuning.save(tmp_path / "night.toml")
    written = tomllib.loads((tmp_path / "night.toml").read_text(encoding="utf-8"))
    assert written == {"contrast_on": 3, "auto": True, "hot_pixels": [[5, 6]]}
    assert "night.toml" in tuned.window.camera.message
    (tmp_path / "file").write_text("", encoding="utf-8")
    tuned.tuning.save(tmp_path / "file" / "night.toml")
    assert "choose another place" in tuned.window.camera.message
