"""The table at the end of an .aedat4 file: where each packet is, and from when to when it goes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.sources.aedat4 import TABLE, Header
from pipeline.sources.aedat4_contents import Bytes, DamageError, Unpacker, vector_of
from pipeline.sources.aedat4_packets import HEAD

MOST_TABLE_BYTES = 1 << 28
_FIELDS = (("place", "<i8"), ("number", "<i4"), ("count", "<i8"), ("first_us", "<i8"), ("last_us", "<i8"))
"""Of a row, in the file's order; the packet's size follows its stream's number."""
ROW_DTYPE = np.dtype(list(_FIELDS))
Rows: TypeAlias = npt.NDArray[np.void]
"""Of `ROW_DTYPE`, shape (n,): the byte where a packet begins, its stream, how many elements it has, and their times."""
_Places: TypeAlias = npt.NDArray[np.int64]


def read_table(path: Path, header: Header, number: int) -> Rows | None:
    """Read the rows of one stream's packets, of those that hold anything.

    Parameters
    ----------
    path : Path
    header : Header
        Of that file.
    number : int
        The stream's.

    Returns
    -------
    Rows or None
        In the order of the file. None where there is no table, or one that cannot be true.

    Raises
    ------
    OSError
        The disk cannot be read.
    """
    if header.table is None or header.table_missing:
        return None
    with path.open("rb") as file:
        file.seek(header.table)
        size = os.fstat(file.fileno()).st_size - header.table
        if size > MOST_TABLE_BYTES:
            return None
        packed: Bytes = np.empty(size, np.uint8)
        if file.readinto(packed.data) < size:
            return None
    try:
        rows: Rows = rows_of(Unpacker(header.compression).unpack(packed, TABLE))
    except DamageError:
        return None
    rows = rows[(rows["number"] == number) & (rows["count"] > 0)].copy()
    rows["place"] -= HEAD.size  # the table tells where a packet's content begins
    places = rows["place"]
    if not len(rows) or places[0] < header.end or places[-1] >= header.table or (np.diff(places) <= 0).any():
        return None
    return rows


def rows_of(content: Bytes) -> Rows:
    """Give the rows of an unpacked table.

    Raises
    ------
    DamageError
        One would lie outside.
    """
    begin, count = vector_of(content)
    if begin + 4 * count > len(content):
        raise DamageError(f"{count} rows that end outside")
    at = begin + 4 * np.arange(count, dtype=np.int64)
    tables = at + _gathered(content, at, "<u4")
    layouts = tables - _gathered(content, tables, "<i4")
    sizes = _gathered(content, layouts, "<u2")
    rows = np.zeros(count, ROW_DTYPE)
    for field, (name, kind) in enumerate(_FIELDS):
        there = np.flatnonzero(sizes >= 6 + 2 * field)
        offsets = _gathered(content, layouts[there] + 4 + 2 * field, "<u2")
        there, offsets = there[offsets > 0], offsets[offsets > 0]  # what is zero may be left out
        rows[name][there] = _gathered(content, tables[there] + offsets, kind)
    return rows


def _gathered(content: Bytes, places: _Places, kind: str) -> _Places:
    """Read a number of this kind at each of these bytes."""
    dtype = np.dtype(kind)
    if len(places) and (places.min() < 0 or places.max() > len(content) - dtype.itemsize):
        raise DamageError("a row that lies outside")
    found: _Places = content[places[:, None] + np.arange(dtype.itemsize)].view(dtype).reshape(-1).astype(np.int64)
    return found
