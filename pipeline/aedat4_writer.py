"""Writes .aedat4 files, byte for byte laid out as dv-processing lays them out, without it.

dv-processing takes events one by one only, and on a full disk it ends the process. `pipeline.sources.aedat4` and its
neighbours read the format.
"""

from __future__ import annotations

import contextlib
import struct
from array import array
from io import FileIO
from xml.sax.saxutils import escape

import cramjam
import numpy as np
import numpy.typing as npt

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.aedat4 import IDENTIFIER, LENGTH, MAGIC, PLACE, TABLE, Compression
from pipeline.sources.aedat4_contents import EVENTS, Bytes
from pipeline.sources.aedat4_packets import HEAD

PACKET_EVENTS = 1 << 16
"""No packet holds more."""
_LEVEL = 0
"""Of LZ4: the fast one; the next one needs five times as long for a tenth less."""
_STREAM = 0
"""The number of the only stream."""
_HEADER = struct.Struct("<II4s6xHHHHHiiI")
"""Length, place of the root table, kind; the table's layout; the table: compression, place of the text. There follow,
at a multiple of eight bytes, the place of the trailing table and the text with its length."""
_PLACE_AT = len(MAGIC) + _HEADER.size
_CONTENT = struct.Struct("<II4s2xHHHiII")
"""Length, place of the root table, kind; the table's layout; the table: a vector, here its length; the vector's own
follows."""
_ROW_LAYOUT = struct.Struct("<HHHHHHH")
_ROW = np.dtype(
    {
        "names": ["layout", "number", "size", "place", "count", "first_us", "last_us"],
        "formats": ["<i4", "<i4", "<i4", "<i8", "<i8", "<i8", "<i8"],
        "offsets": [0, 4, 8, 12, 20, 28, 36],
        "itemsize": 48,
    }
)
"""Of the trailing table, each at 4 bytes more than a multiple of eight."""
_INFO = """<dv version="2.0">
    <node name="outInfo" path="/outInfo/">
        <node name="0" path="/outInfo/0/">
            <attr key="compression" type="string">LZ4</attr>
            <attr key="originalModuleName" type="string">MonoCameraWriter</attr>
            <attr key="originalOutputName" type="string">events</attr>
            <attr key="typeDescription" type="string">Custom data type output.</attr>
            <attr key="typeIdentifier" type="string">EVTS</attr>
            <node name="info" path="/outInfo/0/info/">
                <attr key="sizeX" type="int">{width}</attr>
                <attr key="sizeY" type="int">{height}</attr>
                <attr key="source" type="string">{camera}</attr>
            </node>
        </node>
    </node>
</dv>
"""


class Packet:
    """Events that are written together, in the memory where they lie as in the file."""

    def __init__(self) -> None:
        self._raw: Bytes = np.zeros(_CONTENT.size + PACKET_EVENTS * EVENT_DTYPE.itemsize, np.uint8)
        self._room: EventArray = self._raw[_CONTENT.size :].view(EVENT_DTYPE)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def full(self) -> bool:
        return self._count == PACKET_EVENTS

    @property
    def events(self) -> EventArray:
        return self._room[: self._count]

    def add(self, events: EventArray) -> int:
        """Copy so many of these events as there is room for; gives their number.

        Parameters
        ----------
        events : EventArray, shape (n,)
            However they lie in memory. Any polarity that is not 0 is written as 1.
        """
        events = events[: PACKET_EVENTS - self._count]
        begin, self._count = self._count, self._count + len(events)
        room = self._room[begin : self._count]
        for name in ("timestamp", "x", "y"):
            room[name] = events[name]
        room["polarity"] = events["polarity"] != 0
        return len(events)

    def content(self) -> Bytes:
        """Give the FlatBuffer."""
        size = _CONTENT.size + self._count * EVENT_DTYPE.itemsize
        _pack_beginning(self._raw, EVENTS, size, self._count)
        return self._raw[:size]


class Aedat4File:
    """A file with one stream of events, being written.

    Until it is closed it has no table, as dv-processing has it: readers then go from packet to packet.

    Parameters
    ----------
    file : FileIO
        Empty; closed with this, and where nothing can be written to it.
    camera : str
        Model and serial number, joined as dv-processing joins them.
    resolution : Resolution, px

    Attributes
    ----------
    bytes : int
        Size of all that was written whole.
    events : int
        In packets that were written whole.

    Raises
    ------
    OSError
        It cannot be written.
    """

    def __init__(self, file: FileIO, camera: str, resolution: Resolution) -> None:
        self._file = file
        self._rows = array("q")
        self._packed: Bytes = np.empty(0, np.uint8)
        """Used for each packet again."""
        self.bytes = 0
        self.events = 0
        try:
            self._append(MAGIC + header_of(camera, resolution))
        except OSError:
            file.close()
            raise

    def write(self, packet: Packet) -> None:
        """Append a packet that has any events.

        Raises
        ------
        OSError
            It cannot be written; the file ends where the last whole packet does.
        """
        content, times = packet.content(), packet.events["timestamp"]
        if len(self._packed) < HEAD.size + _most_packed(len(content)):
            self._packed = np.empty(HEAD.size + _most_packed(len(content)), np.uint8)
        size = cramjam.lz4.compress_into(content.data, self._packed[HEAD.size :].data, _LEVEL)
        HEAD.pack_into(self._packed.data, 0, _STREAM, size)
        place = self.bytes + HEAD.size
        self._append(self._packed[: HEAD.size + size].data)
        self._rows.extend((_STREAM, size, place, len(packet), int(times[0]), int(times[-1])))
        self.events += len(packet)

    def close(self) -> None:
        """Write the table, and where it is.

        Raises
        ------
        OSError
            It cannot be written; the file is closed without it.
        """
        with self._file:
            end = self.bytes
            self._append(bytes(cramjam.lz4.compress(table_of(self._rows), _LEVEL)))
            try:
                self._file.seek(_PLACE_AT)
                self._file.write(PLACE.pack(end))
            except OSError:
                self._cut(end)
                raise

    def _append(self, raw: bytes | memoryview) -> None:
        left = memoryview(raw)
        try:
            while left:  # of a disk that gets full the last piece is not taken whole
                left = left[self._file.write(left) :]
        except OSError:
            self._cut(self.bytes)
            raise
        self.bytes += len(raw)

    def _cut(self, end: int) -> None:
        self.bytes = end
        with contextlib.suppress(OSError):  # readers stop at what is not whole
            self._file.seek(end)
            self._file.truncate()


def header_of(camera: str, resolution: Resolution) -> bytes:
    """Give what follows the file's first line, of one stream of events."""
    camera = "".join(letter if letter.isprintable() else "_" for letter in camera)
    text = _INFO.format(width=resolution.width, height=resolution.height, camera=escape(camera)).encode()
    raw = LENGTH.pack(len(text)) + text + bytes(4 - len(text) % 4)
    gap = -len(raw) % 8
    size = _HEADER.size + PLACE.size + gap + len(raw)
    layout = 10, 20 + gap, 4, 12, 8
    beginning = _HEADER.pack(size - LENGTH.size, 24, IDENTIFIER, *layout, layout[0], Compression.LZ4, 12 + gap)
    return beginning + PLACE.pack(-1) + bytes(gap) + raw


def table_of(packets: array[int]) -> bytes:
    """Give the trailing table, a FlatBuffer.

    Parameters
    ----------
    packets : array of int
        For each packet, one after another: the stream's number, the packet's size without what stands before it, the
        byte where it begins, how many events it has, and the times of the first and the last one.
    """
    columns = np.frombuffer(packets, np.int64).reshape(-1, 6).T
    count = columns.shape[1]
    layout_at = _CONTENT.size + 4 * count + 6 + 4 * (count % 2)
    begin = layout_at + _ROW_LAYOUT.size
    places = begin + _ROW.itemsize * np.arange(count)
    rows = np.zeros(count, _ROW)
    for name, column in zip(_ROW.names or (), (places - layout_at, *columns), strict=True):
        rows[name] = column
    raw: Bytes = np.zeros(begin + rows.nbytes, np.uint8)
    _pack_beginning(raw, TABLE, len(raw), count)
    raw[_CONTENT.size : _CONTENT.size + 4 * count].view("<u4")[:] = places - _places_of_pointers(count)
    _ROW_LAYOUT.pack_into(raw.data, layout_at, _ROW_LAYOUT.size, 44, 12, 4, 20, 28, 36)
    raw[begin:] = rows.view(np.uint8)
    return raw.tobytes()


def _places_of_pointers(count: int) -> npt.NDArray[np.int64]:
    return _CONTENT.size + 4 * np.arange(count)


def _pack_beginning(raw: Bytes, kind: bytes, size: int, count: int) -> None:
    """Write all that comes before the elements of a vector that is the only field of a FlatBuffer's root table."""
    _CONTENT.pack_into(raw.data, 0, size - LENGTH.size, 16, kind, 6, 8, 4, 6, 4, count)


def _most_packed(size: int) -> int:
    """Give how many bytes LZ4 may make of so many."""
    return size + size // 64 + 64
