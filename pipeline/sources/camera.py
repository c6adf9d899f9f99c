"""iniVation cameras on this machine, through dv-processing."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dv_processing as dv

from pipeline.events import Resolution
from pipeline.sources.base import CameraSpec, SourceError, SourceInfo, SourceLost
from pipeline.sources.intake import NATIVE_ERRORS
from pipeline.sources.live import LiveSource
from pipeline.sources.live_clock import LiveClock

VENDOR = "152a"
"""iniVation's number on the USB."""
UDEV_RULE = f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{VENDOR}", MODE="0666"'
UDEV_FILE = "/etc/udev/rules.d/65-inivation.rules"
SLACK_US = 250_000
"""Events are under way this long at most, from the sensor over the USB and through the driver of a busy machine."""
_MODELS = {
    "DVXPLORER": "DVXplorer",
    "DVXPLORER_M": "DVXplorer Mini",
    "DVXPLORER_S": "DVXplorer S",
    "DVXPLORER_GEN2": "DVXplorer",
    "DAVIS_GEN2": "DAVIS",
}
"""What people call what the library calls so; other models have the same name."""
_LINUX = platform.system() == "Linux"
_USB_DEVICES = Path("/sys/bus/usb/devices")


@dataclass(frozen=True)
class CameraFound:
    """A camera that is plugged in."""

    model: str
    serial: str
    firmware: str
    address: str
    """USB bus and device number (``1:5``)."""


def list_cameras() -> list[CameraFound]:
    """Look which cameras are plugged in, in the order of their addresses; opens none of them for use.

    Raises
    ------
    SourceError
        The USB cannot be looked at.
    """
    return [_found(descriptor) for descriptor in _discover()]


def no_camera_message(serial: str | None) -> str:
    """Say that no camera is there: what was looked for, the usual causes, and what works without."""
    wanted = f"camera {serial}" if serial else "camera"
    sentence = (
        f"No {wanted} was found on the USB (DVXplorer, DAVIS and DVS128 of iniVation are looked for): "
        "check the cable and the port"
    )
    if _LINUX:
        sentence += f", and that you may use it ({udev_advice()})"
    return f"{sentence}, or use --simulate for a camera's view without one."


def udev_advice() -> str:
    """Say, for Linux, which udev rule lets users open cameras."""
    return (
        f"the line {UDEV_RULE} in {UDEV_FILE}, then "
        "`sudo udevadm control --reload-rules && sudo udevadm trigger` and plug it in again"
    )


class CameraSource(LiveSource):
    """Events of a camera as they happen; their times are microseconds of the wall clock.

    Parameters
    ----------
    spec : CameraSpec
        By serial number, or the first camera by USB address.

    Raises
    ------
    SourceError
        None is there, or it cannot be opened.
    """

    def __init__(self, spec: CameraSpec) -> None:
        descriptor = _choose(spec)
        found = _found(descriptor)
        self._label = f"{found.model} {found.serial}"
        try:
            camera = dv.io.camera.open(descriptor)
            size = camera.getEventResolution()
        except NATIVE_ERRORS as error:
            raise SourceError(_opening_failed(found, str(error))) from error
        if size is None:
            raise SourceError(f"The camera {self._label} sends no events: choose an event camera.")
        resolution = Resolution(*size)
        self.info = SourceInfo(
            kind="camera", name=self._label, resolution=resolution, camera=found.model, serial=found.serial
        )
        super().__init__(camera, resolution, LiveClock(SLACK_US, start_us=time.time_ns() // 1000))

    def _lost(self) -> SourceLost:
        return SourceLost(f"The camera {self._label} is gone or sends no more: check its cable, or plug it in again.")


def _discover() -> list[dv.io.camera.USBDevice.DeviceDescriptor]:
    try:
        descriptors = dv.io.camera.discover()
    except NATIVE_ERRORS as error:
        raise SourceError(
            "The USB cannot be searched for cameras: check that this machine has one and that you may use it."
        ) from error
    return sorted(descriptors, key=lambda descriptor: (descriptor.busNumber, descriptor.devAddress))


def _found(descriptor: dv.io.camera.USBDevice.DeviceDescriptor) -> CameraFound:
    model = str(descriptor.cameraModel.name)
    return CameraFound(
        model=_MODELS.get(model, model),
        serial=str(descriptor.serialNumber),
        firmware=str(descriptor.firmwareVersion),
        address=f"{descriptor.busNumber}:{descriptor.devAddress}",
    )


def _choose(spec: CameraSpec) -> dv.io.camera.USBDevice.DeviceDescriptor:
    descriptors = _discover()
    if not descriptors:
        _refuse_forbidden()
        raise SourceError(no_camera_message(spec.serial))
    if spec.serial is None:
        return descriptors[0]
    for descriptor in descriptors:
        if descriptor.serialNumber == spec.serial:
            return descriptor
    there = ", ".join(f"{camera.model} {camera.serial}" for camera in map(_found, descriptors))
    raise SourceError(
        f"No camera with the serial number {spec.serial} is plugged in, only {there}: choose one of these."
    )


def _opening_failed(found: CameraFound, reason: str) -> str:
    """Say why a camera that was found cannot be opened; the library tells in its own words, before a native stack."""
    label = f"The camera {found.model} {found.serial}"
    said = reason.partition("Stacktrace")[0].lower()
    if "version incorrect" in said:
        return f"{label} has firmware {found.firmware}, which does not fit: update it with iniVation's program DV."
    node = _node(*map(int, found.address.split(":")))
    if "access" in said or (node.exists() and not os.access(node, os.R_OK | os.W_OK)):
        return _forbidden(label)
    if "busy" in said or "another running program" in said:
        return f"{label} is used by another program: close that program and try again."
    if "no_device" in said or "not found" in said:
        return f"{label} went away while it was opened: check its cable and plug it in again."
    return f"{label} at USB address {found.address} cannot be opened: close programs that use it, or plug it in again."


def _refuse_forbidden() -> None:
    """Raise when a camera is plugged in that this user may not open, which the library takes for no camera."""
    for node in _camera_nodes():
        if node.exists() and not os.access(node, os.R_OK | os.W_OK):
            raise SourceError(_forbidden(f"A camera is plugged in at {node}, but it"))


def _forbidden(what: str) -> str:
    sentence = f"{what} may not be opened by you"
    if _LINUX:
        return f"{sentence}: you need a udev rule ({udev_advice()})."
    return f"{sentence}: check the permissions of USB devices on this machine."


def _camera_nodes() -> Iterator[Path]:
    """Yield the device files of cameras, as Linux lists them; elsewhere none."""
    for device in sorted(_USB_DEVICES.glob("*")) if _USB_DEVICES.is_dir() else []:
        try:
            if (device / "idVendor").read_text().strip() == VENDOR:
                bus, address = (int((device / name).read_text()) for name in ("busnum", "devnum"))
                yield _node(bus, address)
        except (OSError, ValueError):  # an interface, which has no vendor of its own, or gone by now
            continue


def _node(bus: int, address: int) -> Path:
    return Path(f"/dev/bus/usb/{bus:03d}/{address:03d}")
