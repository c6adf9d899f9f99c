"""Each fault of a camera has its own sentence: real drivers on a make-believe bus, which has the fault."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.cameras.dvs128 import RESET_TIME
from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import Faults
from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import USB2, UsbBus
from tests.pipeline.sources.contract import check_message
from tests.pipeline.sources.test_camera import WITHOUT_DV, finish, run, run_while, start, watching
from tests.programs import wait_until

RULE_152A = 'SUBSYSTEM=="usb", ATTR{idVendor}=="152a"'
RULE_04B4 = 'SUBSYSTEM=="usb", ATTR{idVendor}=="04b4"'
OLD = {"dvs128": 13, "davis346": 5}


def opening_error(bus: UsbBus, *words: str, privileged: bool = True) -> str:
    message: str = run(bus, *words, privileged=privileged)
    check_message(message)
    return message


def plugged_in(bus: UsbBus, model: str, fault: Faults, **settings: Any) -> EventCamera:
    camera = MODELS[model](faults=fault, **settings)
    bus.plug_in(camera)
    return camera


# It cannot be opened


@pytest.mark.parametrize(
    ("words", "model", "vendor_rule"),
    [
        (("error",), "dvs128", RULE_152A),
        ((*WITHOUT_DV, "error"), "davis346", RULE_152A),
        (("error",), "evk4", RULE_04B4),
    ],
)
def test_no_permission(bus: UsbBus, words: tuple[str, ...], model: str, vendor_rule: str) -> None:
    need_driver("nd")
    camera = plugged_in(bus, model, Faults(refuse="permission"))
    message = opening_error(bus, *words, privileged=False)
    assert "may not be opened by you" in message
    for hint in (
        vendor_rule,
        "sudo udevadm control --reload-rules",
        "sudo udevadm trigger",
        "--install-udev-rules",
        "/dev/bus/usb/",
        camera.serial,
    ):
        assert hint in message
    listed = run(bus, *words[:-1], "found", privileged=False)
    assert [each["obstacle"] for each in listed] == [message]


def test_one_that_may_be_opened_is_taken_before_one_that_may_not(bus: UsbBus) -> None:
    plugged_in(bus, "dvs128", Faults(refuse="permission"), serial="A1")
    bus.plug_in(watching("dvs128", "B2"))
    answer = run(bus, "read", "10", bus.root / "read.npy", privileged=False)
    assert answer["info"]["serial"] == "B2"


def test_one_forbidden_camera_is_in_the_way_of_others_of_its_driver(bus: UsbBus) -> None:
    need_driver("nd")
    plugged_in(bus, "evk4", Faults(refuse="permission"), serial="0000000A")
    plugged_in(bus, "evk4", Faults(), serial="0000000B")
    message = opening_error(bus, "error", "0000000B", privileged=False)
    assert "another camera may not be opened" in message


@pytest.mark.parametrize(
    ("words", "model"), [(("error",), "dvs128"), ((*WITHOUT_DV, "error"), "davis346"), (("error",), "evk4")]
)
def test_opened_by_another_program(bus: UsbBus, words: tuple[str, ...], model: str) -> None:
    need_driver("nd")
    camera = plugged_in(bus, model, Faults(refuse="busy"))
    message = opening_error(bus, *words)
    assert "used by another program" in message
    assert camera.serial in message
    assert [each["obstacle"] for each in run(bus, *words[:-1], "found_closely")] == [message]


@pytest.mark.parametrize("model", ["dvs128", "evk4"])
def test_opened_by_another_program_for_a_moment_it_is_asked_again(bus: UsbBus, model: str) -> None:
    """As another one does that lists the cameras."""
    need_driver("nd")
    camera = watching(model)
    camera.faults = Faults(taken_at_first=1)
    bus.plug_in(camera)
    answer = run(bus, "read", "10", bus.root / "read.npy")
    assert answer["info"]["serial"] == camera.serial


@pytest.mark.parametrize(("words", "model"), [(("error",), "dvs128"), ((*WITHOUT_DV, "error"), "davis346")])
def test_firmware_too_old(bus: UsbBus, words: tuple[str, ...], model: str) -> None:
    need_driver("nd")
    plugged_in(bus, model, Faults(), firmware=OLD[model])
    message = opening_error(bus, *words)
    assert "update it with iniVation's program" in message
    assert [each["obstacle"] for each in run(bus, *words[:-1], "found_closely")] == [message]


def test_it_does_not_answer(bus: UsbBus) -> None:
    for fault in (Faults(mute=True), Faults(refuses_requests=True)):
        camera = plugged_in(bus, "dvs128", fault)
        assert "does not answer" in opening_error(bus, "error")
        bus.unplug(camera)


@pytest.mark.parametrize(("request_number", "model"), [(1, "dvxplorer"), (12, "dvxplorer"), (90, "dvxplorer")])
def test_pulled_out_while_it_is_opened(bus: UsbBus, request_number: int, model: str) -> None:
    plugged_in(bus, model, Faults(pulled_out_at_request=request_number))
    message = opening_error(bus, "error")
    assert "went away while it was opened" in message or "No event camera was found" in message


def test_its_driver_is_not_installed(bus: UsbBus) -> None:
    plugged_in(bus, "evk4", Faults())
    message = opening_error(bus, "--without", "neuromorphic_drivers", "error")
    assert "driver is not installed" in message
    assert "Prophesee" in message
    assert "pip install" in message


# It works, but


@pytest.mark.parametrize(("words", "model"), [((), "dvxplorer"), (WITHOUT_DV, "davis346")])
def test_wrong_port(bus: UsbBus, words: tuple[str, ...], model: str) -> None:
    need_driver("nd")
    bus.plug_in(watching(model), bus=USB2)
    answer = run(bus, *words, "read_on", "0.1")
    assert answer["events"]
    (notice,) = answer["notices"]
    check_message(notice)
    assert "use a USB 3 port" in notice
    (listed,) = run(bus, *words, "found")
    assert listed["slow"]
    assert listed["speed"] == "USB 2 (480 Mbit/s)"


def test_the_right_port_is_nothing_to_tell(bus: UsbBus) -> None:
    bus.plug_in(watching("dvxplorer"))
    bus.plug_in(watching("dvs128"))
    for listed in run(bus, "found"):
        assert not listed["slow"]
    assert run(bus, "read_on", "0.1")["notices"] == []


# It stops


def lost(bus: UsbBus, model: str, action: Callable[[EventCamera], object], *words: str) -> dict[str, Any]:
    """Do something to a camera while it is read; tell why it was lost."""
    camera = watching(model)
    bus.plug_in(camera)
    answer: dict[str, Any] = run_while(bus, lambda: action(camera), camera, *words, "lose")
    check_message(answer["message"])
    assert camera.serial in answer["message"]
    return answer


@pytest.mark.parametrize(("words", "model"), [((), "dvs128"), (WITHOUT_DV, "davis346")])
def test_unplugged(bus: UsbBus, words: tuple[str, ...], model: str) -> None:
    need_driver("nd")
    answer = lost(bus, model, bus.unplug, *words)
    assert "was unplugged" in answer["message"]
    assert not answer["restarting"]


@pytest.mark.parametrize("fault", [{"garbage": True}, {"cut_short": 7}, {"transfer_error": "halt"}], ids=str)
def test_data_that_the_driver_cannot_read(bus: UsbBus, fault: dict[str, Any]) -> None:
    answer = lost(bus, "dvs128", lambda camera: bus.set_faults(camera, **fault))
    assert "cannot read" in answer["message"]
    assert answer["restarting"]


def test_transfers_that_fail_for_the_other_driver(bus: UsbBus) -> None:
    need_driver("nd")
    answer = lost(bus, "davis346", lambda camera: bus.set_faults(camera, transfer_error="halt"), *WITHOUT_DV)
    assert "cannot read" in answer["message"]
    assert answer["restarting"]


def after_signs_of_life(camera: EventCamera) -> None:
    """Wait until its motion sensor, which the driver switches on after the events, has said something."""
    assert isinstance(camera, Dvxplorer)
    wait_until(lambda: camera.imu.sent > 10)


@pytest.mark.parametrize(
    ("words", "model", "wait"),
    [((), "dvxplorer", after_signs_of_life), (WITHOUT_DV, "davis346", lambda camera: None)],
    ids=["dv", "nd"],
)
def test_the_stream_dies(bus: UsbBus, words: tuple[str, ...], model: str, wait: Callable[[EventCamera], None]) -> None:
    need_driver("nd")

    def stall(camera: EventCamera) -> None:
        wait(camera)
        bus.set_faults(camera, stalled=True)

    answer = lost(bus, model, stall, *words)
    assert "sent nothing at all" in answer["message"]
    assert answer["restarting"]


@pytest.mark.slow
@pytest.mark.parametrize(("words", "model"), [((), "dvxplorer"), (WITHOUT_DV, "davis346")])
def test_a_still_scene_is_fine(bus: UsbBus, words: tuple[str, ...], model: str) -> None:
    """For longer than a stream that says nothing at all is taken for alive."""
    need_driver("nd")
    camera = watching(model)
    bus.plug_in(camera)
    answer = run_while(bus, lambda: bus.set_faults(camera, still=True), camera, *words, "read_on", "6")
    assert answer["notices"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("action", "told"),
    [
        (lambda bus, camera: bus.set_faults(camera, garbage=True), "sends nonsense"),
        (lambda bus, camera: bus.set_faults(camera, stalled=True), "sent nothing at all"),
        (lambda bus, camera: bus.unplug(camera), "was unplugged"),
    ],
    ids=["garbage", "stalled", "unplugged"],
)
def test_an_evk4_whose_driver_takes_anything_for_events(
    bus: UsbBus, action: Callable[[UsbBus, EventCamera], object], told: str
) -> None:
    need_driver("nd")
    camera = watching("evk4")
    bus.plug_in(camera)

    def once_it_runs() -> None:
        wait_until(lambda: camera.sent > 200_000)  # a second: what was read late is read by then
        action(bus, camera)

    answer = run_while(bus, once_it_runs, camera, "lose")
    check_message(answer["message"])
    assert told in answer["message"]


@pytest.mark.slow
@pytest.mark.parametrize("clock_us", [3_000_000, 10_000_000])
def test_the_clock_of_an_evk4_is_set_back(bus: UsbBus, clock_us: int) -> None:
    """Its driver waits until the clock has caught up, or takes that for a wrap of its 24 bits."""
    need_driver("nd")
    kind = MODELS["evk4"]
    camera = kind(scene=Scene(moving_dot(kind.resolution), repeat=True), clock_us=clock_us)
    bus.plug_in(camera)
    answer = run_while(bus, lambda: bus.do(camera.reset_clock), camera, "lose")
    check_message(answer["message"])
    assert "was set back" in answer["message"]
    assert answer["restarting"]


@pytest.mark.slow
def test_the_clock_of_an_evk4_wraps(bus: UsbBus) -> None:
    """Which is nothing to tell."""
    need_driver("nd")
    kind = MODELS["evk4"]
    camera = kind(scene=Scene(moving_dot(kind.resolution), repeat=True), clock_us=2**24 - 2_000_000)
    bus.plug_in(camera)
    assert run(bus, "read_on", "4")["notices"] == []


def test_one_without_signs_of_life_is_opened_again_to_be_sure(bus: UsbBus) -> None:
    """A DVS128 says nothing before a still scene, as when its stream is dead. Nobody is told."""
    camera = watching("dvs128")
    bus.plug_in(camera)
    bus.set_faults(camera, still=True)
    reader = start(bus, "doubt")
    try:
        wait_until(lambda: openings(camera) >= 3)
    finally:
        bus.set_faults(camera, still=False)
        events = finish(reader)
    assert events > 2000


def openings(camera: EventCamera) -> int:
    return sum(request.number == RESET_TIME for request in list(camera.requests))


def test_two_readers_of_one_camera(bus: UsbBus) -> None:
    """Really opened by another program."""
    camera = watching("dvs128")
    bus.plug_in(camera)
    reader = start(bus, "lose")
    try:
        while not camera.sent:
            bus.do(lambda: None)
        assert "used by another program" in opening_error(bus, "error")
    finally:
        bus.unplug(camera)
        finish(reader)
