"""A program on the make-believe bus sees what Linux would show it."""

import ctypes.util
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.cameras.faults import Faults
from tests.cameras.models import MODELS
from tests.cameras.observer import need_bus
from tests.cameras.preload import obstacle
from tests.cameras.usb_bus import USB2, USB3, UsbBus
from tests.programs import PATIENCE_S

LOOK = """
import json, os
devices, told = "/sys/bus/usb/devices", {}
for name in os.listdir(devices):
    read = lambda file: open(f"{devices}/{name}/{file}").read().strip()
    told[name] = {file: read(file) for file in ("speed", "devnum", "idVendor", "serial", "bcdDevice")}
    node = f"/dev/bus/usb/{int(read('busnum')):03d}/{int(read('devnum')):03d}"
    told[name]["may_open"] = os.access(node, os.R_OK | os.W_OK)
    told[name]["descriptors"] = len(open(f"{devices}/{name}/descriptors", "rb").read())
print(json.dumps(told))
"""

LISTEN = """
import ctypes, select
udev = ctypes.CDLL("libudev.so.1")
for name in ("udev_new", "udev_monitor_new_from_netlink", "udev_monitor_receive_device"):
    getattr(udev, name).restype = ctypes.c_void_p
for name in ("udev_device_get_action", "udev_device_get_devnode", "udev_device_get_sysname"):
    getattr(udev, name).restype = ctypes.c_char_p
    getattr(udev, name).argtypes = [ctypes.c_void_p]
monitor = ctypes.c_void_p(udev.udev_monitor_new_from_netlink(ctypes.c_void_p(udev.udev_new()), b"udev"))
udev.udev_monitor_filter_add_match_subsystem_devtype(monitor, b"usb", b"usb_device")
assert udev.udev_monitor_enable_receiving(monitor) == 0
print("listening", flush=True)
for _ in range(2):
    select.select([udev.udev_monitor_get_fd(monitor)], [], [])
    device = udev.udev_monitor_receive_device(monitor)
    told = (udev.udev_device_get_action, udev.udev_device_get_devnode, udev.udev_device_get_sysname)
    print(*(ask(device).decode() for ask in told), flush=True)
"""


def look(bus: UsbBus, *, privileged: bool = True) -> dict[str, dict[str, str | int | bool]]:
    done = bus.run([sys.executable, "-c", LOOK], privileged=privileged, stdout=subprocess.PIPE, text=True, timeout=60)
    seen: dict[str, dict[str, str | int | bool]] = json.loads(done.stdout)
    return seen


def test_devices_are_listed_in_their_ports(bus: UsbBus) -> None:
    bus.plug_in(MODELS["dvs128"]("A1"))
    bus.plug_in(MODELS["evk4"]("0000BEEF"))
    seen = look(bus)
    assert set(seen) == {"usb1", "usb2", "1-1", "2-1"}
    old, new = seen["1-1"], seen["2-1"]
    assert (old["serial"], old["speed"], old["idVendor"], old["devnum"]) == ("A1", "480", "152a", "2")
    assert (new["serial"], new["speed"], new["idVendor"], new["bcdDevice"]) == ("0000BEEF", "5000", "04b4", "0100")
    assert old["descriptors"] == 18 + 9 + 9 + 7
    assert new["descriptors"] == 18 + 9 + 9 + 3 * (7 + 6)


def test_devices_go_and_come_back_under_the_next_address(bus: UsbBus) -> None:
    camera = MODELS["dvxplorer"]()
    assert bus.plug_in(camera).address == 2
    bus.unplug(camera)
    bus.unplug(camera)
    assert set(look(bus)) == {"usb1", "usb2"}
    assert bus.plug_in(camera).address == 3
    bus.unplug(camera)
    assert bus.plug_in(camera, address=2).address == 2
    bus.unplug(camera)
    assert bus.plug_in(camera, bus=USB2).bus == USB2


@pytest.mark.skipif(ctypes.util.find_library("udev") is None, reason="needs libudev")
def test_udev_tells_of_devices_that_come_and_go(bus: UsbBus) -> None:
    """Two programs that listen at once are both told."""
    camera = MODELS["dvs128"]()
    listeners = []
    for _ in range(2):
        command = [sys.executable, "-c", LISTEN]
        listeners.append(bus.popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        assert listeners[-1].stdout is not None
        assert listeners[-1].stdout.readline() == "listening\n"
        bus.do(lambda: None)  # it looks who listens before it does anything
    bus.plug_in(camera)
    bus.unplug(camera)
    for listener in listeners:
        out, err = listener.communicate(timeout=PATIENCE_S)
        assert out.splitlines() == ["add /dev/bus/usb/001/002 1-1", "remove /dev/bus/usb/001/002 1-1"], err


def test_an_address_or_a_device_is_taken_once(bus: UsbBus) -> None:
    camera = MODELS["dvxplorer"]()
    bus.plug_in(camera)
    with pytest.raises(ValueError, match="plugged in already"):
        bus.plug_in(camera)
    with pytest.raises(ValueError, match="address 2 of bus 2 is taken"):
        bus.plug_in(MODELS["evk4"](), bus=USB3, address=2)


def test_permission_is_for_ordinary_users(bus: UsbBus) -> None:
    camera = MODELS["dvs128"](faults=Faults(refuse="permission"))
    bus.plug_in(camera)
    assert look(bus, privileged=False)["1-1"]["may_open"] is False
    if os.geteuid() == 0:
        assert look(bus)["1-1"]["may_open"] is True
    bus.set_faults(camera, refuse="")
    assert look(bus, privileged=False)["1-1"]["may_open"] is True


def test_nothing_is_left() -> None:
    need_bus()
    files, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
    with UsbBus() as bus:
        camera = MODELS["dvs128"]()
        for _ in range(3):
            bus.plug_in(camera)
            bus.unplug(camera)
        bus.plug_in(camera)
        assert bus.root.exists()
    bus.close()
    assert not bus.root.exists()
    assert (len(os.listdir("/proc/self/fd")), threading.active_count()) == (files, threads)
    with pytest.raises(RuntimeError, match="has ended"):
        bus.plug_in(camera)


def test_addresses_are_used_again_after_127(bus: UsbBus) -> None:
    """Programs that come and go for hours do not run out of anything."""
    kept, camera = MODELS["evk4"](), MODELS["dvxplorer"]()
    files = len(os.listdir("/proc/self/fd"))
    assert bus.plug_in(kept).address == 2
    addresses = []
    for _ in range(140):
        addresses.append(bus.plug_in(camera).address)
        bus.unplug(camera)
    assert addresses == [*range(3, 128), *range(3, 18)]
    assert len(os.listdir("/proc/self/fd")) < files + 140, "one socket for each address, no more"


def test_why_there_can_be_no_bus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    reason = obstacle()
    assert reason is not None
    assert "Linux" in reason or "umockdev" in reason
    with pytest.raises(RuntimeError, match="bus needs"):
        UsbBus()
