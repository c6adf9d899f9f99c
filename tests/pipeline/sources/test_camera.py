"""Cameras, read by the real driver from a make-believe USB bus; skipped where there is no such bus."""

import json
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.sources.base import CameraSpec, SourceError
from pipeline.sources.camera import UDEV_RULE, CameraFound, CameraSource, _opening_failed, no_camera_message
from tests.needs import need_program, skip_for_package
from tests.pipeline.sources.contract import check_message
from tests.pipeline.sources.made_recordings import moving_square
from tests.programs import PATIENCE_S, ROOT

BUS = ROOT.parent / "shared" / "virtual_camera"
MODELS = {"dvs128": ("DVS128", "VIRT0001", [128, 128]), "dvxplorer": ("DVXplorer", "DX000001", [640, 480])}


@pytest.fixture(scope="module")
def bus() -> Path:
    if not BUS.is_dir():
        pytest.skip("the virtual camera beside the repository is absent")
    if platform.system() != "Linux":
        pytest.skip("the make-believe USB bus needs Linux")
    need_program("umockdev-run", "umockdev")
    has_gi = subprocess.run(["/usr/bin/python3", "-c", "import gi, numpy; gi.require_version('UMockdev', '1.0')"])
    if has_gi.returncode:
        skip_for_package("gir1.2-umockdev-1.0")
    return BUS


def with_camera(bus: Path, model: str, options: list[str], *task: str | Path) -> Any:
    """Run a task of camera_reader with such a camera plugged in; give its answer."""
    program = [sys.executable, "-m", "tests.pipeline.sources.camera_reader", *map(str, task)]
    done = subprocess.run(
        [bus / f"{model}.py", *options, "--", *program], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("model", MODELS)
def test_cameras_are_listed(bus: Path, model: str) -> None:
    name, _, _ = MODELS[model]
    cameras = with_camera(bus, model, ["--serial", "A1", "--serial", "B2"], "found")
    assert [(camera["model"], camera["serial"]) for camera in cameras] == [(name, "A1"), (name, "B2")]
    assert all(camera["firmware"] and camera["address"].startswith("1:") for camera in cameras)


@pytest.mark.parametrize("model", MODELS)
def test_every_event_is_read(bus: Path, tmp_path: Path, model: str) -> None:
    shown = moving_square()
    np.save(tmp_path / "shown.npy", shown)
    count = 20_000
    answer = with_camera(
        bus, model, ["--events", str(tmp_path / "shown.npy")], "read", str(count), tmp_path / "read.npy"
    )
    read = np.load(tmp_path / "read.npy")
    for field in ("x", "y", "polarity"):
        assert (read[field] == shown[field][:count]).all()
    # The DVXplorer has no word for time 0, so its first event is 1 µs late.
    shift = read["timestamp"].astype(np.int64) - shown["timestamp"][:count]
    assert set(np.unique(shift[1:]).tolist()) == {int(shift[-1])}
    assert abs(int(shift[0]) - int(shift[-1])) <= 1
    name, serial, resolution = MODELS[model]
    info = answer["info"]
    assert (info["kind"], info["camera"], info["serial"], info["resolution"]) == ("camera", name, serial, resolution)
    assert serial in info["name"]
    assert abs(answer["ahead_us"]) < PATIENCE_S * 1e6, "its times are those of the wall clock"


def test_a_camera_is_chosen_by_its_serial_number(bus: Path, tmp_path: Path) -> None:
    options = ["--serial", "A1", "--serial", "B2"]
    for serial in ("A1", "B2"):
        answer = with_camera(bus, "dvs128", options, "read", "10", tmp_path / "read.npy", serial)
        assert answer["info"]["serial"] == serial
    assert with_camera(bus, "dvs128", options, "read", "10", tmp_path / "read.npy")["info"]["serial"] == "A1"


def test_a_wrong_serial_number_is_answered_with_those_there(bus: Path) -> None:
    message = with_camera(bus, "dvs128", ["--serial", "A1", "--serial", "B2"], "error", "C3")
    check_message(message)
    assert "C3" in message
    assert "DVS128 A1, DVS128 B2" in message


@pytest.mark.parametrize("model", MODELS)
def test_it_keeps_the_contract_of_sources(bus: Path, model: str) -> None:
    assert with_camera(bus, model, [], "keep_the_contract")


@pytest.mark.parametrize("model", MODELS)
def test_time_goes_on_before_a_still_scene(bus: Path, model: str) -> None:
    answer = with_camera(bus, model, ["--rate", "0"], "wait_before_a_still_scene")
    assert answer["events"] == 0
    assert -PATIENCE_S * 1e6 < answer["begins_ahead_us"] < 0


@pytest.mark.parametrize("model", MODELS)
def test_unplugging_is_told_and_the_camera_is_opened_again(bus: Path, model: str) -> None:
    twice = ["--unplug-at", "4", "--replug-at", "5", "--unplug-at", "20", "--replug-at", "21"]  # for a slow start
    answer = with_camera(bus, model, twice, "lose_and_find")
    check_message(answer["message"])
    assert MODELS[model][1] in answer["message"]
    assert answer["events_after"] > 2000


def test_garbage_on_the_wire_ends_the_stream(bus: Path) -> None:
    message = with_camera(bus, "dvs128", ["--garbage-after", "1"], "lose")
    check_message(message)


def test_no_camera_is_told_with_the_usual_causes(bus: Path) -> None:
    message = with_camera(bus, "dvs128", ["--plug-in-at", "3600"], "error")
    check_message(message)
    for hint in ("cable", "--simulate", "iniVation", UDEV_RULE):
        assert hint in message
    assert "D7" in with_camera(bus, "dvs128", ["--plug-in-at", "3600"], "error", "D7")


def test_no_camera_is_told_on_a_machine_without_any() -> None:
    with pytest.raises(SourceError, match="there is no such camera") as error:
        CameraSource(CameraSpec("there is no such camera"))
    check_message(str(error.value))


def test_the_udev_rule_is_for_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sources.camera._LINUX", False)
    assert "udev" not in no_camera_message(None)
    assert "--simulate" in no_camera_message(None)
    monkeypatch.setattr("pipeline.sources.camera._LINUX", True)
    assert UDEV_RULE in no_camera_message(None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("LIBUSB_ERROR_ACCESS - Error info: x\nStacktrace:\n 0# busy.so", "may not be opened"),
        ("LIBUSB_ERROR_BUSY\nStacktrace:\n 0# access.so", "another program"),
        ("Device firmware version incorrect. You have version 6; but version 9 is required.", "firmware 6"),
        ("LIBUSB_ERROR_NO_DEVICE", "went away"),
        ("Failed to open USB device. This usually happens due to permissions or driver issues, or because the device "
         "is already in use by another running program.", "another program"),
        ("something new", "1:250"),
    ],
)  # fmt: skip
def test_why_a_camera_cannot_be_opened_is_told(said: str, told: str) -> None:
    """The library's own words, for what a make-believe bus does not do."""
    message = _opening_failed(CameraFound("DVXplorer", "DX1", "6", "1:250"), said)
    check_message(message)
    assert told in message
    assert "DX1" in message
