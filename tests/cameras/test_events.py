"""What a camera sees comes out of the real driver, event for event."""

from pathlib import Path

import numpy as np
import pytest

from tests.cameras.davis346 import Davis346
from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.imu import Motion
from tests.cameras.models import MODELS
from tests.cameras.observer import ask, need_driver
from tests.cameras.scene import Scene
from tests.cameras.shown import COUNT, assert_same, scattered
from tests.cameras.usb_bus import UsbBus

SLOW = pytest.mark.slow
"""What takes the same way as another case of the default run."""
READ_BY = [
    ("dvs128", "dv"), ("dvxplorer", "dv"), ("davis346", "dv"), ("evk4", "nd"),
    pytest.param("dvxplorer", "nd", marks=SLOW), pytest.param("davis346", "nd", marks=SLOW),
]  # fmt: skip


@pytest.mark.parametrize(("model", "driver"), READ_BY)
def test_every_event_is_read(bus: UsbBus, tmp_path: Path, model: str, driver: str) -> None:
    need_driver(driver)
    shown = scattered(MODELS[model].resolution)
    camera = MODELS[model](scene=Scene(shown))
    bus.plug_in(camera)
    answer = ask(bus, driver, "read", str(COUNT), tmp_path / "read.npy", camera.serial)
    assert answer.get("read") == COUNT, answer
    assert_same(np.load(tmp_path / "read.npy"), shown)
    assert camera.sent == COUNT


@pytest.mark.parametrize("model", ["dvs128", pytest.param("dvxplorer", marks=SLOW)])
def test_the_camera_s_clock_may_run_faster_than_ours(bus: UsbBus, tmp_path: Path, model: str) -> None:
    """No more than two seconds of it: what is not read at once waits in the driver for 256 packets of 10 ms only."""
    shown = scattered(MODELS[model].resolution, span_us=2_000_000)
    bus.plug_in(MODELS[model](scene=Scene(shown, pace=5)))
    ask(bus, "dv", "read", str(COUNT), tmp_path / "read.npy")
    assert_same(np.load(tmp_path / "read.npy"), shown)


def test_frames_of_a_davis(bus: UsbBus, tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (260, 346)).astype(np.uint8)
    bus.plug_in(Davis346(scene=Scene(scattered(Davis346.resolution, count=1000)), picture=lambda time_us: picture))
    answer = ask(bus, "dv", "read", "1000", tmp_path / "read.npy")
    assert answer["frames"] >= 2
    assert (np.array(answer["last_frame"]) == picture).all()


@pytest.mark.parametrize("kind", [Dvxplorer, pytest.param(Davis346, marks=SLOW)])
def test_motion(bus: UsbBus, tmp_path: Path, kind: type[Dvxplorer] | type[Davis346]) -> None:
    motion = Motion((0.5, -0.25, 1.0), (10.0, -20.0, 30.0), 25.0)
    bus.plug_in(kind(scene=Scene(scattered(kind.resolution, count=1000)), motion=lambda time_us: motion))
    answer = ask(bus, "dv", "read", "1000", tmp_path / "read.npy")
    assert answer["samples"] > 10
    assert answer["last_sample"]["acceleration"] == pytest.approx(motion.acceleration, abs=1e-3)
    assert answer["last_sample"]["rotation"] == pytest.approx(motion.rotation, abs=0.05)
    assert answer["last_sample"]["temperature"] == pytest.approx(motion.temperature, abs=1e-2)


@pytest.mark.parametrize(
    "model", [pytest.param("dvs128", marks=SLOW), "dvxplorer", pytest.param("davis346", marks=SLOW)]
)
def test_the_clock_wraps(bus: UsbBus, tmp_path: Path, model: str) -> None:
    """Half-way through, the clock passes what fits into 31 bits, half an hour after it was set to zero."""
    shown = scattered(MODELS[model].resolution)
    bus.plug_in(MODELS[model](scene=Scene(shown), clock_us=2**31 - 300_000))
    ask(bus, "dv", "read", str(COUNT), tmp_path / "read.npy")
    assert_same(np.load(tmp_path / "read.npy"), shown)


@SLOW
def test_the_clock_of_an_evk4_wraps(bus: UsbBus, tmp_path: Path) -> None:
    """EVT 3 tells 24 bits of the time, which wrap every 17 s."""
    need_driver("nd")
    shown = scattered(MODELS["evk4"].resolution)
    bus.plug_in(MODELS["evk4"](scene=Scene(shown), clock_us=2**24 - 300_000))
    ask(bus, "nd", "read", str(COUNT), tmp_path / "read.npy")
    assert_same(np.load(tmp_path / "read.npy"), shown)
