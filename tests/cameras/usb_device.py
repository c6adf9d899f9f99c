"""What every USB device has, whatever it does: descriptors, strings, requests, transfers."""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from tests.cameras.faults import NO_FAULTS, Faults

TO_HOST = 0x80
STANDARD_IN, VENDOR_OUT, VENDOR_IN = 0x80, 0x40, 0xC0
GET_DESCRIPTOR, GET_CONFIGURATION = 6, 8
_DEVICE, _CONFIGURATION, _STRING, _INTERFACE, _ENDPOINT, _BOS, _COMPANION = 1, 2, 3, 4, 5, 15, 48
_ENGLISH = b"\x09\x04"
_BULK = 2


@dataclass(frozen=True)
class Request:
    """A control request as it comes over the wire (USB 2.0, table 9-2), or data for an endpoint (`kind` None)."""

    kind: int | None
    number: int
    value: int
    index: int
    length: int
    data: bytes = b""

    @property
    def to_host(self) -> bool:
        return self.kind is not None and bool(self.kind & TO_HOST)


class Halt(Exception):
    """The device refuses a request: its control endpoint halts."""


class UsbDevice:
    """A device with one configuration of one interface with bulk endpoints.

    Parameters
    ----------
    serial : str
    release : int
        The number `bcdDevice` of its descriptor.
    faults : Faults

    Attributes
    ----------
    requests : deque of Request
        The last requests to endpoint 0 that were not standard ones, and what was written to other endpoints.
    faults : Faults
        What is wrong with it now.
    """

    maker: ClassVar[str]
    model: ClassVar[str]
    vendor: ClassVar[int]
    product: ClassVar[int]
    endpoints: ClassVar[tuple[int, ...]]
    superspeed: ClassVar[bool] = False
    """Whether it is a USB 3 device; in a USB 2 port it is slower."""

    def __init__(self, serial: str, *, release: int, faults: Faults = NO_FAULTS) -> None:
        self.serial = serial
        self.release = release
        self.strings = {1: self.maker, 2: self.model, 3: serial}
        self.faults = faults
        self.requests: deque[Request] = deque(maxlen=10_000)

    def plugged_in(self, speed: int) -> None:
        """It has power now; `speed` of its port in Mbit/s."""

    def control(self, request: Request) -> bytes:
        """Answer a request that is not a standard one; `Halt` refuses it."""
        raise Halt

    def bulk_out(self, endpoint: int, data: bytes) -> None:
        """Take data from the host."""

    def transfer_waits(self, endpoint: int) -> None:
        """Know that the host has one more transfer ready for this endpoint."""

    def bulk_in(self, endpoint: int, room: int) -> bytes | None:
        """Give data for a waiting transfer, at most `room` bytes; None lets it wait."""
        return None

    def released(self) -> None:
        """The program that used it has let go of it."""

    def answer(self, request: Request, *, superspeed: bool) -> bytes:
        """Answer any control request."""
        if request.kind == STANDARD_IN:
            if request.number == GET_DESCRIPTOR:
                return self._descriptor(request.value >> 8, request.value & 0xFF, superspeed)[: request.length]
            if request.number == GET_CONFIGURATION:
                return b"\x01"
        self.requests.append(request)
        if self.faults.refuses_requests:
            raise Halt
        return self.control(request)[: request.length]

    def _descriptor(self, kind: int, number: int, superspeed: bool) -> bytes:
        if kind == _DEVICE:
            return self.device_descriptor(superspeed)
        if kind == _CONFIGURATION:
            return self.configuration_descriptor(superspeed)
        if kind == _STRING and (number == 0 or number in self.strings):
            text = _ENGLISH if number == 0 else self.strings[number].encode("utf-16le")
            return bytes([len(text) + 2, _STRING]) + text
        if kind == _BOS and superspeed:
            return bytes([5, _BOS, 5, 0, 0])
        raise Halt

    def device_descriptor(self, superspeed: bool) -> bytes:
        version, room = (0x0300, 9) if superspeed else (0x0210 if self.superspeed else 0x0200, 64)
        return struct.pack(
            "<BBHBBBBHHHBBBB", 18, _DEVICE, version, 0, 0, 0, room,
            self.vendor, self.product, self.release, 1, 2, 3, 1,
        )  # fmt: skip

    def configuration_descriptor(self, superspeed: bool) -> bytes:
        body = struct.pack("<9B", 9, _INTERFACE, 0, 0, len(self.endpoints), 0xFF, 0, 0, 0)
        for endpoint in self.endpoints:
            body += struct.pack("<BBBBHB", 7, _ENDPOINT, endpoint, _BULK, 1024 if superspeed else 512, 0)
            if superspeed:
                body += struct.pack("<BBBBH", 6, _COMPANION, 15, 0, 0)
        return struct.pack("<BBHBBBBB", 9, _CONFIGURATION, 9 + len(body), 1, 1, 0, 0x80, 250) + body


class RootHub(UsbDevice):
    """The host's own hub, as Linux shows it."""

    maker, model = "Linux xhci-hcd", "xHCI Host Controller"
    vendor, product, endpoints = 0x1D6B, 0x0002, (0x81,)

    def __init__(self) -> None:
        super().__init__("0000:00:14.0", release=0x0601)


class SuperspeedRootHub(RootHub):
    """Its other half."""

    product, superspeed = 0x0003, True
