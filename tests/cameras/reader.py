"""A small program that uses a camera through its real driver and tells what happens, a JSON object a line.

python -m tests.cameras.reader DRIVER list
python -m tests.cameras.reader DRIVER read COUNT FILE.npy [SERIAL]
python -m tests.cameras.reader DRIVER watch [SERIAL]

`read` saves the first events. `watch` tells when events begin to come (``flows``), stop coming (``silent``, and whether
the camera gives other signs of life), and when the driver gives up (``ended``, with what it said); it ends when its
input is closed. DRIVER: dv or nd, for dv-processing and neuromorphic-drivers.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray

SILENT_AFTER_S = 0.5
PATIENCE_S = 30.0


class Ended(Exception):
    """The driver has said that the camera sends no more."""


class Driver(ABC):
    """One driver's way to find, open and read a camera."""

    @staticmethod
    @abstractmethod
    def found() -> list[dict[str, Any]]:
        """List the cameras that are there."""

    @abstractmethod
    def __init__(self, serial: str | None) -> None:
        """Open a camera."""

    signs_of_life = 0
    """What has come that shows that the camera sends: frames, samples, packets."""

    @abstractmethod
    def take(self) -> EventArray:
        """Give the events that have come by now, perhaps none; raise when there will be no more."""

    def others(self) -> dict[str, Any]:
        """Tell of what else came: frames and IMU samples."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Let go of the camera."""


class DvProcessing(Driver):
    def __init__(self, serial: str | None) -> None:
        dv = import_module("dv_processing")
        found = dv.io.camera.discover()
        wanted = [one for one in found if serial in (None, one.serialNumber)]
        if not wanted:
            raise LookupError(f"{len(found)} cameras, none is {serial}")
        self._camera = dv.io.camera.open(wanted[0])
        self._frames: list[Any] = []
        self._samples: list[Any] = []

    @staticmethod
    def found() -> list[dict[str, Any]]:
        dv = import_module("dv_processing")
        return [
            {
                "model": one.cameraModel.name, "serial": one.serialNumber, "firmware": one.firmwareVersion,
                "address": f"{one.busNumber}:{one.devAddress}",
            }
            for one in dv.io.camera.discover()
        ]  # fmt: skip

    def take(self) -> EventArray:
        if hasattr(self._camera, "getNextFrame") and (frame := self._camera.getNextFrame()) is not None:
            self._frames.append(frame)
        if hasattr(self._camera, "getNextImuBatch"):
            self._samples += self._camera.getNextImuBatch() or []
        self.signs_of_life = len(self._frames) + len(self._samples)
        store = self._camera.getNextEventBatch()
        if store is not None:
            events: EventArray = store.numpy().copy()
            return events
        if not self._camera.isRunning():
            raise Ended("isRunning() is False")
        time.sleep(0.001)  # the library has no way to wait
        return NO_EVENTS

    def others(self) -> dict[str, Any]:
        sample = self._samples[-1] if self._samples else None
        return {
            "frames": len(self._frames),
            "last_frame": np.squeeze(self._frames[-1].image).tolist() if self._frames else None,
            "samples": len(self._samples),
            "last_sample": sample and {
                "acceleration": [sample.accelerometerX, sample.accelerometerY, sample.accelerometerZ],
                "rotation": [sample.gyroscopeX, sample.gyroscopeY, sample.gyroscopeZ],
                "temperature": sample.temperature,
            },
        }  # fmt: skip

    def close(self) -> None:
        del self._camera


class NeuromorphicDrivers(Driver):
    def __init__(self, serial: str | None) -> None:
        nd = import_module("neuromorphic_drivers")
        self._camera = nd.open(serial=serial, iterator_timeout=0.05)

    @staticmethod
    def found() -> list[dict[str, Any]]:
        nd = import_module("neuromorphic_drivers")
        return [
            {
                "model": one.name.value, "serial": one.serial, "address": one.address,
                "connection": one.connection.value, "error": one.error,
            }
            for one in nd.list_devices()
        ]  # fmt: skip

    def take(self) -> EventArray:
        status, packet = next(self._camera)
        self.signs_of_life += status.ring is not None
        if packet is None or packet.polarity_events is None:
            return NO_EVENTS
        events = np.empty(len(packet.polarity_events), EVENT_DTYPE)
        for ours, theirs in (("timestamp", "t"), ("x", "x"), ("y", "y"), ("polarity", "on")):
            events[ours] = packet.polarity_events[theirs]
        return events

    def close(self) -> None:
        self._camera.close()


DRIVERS: dict[str, type[Driver]] = {"dv": DvProcessing, "nd": NeuromorphicDrivers}


def tell(**facts: Any) -> None:
    print(json.dumps(facts), flush=True)


def list_cameras(driver: type[Driver]) -> None:
    tell(found=driver.found())


def read(driver: type[Driver], count: str, file: str, serial: str | None = None) -> None:
    camera = driver(serial)
    taken: list[EventArray] = []
    deadline = time.monotonic() + PATIENCE_S
    while sum(map(len, taken)) < int(count) and time.monotonic() < deadline:
        taken.append(camera.take())
    np.save(file, np.concatenate(taken)[: int(count)])
    tell(read=sum(map(len, taken)), **camera.others())
    camera.close()


def watch(driver: type[Driver], serial: str | None = None) -> None:
    closed = threading.Event()
    threading.Thread(target=_await_end_of_input, args=(closed,), daemon=True).start()
    camera = driver(serial)
    tell(state="opened")
    flows: bool | None = None
    last = last_sign = time.monotonic()
    signs = 0
    try:
        while not closed.is_set():
            events = camera.take()
            now = time.monotonic()
            if camera.signs_of_life > signs:
                signs, last_sign = camera.signs_of_life, now
            if len(events):
                last = now
                if flows is not True:
                    flows = True
                    tell(state="flows", timestamp=int(events["timestamp"][0]))
            elif flows is not False and now - last > SILENT_AFTER_S:
                flows = False
                tell(state="silent", alive=now - last_sign < SILENT_AFTER_S / 2)
    except Exception as error:
        tell(state="ended", said=_text(error))
    camera.close()


def _await_end_of_input(closed: threading.Event) -> None:
    sys.stdin.read()
    closed.set()


def _text(error: Exception) -> str:
    """Give what a driver raised, without the native stack below it."""
    return f"{type(error).__name__}: {error}".partition("\nStacktrace")[0]


TASKS: dict[str, Callable[..., None]] = {"list": list_cameras, "read": read, "watch": watch}

if __name__ == "__main__":
    try:
        TASKS[sys.argv[2]](DRIVERS[sys.argv[1]], *sys.argv[3:])
    except Exception as error:
        tell(state="failed", said=_text(error))
        sys.exit(1)
