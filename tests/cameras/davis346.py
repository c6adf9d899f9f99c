"""A DAVIS346 of iniVation: 346 × 260 pixels that send events and grey pictures, an IMU, USB 3, 16-bit words."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.events import EventArray, Resolution
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.imu import INVENSENSE_6050, Imu, Motion, at_rest
from tests.cameras.registers import APS, DVS, IMU, RUN, SYSTEM, TIMESTAMP_RESET, Registers
from tests.cameras.scene import Scene
from tests.cameras.usb_device import Request
from tests.cameras.word_stream import Mark, Words, WordStream

Picture: TypeAlias = npt.NDArray[np.uint8]
"""Shape (260, 346)."""

FIRMWARE = 6
LOGIC, LOGIC_PATCH = 18, 1
_CONTROLLER = 0x0300
_CHIP_DAVIS346 = 5
_ADC_MHZ = 30
_ROW, _OFF, _ON, _SAMPLE, _EXPOSURE_PART = 0x1000, 0x2000, 0x3000, 0x4000, 0x6000
_FRAME_BEGIN, _FRAME_END = 8, 10
_RESET_COLUMN, _SIGNAL_COLUMN, _COLUMN_END, _EXPOSURE_BEGIN, _EXPOSURE_END = 11, 12, 13, 14, 15
_REGION_HIGH, _REGION_LOW = 0x5100, 0x5200
_WHITE = 1023
"""Of the converter's 10 bits."""
_APS_RUN, _EXPOSURE, _INTERVAL = (APS, 4), (APS, 12), (APS, 13)
_REGION = ((APS, 8), (APS, 9), (APS, 10), (APS, 11))
"""First column and row, last column and row."""
FRAME_INTERVAL_US = 40_000
"""Frames come no faster, whatever the driver asks for."""


def grey_ramp(time_us: int) -> Picture:
    """Draw a grey ramp with a bright bar that goes across it once a second."""
    width, height = Davis346.resolution
    picture = np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width)).copy()
    at = time_us % 1_000_000 * width // 1_000_000
    picture[:, at : at + 8] = 255
    return picture


class Davis346(EventCamera):
    """An event is two words: a row, and a column with the polarity (`word_stream` for the time).

    Parameters
    ----------
    picture, motion : callable
        What its frames and its IMU show at a time of its clock (µs).
    """

    maker, model, usual_serial, usual_release = "iniVation", "DAVIS346", "DAV00000", _CONTROLLER | FIRMWARE
    vendor, product, endpoints, superspeed = 0x152A, 0x841A, (0x81, 0x82), True
    resolution = Resolution(346, 260)
    stream_endpoint = 0x82
    bytes_per_event = 6
    spare_bytes = 4096

    def __init__(
        self,
        serial: str = "",
        scene: Scene | None = None,
        *,
        picture: Callable[[int], Picture] = grey_ramp,
        motion: Callable[[int], Motion] = at_rest,
        firmware: int = FIRMWARE,
        logic: int = LOGIC,
        clock_us: int = 0,
        faults: Faults = NO_FAULTS,
    ) -> None:
        super().__init__(serial, scene, clock_us=clock_us, faults=faults)
        self.release = _CONTROLLER | firmware
        self._picture = picture
        self.imu = Imu(INVENSENSE_6050, motion)
        self._logic = logic
        self.registers = Registers({})

    def plugged_in(self, speed: int) -> None:
        super().plugged_in(speed)
        width, height = self.resolution
        self.registers = Registers({
            (SYSTEM, 0): self._logic, (SYSTEM, 1): _CHIP_DAVIS346, (SYSTEM, 2): 1, (SYSTEM, 7): LOGIC_PATCH,
            (SYSTEM, 3): 104, (SYSTEM, 4): _ADC_MHZ, (SYSTEM, 5): 100, (SYSTEM, 6): 1000,
            (DVS, 0): width, (DVS, 1): height, (DVS, 10): 1, (DVS, 30): 1, (DVS, 40): 1, (DVS, 50): 1, (DVS, 60): 1,
            (APS, 0): width, (APS, 1): height, (APS, 6): 1, (IMU, 0): INVENSENSE_6050.number,
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
        self._plan: list[Mark] = []
        self._next_frame = self._clock_at_start
        self.imu.restart(self._clock_at_start)

    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        if reset:
            self._words.reset()
            self._plan.clear()
            self._next_frame = start_us
            self.imu.restart(start_us)
        self._plan_until(start_us, end_us)
        due = [mark for mark in self._plan if mark.time_us < end_us]
        del self._plan[: len(due)]
        time, x, y = (events[name].astype(np.int64) for name in ("timestamp", "x", "y"))
        column = np.where(events["polarity"] == 1, _ON, _OFF) | x
        return self._words.write(time, np.stack([_ROW | y, column], axis=1), start_us, end_us, due)

    def _plan_until(self, start_us: int, end_us: int) -> None:
        values = self.registers.values
        while (at := self._next_frame) < end_us:
            cycles = values.get(_EXPOSURE, 0)
            exposure = cycles // _ADC_MHZ
            self._next_frame += max(values.get(_INTERVAL, 0) // _ADC_MHZ, exposure + 1000, FRAME_INTERVAL_US)
            if values.get(_APS_RUN) and self._next_frame > start_us:
                region = [values.get(register, 0) for register in _REGION]
                self._plan.append(Mark(at, _frame_begin(region, cycles)))
                self._plan.append(Mark(at + exposure, _frame_end(self._picture(at).tobytes(), *region)))
        self._plan += self.imu.samples(values, end_us)
        self._plan.sort(key=lambda mark: mark.time_us)


def _frame_begin(region: list[int], exposure_cycles: int) -> Words:
    """Say that a frame of this region begins, how long it is exposed, and that this has begun."""
    sides = [word for number in region for word in (_REGION_HIGH | number >> 8, _REGION_LOW | number & 0xFF)]
    exposure = [_EXPOSURE_PART | exposure_cycles >> shift & 0x3FF for shift in (0, 10, 20)]
    return np.array([_FRAME_BEGIN, *sides, *exposure, _EXPOSURE_BEGIN])


@lru_cache(maxsize=4)
def _frame_end(pixels: bytes, left: int, top: int, right: int, bottom: int) -> Words:
    """Read a picture out, column by column: first each pixel's level after its reset, then what light took from it."""
    width, height = Davis346.resolution
    picture = (
        np.frombuffer(pixels, np.uint8).reshape(height, width)[top : bottom + 1, left : right + 1].astype(np.int64)
    )
    columns = []
    for begin, samples in ((_RESET_COLUMN, np.full_like(picture, _WHITE)), (_SIGNAL_COLUMN, _WHITE - 4 * picture)):
        read = np.empty((picture.shape[1], picture.shape[0] + 2), np.int64)
        read[:, 0], read[:, -1] = begin, _COLUMN_END
        read[:, 1:-1] = _SAMPLE | samples.T
        columns.append(read.ravel())
    return np.concatenate([[_EXPOSURE_END], *columns, [_FRAME_END]])
