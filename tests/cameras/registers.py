"""Registers of iniVation's newer cameras, read and written by vendor requests: a module, a parameter, 32 bits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from tests.cameras.usb_device import VENDOR_IN, VENDOR_OUT, Halt, Request

ONE, SEVERAL = 0xBF, 0xC2
"""Numbers of the requests: one register; several, six bytes each."""
MULTIPLEXER, DVS, APS, IMU, EXTERNAL, CHIP, SYSTEM, USB = 0, 1, 2, 3, 4, 5, 6, 9
"""Modules."""
RUN = (USB, 0)
TIMESTAMP_RESET = (MULTIPLEXER, 2)


class Write(NamedTuple):
    register: tuple[int, int]
    value: int


class Registers:
    """The registers' values; those never written or given are 0."""

    def __init__(self, values: Mapping[tuple[int, int], int]) -> None:
        self.values = dict(values)

    def control(self, request: Request) -> tuple[bytes, list[Write]]:
        """Carry out a request; give the answer and what it wrote, in order."""
        if request.number == ONE and request.kind == VENDOR_IN:
            return self.values.get((request.value, request.index), 0).to_bytes(4, "big"), []
        if request.number == ONE and request.kind == VENDOR_OUT:
            return b"", [self._write(request.value, request.index, request.data)]
        if request.number == SEVERAL and request.kind == VENDOR_OUT:
            blocks = (request.data[at : at + 6] for at in range(0, 6 * request.value, 6))
            return b"", [self._write(block[0], block[1], block[2:]) for block in blocks]
        raise Halt

    def _write(self, module: int, parameter: int, data: bytes) -> Write:
        value = self.values[module, parameter] = int.from_bytes(data[:4], "big")
        return Write((module, parameter), value)
