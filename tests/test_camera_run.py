"""``main.py --camera`` on a make-believe USB bus: the real driver, a camera that is unplugged and plugged in again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dv_processing as dv
import pytest

from tests.cameras.event_camera import EventCamera
from tests.cameras.models import MODELS
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.programs import PATIENCE_S, command, environment, rows, wait_until

PROMPTS = ("--prompts", "a cup, a star", "--model", "untrained")

pytestmark = pytest.mark.timeout(200)


def watching(model: str) -> EventCamera:
    """A camera that sees something move for ever."""
    return MODELS[model](scene=Scene(moving_dot(MODELS[model].resolution), repeat=True))


@contextmanager
def program(bus: UsbBus, *arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """Run the program with the bus's cameras, in a process group of its own, as a terminal does."""
    process: subprocess.Popen[str] = bus.popen(
        command("--camera", *arguments, *PROMPTS), env=environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ctrl_c(process: "subprocess.Popen[str]") -> str:
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    return err


def windows(target: Path) -> int:
    return len(rows(target)) if target.is_file() else 0


def events_of(path: Path) -> int:
    recording, count = dv.io.MonoCameraRecording(str(path)), 0
    while (batch := recording.getNextEventBatch()) is not None:
        count += batch.size()
    return count


@pytest.mark.parametrize("model", ["dvs128", "dvxplorer"])
def test_labels_come_and_ctrl_c_ends_it(bus: UsbBus, model: str, tmp_path: Path) -> None:
    target, record = tmp_path / "labels.csv", tmp_path / "camera.aedat4"
    bus.plug_in(watching(model))
    with program(bus, "--headless", "--output", target, "--record", record) as process:
        wait_until(lambda: windows(target) > 5)
        err = ctrl_c(process)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert events_of(record) > 50_000


def test_unplugging_is_survived(bus: UsbBus, tmp_path: Path) -> None:
    """The camera is away for a while in the middle; the same run goes on with it."""
    target = tmp_path / "labels.csv"
    camera = watching("dvs128")
    bus.plug_in(camera)
    with program(bus, "--headless", "--output", target) as process:
        wait_until(lambda: windows(target) > 2)
        bus.unplug(camera)
        assert "check its cable" in read_until(process, "check its cable")
        bus.plug_in(camera)
        read_until(process, "is back")
        back_us = time.time_ns() // 1000
        wait_until(lambda: windows(target) > 0 and int(rows(target)[-1]["start_us"]) > back_us)
        ctrl_c(process)
    assert process.returncode == 130


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what the program says to people until it says this."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said
