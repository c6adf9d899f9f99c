"""What packets of an .aedat4 file hold: FlatBuffers, unpacked while Python's lock is free, and never copied."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import cramjam
import numpy as np
import numpy.typing as npt

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray
from pipeline.frame_arrays import FrameArrays
from pipeline.sources.aedat4 import Compression, field_place

Bytes: TypeAlias = npt.NDArray[np.uint8]

EVENTS = b"EVTS"
LEAST_ROOM = 1 << 16
MOST_BYTES = 1 << 30
"""No packet is larger, unpacked."""
MODEST_BYTES = 1 << 26
MOST_RATIO = 1000
"""What is packed more tightly than this and is not modest was made to fill the memory."""
_NUMBER = struct.Struct("<I")
_BEGINNING = struct.Struct("<II4s")
"""How many bytes follow the first four, where the root table is, and what kind of FlatBuffer it is."""
_ALIGNED = 8
_Decompress: TypeAlias = Callable[[Any, Any], int]
"""From the first array into the second one; gives how many bytes it wrote."""
_DECOMPRESS: dict[Compression, _Decompress] = {
    Compression.LZ4: cramjam.lz4.decompress_into,
    Compression.LZ4_HIGH: cramjam.lz4.decompress_into,
    Compression.ZSTD: cramjam.zstd.decompress_into,
    Compression.ZSTD_HIGH: cramjam.zstd.decompress_into,
}


class DamageError(ValueError):
    """These bytes are not what a recording holds there."""


class Unpacker:
    """Unpacks one packet after another.

    LZ4 does not say how large its content is. So there is room for a little more than the last one, and where that
    was too little, the beginning of the content tells how much is needed.

    Parameters
    ----------
    compression : Compression
    """

    def __init__(self, compression: Compression) -> None:
        self._decompress = _DECOMPRESS.get(compression)
        self._room = LEAST_ROOM
        self._arrays = FrameArrays()

    def unpack(self, packed: Bytes, kind: bytes) -> Bytes:
        """Give the content, a FlatBuffer that begins with its length.

        Parameters
        ----------
        packed : Bytes, shape (n,)
        kind : bytes
            The four letters that it must bear.

        Raises
        ------
        DamageError
            It cannot be unpacked, is something else, or too large.
        """
        content = packed if self._decompress is None else self._unpacked(packed, self._decompress, kind)
        if _size_said(content, kind) > len(content):
            raise DamageError("a content that is cut off")
        return content

    @property
    def copies(self) -> bool:
        """Whether contents are not in the memory of what was packed."""
        return self._decompress is not None

    def _unpacked(self, packed: Bytes, decompress: _Decompress, kind: bytes) -> Bytes:
        content = self._arrays.take(self._room)
        content[: _BEGINNING.size] = 0
        try:
            size = decompress(packed, content)
        except cramjam.DecompressionError:
            content = _room_for(_size_said(content, kind), len(packed), len(content))
            try:
                size = decompress(packed, content)
            except cramjam.DecompressionError as error:
                raise DamageError(str(error)) from error
        if not self._room // 4 < size <= self._room:
            self._room = max(size + size // 4, LEAST_ROOM)
        return content[:size]


def _size_said(content: Bytes, kind: bytes) -> int:
    """Give how many bytes the content should have in all."""
    if len(content) < _BEGINNING.size:
        raise DamageError(f"a content of {len(content)} bytes")
    following, _, said = _BEGINNING.unpack_from(content.data)
    if said != kind:
        raise DamageError(f"a content that is {said!r}, not {kind!r}")
    return int(following) + _NUMBER.size


def _room_for(size: int, packed: int, before: int) -> Bytes:
    """Give room for a content that did not find enough."""
    if size <= before:
        raise DamageError("compressed data that is damaged")
    if size > min(MOST_BYTES, max(MODEST_BYTES, MOST_RATIO * packed)):
        raise DamageError(f"{packed} bytes that are said to become {size}")
    try:
        return np.empty(size, np.uint8)
    except MemoryError as error:
        raise DamageError(f"{size} bytes, for which there is no memory") from error


def events_of(content: Bytes) -> EventArray:
    """Give the events of an unpacked packet; they lie in the content's memory.

    Parameters
    ----------
    content : Bytes, shape (n,)
        As `Unpacker` gives it; a FlatBuffer of kind `EVENTS`.

    Returns
    -------
    EventArray, shape (m,)
        As they are: any numbers, in any order.

    Raises
    ------
    DamageError
        They would lie outside.
    """
    begin, count = vector_of(content)
    if not count:
        return NO_EVENTS
    end = begin + count * EVENT_DTYPE.itemsize
    if end > len(content):
        raise DamageError(f"{count} events that end outside")
    events = content[begin:end]
    if events.ctypes.data % _ALIGNED:  # compiled loops are compiled for what is aligned
        events = _aligned(events)
    return events.view(EVENT_DTYPE)


def vector_of(content: Bytes) -> tuple[int, int]:
    """Find the vector that is the only field of a FlatBuffer's root table.

    Returns
    -------
    begin : int
        The byte where its first element lies.
    count : int
        Of its elements.

    Raises
    ------
    DamageError
        It would lie outside.
    """
    body = content[_NUMBER.size :].data
    try:
        place = field_place(body, 0)
        if not place:
            return 0, 0
        place += _NUMBER.unpack_from(body, place)[0]
        (count,) = _NUMBER.unpack_from(body, place)
    except (struct.error, ValueError) as error:
        raise DamageError(str(error)) from error
    return place + 2 * _NUMBER.size, int(count)


def _aligned(raw: Bytes) -> Bytes:
    copy = np.empty(len(raw) // EVENT_DTYPE.itemsize, EVENT_DTYPE).view(np.uint8)
    copy[:] = raw
    return copy
