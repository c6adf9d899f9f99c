"""What stands at the beginning of an .aedat4 file and of a dv-processing connection, read without dv-processing.

dv-processing can loop for ever on what is damaged, with Python's global lock held. Both begin with a length and a
FlatBuffer named IOHE that holds how packets are compressed, the place of the trailing table (of packets; a file
only) and an XML text with the streams.
"""

from __future__ import annotations

import os
import stat
import struct
from collections import Counter
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path
from typing import BinaryIO, TypeAlias
from xml.etree import ElementTree

from pipeline.events import Resolution
from pipeline.sources.base import SourceError

SUFFIX = ".aedat4"
MAGIC = b"#!AER-DAT4.0\r\n"
MAX_HEADER_BYTES = 16_000_000
MAX_SIDE = 16_384
"""No sensor is wider or higher, in px; a header that says so is damaged."""
_OLDER = b"#!AER-DAT"
IDENTIFIER = b"IOHE"
_EVENTS = "EVTS"
_STREAMS = "./node[@name='outInfo']/node"
TABLE = b"FTAB"
TABLE_BEGINNING_BYTES = 12
_COMPRESSED = (b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd")
"""How LZ4 and Zstandard begin."""
LENGTH = struct.Struct("<I")
PLACE = struct.Struct("<q")
_COMPRESSION = struct.Struct("<i")
Buffer: TypeAlias = bytes | memoryview


class HeaderError(ValueError):
    """These bytes are no header, or a damaged one."""


class Compression(IntEnum):
    """How packets are compressed, by the format's own numbers; "high" ones are unpacked like the others."""

    NONE = 0
    LZ4 = 1
    LZ4_HIGH = 2
    ZSTD = 3
    ZSTD_HIGH = 4


@dataclass(frozen=True)
class EventStream:
    """An event stream that a header tells of."""

    name: str
    """In the file; streams of different cameras may share it."""
    camera: str
    """Model and serial number as dv-processing joins them (``DVXplorer_DXB00010``)."""
    resolution: Resolution | None
    label: str
    """For people, and different for each stream of the file."""
    number: int
    """That its packets bear."""


@dataclass(frozen=True)
class Header:
    """A header's contents."""

    streams: tuple[EventStream, ...]
    table: int | None
    """The byte where the trailing table should begin; None where the file was never closed."""
    end: int
    """The first byte after the header."""
    compression: Compression = Compression.NONE
    numbers: frozenset[int] = frozenset()
    """Of all streams, of events and others."""
    table_missing: bool = False
    """A table should be there, and what is there is none: the file was cut off or overwritten."""


def parse_header(raw: bytes) -> Header:
    """Read a header from its length on.

    Raises
    ------
    HeaderError
        It is damaged, or something else.
    """
    try:
        end = LENGTH.size + header_length(raw)
        body = raw[LENGTH.size : end]
        compression_at, place_at, text_at = (field_place(body, number) for number in range(3))
        compression = Compression(_COMPRESSION.unpack_from(body, compression_at)[0] if compression_at else 0)
        (table,) = PLACE.unpack_from(body, place_at) if place_at else (-1,)
        text_at += LENGTH.unpack_from(body, text_at)[0]
        (length,) = LENGTH.unpack_from(body, text_at)
        text = body[text_at + LENGTH.size : text_at + LENGTH.size + length]
        root = ElementTree.fromstring(text.decode("utf-8"))
        streams, numbers = _streams(root), frozenset(int(node.get("name", "")) for node in root.iterfind(_STREAMS))
    except (struct.error, ValueError, ElementTree.ParseError) as error:
        raise HeaderError(str(error)) from error
    return Header(streams, None if table < 0 else table, end, compression, numbers)


def header_length(raw: bytes) -> int:
    """Give the number of bytes that follow the first four, from the first twelve.

    Raises
    ------
    HeaderError
        This is not how a header begins.
    """
    if len(raw) < 12 or raw[8:12] != IDENTIFIER:
        raise HeaderError("the identifier is missing")
    (length,) = LENGTH.unpack_from(raw)
    if not 16 <= length <= MAX_HEADER_BYTES:
        raise HeaderError(f"a length of {length} bytes")
    return int(length)


def field_place(body: Buffer, number: int) -> int:
    """Give the place of a field of a FlatBuffer's root table; 0 when it is not there.

    Raises
    ------
    HeaderError, struct.error
        It would lie outside.
    """
    (root,) = LENGTH.unpack_from(body)
    (back,) = struct.unpack_from("<i", body, root)
    table = root - back
    if table < 0:
        raise HeaderError("a table before the beginning")
    (size,) = struct.unpack_from("<H", body, table)
    if size < 6 + 2 * number:
        return 0
    (offset,) = struct.unpack_from("<H", body, table + 4 + 2 * number)
    return root + int(offset) if offset else 0


def _streams(root: ElementTree.Element) -> tuple[EventStream, ...]:
    """Find the event streams; the order is the file's."""
    found = []
    for node in root.iterfind(_STREAMS):
        said = {attribute.get("key"): attribute.text or "" for attribute in node.iter("attr")}
        if said.get("typeIdentifier") == _EVENTS:
            name = said.get("originalOutputName") or "events"
            size = _resolution(said.get("sizeX"), said.get("sizeY"))
            found.append((name, said.get("source", ""), size, int(node.get("name", ""))))
    often = Counter(name for name, _, _, _ in found)
    return tuple(
        EventStream(name, camera, size, name if often[name] == 1 else f"{name} ({camera})", number)
        for name, camera, size, number in found
    )


def _resolution(width: str | None, height: str | None) -> Resolution | None:
    if width is None or height is None:
        return None
    size = Resolution(int(width), int(height))
    if not (0 < size.width <= MAX_SIDE and 0 < size.height <= MAX_SIDE):
        raise HeaderError(f"a sensor of {size} px")
    return size


def read_file_header(path: Path) -> Header:
    """Read the header of a recording, whatever kind of file it is said to be.

    Raises
    ------
    SourceError
        It is not there, not readable, in another format, or its header is damaged.
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise SourceError(f"{path} is a folder: choose an {SUFFIX} recording in it.")
        if not stat.S_ISREG(kind):
            raise SourceError(f"{path} is not a file: choose an {SUFFIX} recording.")
        with path.open("rb") as file:
            magic = file.read(len(MAGIC))
            _check_format(path, magic)
            beginning = file.read(12)
            header = parse_header(beginning + file.read(header_length(beginning) - 8))
            missing = header.table is not None and not _is_table(file, header.table)
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}: check its name and folder.") from None
    except PermissionError:
        raise SourceError(f"{path} may not be read: change its permissions, or copy it to where you may.") from None
    except (OSError, ValueError) as error:
        if isinstance(error, HeaderError):
            raise SourceError(
                f"The header of {path.name} is damaged or cut off, so the recording cannot be opened: "
                "copy the file again from where it was recorded."
            ) from error
        raise unreadable(path, error) from error
    return replace(header, end=header.end + len(MAGIC), table_missing=missing)


def _is_table(file: BinaryIO, place: int) -> bool:
    """Look whether a table begins here, compressed or not; dv-processing does not look, and loops for ever."""
    if place >= os.fstat(file.fileno()).st_size:  # a place too far away cannot even be sought
        return False
    file.seek(place)
    return begins_table(file.read(TABLE_BEGINNING_BYTES))


def begins_table(raw: bytes) -> bool:
    """Tell whether these are the first bytes of a table, or of something else that is compressed."""
    return raw.startswith(_COMPRESSED) or raw[8:TABLE_BEGINNING_BYTES] == TABLE


def _check_format(path: Path, magic: bytes) -> None:
    if not magic:
        raise SourceError(f"{path.name} is empty, so there is nothing to play: choose another recording.")
    if magic != MAGIC:
        if magic.startswith(_OLDER):
            version = magic[len(_OLDER) :].split(b"\r")[0].decode("ascii", "replace")
            raise SourceError(
                f"{path.name} is in the older format AEDAT {version}, and only AEDAT 4.0 ({SUFFIX}) can be read: "
                "convert it with the program DV."
            )
        raise SourceError(
            f"{path.name} is not an AEDAT 4.0 recording, or its beginning is damaged: "
            f"the supported format is {SUFFIX}, as dv-processing and DV write it."
        )
    if path.suffix != SUFFIX:
        raise SourceError(f"{path.name} is an AEDAT 4.0 recording by another name: rename it to {path.stem}{SUFFIX}.")


def unreadable(path: Path, error: OSError | ValueError) -> SourceError:
    """Say that the system cannot read a file."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return SourceError(f"{path} cannot be read ({reason}): check the name and the disk.")
