"""Which webcams this machine has, told without opening one: number, name, and where the system keeps it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys/class/video4linux")
"""Where Linux describes its video devices (Documentation/admin-guide/abi-stable)."""
DEVICES = Path("/dev")
_CAPTURING = "0"
"""Index of the node of a camera that gives its pictures; the others carry descriptions of them."""


@dataclass(frozen=True)
class WebcamFound:
    """An ordinary camera of this machine.

    Attributes
    ----------
    number : int
        As `--webcam` counts, from 0 on; not the number of its device.
    name : str
        As the camera calls itself; empty where the system does not tell.
    address : str
        The device's path, or what else FFmpeg opens it by.
    """

    number: int
    name: str
    address: str

    def __str__(self) -> str:
        return f"{self.number} ({self.name or self.address})"


def list_webcams(platform: str = sys.platform, sysfs: Path = SYSFS, devices: Path = DEVICES) -> tuple[WebcamFound, ...]:
    """Give the webcams in the order of their numbers.

    On Linux their names are read from sysfs, which takes no time; elsewhere FFmpeg asks the system.

    Parameters
    ----------
    platform : str
        As `sys.platform`.
    sysfs, devices : Path
        Of Linux.
    """
    if platform == "win32":
        return tuple(WebcamFound(number, name, f"video={name}") for number, name in enumerate(_told_by("dshow")))
    if platform == "darwin":
        names = _told_by("avfoundation")
        return tuple(WebcamFound(number, name, f"{number}:none") for number, name in enumerate(names))
    return _told_by_linux(sysfs, devices)


def _told_by_linux(sysfs: Path, devices: Path) -> tuple[WebcamFound, ...]:
    nodes = sorted(
        int(path.name.removeprefix("video"))
        for path in devices.glob("video*")
        if path.name.removeprefix("video").isdecimal()
    )
    found: list[WebcamFound] = []
    for node in nodes:
        described = sysfs / f"video{node}"
        if _line(described / "index") in (_CAPTURING, ""):
            found.append(WebcamFound(len(found), _line(described / "name"), str(devices / f"video{node}")))
    return tuple(found)


def _line(file: Path) -> str:
    """Read a file of one line; empty where it cannot be read."""
    try:
        return file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def _told_by(system: str) -> list[str]:
    """Names of the cameras that FFmpeg finds in this way."""
    from av.device import enumerate_input_devices

    try:
        found = enumerate_input_devices(system)
    except (ValueError, OSError):
        return []
    return [each.name for each in found if not each.media_types or "video" in each.media_types]
