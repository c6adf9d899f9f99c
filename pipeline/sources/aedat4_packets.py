"""The packets of an .aedat4 file, one after another: each has a stream's number, a size and that many bytes."""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np

from pipeline.events import EventArray
from pipeline.sources.aedat4 import TABLE_BEGINNING_BYTES, Header, begins_table
from pipeline.sources.aedat4_contents import EVENTS, Bytes, DamageError, Unpacker, events_of

HEAD = struct.Struct("<ii")
LEAST_BYTES = 8
"""No packet is smaller."""


class CutOffError(DamageError):
    """The file ends before its packets do."""


class NoPacketError(DamageError):
    """No packet of this stream begins here."""


class _Head(NamedTuple):
    number: int
    size: int


class PacketFile:
    """Reads the packets of one event stream, from anywhere.

    Sizes are compared with the file's before anything is made of them. In one thread at a time.

    Parameters
    ----------
    path : Path
    header : Header
        Of that file.
    number : int
        The stream's.

    Attributes
    ----------
    first : int
        The byte where the first packet of any stream begins.

    Raises
    ------
    OSError
        The file cannot be opened.
    """

    def __init__(self, path: Path, header: Header, number: int) -> None:
        self.first = header.end
        self._header, self._number = header, number
        self._unpacker = Unpacker(header.compression)
        self._packed: Bytes = np.empty(0, np.uint8)
        """Used for each packet again."""
        self._file = path.open("rb")
        size = os.fstat(self._file.fileno()).st_size
        self._end = size if header.table is None else header.table
        """Where the last packet should end."""
        self._last = size if header.table_missing else self._end
        """Where the file's last packet can end."""
        self.go_to(self.first)

    def close(self) -> None:
        self._file.close()

    @property
    def place(self) -> int:
        """The byte where the packet begins that comes next."""
        return self._place

    def go_to(self, place: int) -> None:
        """Go on with the packet, of any stream, that begins at this byte."""
        self._place = place
        self._file.seek(place)

    def read(self) -> EventArray | None:
        """Give the events of the next packet that has any; None at the end.

        A file that was never closed may end anywhere.

        Raises
        ------
        CutOffError
            The file should go on, and does not.
        DamageError
            What comes next is no packet.
        OSError
            The disk cannot be read.
        """
        while (head := self._next_head()) is not None:
            if head.number != self._number:
                self._file.seek(head.size, os.SEEK_CUR)
                continue
            events = events_of(self._unpacker.unpack(self._bytes(head.size), EVENTS))
            if len(events):
                return events
        return None

    def read_at(self, place: int) -> EventArray:
        """Give the events of the packet of this stream that begins at this byte.

        Raises
        ------
        NoPacketError
            There is none.
        DamageError, OSError
            It cannot be read.
        """
        self.go_to(place)
        try:
            head = self._next_head()
        except DamageError as error:
            raise NoPacketError(str(error)) from error
        if head is None or head.number != self._number:
            raise NoPacketError(f"no packet of stream {self._number}")
        return events_of(self._unpacker.unpack(self._bytes(head.size), EVENTS))

    def places(self) -> list[int]:
        """Find where the packets of this stream begin, as far as there are any.

        Raises
        ------
        OSError
            The disk cannot be read.
        """
        self.go_to(self.first)
        found = []
        try:
            while (head := self._next_head()) is not None:
                if head.number == self._number:
                    found.append(self._place - head.size - HEAD.size)
                self._file.seek(head.size, os.SEEK_CUR)
        except DamageError:
            return found
        return found

    def _next_head(self) -> _Head | None:
        """Read what stands before a packet; `_place` is then behind the packet."""
        if self._place == self._end:
            return None
        raw = self._file.read(HEAD.size)
        if len(raw) < HEAD.size or not any(raw):  # after a power cut a file may end in zeros
            self._check_cut()
            return None
        head = _Head(*HEAD.unpack(raw))
        if head.number not in self._header.numbers or head.size < LEAST_BYTES:
            if self._header.table is None and begins_table(raw + self._file.read(TABLE_BEGINNING_BYTES - HEAD.size)):
                return None  # who wrote it ended before it could say where the table is
            raise DamageError(f"a packet of stream {head.number}, of {head.size} bytes")
        if head.size > self._last - self._place - HEAD.size:
            self._check_cut()
            return None
        self._place += HEAD.size + head.size
        return head

    def _check_cut(self) -> None:
        """The file ends within a packet, or before one: raise, but where it was never closed."""
        if self._header.table is None:
            return
        if not self._header.table_missing:
            raise DamageError("a packet that would end behind the last one")
        raise CutOffError("a packet that is not whole")

    def _bytes(self, size: int) -> Bytes:
        packed = self._packed[:size] if self._unpacker.copies else np.empty(size, np.uint8)
        if len(packed) < size:
            packed = self._packed = np.empty(size, np.uint8)
        if self._file.readinto(packed.data) < size:
            raise CutOffError("a file that became shorter")
        return packed
