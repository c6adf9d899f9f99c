"""The motion sensor in a camera, and how its samples are written between events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from tests.cameras.registers import IMU
from tests.cameras.word_stream import Mark, Words

INTERVAL_US = 5_000
_BEGIN, _END, _BYTE, _SCALES = 5, 7, 0x5000, 0x5300
_HAS_ACCELERATION, _HAS_ROTATION, _HAS_TEMPERATURE = 0x80, 0x40, 0x20
_ACCELEROMETER_RUN, _GYROSCOPE_RUN, _THERMOMETER_RUN = (IMU, 2), (IMU, 3), (IMU, 4)
_ACCELEROMETER_SCALE, _GYROSCOPE_SCALE = (IMU, 7), (IMU, 10)


@dataclass(frozen=True)
class Motion:
    """What it measures: acceleration in g and rotation in °/s along x, y, z, temperature in °C."""

    acceleration: tuple[float, float, float] = (0.0, 0.0, 1.0)
    rotation: tuple[float, float, float] = (0.0, 0.0, 0.0)
    temperature: float = 35.0


def at_rest(time_us: int) -> Motion:
    return Motion()


@dataclass(frozen=True)
class Chip:
    """How a chip counts.

    Attributes
    ----------
    number : int
        What the camera calls it.
    order : tuple of int
        In which x, y, z (0, 1, 2) are sent.
    acceleration_g, rotation_dps : callable
        The largest value, by the number of the scale.
    scale_shift : int
        Bits of the gyroscope's scale in the word of scales, below the accelerometer's.
    counts_per_degree, zero_degrees
        Of the thermometer.
    """

    number: int
    order: tuple[int, int, int]
    acceleration_g: Callable[[int], float]
    rotation_dps: Callable[[int], float]
    scale_shift: int
    counts_per_degree: float
    zero_degrees: float


INVENSENSE_6050 = Chip(1, (0, 1, 2), lambda scale: 2 << scale, lambda scale: 250 << scale, 2, 340.0, 35.0)
BOSCH_160 = Chip(3, (1, 0, 2), lambda scale: 2 << scale, lambda scale: 2000 >> scale, 3, 512.0, 23.0)


class Imu:
    """A chip that samples a motion while the driver has it on.

    Parameters
    ----------
    chip : Chip
    motion : callable
        What moves, by the camera's clock (µs).

    Attributes
    ----------
    sent : int
        Samples that were given since the stream was last started.
    """

    def __init__(self, chip: Chip, motion: Callable[[int], Motion]) -> None:
        self.chip = chip
        self.sent = 0
        self._motion = motion
        self._next = 0

    def restart(self, at_us: int) -> None:
        """Begin again at this time of the camera's clock."""
        self._next = at_us
        self.sent = 0

    def samples(self, registers: Mapping[tuple[int, int], int], end_us: int) -> list[Mark]:
        """Give the samples before `end_us` that were not given yet."""
        marks = []
        while self._next < end_us:
            words = self._words(registers, self._motion(self._next))
            if words is not None:
                marks.append(Mark(self._next, words))
            self._next += INTERVAL_US
        self.sent += len(marks)
        return marks

    def _words(self, registers: Mapping[tuple[int, int], int], motion: Motion) -> Words | None:
        """Write a sample of what is on; None where nothing is."""
        chip = self.chip
        acceleration_scale = registers.get(_ACCELEROMETER_SCALE, 0)
        rotation_scale = registers.get(_GYROSCOPE_SCALE, 0)
        scales = _SCALES | acceleration_scale << chip.scale_shift | rotation_scale
        counts: list[float] = []
        if registers.get(_ACCELEROMETER_RUN):
            scales |= _HAS_ACCELERATION
            most = chip.acceleration_g(acceleration_scale)
            counts += [motion.acceleration[axis] * 32768 / most for axis in chip.order]
        if registers.get(_THERMOMETER_RUN):
            scales |= _HAS_TEMPERATURE
            counts.append((motion.temperature - chip.zero_degrees) * chip.counts_per_degree)
        if registers.get(_GYROSCOPE_RUN):
            scales |= _HAS_ROTATION
            most = chip.rotation_dps(rotation_scale)
            counts += [motion.rotation[axis] * 32768 / most for axis in chip.order]
        if not counts:
            return None
        data = np.clip(np.round(counts), -32768, 32767).astype(">i2").view(np.uint8)
        return np.concatenate([[_BEGIN, scales], _BYTE | data.astype(np.int64), [_END]])
