"""Rate limit and region of interest of an EVK4, set through the program: in its registers, and in what it sends."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.events import EVENT_DTYPE, EventArray
from tests.cameras.evk4 import Evk4
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.test_camera_tuning import Setter
from tests.programs import wait_until

LIMITER, PERIOD_US, EVENTS_A_PERIOD, CONTROL, DROPPING = 0x6004, 0x6008, 0x600C, 0x6028, 0x6050
"""Registers of the sensor's event rate controller."""
ON = 1
REGION = (160, 120, 320, 240)
WITHIN = {(160, 120), (479, 120), (160, 359), (479, 359), (300, 200)}
OUTSIDE = {(159, 120), (480, 359), (160, 119), (479, 360), (300, 519), (0, 0), (1279, 719)}
"""Just beside the region, where it would be upside down, and in the sensor's corners."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def flickering(places: set[tuple[int, int]]) -> EventArray:
    """Each of these pixels sends an event a millisecond, for a tenth of a second."""
    events = np.zeros(100 * len(places), EVENT_DTYPE)
    events["timestamp"] = np.arange(len(events)) * 1000 // len(places)
    events["x"], events["y"] = np.tile(np.array(sorted(places)), (100, 1)).T
    events["polarity"] = 1
    return events


def lit(setter: Setter) -> set[tuple[int, int]]:
    """Give the pixels that send anything in the next frames."""
    setter.order("pixels", 5)
    return {(x, y) for x, y, _ in setter.next("pixels")}


def test_a_region_of_interest_lets_nothing_else_through(bus: UsbBus, tmp_path: Path) -> None:
    need_driver("nd")
    bus.plug_in(Evk4(scene=Scene(flickering(WITHIN | OUTSIDE), repeat=True)))
    with Setter(bus, tmp_path) as setter:
        setter.next("CameraState")
        assert lit(setter) == WITHIN | OUTSIDE
        assert not setter.set("region", REGION)["failed"]
        wait_until(lambda: lit(setter) == WITHIN)  # the driver writes registers while it goes on
        assert not setter.set("region", (0, 0, *Evk4.resolution))["failed"]
        wait_until(lambda: lit(setter) == WITHIN | OUTSIDE)


def test_a_limit_of_the_rate_reaches_the_sensor(bus: UsbBus, tmp_path: Path) -> None:
    """The driver writes it only as it opens the camera, which therefore starts again; the region stays set."""
    need_driver("nd")
    camera = Evk4(scene=Scene(flickering(WITHIN | OUTSIDE), repeat=True))
    bus.plug_in(camera)
    with Setter(bus, tmp_path) as setter:
        setter.next("CameraState")
        assert not camera.registers[LIMITER] & ON
        setter.set("region", REGION)
        state = setter.set("rate_limit", 2000)
        assert (state["failed"], state["settings"]["rate_limit"]) == (False, 2000)
        registers = dict(camera.registers)
        assert (registers[PERIOD_US], registers[EVENTS_A_PERIOD]) == (1000, 2000)
        assert all(registers[register] & ON for register in (LIMITER, CONTROL, DROPPING))
        wait_until(lambda: lit(setter) == WITHIN)  # a timestep from before ends first
        setter.set("contrast_on", 5)
        assert not setter.set("rate_limit", 0)["failed"]
        assert not any(camera.registers[register] & ON for register in (LIMITER, CONTROL, DROPPING))
        wait_until(lambda: lit(setter) == WITHIN)
        assert not setter.set("rate_limit", 700)["failed"]
    with Setter(bus, tmp_path) as setter:
        assert setter.next("CameraState")["settings"]["rate_limit"] == 700
        assert camera.registers[EVENTS_A_PERIOD] == 700
        assert camera.registers[LIMITER] & ON
