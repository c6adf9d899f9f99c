"""A DVXplorer of iniVation: 640 × 480 pixels, USB 3, 16-bit words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.events import EventArray, Resolution
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.imu import BOSCH_160, Imu, Motion, at_rest
from tests.cameras.registers import DVS, IMU, RUN, SYSTEM, TIMESTAMP_RESET, Registers
from tests.cameras.scene import Scene
from tests.cameras.usb_device import Request
from tests.cameras.word_stream import WordStream

FIRMWARE = 9
LOGIC, LOGIC_PATCH = 18, 4
_CONTROLLER = 0x0300
"""The USB chip (FX3) in the high byte of `bcdDevice`; the firmware is in the low one."""
_CHIP_DVXPLORER = 20
_COLUMN, _ROWS, _GROUP, _OFF = 0x1000, 0x3000, 0x4000, 0x0100


class Dvxplorer(EventCamera):
    """An event is three words: a column, a group of eight rows, and which of these (`word_stream` for the time).

    Parameters
    ----------
    motion : callable
        What its IMU shows at a time of its clock (µs).
    """

    maker, model, usual_serial, usual_release = "iniVation", "DVXplorer", "DXA00000", _CONTROLLER | FIRMWARE
    vendor, product, endpoints, superspeed = 0x152A, 0x8419, (0x81, 0x82), True
    resolution = Resolution(640, 480)
    stream_endpoint = 0x82
    bytes_per_event = 8

    def __init__(
        self,
        serial: str = "",
        scene: Scene | None = None,
        *,
        motion: Callable[[int], Motion] = at_rest,
        firmware: int = FIRMWARE,
        logic: int = LOGIC,
        clock_us: int = 0,
        faults: Faults = NO_FAULTS,
    ) -> None:
        super().__init__(serial, scene, clock_us=clock_us, faults=faults)
        self.release = _CONTROLLER | firmware
        self.imu = Imu(BOSCH_160, motion)
        self._logic = logic
        self.registers = Registers({})

    def plugged_in(self, speed: int) -> None:
        super().plugged_in(speed)
        self.registers = Registers({
            (SYSTEM, 0): self._logic, (SYSTEM, 1): _CHIP_DVXPLORER, (SYSTEM, 2): 1, (SYSTEM, 7): LOGIC_PATCH,
            (SYSTEM, 3): 104, (SYSTEM, 5): 100, (SYSTEM, 6): 1000,
            (DVS, 0): self.resolution.width, (DVS, 1): self.resolution.height, (IMU, 0): BOSCH_160.number,
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
        self._words = WordStream(self._clock_at_start, reset=reset)
        self.imu.restart(self._clock_at_start)

    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        if reset:
            self._words.reset()
            self.imu.restart(start_us)
        time, x, y = (events[name].astype(np.int64) for name in ("timestamp", "x", "y"))
        rows = _ROWS | np.where(events["polarity"] == 0, _OFF, 0) | 1 << (y & 7)
        words = np.stack([_COLUMN | x, _GROUP | y >> 3, rows], axis=1)
        samples = self.imu.samples(self.registers.values, end_us)
        return self._words.write(time, words, start_us, end_us, samples)
