"""What stands at the beginning of an .aedat4 file and of a dv-processing connection, read without dv-processing.

dv-processing can loop for ever on what is damaged, with Python's global lock held, so the beginning is looked
at first. Both begin with a length and a FlatBuffer named IOHE that holds the place of the trailing table (of
packets; a file only) and an XML text with the streams.
"""

from __future__ import annotations

import os
import shutil
import stat
import struct
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO
from xml.etree import ElementTree

from pipeline.events import Resolution
from pipeline.sources.base import SourceError

SUFFIX = ".aedat4"
MAGIC = b"#!AER-DAT4.0\r\n"
MAX_HEADER_BYTES = 16_000_000
MAX_SIDE = 16_384
"""No sensor is wider or higher, in px; a header that says so is damaged."""
SPARE_BYTES = 64_000_000
"""Of disk space are left free when a file is copied to mend it."""
_OLDER = b"#!AER-DAT"
_IDENTIFIER = b"IOHE"
_EVENTS = "EVTS"
_TABLE = b"FTAB"
_COMPRESSED = (b"\x04\x22\x4d\x18", b"\x28\xb5\x2f\xfd")
"""How LZ4 and Zstandard begin."""
_LENGTH = struct.Struct("<I")
_PLACE = struct.Struct("<q")
_NEVER_CLOSED = _PLACE.pack(-1)


class HeaderError(ValueError):
    """These bytes are no header, or a damaged one."""


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


@dataclass(frozen=True)
class Header:
    """A header's contents."""

    streams: tuple[EventStream, ...]
    table: int | None
    """The byte where the trailing table should begin; None where the file was never closed."""
    table_said_at: int
    """The byte of the header that says so."""
    end: int
    """The first byte after the header."""
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
        end = _LENGTH.size + header_length(raw)
        body = raw[_LENGTH.size : end]
        place_at = _field(body, 1)
        (table,) = _PLACE.unpack_from(body, place_at) if place_at else (-1,)
        text_at = _field(body, 2)
        text_at += _LENGTH.unpack_from(body, text_at)[0]
        (length,) = _LENGTH.unpack_from(body, text_at)
        text = body[text_at + _LENGTH.size : text_at + _LENGTH.size + length]
        streams = _streams(ElementTree.fromstring(text.decode("utf-8")))
    except (struct.error, ValueError, ElementTree.ParseError) as error:
        raise HeaderError(str(error)) from error
    return Header(streams, None if table < 0 else table, _LENGTH.size + place_at, end)


def header_length(raw: bytes) -> int:
    """Give the number of bytes that follow the first four, from the first twelve.

    Raises
    ------
    HeaderError
        This is not how a header begins.
    """
    if len(raw) < 12 or raw[8:12] != _IDENTIFIER:
        raise HeaderError("the identifier is missing")
    (length,) = _LENGTH.unpack_from(raw)
    if not 16 <= length <= MAX_HEADER_BYTES:
        raise HeaderError(f"a length of {length} bytes")
    return int(length)


def _field(body: bytes, number: int) -> int:
    """Give the place of a field of a FlatBuffer's root table; 0 when it is not there."""
    (root,) = _LENGTH.unpack_from(body)
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
    for node in root.findall("./node[@name='outInfo']/node"):
        said = {attribute.get("key"): attribute.text or "" for attribute in node.iter("attr")}
        if said.get("typeIdentifier") == _EVENTS:
            name = said.get("originalOutputName") or "events"
            found.append((name, said.get("source", ""), _resolution(said.get("sizeX"), said.get("sizeY"))))
    often = Counter(name for name, _, _ in found)
    return tuple(
        EventStream(name, camera, size, name if often[name] == 1 else f"{name} ({camera})")
        for name, camera, size in found
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
        raise SourceError(f"{path} cannot be read ({_reason(error)}): check the name and the disk.") from error
    shift = len(MAGIC)
    return replace(header, table_said_at=header.table_said_at + shift, end=header.end + shift, table_missing=missing)


def _is_table(file: BinaryIO, place: int) -> bool:
    """Look whether a table begins here, compressed or not; dv-processing does not look, and loops for ever."""
    file.seek(place)
    beginning = file.read(12)
    return beginning.startswith(_COMPRESSED) or beginning[8:] == _TABLE


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


def mended_copy(path: Path, header: Header) -> Path:
    """Copy a file without its trailing table, which is missing or damaged, as if it had never been closed.

    dv-processing refuses the original, and of the copy it reads every packet that is whole. The copy is in the
    system's folder for temporary files, and the caller's to remove.

    Raises
    ------
    SourceError
        There is no room for the copy.
    """
    place, name = tempfile.mkstemp(SUFFIX, "neuroclip-mended-")
    copy = Path(name)
    try:
        size = path.stat().st_size
        if shutil.disk_usage(copy.parent).free < size + SPARE_BYTES:
            raise OSError(f"{size / 1e6:,.0f} MB of space are needed")
        with os.fdopen(place, "r+b") as file, path.open("rb") as original:
            shutil.copyfileobj(original, file, 1 << 20)
            if header.table is not None and header.end <= header.table < size:
                file.truncate(header.table)
            file.seek(header.table_said_at)
            file.write(_NEVER_CLOSED)
    except OSError as error:
        copy.unlink(missing_ok=True)
        raise SourceError(
            f"The end of {path.name} is damaged or missing, and no mended copy can be made in {copy.parent} "
            f"({_reason(error)}): free some space there."
        ) from error
    return copy


def _reason(error: OSError | ValueError) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
