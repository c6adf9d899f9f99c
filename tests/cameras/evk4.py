"""An EVK4 of Prophesee: 1280 × 720 pixels (IMX636), USB 3, EVT 3."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.events import EventArray, Resolution
from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.scene import Scene
from tests.cameras.usb_device import VENDOR_IN, Halt, Request

TYPE, SERIAL = 0x72, 0x72
"""Numbers of the request for the kind of camera (endpoint 0) and of the message for the serial number."""
IMX636 = bytes([0x31, 0x00])
COMMANDS, ANSWERS, EVENTS = 0x02, 0x82, 0x81
_REGISTER = bytes([0x02, 0x01, 0x01])
_WRITE = 0x40
_REGION, _LIGHT, _THERMOMETER, _TIME_BASE, _READOUT = 0x0004, 0x0010, 0x0050, 0x9008, 0x9028
_Y, _X, _TIME_LOW, _TIME_HIGH, _ON = 0x0000, 0x2000, 0x6000, 0x8000, 0x0800
_COLUMNS, _ROWS = 0x2000, 0x4000
"""Where registers of 32 columns or rows each begin; a bit that is set leaves one out, the lowest the first."""
_TAKE_OVER, _EITHER = 1 << 5, 1 << 6
"""Of the region's register: take the columns and rows over; leave out what lies in either, not only in both."""
_TIME_BITS = 12
_MOST_STEPS = 0x400
"""A decoder takes a larger step of the high time for a fault."""
_WRAP_BITS = 24


class Evk4(EventCamera):
    """EVT 3: sixteen bits a word, each changes one thing of what is known of the next event; x makes it one.

    Messages on one pair of endpoints read and write the sensor's registers; each is answered, mostly by itself.
    The region of interest is obeyed.
    """

    maker, model, usual_serial, usual_release = "Prophesee", "EVK4", "00EC4000", 0x0100
    vendor, product, endpoints, superspeed = 0x04B4, 0x00F5, (EVENTS, COMMANDS, ANSWERS), True
    resolution = Resolution(1280, 720)
    stream_endpoint = EVENTS
    bytes_per_event = 6

    def __init__(
        self, serial: str = "", scene: Scene | None = None, *, clock_us: int = 0, faults: Faults = NO_FAULTS
    ) -> None:
        super().__init__(serial.upper(), scene, clock_us=clock_us, faults=faults)
        if len(bytes.fromhex(self.serial)) != 4:
            raise ValueError(f"The serial number of an EVK4 has 8 hexadecimal digits, not {serial}.")
        self.registers: dict[int, int] = {}
        self._region = np.ones(self.resolution[::-1], bool)
        self._answers: list[bytes] = []

    def plugged_in(self, speed: int) -> None:
        super().plugged_in(speed)
        self.registers = {_LIGHT: 1 << 29 | 5000, _THERMOMETER: 1 << 11 | 426}
        self._region[:] = True
        self._answers.clear()

    def released(self) -> None:
        super().released()
        self._answers.clear()

    def control(self, request: Request) -> bytes:
        if request.kind == VENDOR_IN and request.number == TYPE:
            return IMX636
        raise Halt

    def bulk_out(self, endpoint: int, data: bytes) -> None:
        if endpoint == COMMANDS:
            self._answers.append(self._command(data))

    def bulk_in(self, endpoint: int, room: int) -> bytes | None:
        if endpoint == ANSWERS:
            return self._answers.pop(0)[:room] if self._answers else None
        return super().bulk_in(endpoint, room)

    def seen(self, events: EventArray) -> EventArray:
        inside: EventArray = events[self._region[events["y"], events["x"]]]
        return inside

    def begin(self, *, reset: bool) -> None:
        self._row = self._time = -1
        self._high_before = self._clock_at_start % (1 << _WRAP_BITS) >> _TIME_BITS

    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        if reset:
            self._time = -1
        # The high time is said again and again; a decoder passes over all that comes before it has heard it once.
        high = start_us % (1 << _WRAP_BITS) >> _TIME_BITS
        first = [_TIME_HIGH | step for step in range(0, self._high_before, _MOST_STEPS)] + [_TIME_HIGH | high]
        self._high_before = 0
        time, y = (events[name].astype(np.int64) for name in ("timestamp", "y"))
        words = np.empty((len(events), 3), np.int64)
        words[:, 0] = _TIME_LOW | time & (1 << _TIME_BITS) - 1
        words[:, 1] = _Y | y
        words[:, 2] = _X | events["x"] | np.where(events["polarity"] == 1, _ON, 0)
        said = np.ones(words.shape, bool)
        said[:, 0] = np.diff(time, prepend=self._time) != 0
        said[:, 1] = np.diff(y, prepend=self._row) != 0
        if len(events):
            self._time, self._row = int(time[-1]), int(y[-1])
        highs = np.arange((start_us >> _TIME_BITS) + 1, (end_us >> _TIME_BITS) + 1)
        before = np.concatenate([[0], np.cumsum(said.sum(axis=1))])[np.searchsorted(time, highs << _TIME_BITS)]
        stream = np.insert(words[said], before, _TIME_HIGH | highs & (1 << _TIME_BITS) - 1)
        return np.concatenate([np.array(first, np.int64), stream]).astype("<u2").tobytes()

    def _command(self, message: bytes) -> bytes:
        if message[:1] == bytes([SERIAL]):
            return message[:8].ljust(8, b"\0") + bytes.fromhex(self.serial)[::-1] + bytes(4)
        if message[:3] != _REGISTER or len(message) != 20:
            return message
        register = int.from_bytes(message[12:16], "little")
        if message[3] & _WRITE:
            self.registers[register] = int.from_bytes(message[16:20], "little")
            if register == _REGION and self.registers[register] & _TAKE_OVER:
                self._take_over_region()
            self._written()
            return message
        return message[:16] + self.registers.get(register, 0).to_bytes(4, "little")

    def _take_over_region(self) -> None:
        width, height = self.resolution
        columns, rows = self._left_out(_COLUMNS, width), self._left_out(_ROWS, height)[:, None]
        self._region = ~(columns | rows if self.registers[_REGION] & _EITHER else columns & rows)

    def _left_out(self, first: int, count: int) -> npt.NDArray[np.bool_]:
        words = [self.registers.get(first + 4 * (number // 32), 0) for number in range(0, count, 32)]
        bits = np.array(words, "<u4").view(np.uint8)
        return np.unpackbits(bits, count=count, bitorder="little").astype(bool)

    def _written(self) -> None:
        """Stream while the pixels are out of reset, the readout is on, and the time runs."""
        pixels = self.registers.get(_REGION, 0) >> 10 & 1
        readout = ~self.registers.get(_READOUT, 0b10) >> 1 & 1
        time = self.registers.get(_TIME_BASE, 0) & 1
        on = bool(pixels and readout and time)
        if on and not self.running:
            self.start(reset=False)
        elif self.running and not on:
            self.stop()
