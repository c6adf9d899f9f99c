"""What a camera sees comes out of the real driver, event for event."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from tests.cameras.davis346 import Davis346, Motion
from tests.cameras.models import MODELS
from tests.cameras.observer import ask, need_driver
from tests.cameras.scene import Scene
from tests.cameras.usb_bus import UsbBus

READ_BY = [
    ("dvs128", "dv"), ("dvxplorer", "dv"), ("davis346", "dv"),
    ("dvxplorer", "nd"), ("davis346", "nd"), ("evk4", "nd"),
]  # fmt: skip
COUNT = 60_000
MINUTE_US = 60_000_000


def scattered(resolution: Resolution, count: int = COUNT, span_us: int = 600_000, seed: int = 5) -> EventArray:
    """Events at random places and times, the corners among them, many at the same time, with pauses."""
    random = np.random.default_rng(seed)
    events = np.empty(count, EVENT_DTYPE)
    times = np.sort(random.integers(0, span_us // 2, count))
    events["timestamp"] = np.where(times > span_us // 4, times + span_us // 2, times)
    events["x"], events["y"] = (random.integers(0, size, count) for size in resolution)
    events["polarity"] = random.integers(0, 2, count)
    corners = [(x, y) for x in (0, resolution.width - 1) for y in (0, resolution.height - 1)]
    events["x"][:4], events["y"][:4] = np.transpose(corners)
    return events


def assert_same(read: EventArray, shown: EventArray) -> None:
    """Everything is there; the times differ by what the clocks differ."""
    assert len(read) == len(shown)
    for field in ("x", "y", "polarity"):
        assert (read[field] == shown[field]).all(), field
    assert np.ptp(read["timestamp"] - shown["timestamp"]) == 0


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


@pytest.mark.parametrize("model", ["dvs128", "dvxplorer"])
def test_a_minute_in_a_second(bus: UsbBus, tmp_path: Path, model: str) -> None:
    """The camera's clock may run faster than ours."""
    shown = scattered(MODELS[model].resolution, span_us=MINUTE_US)
    bus.plug_in(MODELS[model](scene=Scene(shown, pace=60)))
    ask(bus, "dv", "read", str(COUNT), tmp_path / "read.npy")
    assert_same(np.load(tmp_path / "read.npy"), shown)


def test_frames_and_motion_of_a_davis(bus: UsbBus, tmp_path: Path) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (260, 346)).astype(np.uint8)
    motion = Motion((0.5, -0.25, 1.0), (10.0, -20.0, 30.0), 25.0)
    shown = scattered(Davis346.resolution, count=1000)
    bus.plug_in(Davis346(scene=Scene(shown), picture=lambda time_us: picture, motion=lambda time_us: motion))
    answer = ask(bus, "dv", "read", "1000", tmp_path / "read.npy")
    assert answer["frames"] >= 2
    assert (np.array(answer["last_frame"]) == picture).all()
    assert answer["samples"] > 10
    assert answer["last_sample"]["acceleration"] == pytest.approx(motion.acceleration, abs=1e-3)
    assert answer["last_sample"]["rotation"] == pytest.approx(motion.rotation, abs=1e-2)
    assert answer["last_sample"]["temperature"] == pytest.approx(motion.temperature, abs=1e-2)


@pytest.mark.parametrize("model", ["dvs128", "dvxplorer", "davis346"])
def test_the_clock_wraps(bus: UsbBus, tmp_path: Path, model: str) -> None:
    """Half-way through, the clock passes what fits into 31 bits, half an hour after it was set to zero."""
    shown = scattered(MODELS[model].resolution)
    bus.plug_in(MODELS[model](scene=Scene(shown), clock_us=2**31 - 300_000))
    ask(bus, "dv", "read", str(COUNT), tmp_path / "read.npy")
    assert_same(np.load(tmp_path / "read.npy"), shown)
