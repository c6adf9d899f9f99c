"""A device file that a program has open: what Linux's usbfs does with it (include/uapi/linux/usbdevice_fs.h)."""

from __future__ import annotations

import errno
import struct
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.cameras.preload import Caller
from tests.cameras.usb_device import TO_HOST, Halt, Request

if TYPE_CHECKING:
    from tests.cameras.usb_bus import Plug

SUBMIT, DISCARD, REAP_NOW = 0x8038550A, 0x550B, 0x4008550D
CAPABILITIES, DRIVER, SPEED = 0x8004551A, 0x41045508, 0x551F
CLAIM, RELEASE, DISCONNECT_CLAIM = 0x8004550F, 0x80045510, 0x8108551B
CLEAR_HALT = 0x80045515
FOR_FORM = {
    0x80045505: "SETCONFIGURATION", 0x80085504: "SETINTERFACE", 0x5514: "RESET", CLEAR_HALT: "CLEAR_HALT",
    0x80045503: "RESETEP", 0x80045516: "DISCONNECT", 0xC0105512: "IOCTL",
}  # fmt: skip
"""Answered with success and nothing else."""
CAN = 0x01 | 0x04 | 0x10
"""Zero-length packets, transfers of any size, reaping after a disconnect."""
LATER_S = 0.005
"""Patience with a program that asks a device for more that is gone: Linux would tell it by poll()."""
_CONTROL = 2
_URB = struct.Struct("<BBxxiIxxxxQiiiiiIQ")
_STATUS_AT, _LENGTH_AT = 4, 28
_SETUP = struct.Struct("<BBHHH")
_SPEEDS = {480: 3, 5000: 5}
TRANSFER_ERRORS = {"halt": errno.EPIPE, "protocol": errno.EPROTO, "overflow": errno.EOVERFLOW}


@dataclass(frozen=True, eq=False)
class Transfer:
    """A transfer that was handed over (an URB): where it lies in the program's memory, and what it wants."""

    at: int
    kind: int
    endpoint: int
    buffer: int
    length: int
    request: Request | None = None


@dataclass(frozen=True)
class Finished:
    transfer: Transfer
    status: int
    length: int
    data: bytes


class OpenFile:
    """One open file of a device, and its transfers."""

    def __init__(self, caller: Caller, plug: Plug) -> None:
        self.caller = caller
        self.plug = plug
        self._under_way: list[Transfer] = []
        self._promised: list[Transfer] = []
        """Those under way whose data are on the way, late."""
        self._finished: deque[Finished] = deque()

    @property
    def waits(self) -> bool:
        """Whether a transfer waits for data of the device."""
        return any(transfer.endpoint & TO_HOST for transfer in self._under_way if transfer not in self._promised)

    @property
    def has_finished(self) -> bool:
        return bool(self._finished)

    def handle(self) -> None:
        """Answer the ioctl that has come."""
        ioctl = self.caller.next_ioctl()
        if ioctl is None:
            return
        number, argument = ioctl
        if number == REAP_NOW:
            self._reap(argument)
        elif self.plug.gone:
            self.caller.answer(-1, errno.ENODEV)
        elif number == SUBMIT:
            self._submit(argument)
        elif number == DISCARD:
            self._discard(argument)
        else:
            self._manage(number, argument)

    def feed(self) -> None:
        """Let waiting transfers take what the device has for them, those of an endpoint in their order."""
        without: set[int] = set()
        for transfer in list(self._under_way):
            endpoint = transfer.endpoint
            if self.plug.gone or not endpoint & TO_HOST or transfer in self._promised or endpoint in without:
                continue
            data = self.plug.device.bulk_in(endpoint, transfer.length)
            if data is None:
                without.add(endpoint)
            else:
                self.plug.count_transfer()
                self._deliver(transfer, data)

    def pulled_out(self) -> None:
        """Give all transfers back: their device is gone."""
        for transfer in list(self._under_way):
            self._finish(transfer, -errno.ESHUTDOWN)

    def _manage(self, number: int, argument: int) -> None:
        plug = self.plug
        if number in (CLAIM, DISCONNECT_CLAIM):
            (interface,) = struct.unpack("<I", self.caller.read(argument, 4))
            self.caller.answer(*((0, 0) if plug.claim(interface, self) else (-1, errno.EBUSY)))
        elif number == RELEASE:
            (interface,) = struct.unpack("<I", self.caller.read(argument, 4))
            plug.release(interface, self)
            self.caller.answer(0)
        elif number == CAPABILITIES:
            self.caller.write(argument, struct.pack("<I", CAN))
            self.caller.answer(0)
        elif number == SPEED:
            self.caller.answer(_SPEEDS[plug.place.speed])
        elif number in FOR_FORM:
            self.caller.answer(0)
        else:
            self.caller.answer(-1, errno.ENODATA if number == DRIVER else errno.ENOTTY)

    def _submit(self, at: int) -> None:
        kind, endpoint, _, _, buffer, length, *_ = _URB.unpack(self.caller.read(at, _URB.size))
        if kind == _CONTROL:
            raw = self.caller.read(buffer, length)
            setup = Request(*_SETUP.unpack_from(raw))
            data = b"" if setup.to_host else raw[_SETUP.size :]
            transfer = Transfer(at, kind, 0, buffer, length, _with_data(setup, data))
        elif endpoint & TO_HOST:
            transfer = Transfer(at, kind, endpoint, buffer, length)
            self.plug.device.transfer_waits(endpoint)
        else:
            data = self.caller.read(buffer, length)
            transfer = Transfer(at, kind, endpoint, buffer, length, Request(None, endpoint, 0, 0, length, data))
        self._under_way.append(transfer)
        self.caller.answer(0)
        if transfer.request is not None:
            self._carry_out(transfer, transfer.request)

    def _carry_out(self, transfer: Transfer, request: Request) -> None:
        """Let the device do what it was asked for, at once or after a while."""
        plug = self.plug
        if not plug.count_request() or plug.device.faults.mute:
            return
        delay = plug.device.faults.late_answers_s
        if delay > 0:
            plug.bus.later(delay, lambda: self._answer(transfer, request))
        else:
            self._answer(transfer, request)

    def _answer(self, transfer: Transfer, request: Request) -> None:
        if transfer not in self._under_way:
            return
        device = self.plug.device
        if request.kind is None:
            device.requests.append(request)
            device.bulk_out(request.number, request.data)
            self._finish(transfer, 0, transfer.length)
            return
        try:
            data = device.answer(request, superspeed=self.plug.place.speed >= 5000)
        except Halt:
            self._finish(transfer, -errno.EPIPE)
            return
        if request.to_host:
            self._finish(transfer, 0, len(data), data)
        else:
            self._finish(transfer, 0, request.length)

    def _deliver(self, transfer: Transfer, data: bytes) -> None:
        faults = self.plug.device.faults
        if self.plug.gone:
            return
        status = -TRANSFER_ERRORS[faults.transfer_error] if faults.transfer_error else 0
        data = b"" if status else data
        if faults.late_transfers_s > 0:
            self._promised.append(transfer)
            self.plug.bus.later(faults.late_transfers_s, lambda: self._finish(transfer, status, len(data), data))
        else:
            self._finish(transfer, status, len(data), data)

    def _finish(self, transfer: Transfer, status: int, length: int = 0, data: bytes = b"") -> None:
        if transfer in self._promised:
            self._promised.remove(transfer)
        if transfer in self._under_way:
            self._under_way.remove(transfer)
            self._finished.append(Finished(transfer, status, length, data))
            self.plug.signal()

    def _discard(self, at: int) -> None:
        transfer = next((one for one in self._under_way if one.at == at), None)
        if transfer is None:
            self.caller.answer(-1, errno.EINVAL)
        else:
            self._finish(transfer, -errno.ENOENT)
            self.caller.answer(0)

    def _reap(self, argument: int) -> None:
        """Give the program a transfer that is done, as the address of what it handed over."""
        if not self._finished:
            if self.plug.gone:
                self.plug.bus.later(LATER_S, lambda: self.caller.answer(-1, errno.ENODEV))
            else:
                self.caller.answer(-1, errno.EAGAIN)
            return
        done = self._finished.popleft()
        transfer = done.transfer
        self.caller.write(transfer.buffer + (_SETUP.size if transfer.kind == _CONTROL else 0), done.data)
        self.caller.write(transfer.at + _STATUS_AT, struct.pack("<i", done.status))
        self.caller.write(transfer.at + _LENGTH_AT, struct.pack("<i", done.length))
        self.caller.write(argument, struct.pack("<Q", transfer.at))
        self.plug.signal()
        self.caller.answer(0)


def _with_data(setup: Request, data: bytes) -> Request:
    return Request(setup.kind, setup.number, setup.value, setup.index, setup.length, data)
