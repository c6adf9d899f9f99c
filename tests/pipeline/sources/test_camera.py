"""Cameras, read by the real driver from a make-believe USB bus; skipped where there is no such bus."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.sources.base import CameraSpec, SourceError
from pipeline.sources.camera import VENDOR, _opening_failed
from pipeline.sources.camera_discovery import open_camera
from pipeline.sources.camera_faults import forbidden, no_camera
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.udev_rules import rule
from tests.cameras.event_camera import EventCamera
from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.sources.contract import check_message
from tests.pipeline.sources.made_recordings import moving_square
from tests.programs import PATIENCE_S, ROOT, wait_until

NAMES = {"dvs128": "DVS128", "dvxplorer": "DVXplorer", "davis346": "DAVIS346"}
LISTED = {**NAMES, "davis346": "DAVIS"}
"""Before it is opened nobody can tell one DAVIS from another."""
WITHOUT_DV = ("--without", "dv_processing")
"""iniVation's cameras through the other driver, as on systems for which dv-processing has no wheel."""
OTHER_DRIVER = [
    pytest.param("davis346", id="davis346-nd"),
    pytest.param("dvxplorer", id="dvxplorer-nd"),
    pytest.param("evk4", id="evk4", marks=pytest.mark.slow),
]
"""An EVK4 takes seconds to open: the driver writes 800 registers."""


def watching(model: str, serial: str = "") -> EventCamera:
    """A camera of this model that sees something move for ever."""
    return MODELS[model](serial, Scene(moving_dot(MODELS[model].resolution), repeat=True))


def start(bus: UsbBus, *task: str | Path, privileged: bool = True) -> "subprocess.Popen[str]":
    """Start a task of camera_reader as a program of its own."""
    program = [sys.executable, "-m", "tests.pipeline.sources.camera_reader", *map(str, task)]
    process: subprocess.Popen[str] = bus.popen(
        program, privileged=privileged, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    return process


def finish(process: "subprocess.Popen[str]") -> Any:
    """Give the task's answer."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    assert process.returncode == 0, err
    return json.loads(out)


def run(bus: UsbBus, *task: str | Path, privileged: bool = True) -> Any:
    return finish(start(bus, *task, privileged=privileged))


def run_while(bus: UsbBus, action: Callable[[], object], camera: EventCamera, *task: str | Path) -> Any:
    """Run a task, and do something to its camera as soon as that has sent some events."""
    process = start(bus, *task)
    try:
        wait_until(lambda: camera.sent > 1000)
        action()
    finally:
        answer = finish(process)
    return answer


@pytest.mark.parametrize("model", NAMES)
def test_cameras_are_listed(bus: UsbBus, model: str) -> None:
    for serial in ("A1", "B2"):
        bus.plug_in(MODELS[model](serial))
    cameras = run(bus, "found")
    assert [(camera["model"], camera["serial"]) for camera in cameras] == [(LISTED[model], "A1"), (LISTED[model], "B2")]
    assert all(camera["firmware"] and ":" in camera["address"] for camera in cameras)


@pytest.mark.parametrize("model", NAMES)
def test_every_event_is_read(bus: UsbBus, tmp_path: Path, model: str) -> None:
    shown = moving_square()
    camera = MODELS[model](scene=Scene(shown))
    bus.plug_in(camera)
    count = 20_000
    answer = run(bus, "read", str(count), tmp_path / "read.npy")
    read = np.load(tmp_path / "read.npy")
    for field in ("x", "y", "polarity"):
        assert (read[field] == shown[field][:count]).all()
    assert np.ptp(read["timestamp"].astype(np.int64) - shown["timestamp"][:count]) == 0
    info = answer["info"]
    assert (info["kind"], info["camera"], info["serial"]) == ("camera", NAMES[model], camera.serial)
    assert info["resolution"] == list(camera.resolution)
    assert camera.serial in info["name"]
    assert abs(answer["ahead_us"]) < PATIENCE_S * 1e6, "its times are those of the wall clock"


def test_a_camera_is_chosen_by_its_serial_number(bus: UsbBus, tmp_path: Path) -> None:
    for serial in ("A1", "B2"):
        bus.plug_in(watching("dvs128", serial))
    for serial in ("A1", "B2"):
        answer = run(bus, "read", "10", tmp_path / "read.npy", serial)
        assert answer["info"]["serial"] == serial
    assert run(bus, "read", "10", tmp_path / "read.npy")["info"]["serial"] == "A1"


def test_a_wrong_serial_number_is_answered_with_those_there(bus: UsbBus) -> None:
    for serial in ("A1", "B2"):
        bus.plug_in(MODELS["dvs128"](serial))
    message = run(bus, "error", "C3")
    check_message(message)
    assert "C3" in message
    assert "DVS128 A1, DVS128 B2" in message


@pytest.mark.parametrize("model", NAMES)
def test_it_keeps_the_contract_of_sources(bus: UsbBus, model: str) -> None:
    bus.plug_in(watching(model))
    assert run(bus, "keep_the_contract")


@pytest.mark.parametrize("model", NAMES)
def test_time_goes_on_before_a_still_scene(bus: UsbBus, model: str) -> None:
    bus.plug_in(MODELS[model]())
    answer = run(bus, "wait_before_a_still_scene")
    assert answer["events"] == 0
    assert -PATIENCE_S * 1e6 < answer["begins_ahead_us"] < 0


@pytest.mark.parametrize("model", NAMES)
def test_unplugging_is_told_and_the_camera_is_opened_again(bus: UsbBus, model: str) -> None:
    camera = watching(model)
    bus.plug_in(camera)

    def pull_out_and_put_back() -> None:
        bus.unplug(camera)
        bus.plug_in(camera)

    answer = run_while(bus, pull_out_and_put_back, camera, "lose_and_find")
    check_message(answer["message"])
    assert camera.serial in answer["message"]
    assert answer["events_after"] > 2000


# The other driver keeps the same promises.


@pytest.mark.parametrize("model", ["davis346", "dvxplorer", "evk4"])
def test_every_event_is_read_through_the_other_driver(bus: UsbBus, tmp_path: Path, model: str) -> None:
    need_driver("nd")
    shown = moving_square()
    camera = MODELS[model](scene=Scene(shown))
    bus.plug_in(camera)
    count = 20_000
    answer = run(bus, *WITHOUT_DV, "read", str(count), tmp_path / "read.npy")
    read = np.load(tmp_path / "read.npy")
    for field in ("x", "y", "polarity"):
        assert (read[field] == shown[field][:count]).all()
    assert np.ptp(read["timestamp"].astype(np.int64) - shown["timestamp"][:count]) == 0
    assert (answer["info"]["kind"], answer["info"]["serial"]) == ("camera", camera.serial)
    assert answer["info"]["resolution"] == list(camera.resolution)
    assert abs(answer["ahead_us"]) < PATIENCE_S * 1e6, "its times are those of the wall clock"


@pytest.mark.parametrize("model", OTHER_DRIVER)
def test_the_other_driver_keeps_the_contract(bus: UsbBus, model: str) -> None:
    need_driver("nd")
    bus.plug_in(watching(model))
    assert run(bus, *WITHOUT_DV, "keep_the_contract")


@pytest.mark.parametrize("model", OTHER_DRIVER)
def test_unplugging_is_told_by_the_other_driver(bus: UsbBus, model: str) -> None:
    need_driver("nd")
    camera = watching(model)
    bus.plug_in(camera)

    def pull_out_and_put_back() -> None:
        bus.unplug(camera)
        bus.plug_in(camera)

    answer = run_while(bus, pull_out_and_put_back, camera, *WITHOUT_DV, "lose_and_find")
    check_message(answer["message"])
    assert answer["events_after"] > 2000


def test_cameras_of_all_makers_are_found_and_read_at_once(bus: UsbBus, tmp_path: Path) -> None:
    need_driver("nd")
    dvs128, evk4 = watching("dvs128", "A1"), watching("evk4")
    for camera in (dvs128, evk4):
        bus.plug_in(camera)
    cameras = {camera["serial"]: camera for camera in run(bus, "found")}
    assert {serial: (each["maker"], each["model"], each["driver"]) for serial, each in cameras.items()} == {
        "A1": ("iniVation", "DVS128", "dv-processing"),
        evk4.serial: ("Prophesee", "EVK4", "neuromorphic-drivers"),
    }
    assert [each["resolution"] for each in cameras.values()] == [[128, 128], [1280, 720]]
    readers = [start(bus, "read", "1000", tmp_path / f"{each.serial}.npy", each.serial) for each in (dvs128, evk4)]
    assert [finish(reader)["info"]["serial"] for reader in readers] == ["A1", evk4.serial]


def test_no_camera_is_told_with_the_usual_causes(bus: UsbBus) -> None:
    message = run(bus, "error")
    check_message(message)
    for hint in ("cable", "--simulate"):
        assert hint in message
    assert "D7" in run(bus, "error", "D7")


def test_no_camera_is_told_on_a_machine_without_any() -> None:
    with pytest.raises(SourceError, match="there is no such camera") as error:
        open_camera(CameraSpec("there is no such camera"))
    check_message(str(error.value))


def test_the_udev_rule_is_for_linux_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.sources.camera_faults.LINUX", False)
    assert "udev" not in forbidden("It", VENDOR, Path("x"))
    monkeypatch.setattr("pipeline.sources.camera_faults.LINUX", True)
    assert rule(VENDOR) in forbidden("It", VENDOR, Path("x"))
    assert "udev" not in no_camera(None)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("LIBUSB_ERROR_ACCESS - Error info: x\nStacktrace:\n 0# busy.so", "may not be opened"),
        ("LIBUSB_ERROR_BUSY\nStacktrace:\n 0# access.so", "another program"),
        ("Device firmware version incorrect. You have version 6; but version 9 is required.", "firmware 6"),
        ("LIBUSB_ERROR_NO_DEVICE", "went away"),
        ("Failed to open USB device. This usually happens due to permissions or driver issues, or because the device "
         "is already in use by another running program.", "another program"),
        ("something new", "plug it in again"),
    ],
)  # fmt: skip
def test_why_a_camera_cannot_be_opened_is_told(said: str, told: str) -> None:
    """The library's own words, for what a make-believe bus does not do."""
    message = _opening_failed(CameraFound("DVXplorer", "DX1", "6", "1:250"), said)
    check_message(message)
    assert told in message
    assert "DX1" in message
