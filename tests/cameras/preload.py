"""The wire to programs that run under umockdev's preload library.

The library redirects what a program opens below /sys and /dev to a folder, and sends each ioctl on a device file
there to a UNIX socket. Whoever listens may read and write the program's memory before it answers. The messages are
three machine words each and have been the same since umockdev 0.16 (2021).
"""

from __future__ import annotations

import os
import platform
import shutil
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path

LIBRARY = "libumockdev-preload.so.0"
PATIENCE_S = 30.0
"""A program that is stopped in the middle of an ioctl for longer is given up."""

_MESSAGE = struct.Struct("@3L")
_IOCTL, _DONE, _READ_MEMORY, _WRITE_MEMORY = 1, 3, 5, 6
_HANDLED_BY_NOBODY = -100
"""Answer to a read() or write() of the device file: let the program do it for itself."""


class ProgramGone(Exception):
    """The program has closed the device file, or has ended."""


def obstacle() -> str | None:
    """Say why this machine cannot have a make-believe USB bus; None where it can."""
    if platform.system() != "Linux":
        return "the make-believe USB bus needs Linux"
    if sys.byteorder != "little" or struct.calcsize("P") != 8:
        return "the make-believe USB bus needs a 64-bit little-endian machine"
    if shutil.which("umockdev-wrapper") is None:
        return "the make-believe USB bus needs the system package umockdev"
    return None


def environment(root: Path, base: Mapping[str, str]) -> dict[str, str]:
    """Give the variables of a program whose /sys and /dev are looked up in `root` first."""
    others = base.get("LD_PRELOAD")
    return {**base, "LD_PRELOAD": f"{LIBRARY}:{others}" if others else LIBRARY, "UMOCKDEV_DIR": str(root)}


def socket_path(root: Path, node: str) -> Path:
    """Where the library looks for the socket of a device file."""
    return root / "ioctl" / node.lstrip("/")


class Caller:
    """One device file that a program has open; each of its ioctls waits until it is answered."""

    def __init__(self, connection: socket.socket) -> None:
        connection.settimeout(PATIENCE_S)
        self._connection = connection
        self._unsent = bytearray()

    def fileno(self) -> int:
        return self._connection.fileno()

    def next_ioctl(self) -> tuple[int, int] | None:
        """Give the number of an ioctl and its argument; None when it was something that needs no answer of ours."""
        kind, number, argument = _MESSAGE.unpack(self._receive(_MESSAGE.size))
        if kind == _IOCTL:
            return number & 0xFFFFFFFF, argument
        self.answer(_HANDLED_BY_NOBODY)
        return None

    def read(self, address: int, length: int) -> bytes:
        """Read the program's memory."""
        if length == 0:
            return b""
        self._send(_MESSAGE.pack(_READ_MEMORY, address, length))
        return self._receive(length)

    def write(self, address: int, data: bytes) -> None:
        """Write into the program's memory, at the latest when its ioctl is answered."""
        if data:
            self._unsent += _MESSAGE.pack(_WRITE_MEMORY, address, len(data))
            self._unsent += data

    def answer(self, result: int, errno: int = 0) -> None:
        """Let the program go on."""
        self._send(_MESSAGE.pack(_DONE, result & 0xFFFFFFFFFFFFFFFF, errno))

    def close(self) -> None:
        self._connection.close()

    def _send(self, message: bytes) -> None:
        try:
            self._connection.sendall(bytes(self._unsent) + message)
        except OSError as error:
            raise ProgramGone from error
        self._unsent.clear()

    def _receive(self, length: int) -> bytes:
        received = bytearray(length)
        view = memoryview(received)
        while view:
            try:
                count = self._connection.recv_into(view)
            except OSError as error:
                raise ProgramGone from error
            if count == 0:
                raise ProgramGone
            view = view[count:]
        return bytes(received)


class Announcer:
    """Tells programs of devices that come and go, in udev's words.

    A program that listens has a socket ``event<file descriptor>`` in the folder. Two programs with the same
    descriptor would take it from one another, so each socket is moved to a name of its own as soon as it is seen.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listeners: list[Path] = []
        self._adopted = 0
        self._number = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    def adopt(self) -> None:
        """Look for programs that have begun to listen."""
        for path in self._root.glob("event*"):
            self._adopted += 1
            name = self._root / f"listener{self._adopted}"
            try:
                path.rename(name)
            except FileNotFoundError:
                continue
            self._listeners.append(name)

    def announce(self, action: str, properties: Mapping[str, str]) -> None:
        """Tell of one device: `action` is ``add`` or ``remove``; SUBSYSTEM and DEVTYPE must be among `properties`."""
        self.adopt()
        self._number += 1
        told = {"ACTION": action, **properties, "SEQNUM": str(self._number)}
        text = b"".join(f"{name}={value}\0".encode() for name, value in told.items())
        message = _udev_header(properties["SUBSYSTEM"], properties["DEVTYPE"], len(text)) + text
        for listener in list(self._listeners):
            try:
                self._socket.sendto(message, str(listener))
            except (ConnectionRefusedError, FileNotFoundError):
                self._listeners.remove(listener)
                listener.unlink(missing_ok=True)
            except BlockingIOError:
                continue  # it listens but does not read: its loss, as with the real udev

    def close(self) -> None:
        self._socket.close()


def _udev_header(subsystem: str, kind: str, length: int) -> bytes:
    """Frame a message as libudev's monitor expects it (version 2 of its header; the hashes are for filters)."""
    size = 40
    return struct.pack(
        "<8s4s3I4s4s8x", b"libudev", b"\xfe\xed\xca\xfe", size, size, length,
        _murmur(subsystem).to_bytes(4, "big"), _murmur(kind).to_bytes(4, "big"),
    )  # fmt: skip


def _murmur(text: str) -> int:
    """Hash as udev's filters do: MurmurHash2 with seed 0 (Austin Appleby, public domain)."""
    data, mix, mask = text.encode(), 0x5BD1E995, 0xFFFFFFFF
    state = len(data)
    whole = len(data) // 4 * 4
    for (word,) in struct.iter_unpack("<I", data[:whole]):
        word = word * mix & mask
        word = (word ^ word >> 24) * mix & mask
        state = (state * mix & mask) ^ word
    if rest := data[whole:]:
        state = (state ^ int.from_bytes(rest, "little")) * mix & mask
    state = (state ^ state >> 13) * mix & mask
    return state ^ state >> 15


def make_tree(root: Path, files: Mapping[str, str | bytes]) -> None:
    """Write files below `root`, with their folders."""
    for name, content in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def link(root: Path, name: str, target: str) -> None:
    """Make a relative link inside the tree: an absolute one would lead out of it."""
    path = root / name.lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(root / target.lstrip("/"), path.parent))
