"""Cameras of Prophesee and others on this machine, through neuromorphic-drivers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from typing import Any

import numpy as np

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution, first_at
from pipeline.sources import camera_faults
from pipeline.sources.base import READ_PATIENCE_S, SourceError, SourceInfo, SourceLost
from pipeline.sources.camera_controls import Controls
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.camera_watch import DriftMeter, LossWatch, SilenceWatch, TimeCheck, mostly_outside
from pipeline.sources.good_events import prepare_checks
from pipeline.sources.intake import checked, not_before
from pipeline.sources.live import LiveSource
from pipeline.sources.live_clock import ToldClock
from pipeline.sources.neuromorphic_controls import neuromorphic_controls
from pipeline.sources.usb_cameras import PluggedIn, can_look, plugged_in, speed_name

nd: Any = import_module("neuromorphic_drivers")  # without types
SETTLING_S = 0.2
"""Transfers come back one after the other when a camera is pulled out; the driver must not be closed meanwhile."""
VANISHING_S = 0.3
"""The driver notices that a camera was pulled out so much earlier than the system tells it, at most."""
ETHERNET = "Ethernet"
_LOOK_AGAIN_S = 0.02
_SLOW = ("USB_LOW", "USB_FULL", "USB_HIGH")
_SPEEDS = {"USB_LOW": 1.5, "USB_FULL": 12.0, "USB_HIGH": 480.0, "USB_SUPER": 5000.0, "USB_SUPER_PLUS": 10000.0}


def find_cameras(usb: Mapping[str, PluggedIn]) -> list[CameraFound]:
    """Look which of these cameras are plugged in; opens none of them for use.

    Parameters
    ----------
    usb : mapping of address to PluggedIn
        What the system tells of them, where it does.
    """
    try:
        listed = nd.list_devices()
    except RuntimeError:  # one may not be opened, and none is listed: what the system tells is all that is known
        return [_told_by_system(each) for each in usb.values()]
    found: dict[str, CameraFound] = {}
    for device in listed:
        camera = _found(device, usb.get(device.address))
        if camera.address in found:  # one that cannot be asked may be of several models
            system = usb.get(camera.address)
            camera = replace(camera, model=system.kind.model if system else camera.model, resolution=None)
        found[camera.address] = camera
    return list(found.values())


def look_closer(found: CameraFound) -> CameraFound:
    """Give what is known of a camera once it is opened for a moment, or why it cannot be."""
    if found.obstacle:
        return found
    try:
        NeuromorphicSource(found).close()
    except SourceError as error:
        return replace(found, obstacle=str(error))
    return found


class NeuromorphicSource(LiveSource):
    """Events of a camera as they happen.

    Their times are the camera's own microseconds, set to the wall clock once, when the first ones come.

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
        self._label = found.label
        prepare_checks()
        try:
            self._camera: Any = _open(found)
            properties = self._camera.properties()
            serial = found.serial or str(self._camera.serial())
        except (RuntimeError, ValueError, OSError) as error:
            raise SourceError(_opening_failed(found, str(error))) from error
        resolution = Resolution(int(properties.width), int(properties.height))
        self._label = f"{found.model} {serial}".strip()
        self.info = SourceInfo(
            kind="camera", name=self._label, resolution=resolution, camera=found.model, serial=serial
        )
        self._flips = {"horizontal": False, "vertical": False}
        self.controls: Controls = neuromorphic_controls(
            self._label, self._camera, resolution, self._flips, self._reopen
        )
        self._ahead_us: int | None = None
        """Of the wall clock over the camera's, when the first packet came."""
        self._newest: EventArray = NO_EVENTS
        """Events of the last microsecond, held back until it is over: the next packet may have more of it."""
        self._told = ToldClock()
        self._silence = SilenceWatch()
        self._check = TimeCheck()
        self._drift = DriftMeter()
        self._loss = LossWatch()
        self._drift_told = False
        self._over: SourceLost | None = None
        """Why nothing more comes."""
        self._notice = camera_faults.slow_port(self._label, found.speed) if found.slow else ""
        super().__init__(resolution, self._told)

    def take_notice(self) -> str:
        notice, self._notice = self._notice, ""
        return notice

    def close(self) -> None:
        camera, self._camera = self._camera, None
        self.controls.let_go()
        self._intake.clear()
        if camera is not None:
            camera.close()

    def _reopen(self, configuration: Any) -> Any:
        """Open the camera anew, configured so from the beginning; gives the driver's device.

        Raises
        ------
        RuntimeError, ValueError, OSError
            It is away; reading says why.
        """
        camera, self._camera = self._camera, None
        if camera is None:
            raise RuntimeError(f"{self._label} is away")
        camera.close()
        try:
            self._camera = _open(self._found, configuration)
        except (RuntimeError, ValueError, OSError) as error:
            self._over = SourceLost(_opening_failed(self._found, str(error)), restarting=True)
            raise
        self._ahead_us = None
        self._silence, self._check = SilenceWatch(), TimeCheck()
        self._drift.restart()
        self._loss.restart()
        return self._camera

    def _receive(self) -> bool:
        try:
            events = self._next_events()
        except SourceLost:
            if not len(self._newest):
                raise
            events = self._release()  # the driver will say it again
        self._intake.put(events, None)
        return len(events) > 0

    def _wait(self) -> None:
        """The driver has waited already."""

    def _next_events(self) -> EventArray:
        if self._over is not None:
            raise self._over
        if self._camera is None:
            raise SourceLost(camera_faults.unplugged(self._label))
        began_s = time.monotonic()
        try:
            status, packet = next(self._camera)
        except (RuntimeError, OSError, StopIteration) as error:
            self._over = self._lost()
            raise self._over from error
        if status.ring is None or not status.ring.backlog:  # nothing more was there: the driver has waited
            self.waited_s += time.monotonic() - began_s
        if status.ring is None:
            self._silence.nothing_came()
            if self._silence.is_dead or self._silence.is_doubtful():
                self._over = SourceLost(camera_faults.dead(self._label, self._silence.silent_s), restarting=True)
                raise self._over
            return self._release()
        self._silence.sign_came()
        self._loss.dropped(int(status.ring.dropped_packets))
        if self._loss.is_news():
            self._notice = camera_faults.events_lost(self._label)
        self._watch_clock(status.ring)
        raw = None if packet is None else packet.polarity_events
        if raw is not None and len(raw):
            return self._take(raw)
        return self._release()

    def _watch_clock(self, ring: Any) -> None:
        """Look at the time that the camera shows after what has just come."""
        shown_us = getattr(ring, "current_t", None)
        if not shown_us:  # it has not said yet
            return
        if self._ahead_us is None:
            # Not before what was told already: opened anew, it goes on.
            self._ahead_us = max(round(ring.system_time * 1e6), self._told.now_us) - int(shown_us)
        self._check.saw(int(shown_us), int(ring.raw_packets), int(ring.backlog))
        self._loss.came(ring.system_time * 1e6, int(shown_us), int(ring.backlog))
        if self._loss.track_lost:
            self._over = SourceLost(camera_faults.too_much_lost(self._label), restarting=True)
        elif self._check.leaps:
            self._over = SourceLost(camera_faults.nonsense(self._label), restarting=True)
        elif self._check.stands_still or self._check.gets_ahead:
            self._over = SourceLost(camera_faults.clock_set_back(self._label), restarting=True)
        if self._over is not None:
            raise self._over
        self._told.shows(int(shown_us) + self._ahead_us)
        self._drift.saw(int(shown_us))
        if self._drift.is_large and not self._drift_told:
            self._drift_told = True
            self._notice = camera_faults.drifts(self._label, self._drift.gain_us_a_minute or 0.0)

    def _take(self, raw: Any) -> EventArray:
        """Give the driver's events as everywhere in the program, set to the wall clock, but for the newest."""
        if self._ahead_us is None:
            self._ahead_us = max(time.time_ns() // 1000 - int(raw["t"][-1]), self._told.now_us - int(raw["t"][0]))
        before = len(self._newest)
        events = np.empty(before + len(raw), EVENT_DTYPE)
        events[:before] = self._newest
        new = events[before:]
        new["timestamp"] = raw["t"]
        new["timestamp"] += self._ahead_us
        new["x"], new["y"], new["polarity"] = raw["x"], raw["y"], raw["on"]
        if self._flips["horizontal"]:
            new["x"] = self.info.resolution.width - 1 - new["x"]
        if self._flips["vertical"]:
            new["y"] = self.info.resolution.height - 1 - new["y"]
        inside: EventArray = checked(events, self.info.resolution)
        outside = len(events) - len(inside)
        self._intake.outside += outside
        if mostly_outside(len(events), outside):
            self._over = SourceLost(camera_faults.nonsense(self._label), restarting=True)
            raise self._over
        if not len(inside):
            return inside
        # Drivers let the lowest bits of a clock that was set back run, until it is noticed.
        inside = not_before(inside, self._told.told_us)
        over = first_at(inside, int(inside["timestamp"][-1]))
        self._newest = inside[over:]
        return inside[:over]

    def _release(self) -> EventArray:
        """Give what was held back."""
        events, self._newest = self._newest, NO_EVENTS
        return events

    def _lost(self) -> SourceLost:
        time.sleep(SETTLING_S)
        if _is_there(self._found.address):
            return SourceLost(camera_faults.stopped(self._label), restarting=True)
        return SourceLost(camera_faults.unplugged(self._label))


def _open(found: CameraFound, configuration: Any = None) -> Any:
    """Open a camera on the USB by its serial number, one on the network by its address."""
    place = {"address": found.address} if found.speed == ETHERNET else {"serial": found.serial or None}
    return nd.open(configuration, iterator_timeout=READ_PATIENCE_S, **place)


def _is_there(address: str) -> bool:
    """Whether a camera whose driver has given up is still plugged in; waits until the system has noticed."""
    deadline = time.monotonic() + VANISHING_S
    while True:
        if can_look():
            there = any(each.address == address for each in plugged_in())
        else:
            there = any(each.address == address for each in find_cameras({}))
        if not there or time.monotonic() >= deadline:
            return there
        time.sleep(_LOOK_AGAIN_S)


def _found(device: Any, system: PluggedIn | None) -> CameraFound:
    maker, _, model = str(device.name.value).partition(" ")
    model = model.replace("DAVIS ", "DAVIS")
    if system is not None and system.kind.maker not in (maker, "iniVation"):  # the same sensor in another's housing
        maker, model = system.kind.maker, system.kind.model
    serial = device.serial or (system.serial if system else "")
    label = f"The camera {model} {serial}".strip()
    mbit = system.speed_mbit if system else _SPEEDS.get(device.connection.name, 0.0)
    return CameraFound(
        model=model,
        serial=serial,
        firmware=_release(system),
        address=device.address,
        maker=maker,
        driver="neuromorphic-drivers",
        resolution=_resolution(device.name),
        speed=speed_name(mbit) or (ETHERNET if device.connection.name == "ETHERNET" else ""),
        slow=device.connection.name in _SLOW,
        obstacle=_obstacle(label, device.error, system),
    )


def _resolution(name: Any) -> Resolution:
    properties = import_module("neuromorphic_drivers.generated.unions").name_to_properties(name)
    return Resolution(int(properties.width), int(properties.height))


def _told_by_system(system: PluggedIn) -> CameraFound:
    """Give what is known of a camera without asking it."""
    label = f"The camera {system.kind.model} {system.serial}".strip()
    if system.allowed:
        obstacle = camera_faults.another_forbidden(label)
    else:
        obstacle = camera_faults.forbidden(label, system.kind.vendor, system.node)
    return CameraFound(
        model=system.kind.model,
        serial=system.serial,
        firmware=_release(system),
        address=system.address,
        maker=system.kind.maker,
        driver="neuromorphic-drivers",
        speed=speed_name(system.speed_mbit),
        slow=system.slow,
        obstacle=obstacle,
    )


def _release(system: PluggedIn | None) -> str:
    if system is None:
        return ""
    version = system.release & 0xFF
    # iniVation counts its versions, and writes the chip above.
    return str(version) if system.kind.maker == "iniVation" else f"{system.release >> 8:x}.{version:02x}"


def _obstacle(label: str, error: str | None, system: PluggedIn | None) -> str:
    if not error:
        return ""
    said = error.lower()
    if "busy" in said:
        return camera_faults.busy(label)
    if "access" in said:
        if system is not None:
            return camera_faults.forbidden(label, system.kind.vendor, system.node)
        return camera_faults.unopened(label)
    if "firmware" in said:
        return camera_faults.old_firmware(label, _release(system), system.kind if system else None)
    if "timeout" in said or "timed out" in said or "pipe" in said:
        return camera_faults.silent_while_opening(label)
    if "no such device" in said or "no device" in said:
        return camera_faults.gone_while_opening(label)
    return camera_faults.unopened(label)


def _opening_failed(found: CameraFound, reason: str) -> str:
    """Say why a camera that was found cannot be opened."""
    label = f"The camera {found.label}"
    usb = {each.address: each for each in plugged_in()}
    if can_look() and found.address.count(":") == 1 and found.address not in usb:
        return camera_faults.gone_while_opening(label)
    if "no device found" in reason.lower():  # also said when it is there: look what is in the way
        now = next((each for each in find_cameras(usb) if each.address == found.address), None)
        if now is not None and now.obstacle:
            return now.obstacle
        return camera_faults.silent_while_opening(label)
    return _obstacle(label, reason, usb.get(found.address)) or camera_faults.unopened(label)
