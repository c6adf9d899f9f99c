"""Which event cameras are plugged in, as Linux lists USB devices: without a driver, and without opening one."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

Driver: TypeAlias = Literal["dv-processing", "neuromorphic-drivers"]

LINUX = platform.system() == "Linux"
USB3_MBIT = 5000
_DEVICES = Path("/sys/bus/usb/devices")


@dataclass(frozen=True)
class CameraKind:
    """A row of the table of cameras: who makes what, and which driver reads it."""

    vendor: int
    products: tuple[int, ...]
    """Numbers on the USB; none: all of this vendor."""
    maker: str
    model: str
    driver: Driver
    superspeed: bool = True
    """Made for USB 3."""


KINDS = (
    CameraKind(0x152A, (0x8400,), "iniVation", "DVS128", "dv-processing", superspeed=False),
    CameraKind(0x152A, (0x841B, 0x841D), "iniVation", "DAVIS", "dv-processing", superspeed=False),
    CameraKind(0x152A, (0x841A,), "iniVation", "DAVIS", "dv-processing"),
    CameraKind(0x152A, (), "iniVation", "DVXplorer", "dv-processing"),
    CameraKind(0x04B4, (0x00F4, 0x00F5), "Prophesee", "EVK", "neuromorphic-drivers"),
    CameraKind(0x31F7, (0x0003, 0x0004), "CenturyArks", "SilkyEvCam", "neuromorphic-drivers"),
    CameraKind(0x1409, (0x8E00,), "IDS", "uEye EVS", "neuromorphic-drivers"),
)
"""The first that fits counts. 04b4 is the maker of the USB chip, used by others too, hence the products."""


@dataclass(frozen=True)
class PluggedIn:
    """An event camera on the USB, as Linux tells it."""

    kind: CameraKind
    product: int
    bus: int
    number: int
    serial: str
    release: int
    """Number of the device's version (``bcdDevice``)."""
    speed_mbit: float
    """Of the connection; 0 where it is not known."""

    @property
    def address(self) -> str:
        return f"{self.bus}:{self.number}"

    @property
    def node(self) -> Path:
        return node_of(self.bus, self.number)

    @property
    def slow(self) -> bool:
        """In a USB 2 port, though made for USB 3."""
        return self.kind.superspeed and 0 < self.speed_mbit < USB3_MBIT

    @property
    def allowed(self) -> bool:
        """Whether this user may open it."""
        return not self.node.exists() or os.access(self.node, os.R_OK | os.W_OK)


def node_of(bus: int, number: int) -> Path:
    """Give the device file of a device on the USB."""
    return Path(f"/dev/bus/usb/{bus:03d}/{number:03d}")


def kind_of(vendor: int, product: int) -> CameraKind | None:
    """Look a device up in the table; None: no event camera that is known."""
    for kind in KINDS:
        if kind.vendor == vendor and (not kind.products or product in kind.products):
            return kind
    return None


def can_look() -> bool:
    """Whether this system lists its USB devices where this module looks."""
    return LINUX and _DEVICES.is_dir()


def plugged_in() -> list[PluggedIn]:
    """List the event cameras that are there, in the order of their addresses; none where `can_look` is False."""
    found = [_read(device) for device in _DEVICES.glob("*")] if can_look() else []
    return sorted((each for each in found if each is not None), key=lambda each: (each.bus, each.number))


def speed_name(mbit: float) -> str:
    """Name a connection's speed for people; empty where it is not known."""
    if mbit <= 0:
        return ""
    generation = "USB 3" if mbit >= USB3_MBIT else "USB 2" if mbit >= 480 else "USB 1"
    return f"{generation} ({mbit / 1000:g} Gbit/s)" if mbit >= 1000 else f"{generation} ({mbit:g} Mbit/s)"


def _read(device: Path) -> PluggedIn | None:
    def text(name: str) -> str:
        return (device / name).read_text(encoding="utf-8", errors="replace").strip()

    try:
        vendor, product = int(text("idVendor"), 16), int(text("idProduct"), 16)
        kind = kind_of(vendor, product)
        if kind is None:
            return None
        serial = text("serial") if (device / "serial").exists() else ""
        bus, number, release = int(text("busnum")), int(text("devnum")), int(text("bcdDevice"), 16)
        return PluggedIn(kind, product, bus, number, serial, release, float(text("speed")))
    except (OSError, ValueError):  # an interface, which has no vendor of its own, or gone by now
        return None
