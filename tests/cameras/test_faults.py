"""Every fault of a virtual camera reaches the program as its driver shows it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults, TransferError
from tests.cameras.models import MODELS
from tests.cameras.observer import Observer, ask, need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import USB2, USB3, UsbBus
from tests.programs import PATIENCE_S

INIVATION = ["dvs128", "dvxplorer", "davis346"]
SLOW = pytest.mark.slow
ONE_NOW_ALL_LATER = [INIVATION[0], *(pytest.param(model, marks=SLOW) for model in INIVATION[1:])]
"""All take the same way through the driver; one in the default run is enough."""


def camera_of(model: str, faults: Faults = NO_FAULTS) -> EventCamera:
    """A camera that sees a dot going round for ever."""
    kind = MODELS[model]
    return kind(scene=Scene(moving_dot(kind.resolution, events_per_s=50_000), repeat=True), faults=faults)


# Opening


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
def test_a_camera_nobody_may_open_is_found_but_has_no_serial_number(bus: UsbBus, model: str) -> None:
    bus.plug_in(camera_of(model, Faults(refuse="permission")))
    answer = ask(bus, "dv", "list", privileged=False)
    assert [camera["serial"] for camera in answer["found"]] == [""]
    assert "errno=13" in answer["stderr"]
    assert "permissions" in ask(bus, "dv", "watch", privileged=False)["said"]


def test_permission_comes_while_the_program_waits(bus: UsbBus) -> None:
    camera = camera_of("dvs128", Faults(refuse="permission"))
    bus.plug_in(camera)
    assert ask(bus, "dv", "watch", privileged=False)["state"] == "failed"
    bus.set_faults(camera, refuse="")
    with Observer(bus, "dv", privileged=False) as observer:
        observer.expect("flows")


def test_a_camera_that_is_busy(bus: UsbBus) -> None:
    bus.plug_in(camera_of("dvs128", Faults(refuse="busy")))
    assert "already in use" in ask(bus, "dv", "watch")["said"]


def test_two_programs_cannot_have_one_camera(bus: UsbBus) -> None:
    camera = camera_of("dvs128")
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        assert "already in use" in ask(bus, "dv", "watch")["said"]
    with Observer(bus, "dv") as observer:
        observer.expect("flows")


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
def test_old_firmware(bus: UsbBus, model: str) -> None:
    camera = camera_of(model)
    camera.release -= 1
    bus.plug_in(camera)
    firmware = camera.release & 0xFF
    assert [each["firmware"] for each in ask(bus, "dv", "list")["found"]] == [firmware]
    assert f"You have version {firmware}" in ask(bus, "dv", "watch")["said"]


def test_requests_are_refused(bus: UsbBus) -> None:
    bus.plug_in(camera_of("dvs128", Faults(refuses_requests=True)))
    assert "STALL" in ask(bus, "dv", "watch")["said"]


def test_requests_are_not_answered(bus: UsbBus) -> None:
    bus.plug_in(camera_of("dvs128", Faults(mute=True)))
    assert "serial number" in ask(bus, "dv", "watch")["said"]


@SLOW
def test_requests_are_answered_late(bus: UsbBus) -> None:
    camera = camera_of("dvs128", Faults(late_answers_s=0.1))
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")


@pytest.mark.parametrize(
    ("request_number", "said"),
    [(1, "Could not find a device"), (4, "serial number"), (12, "NO_DEVICE"), (90, "NO_DEVICE")],
)
def test_pulled_out_while_it_is_opened(bus: UsbBus, request_number: int, said: str) -> None:
    bus.plug_in(camera_of("dvxplorer", Faults(pulled_out_at_request=request_number)))
    assert said in ask(bus, "dv", "watch")["said"]


@SLOW
def test_pulled_out_at_the_first_transfer(bus: UsbBus) -> None:
    bus.plug_in(camera_of("dvs128", Faults(pulled_out_at_transfer=1)))
    assert "time synchronization timeout" in ask(bus, "dv", "watch")["said"]


# Streaming


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
@pytest.mark.parametrize("fault", [Faults(still=True), Faults(stalled=True)], ids=["still", "stalled"])
def test_silence_and_the_events_after_it(bus: UsbBus, model: str, fault: Faults) -> None:
    camera = camera_of(model)
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        before = observer.expect("flows")["timestamp"]
        bus.set_faults(camera, **vars(fault))
        observer.expect("silent")
        bus.set_faults(camera, **vars(NO_FAULTS))
        assert observer.expect("flows")["timestamp"] > before


@pytest.mark.parametrize(("model", "driver"), [("dvxplorer", "dv"), pytest.param("davis346", "nd", marks=SLOW)])
def test_a_still_scene_is_not_a_dead_stream(bus: UsbBus, model: str, driver: str) -> None:
    """Where there is a motion sensor, its samples tell them apart. A DVS128 has none."""
    need_driver(driver)
    camera = camera_of(model)
    bus.plug_in(camera)
    with Observer(bus, driver) as observer:
        observer.expect("flows")
        bus.set_faults(camera, still=True)
        still = observer.expect("silent")["alive"]
        bus.set_faults(camera, still=False)
        observer.expect("flows")
        bus.set_faults(camera, stalled=True)
        dead = observer.expect("silent")["alive"]
        bus.set_faults(camera, stalled=False)
    assert (still, dead) == (True, False)


@SLOW
def test_still_scenes_are_not_made_up_for(bus: UsbBus) -> None:
    """What moved while nobody saw it is lost; what a stalled stream held back comes later."""
    scenes = {}
    for name in ("still", "stalled"):
        camera = camera_of("dvs128")
        bus.plug_in(camera)
        with Observer(bus, "dv") as observer:
            before = observer.expect("flows")["timestamp"]
            bus.set_faults(camera, **{name: True})
            observer.expect("silent")
            bus.set_faults(camera, **{name: False})
            scenes[name] = observer.expect("flows")["timestamp"] - before
        bus.unplug(camera)
    assert scenes["still"] > 400_000 > scenes["stalled"]


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
def test_garbage_ends_the_stream(bus: UsbBus, model: str) -> None:
    camera = camera_of(model)
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.set_faults(camera, garbage=True)
        observer.expect("ended")
    assert "monotonic device timestamp" in observer.stderr
    assert "Stacktrace" in observer.stderr


def test_a_cut_transfer_ends_the_stream(bus: UsbBus) -> None:
    """With the end of each transfer a wrap of the clock is lost sooner or later."""
    camera = camera_of("dvs128")
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.set_faults(camera, cut_short=7)
        observer.expect("ended")
    assert "monotonic device timestamp" in observer.stderr


@pytest.mark.parametrize("error", ["halt", pytest.param("protocol", marks=SLOW), pytest.param("overflow", marks=SLOW)])
def test_failed_transfers_end_the_stream_without_a_word(bus: UsbBus, error: TransferError) -> None:
    camera = camera_of("dvs128")
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.set_faults(camera, transfer_error=error)
        observer.expect("ended")
    assert observer.stderr == ""


@SLOW
def test_late_transfers_lose_nothing(bus: UsbBus) -> None:
    camera = camera_of("dvs128")
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.set_faults(camera, late_transfers_s=0.8)
        for _ in range(2):
            observer.expect("silent")
            observer.expect("flows")
    assert observer.stderr == ""


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
def test_the_clock_is_set_to_zero(bus: UsbBus, model: str) -> None:
    """The driver takes the new zero for now, so that its times go on."""
    camera = camera_of(model)
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        before = observer.expect("flows")["timestamp"]
        bus.do(camera.reset_clock)
        bus.set_faults(camera, still=True)
        observer.expect("silent")
        bus.set_faults(camera, still=False)
        after = observer.expect("flows")["timestamp"]
    assert before < after < before + PATIENCE_S * 1e6
    assert observer.stderr == ""


# Plugging


@pytest.mark.parametrize("model", ONE_NOW_ALL_LATER)
def test_unplugged_and_plugged_in_again(bus: UsbBus, model: str) -> None:
    camera = camera_of(model)
    place = bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.unplug(camera)
        assert "isRunning() is False" in observer.expect("ended")["said"]
    assert ask(bus, "dv", "list")["found"] == []
    again = bus.plug_in(camera)
    assert (again.bus, again.port, again.address) == (place.bus, place.port, place.address + 1)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
        bus.unplug(camera)
        observer.expect("ended")
    bus.plug_in(camera, address=place.address)
    assert [each["address"] for each in ask(bus, "dv", "list")["found"]] == [f"{place.bus}:{place.address}"]


def test_a_usb_2_port_is_slower(bus: UsbBus) -> None:
    """Both buses are there with all that is plugged in; a USB 2 camera fits into either kind of port."""
    fast, slow, old = (
        camera_of("dvxplorer"),
        MODELS["dvxplorer"]("DXB00001"),
        MODELS["dvs128"](),
    )
    assert bus.plug_in(fast).speed == 5000
    assert bus.plug_in(slow, bus=USB2).speed == 480
    assert bus.plug_in(old).bus == USB2
    found = {each["serial"]: each["address"] for each in ask(bus, "dv", "list")["found"]}
    assert found == {fast.serial: f"{USB3}:2", slow.serial: f"{USB2}:2", old.serial: f"{USB2}:3"}


def test_cameras_of_two_makers_at_once(bus: UsbBus) -> None:
    need_driver("nd")
    for camera in (camera_of("davis346"), camera_of("evk4")):
        bus.plug_in(camera)
    assert [each["model"] for each in ask(bus, "dv", "list")["found"]] == ["DAVIS"]
    names = [each["model"] for each in ask(bus, "nd", "list")["found"]]
    assert names == ["iniVation DAVIS 346", "Prophesee EVK4"]


# Prophesee's camera, through neuromorphic-drivers


def test_an_evk4_is_refused(bus: UsbBus) -> None:
    """One camera that may not be opened, and this driver lists none; it cannot tell an EVK3 from an EVK4 then."""
    need_driver("nd")
    camera = camera_of("evk4", Faults(refuse="permission"))
    bus.plug_in(camera)
    assert "Access denied" in ask(bus, "nd", "list", privileged=False)["said"]
    bus.set_faults(camera, refuse="busy")
    assert {each["error"] for each in ask(bus, "nd", "list")["found"]} == {"Resource busy"}
    assert "no device found" in ask(bus, "nd", "watch")["said"]


@pytest.mark.slow
def test_a_life_of_an_evk4(bus: UsbBus) -> None:
    """One opening, since it takes seconds: silence, late transfers, the plug."""
    need_driver("nd")
    camera = camera_of("evk4")
    bus.plug_in(camera)
    with Observer(bus, "nd") as observer:
        observer.expect("flows")
        for fault in ("still", "stalled"):
            bus.set_faults(camera, **{fault: True})
            observer.expect("silent")
            bus.set_faults(camera, **{fault: False})
            observer.expect("flows")
        bus.unplug(camera)
        assert "NoDevice" in observer.expect("ended")["said"]


@SLOW
@pytest.mark.parametrize(("error", "said"), [("halt", "Pipe"), ("protocol", "Io"), ("overflow", "Overflow")])
def test_failed_transfers_of_an_evk4(bus: UsbBus, error: TransferError, said: str) -> None:
    need_driver("nd")
    camera = camera_of("evk4")
    bus.plug_in(camera)
    with Observer(bus, "nd") as observer:
        observer.expect("flows")
        bus.set_faults(camera, transfer_error=error)
        assert said in observer.expect("ended")["said"]


@SLOW
@pytest.mark.parametrize("fault", [Faults(garbage=True), Faults(cut_short=1)], ids=["garbage", "cut short"])
def test_an_evk4_driver_takes_anything_for_events(bus: UsbBus, fault: Faults) -> None:
    """EVT 3 has no redundancy: what comes is decoded, and the stream goes on."""
    need_driver("nd")
    camera = camera_of("evk4")
    bus.plug_in(camera)
    with Observer(bus, "nd") as observer:
        observer.expect("flows")
        bus.set_faults(camera, **vars(fault))
        before = camera.sent
        while camera.sent < before + 50_000:
            bus.do(lambda: None)
        bus.set_faults(camera, **vars(replace(NO_FAULTS, stalled=True)))
        observer.expect("silent")


@SLOW
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("model", "requests"), [("dvs128", 6), ("davis346", 130)])
def test_pulled_out_at_any_moment(bus: UsbBus, model: str, requests: int) -> None:
    """Whatever it was doing, the program is told, and the bus is as new afterwards."""
    random = np.random.default_rng(11)
    camera = camera_of(model)
    for at_request in random.integers(0, 2, 15).astype(bool):
        at = int(random.integers(1, requests if at_request else 60))
        bus.set_faults(
            camera,
            pulled_out_at_request=at if at_request else None,
            pulled_out_at_transfer=None if at_request else at,
        )
        bus.plug_in(camera)
        with Observer(bus, "dv") as observer:
            assert observer.expect_end()["said"]
    bus.set_faults(camera, **vars(NO_FAULTS))
    bus.plug_in(camera)
    with Observer(bus, "dv") as observer:
        observer.expect("flows")
