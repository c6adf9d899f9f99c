"""``main.py --camera`` on a make-believe USB bus: the real driver, a camera that is unplugged and plugged in again."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dv_processing as dv
import pytest

from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import Faults, Refusal
from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import USB2, UsbBus
from tests.process_group import ctrl_c, ended_with_its_group
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
    with ended_with_its_group(process):
        yield process


def windows(target: Path) -> int:
    return len(rows(target)) if target.is_file() else 0


def events_of(path: Path) -> int:
    recording, count = dv.io.MonoCameraRecording(str(path)), 0
    while (batch := recording.getNextEventBatch()) is not None:
        count += batch.size()
    return count


@pytest.mark.parametrize("model", ["dvs128", pytest.param("dvxplorer", marks=pytest.mark.slow)])
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


@pytest.mark.slow
def test_it_goes_on_by_itself_under_another_address(bus: UsbBus, tmp_path: Path) -> None:
    """With the same settings and into the same recording, though another camera is there; within 2 s where idle."""
    target, record = tmp_path / "labels.csv", tmp_path / "camera.aedat4"
    camera, other = watching("dvxplorer"), watching("dvs128")
    place = bus.plug_in(camera)
    with program(bus, "--headless", "--output", target, "--record", record, "--timestep-ms", "20") as process:
        wait_until(lambda: windows(target) > 2)
        bus.plug_in(other)
        bus.unplug(camera)
        assert "was unplugged" in read_until(process, "check its cable")
        bus.plug_in(camera, address=place.address + 7)
        assert camera.serial in read_until(process, "is back")
        back_us = time.time_ns() // 1000
        wait_until(lambda: windows(target) > 0 and int(rows(target)[-1]["start_us"]) > back_us)
        ctrl_c(process)
    last = rows(target)[-1]
    assert int(last["end_us"]) - int(last["start_us"]) == 200_000
    assert list(tmp_path.glob("*.aedat4")) == [record]
    assert events_of(record) > 10_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "fault", "told"),
    [
        ("dvs128", {"garbage": True}, "cannot read"),
        ("dvxplorer", {"stalled": True}, "sent nothing at all"),
    ],
    ids=["garbage", "dead"],
)
def test_a_stream_that_fails_is_started_again(bus: UsbBus, model: str, fault: dict[str, bool], told: str) -> None:
    """What the driver prints meanwhile is not for people."""
    camera = watching(model)
    bus.plug_in(camera)
    with program(bus, "--headless", "--output", "-") as process:
        assert process.stdout is not None
        for _ in range(4):
            assert process.stdout.readline()
        bus.set_faults(camera, **fault)
        said = read_until(process, told)
        bus.set_faults(camera, **dict.fromkeys(fault, False))
        said += read_until(process, "is back")
        said += ctrl_c(process)
    assert process.returncode == 130
    for native in ("Stacktrace", "0x", "libusb", "Traceback", "monotonic"):
        assert native not in said


@pytest.mark.slow
def test_a_clock_that_is_set_back_is_survived(bus: UsbBus, tmp_path: Path) -> None:
    target, record = tmp_path / "labels.csv", tmp_path / "camera.aedat4"
    camera = watching("dvs128")
    bus.plug_in(camera)
    with program(bus, "--headless", "--output", target, "--record", record) as process:
        wait_until(lambda: windows(target) > 2)
        bus.do(camera.reset_clock)
        after_us = time.time_ns() // 1000
        wait_until(lambda: windows(target) > 0 and int(rows(target)[-1]["start_us"]) > after_us)
        ctrl_c(process)
    assert process.returncode == 130
    assert events_of(record) > 10_000


@pytest.mark.parametrize(
    ("fault", "told"),
    [("permission", "sudo udevadm trigger"), ("busy", "used by another program")],
)
def test_what_is_in_the_way_ends_a_headless_run_with_one_line(bus: UsbBus, fault: Refusal, told: str) -> None:
    bus.plug_in(MODELS["dvs128"](faults=Faults(refuse=fault)))
    for words in (["--camera", "--headless", "--output", "-", *PROMPTS], ["--list-cameras"]):
        done = bus.run(
            command(*words), privileged=False, env=environment(), capture_output=True, text=True, timeout=PATIENCE_S
        )
        (line,) = [line for line in (done.stdout + done.stderr).splitlines() if told in line]
        assert "--list-cameras" in words or (done.returncode == 1 and line.startswith("error: "))
        assert "libusb" not in done.stdout + done.stderr


def test_cameras_are_listed_with_what_is_known_of_them(bus: UsbBus) -> None:
    need_driver("nd")
    bus.plug_in(MODELS["davis346"]("D1"), bus=USB2)
    bus.plug_in(MODELS["evk4"]())
    done = bus.run(command("--list-cameras"), env=environment(), capture_output=True, text=True, timeout=PATIENCE_S)
    assert (done.returncode, done.stderr) == (0, "")
    titles, davis, evk4 = [line for line in done.stdout.splitlines() if line.strip(" ─")]
    for word in ("Maker", "Model", "Serial", "Resolution", "Driver", "Firmware", "Connection"):
        assert word in titles
    for word in ("iniVation", "DAVIS346", "D1", "346 × 260", "dv-processing", "USB 2 (480 Mbit/s)", "slow port"):
        assert word in davis
    for word in ("Prophesee", "EVK4", "00EC4000", "1280 × 720", "neuromorphic-drivers", "USB 3 (5 Gbit/s)", "ready"):
        assert word in evk4


@pytest.mark.slow
def test_an_evk4_is_recognised_unplugged_and_back(bus: UsbBus, tmp_path: Path) -> None:
    """Its driver may take the capture process with it when the plug is pulled: then another one goes on."""
    need_driver("nd")
    target, record = tmp_path / "labels.csv", tmp_path / "camera.aedat4"
    camera = watching("evk4")
    bus.plug_in(camera)
    with program(bus, "--headless", "--output", target, "--record", record) as process:
        wait_until(lambda: windows(target) > 2)
        bus.unplug(camera)
        read_until(process, "it")
        bus.plug_in(camera)
        read_until(process, "is back")
        back_us = time.time_ns() // 1000
        wait_until(lambda: windows(target) > 0 and int(rows(target)[-1]["start_us"]) > back_us)
        ctrl_c(process)
    assert sum(events_of(part) for part in tmp_path.glob("*.aedat4")) > 10_000


def read_until(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what the program says to people until it says this."""
    assert process.stderr is not None
    said = ""
    while words not in said:
        line = process.stderr.readline()
        assert line, said
        said += line
    return said


@pytest.mark.slow
def test_settings_in_a_file(bus: UsbBus, tmp_path: Path) -> None:
    """What it asks for is set before the first window; what cannot be ends the run with one line that says what can."""
    camera = Dvxplorer(scene=Scene(moving_dot(Dvxplorer.resolution), repeat=True))
    file, target = tmp_path / "night.toml", tmp_path / "labels.csv"
    bus.plug_in(camera)
    file.write_text("contrast_on = 40\n", encoding="utf-8")
    words = ("--camera-config", file, "--headless", "--output", target)
    with program(bus, *words) as process:
        _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1
    (line,) = [line for line in err.splitlines() if line.startswith("error:")]
    assert line == "error: night.toml: contrast_on = 40 cannot be: it is a whole number from 0 to 17."
    usual = dict(camera.registers.values)
    file.write_text("contrast_on = 2\n", encoding="utf-8")
    with program(bus, *words) as process:
        wait_until(lambda: windows(target) > 0)
        assert camera.registers.values != usual
        ctrl_c(process)
    assert process.returncode == 130
