"""Damaged copies of a recording, the same for the same seed: what disks, cables and mistakes make of files."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

MAGIC = b"#!AER-DAT4.0\r\n"
_SIZE = struct.Struct("<I")
_PLACE = struct.Struct("<q")
_PLACE_AT = len(MAGIC) + _SIZE.size + 36
"""Where dv-processing's header says at which byte the trailing table begins."""

Damage: TypeAlias = Callable[[bytearray, random.Random], None]


def damaged_copies(original: Path, folder: Path, count: int, seed: int) -> Iterator[tuple[str, Path]]:
    """Write `count` damaged copies one after another and give what was done to each and its path.

    Parameters
    ----------
    original : Path
        An .aedat4 recording that was closed properly.
    folder : Path
        Where the copies go; must exist.
    count : int
        The first three are an empty file, a text file and a folder; then all kinds of damage in turn.
    seed : int
        The same seed makes the same damage.
    """
    whole = original.read_bytes()
    kinds = list(_DAMAGES.items())
    for number in range(count):
        path = folder / f"damaged-{number:03d}.aedat4"
        if number < len(_STRANGERS):
            name, make = _STRANGERS[number]
            make(path)
        else:
            name, damage = kinds[(number - len(_STRANGERS)) % len(kinds)]
            copy = bytearray(whole)
            damage(copy, random.Random(f"{seed}/{number}"))
            path.write_bytes(copy)
        yield f"{number:03d} {name}", path


def header_end(raw: bytes | bytearray) -> int:
    """Give the first byte after the header."""
    (size,) = _SIZE.unpack_from(raw, len(MAGIC))
    return len(MAGIC) + _SIZE.size + int(size)


def table_start(raw: bytes | bytearray) -> int:
    """Give the first byte of the trailing table."""
    (place,) = _PLACE.unpack_from(raw, _PLACE_AT)
    if not header_end(raw) <= place < len(raw):
        raise ValueError("this recording has no trailing table, or not where the header of dv-processing says")
    return int(place)


def never_closed(raw: bytes | bytearray) -> bytearray:
    """Give the file as a power cut leaves it: the header knows no table, and none is there."""
    copy = bytearray(raw[: table_start(raw)])
    _PLACE.pack_into(copy, _PLACE_AT, -1)
    return copy


def with_table_at(raw: bytes, place: int) -> bytearray:
    """Give the file with a header that says that the table begins at this byte."""
    copy = bytearray(raw)
    _PLACE.pack_into(copy, _PLACE_AT, place)
    return copy


def _flip(raw: bytearray, first: int, last: int, bytes_flipped: int, chance: random.Random) -> None:
    for _ in range(bytes_flipped):
        raw[chance.randrange(first, last)] ^= chance.randrange(1, 256)


def _flip_anywhere(raw: bytearray, chance: random.Random) -> None:
    _flip(raw, 0, len(raw), 8, chance)


def _flip_one(raw: bytearray, chance: random.Random) -> None:
    _flip(raw, 0, len(raw), 1, chance)


def _flip_in_header(raw: bytearray, chance: random.Random) -> None:
    _flip(raw, 0, header_end(raw), 4, chance)


def _flip_in_table(raw: bytearray, chance: random.Random) -> None:
    _flip(raw, table_start(raw), len(raw), 4, chance)


def _flip_in_events(raw: bytearray, chance: random.Random) -> None:
    _flip(raw, header_end(raw), table_start(raw), 16, chance)


def _truncate(raw: bytearray, chance: random.Random) -> None:
    del raw[chance.randrange(1, len(raw)) :]


def _truncate_in_header(raw: bytearray, chance: random.Random) -> None:
    del raw[chance.randrange(1, header_end(raw)) :]


def _truncate_in_table(raw: bytearray, chance: random.Random) -> None:
    del raw[chance.randrange(table_start(raw), len(raw)) :]


def _hole(raw: bytearray, chance: random.Random) -> None:
    size = min(4096, len(raw) // 8)
    start = chance.randrange(0, len(raw) - size)
    raw[start : start + size] = bytes(size)


_DAMAGES: dict[str, Damage] = {
    "eight bytes flipped": _flip_anywhere,
    "one byte flipped": _flip_one,
    "four bytes flipped in the header": _flip_in_header,
    "four bytes flipped in the trailing table": _flip_in_table,
    "sixteen bytes flipped among the events": _flip_in_events,
    "cut off": _truncate,
    "cut off in the header": _truncate_in_header,
    "cut off in the trailing table": _truncate_in_table,
    "a hole of zeros": _hole,
}

_STRANGERS: tuple[tuple[str, Callable[[Path], object]], ...] = (
    ("an empty file", lambda path: path.write_bytes(b"")),
    ("a text file", lambda path: path.write_text("These are not events.\n" * 50, encoding="utf-8")),
    ("a folder", lambda path: path.mkdir()),
)
