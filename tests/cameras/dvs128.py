"""A DVS128 of iniVation: 128 × 128 pixels, USB 2, 32-bit words."""

from __future__ import annotations

import numpy as np

from pipeline.events import EventArray, Resolution
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.scene import Scene
from tests.cameras.usb_device import VENDOR_IN, Request

FIRMWARE = 14
START, STOP, RESET_TIME = 0xB3, 0xB4, 0xBB
_WRAP, _RESET = 0x8000_0000, 0x4000_0000
_TIME_BITS = 14


class Dvs128(EventCamera):
    """A word is 14 bits of time above 16 bits of address; a wrap of the time is a word of its own.

    The address counts columns and rows from the far corner, and its lowest bit is 1 for OFF.
    """

    maker, model, usual_serial, usual_release = "iniVation", "DVS128", "00000128", FIRMWARE
    vendor, product, endpoints = 0x152A, 0x8400, (0x86,)
    resolution = Resolution(128, 128)
    stream_endpoint = 0x86
    bytes_per_event = 4

    def __init__(
        self,
        serial: str = "",
        scene: Scene | None = None,
        *,
        firmware: int = FIRMWARE,
        clock_us: int = 0,
        faults: Faults = NO_FAULTS,
    ) -> None:
        super().__init__(serial, scene, clock_us=clock_us, faults=faults)
        self.release = firmware

    def control(self, request: Request) -> bytes:
        if request.kind == VENDOR_IN:
            return bytes(request.length)
        if request.number in (START, RESET_TIME):
            self.start(reset=request.number == RESET_TIME)
        elif request.number == STOP:
            self.stop()
        return b""

    def begin(self, *, reset: bool) -> None:
        self._first = [_RESET] if reset else []
        self._wraps_before = self._clock_at_start >> _TIME_BITS

    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        first, self._first = self._first + [_RESET] * reset, []
        first += [_WRAP] * self._wraps_before
        self._wraps_before = 0
        time, x, y = (events[name].astype(np.int64) for name in ("timestamp", "x", "y"))
        address = (127 - y) << 8 | (127 - x) << 1 | (events["polarity"] == 0)
        words = address | (time & (1 << _TIME_BITS) - 1) << 16
        wraps = np.arange((start_us >> _TIME_BITS) + 1, (end_us >> _TIME_BITS) + 1) << _TIME_BITS
        words = np.insert(words, np.searchsorted(time, wraps), _WRAP)
        return np.concatenate([np.array(first, np.int64), words]).astype("<u4").tobytes()
