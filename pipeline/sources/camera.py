"""iniVation cameras on this machine, through dv-processing."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dv_processing as dv
import numpy as np
import numpy.typing as npt

from pipeline.events import Resolution
from pipeline.sources import camera_faults
from pipeline.sources.base import EventBatch, SourceError, SourceInfo, SourceLost
from pipeline.sources.camera_controls import Controls
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.camera_watch import DriftMeter, LossWatch, SilenceWatch
from pipeline.sources.good_events import prepare_checks
from pipeline.sources.inivation_controls import inivation_controls
from pipeline.sources.intake import NATIVE_ERRORS
from pipeline.sources.live import InputSource
from pipeline.sources.live_clock import LiveClock
from pipeline.sources.usb_cameras import PluggedIn, can_look, kind_of, node_of, plugged_in, speed_name

VENDOR = 0x152A
"""iniVation's number on the USB."""
SLACK_US = 250_000
"""Events are under way this long at most, from the sensor over the USB and through the driver of a busy machine."""
VANISHING_S = 0.3
"""The driver notices that a camera was pulled out so much earlier than the system tells it, at most."""
_LOOK_AGAIN_S = 0.02
_SEARCHES = 3
"""libusb now and then fails to begin, most of all while another process does."""
_MODELS = {
    "DVXPLORER": "DVXplorer",
    "DVXPLORER_M": "DVXplorer Mini",
    "DVXPLORER_S": "DVXplorer S",
    "DVXPLORER_GEN2": "DVXplorer",
    "DAVIS_GEN2": "DAVIS",
}
"""What people call what the library calls so; other models have the same name."""
_RESOLUTIONS = {
    "DVS128": Resolution(128, 128),
    "DVXplorer": Resolution(640, 480),
    "DVXplorer Mini": Resolution(640, 480),
}
"""Of models that come in one size."""
_SPEEDS = {"LOW": 1.5, "FULL": 12.0, "HIGH": 480.0, "SUPER": 5000.0, "SUPER_PLUS": 10000.0}


def find_cameras(usb: Mapping[str, PluggedIn]) -> list[CameraFound]:
    """Look which of these cameras are plugged in; opens none of them for use.

    Parameters
    ----------
    usb : mapping of address to PluggedIn
        What the system tells of them, where it does.

    Raises
    ------
    SourceError
        The USB cannot be looked at.
    """
    return [_found(descriptor, usb) for descriptor in _discover()]


def look_closer(found: CameraFound) -> CameraFound:
    """Give what is known of a camera once it is opened for a moment, or why it cannot be."""
    if found.obstacle:
        return found
    try:
        source = CameraSource(found)
    except SourceError as error:
        return replace(found, obstacle=str(error))
    info = source.info
    source.close()
    return replace(found, model=info.camera, resolution=info.resolution)


class CameraSource(InputSource):
    """Events of a camera as they happen.

    Their times are the camera's own microseconds, set to the wall clock once, when it is opened.

    Parameters
    ----------
    found : CameraFound

    Raises
    ------
    SourceError
        It cannot be opened.
    """

    def __init__(self, found: CameraFound) -> None:
        self._found = found
        prepare_checks()
        camera, resolution = self._open()
        model = f"DAVIS{resolution.width}" if found.model == "DAVIS" else found.model
        self._label = f"{model} {found.serial}".strip()
        self.info = SourceInfo(
            kind="camera", name=self._label, resolution=resolution, camera=model, serial=found.serial
        )
        self._camera: Any = camera
        try:
            self.controls: Controls = inivation_controls(self._label, camera, resolution)
        except NATIVE_ERRORS:  # it has gone again, which reading events will tell
            self.controls = Controls(self._label, [])
        self._silence = SilenceWatch()
        self._drift = DriftMeter()
        self._loss = LossWatch()
        self._notice = self._port_notice(camera)
        self._drift_told = False
        super().__init__(camera, resolution, LiveClock(SLACK_US, start_us=time.time_ns() // 1000))

    def read(self) -> EventBatch:
        batch = super().read()
        if len(batch.events):
            times = batch.events["timestamp"]
            self._loss.saw(int(times[0]), int(times[-1]))
            if self._loss.is_news():
                self._notice = camera_faults.events_lost(self._label, surely=False)
        return batch

    def take_frame(self) -> npt.NDArray[np.uint8] | None:
        if self._camera is None or not hasattr(self._camera, "getNextFrame"):
            return None
        newest = None
        try:
            while (frame := self._camera.getNextFrame()) is not None:
                newest = frame
        except NATIVE_ERRORS:  # it has gone, which reading events will tell
            return None
        return None if newest is None else np.array(newest.image, np.uint8)

    def take_notice(self) -> str:
        notice, self._notice = self._notice, ""
        return notice

    def close(self) -> None:
        self._camera = None
        self.controls.let_go()
        super().close()

    def _open(self) -> tuple[Any, Resolution]:
        found = self._found
        try:
            camera = dv.io.camera.open(_descriptor(found))
            size = camera.getEventResolution()
        except NATIVE_ERRORS as error:
            raise SourceError(_opening_failed(found, str(error))) from error
        if size is None:
            raise SourceError(camera_faults.no_events(f"The camera {found.label}"))
        return camera, Resolution(*size)

    def _receive(self) -> bool:
        if super()._receive():
            self._silence.events_came()
            self._watch_clock()
            return True
        if self._gives_signs_of_life():
            self._silence.sign_came()
        else:
            self._silence.nothing_came()
        if self._silence.is_dead:
            raise SourceLost(camera_faults.dead(self._label, self._silence.silent_s), restarting=True)
        if self._silence.is_doubtful():
            self._start_again()
        return False

    def _gives_signs_of_life(self) -> bool:
        """Whether its motion sensor has said something, which it does before a still scene too."""
        camera = self._camera
        if camera is None or not hasattr(camera, "getNextImuBatch"):
            return False
        try:
            return bool(camera.getNextImuBatch())
        except NATIVE_ERRORS:  # it has gone, which reading events will tell
            return False

    def _start_again(self) -> None:
        """Open it anew, in case it has stopped sending: this one gives no sign of life before a still scene."""
        self._camera = self._reader = None
        changed = self.controls.changed
        self.controls.let_go()
        try:
            self._camera, resolution = self._open()
            self.controls.take_over(inivation_controls(self._label, self._camera, resolution), changed)
        except SourceError as error:
            raise SourceLost(str(error), restarting=True) from error
        self._reader = self._camera
        self._drift.restart()
        self._loss.restart()

    def _watch_clock(self) -> None:
        last_us = self._intake.newest_us
        if last_us is not None:
            self._drift.saw(last_us)
        if self._drift.is_large and not self._drift_told:
            self._drift_told = True
            self._notice = camera_faults.drifts(self._label, self._drift.gain_us_a_minute or 0.0)

    def _port_notice(self, camera: Any) -> str:
        found = self._found
        if found.slow:
            return camera_faults.slow_port(self._label, found.speed)
        if found.speed or found.model == "DVS128":
            return ""
        mbit = _SPEEDS.get(str(camera.getConnectionSpeed().name).upper(), 0.0)
        return camera_faults.slow_port(self._label, speed_name(mbit)) if 0 < mbit < _SPEEDS["SUPER"] else ""

    def _lost(self) -> SourceLost:
        if is_there(self._found):
            return SourceLost(camera_faults.stopped(self._label), restarting=True)
        return SourceLost(camera_faults.unplugged(self._label))


def is_there(found: CameraFound) -> bool:
    """Whether a camera whose driver has given up is still plugged in; waits until the system has noticed."""
    deadline = time.monotonic() + VANISHING_S
    while True:
        if can_look():
            there = any(each.address == found.address for each in plugged_in())
        else:
            there = any(_address(each) == found.address for each in _discover())
        if not there or time.monotonic() >= deadline:
            return there
        time.sleep(_LOOK_AGAIN_S)


def _discover() -> list[dv.io.camera.USBDevice.DeviceDescriptor]:
    for tries_left in reversed(range(_SEARCHES)):
        try:
            descriptors = dv.io.camera.discover()
            break
        except NATIVE_ERRORS as error:
            if not tries_left:
                raise SourceError(
                    "The USB cannot be searched for cameras: check that this machine has one and that you may use it."
                ) from error
            time.sleep(_LOOK_AGAIN_S)
    return sorted(descriptors, key=lambda descriptor: (descriptor.busNumber, descriptor.devAddress))


def _descriptor(found: CameraFound) -> dv.io.camera.USBDevice.DeviceDescriptor:
    for descriptor in _discover():
        if _address(descriptor) == found.address:
            return descriptor
    raise SourceError(camera_faults.gone_while_opening(f"The camera {found.label}"))


def _address(descriptor: dv.io.camera.USBDevice.DeviceDescriptor) -> str:
    return f"{descriptor.busNumber}:{descriptor.devAddress}"


def _found(descriptor: dv.io.camera.USBDevice.DeviceDescriptor, usb: Mapping[str, PluggedIn]) -> CameraFound:
    name = str(descriptor.cameraModel.name)
    address = _address(descriptor)
    system = usb.get(address)
    model = _MODELS.get(name, name)
    serial = str(descriptor.serialNumber) or (system.serial if system else "")
    obstacle = ""
    if system is not None and not system.allowed:
        obstacle = camera_faults.forbidden(f"The camera {model} {serial}".strip(), VENDOR, system.node)
    mbit = system.speed_mbit if system else 0.0
    return CameraFound(
        model=model,
        serial=serial,
        firmware=str(descriptor.firmwareVersion),
        address=address,
        maker="iniVation",
        driver="dv-processing",
        resolution=_RESOLUTIONS.get(model),
        speed=speed_name(mbit),
        slow=system is not None and system.slow,
        obstacle=obstacle,
    )


def _opening_failed(found: CameraFound, reason: str) -> str:
    """Say why a camera that was found cannot be opened; the library tells in its own words, before a native stack."""
    label = f"The camera {found.label}"
    said = reason.partition("Stacktrace")[0].lower()
    if "version incorrect" in said:
        return camera_faults.old_firmware(label, found.firmware, kind_of(VENDOR, 0))
    system = next((each for each in plugged_in() if each.address == found.address), None)
    if "access" in said or (system is not None and not system.allowed):
        bus, number = (int(part) for part in found.address.split(":"))
        return camera_faults.forbidden(label, VENDOR, node_of(bus, number))
    if "busy" in said or "another running program" in said or "already in use" in said:
        return camera_faults.busy(label)
    if "no_device" in said or "not found" in said or "could not find" in said:
        return camera_faults.gone_while_opening(label)
    if "serial number" in said or "stall" in said or "timeout" in said:
        gone = can_look() and system is None
        return camera_faults.gone_while_opening(label) if gone else camera_faults.silent_while_opening(label)
    return camera_faults.unopened(label)
