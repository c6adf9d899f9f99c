"""A DVXplorer of iniVation: 640 × 480 pixels, USB 3, 16-bit words."""

from __future__ import annotations

import numpy as np

from pipeline.events import EventArray, Resolution
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.registers import DVS, RUN, SYSTEM, TIMESTAMP_RESET, Registers
from tests.cameras.scene import Scene
from tests.cameras.usb_device import Request

FIRMWARE = 9
LOGIC, LOGIC_PATCH = 18, 4
_CONTROLLER = 0x0300
"""The USB chip (FX3) in the high byte of `bcdDevice`; the firmware is in the low one."""
_CHIP_DVXPLORER = 20
_RESET, _TIME, _COLUMN, _ROWS, _GROUP, _WRAP = 0x0001, 0x8000, 0x1000, 0x3000, 0x4000, 0x7000
_OFF = 0x0100
_TIME_BITS = 15
_MOST_WRAPS = 0xFFF
"""In one word."""


class Dvxplorer(EventCamera):
    """An event is a column, a group of eight rows, and which of these; the time is told whenever it moves on.

    The time has 15 bits; a word of its own tells how many times it has wrapped. It is never told twice, and a
    wrap tells it too.
    """

    vendor, product, endpoints, superspeed = 0x152A, 0x8419, (0x81, 0x82), True
    resolution = Resolution(640, 480)
    stream_endpoint = 0x82
    bytes_per_event = 8

    def __init__(
        self,
        serial: str = "DXA00000",
        scene: Scene | None = None,
        *,
        firmware: int = FIRMWARE,
        logic: int = LOGIC,
        clock_us: int = 0,
        faults: Faults = NO_FAULTS,
    ) -> None:
        release = _CONTROLLER | firmware
        super().__init__("iniVation", "DVXplorer", serial, release, scene or Scene(), clock_us, faults)
        self._logic = logic
        self.registers = Registers({})

    def plugged_in(self, speed: int) -> None:
        super().plugged_in(speed)
        self.registers = Registers({
            (SYSTEM, 0): self._logic, (SYSTEM, 1): _CHIP_DVXPLORER, (SYSTEM, 2): 1, (SYSTEM, 7): LOGIC_PATCH,
            (SYSTEM, 3): 104, (SYSTEM, 5): 100, (SYSTEM, 6): 1000,
            (DVS, 0): self.resolution.width, (DVS, 1): self.resolution.height,
        })  # fmt: skip

    def control(self, request: Request) -> bytes:
        answer, written = self.registers.control(request)
        for register, value in written:
            if register == TIMESTAMP_RESET and value:
                self.start(reset=True)
            elif register == RUN and bool(value) != self.running:
                self.start(reset=False) if value else self.stop()
        return answer

    def begin(self, *, reset: bool) -> None:
        self._first = [_RESET] if reset else []
        self._wraps_before = self._clock_at_start >> _TIME_BITS
        self._last_time = -1

    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        if reset:
            self._first, self._last_time = [_RESET], -1
        first, self._first = self._first, []
        while self._wraps_before:
            some = min(self._wraps_before, _MOST_WRAPS)
            first.append(_WRAP | some)
            self._wraps_before -= some
        time, x, y = (events[name].astype(np.int64) for name in ("timestamp", "x", "y"))
        words = np.empty((len(events), 4), np.int64)
        words[:, 0] = _TIME | time & (1 << _TIME_BITS) - 1
        words[:, 1] = _COLUMN | x
        words[:, 2] = _GROUP | y >> 3
        words[:, 3] = _ROWS | np.where(events["polarity"] == 0, _OFF, 0) | 1 << (y & 7)
        wraps = np.arange((start_us >> _TIME_BITS) + 1, (end_us >> _TIME_BITS) + 1) << _TIME_BITS
        said = np.ones(words.shape, bool)
        said[:, 0] = (np.diff(time, prepend=self._last_time) > 0) & (time & (1 << _TIME_BITS) - 1 > 0)
        if len(time):
            self._last_time = int(time[-1])
        before = np.concatenate([[0], np.cumsum(said.sum(axis=1))])[np.searchsorted(time, wraps)]
        stream = np.insert(words[said], before, _WRAP | 1)
        return np.concatenate([np.array(first, np.int64), stream]).astype("<u2").tobytes()
