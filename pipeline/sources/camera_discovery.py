"""All cameras that are plugged in, whatever driver reads them, and how one of them is opened."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping

from pipeline.sources import camera_faults
from pipeline.sources.base import CameraSpec, Source, SourceError
from pipeline.sources.camera_found import CameraFound
from pipeline.sources.usb_cameras import PluggedIn, can_look, plugged_in, speed_name

INIVATION = "iniVation"
_LOOKS = 3
_LOOK_AGAIN_S = 0.2
"""Another program that lists the cameras opens each for a moment, and it looks as if it were used."""


def list_cameras(*, closely: bool = False) -> list[CameraFound]:
    """Look which cameras are plugged in, in the order of their addresses.

    Parameters
    ----------
    closely : bool
        Open each for a moment to see whether it can be, and ask the network too; takes a second or more.

    Raises
    ------
    SourceError
        The USB cannot be looked at.
    """
    usb = {each.address: each for each in plugged_in()}
    found = [*_of_dv_processing(usb, closely=closely), *_of_neuromorphic_drivers(usb, closely=closely)]
    return sorted(found, key=_place)


def open_camera(spec: CameraSpec) -> Source:
    """Open a camera by its serial number, or the first one that can be opened.

    Raises
    ------
    SourceError
        None is there, or it cannot be opened.
    """
    looks = 1
    while True:
        cameras = list_cameras()
        if not cameras:
            raise SourceError(camera_faults.no_camera(spec.serial))
        chosen = _choose(cameras, spec.serial)
        try:
            return _opened(chosen)
        except SourceError as error:
            if looks == _LOOKS or str(error) != camera_faults.busy(f"The camera {chosen.label}"):
                raise
        looks += 1
        time.sleep(_LOOK_AGAIN_S)


def _opened(found: CameraFound) -> Source:
    if found.obstacle:
        raise SourceError(found.obstacle)
    if found.driver == "dv-processing":
        from pipeline.sources.camera import CameraSource

        return CameraSource(found)
    from pipeline.sources.neuromorphic import NeuromorphicSource

    return NeuromorphicSource(found)


def _choose(cameras: list[CameraFound], serial: str | None) -> CameraFound:
    if serial is None:
        return next((camera for camera in cameras if not camera.obstacle), cameras[0])
    for camera in cameras:
        if camera.serial == serial:
            return camera
    if unnamed := next((camera for camera in cameras if camera.obstacle and not camera.serial), None):
        return unnamed
    raise SourceError(camera_faults.others_only(serial, [camera.label for camera in cameras]))


def _of_dv_processing(usb: Mapping[str, PluggedIn], *, closely: bool) -> list[CameraFound]:
    if not _installed("dv_processing"):
        return []
    if can_look() and not any(each.kind.driver == "dv-processing" for each in usb.values()):
        return []
    from pipeline.sources.camera import find_cameras, look_closer

    found = find_cameras(usb)
    return [look_closer(each) for each in found] if closely else found


def _of_neuromorphic_drivers(usb: Mapping[str, PluggedIn], *, closely: bool) -> list[CameraFound]:
    """List what dv-processing does not read."""
    inivation_too = not _installed("dv_processing")
    wanted = [each for each in usb.values() if inivation_too or each.kind.driver == "neuromorphic-drivers"]
    if not _installed("neuromorphic_drivers"):
        return [_without_driver(each) for each in wanted]
    if can_look() and not wanted and not closely:
        return []
    from pipeline.sources.neuromorphic import find_cameras, look_closer

    found = find_cameras({each.address: each for each in wanted})
    found = [each for each in found if inivation_too or each.maker != INIVATION]
    # Only iniVation's firmware can be in the way unseen; others take long to open.
    return [look_closer(each) if closely and each.maker == INIVATION else each for each in found]


def _without_driver(system: PluggedIn) -> CameraFound:
    kind = system.kind
    return CameraFound(
        model=kind.model,
        serial=system.serial,
        firmware="",
        address=system.address,
        maker=kind.maker,
        driver="neuromorphic-drivers",
        speed=speed_name(system.speed_mbit),
        slow=system.slow,
        obstacle=camera_faults.driver_missing(f"The camera {kind.maker} {kind.model}"),
    )


def _installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


def _place(camera: CameraFound) -> tuple[int, ...]:
    parts = camera.address.split(":")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else (1 << 16,)
