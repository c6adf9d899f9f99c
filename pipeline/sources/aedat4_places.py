"""Where in an .aedat4 file which time lies."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.events import EventArray
from pipeline.sources.aedat4 import Header
from pipeline.sources.aedat4_contents import DamageError
from pipeline.sources.aedat4_packets import NoPacketError, PacketFile
from pipeline.sources.aedat4_table import Rows, read_table


class Places:
    """Finds packets by their times: in the file's table, or where that is missing or wrong by looking at packets.

    Parameters
    ----------
    path : Path
    header : Header
        Of that file.
    number : int
        The stream's.

    Raises
    ------
    OSError
        The disk cannot be read.
    """

    def __init__(self, path: Path, header: Header, number: int) -> None:
        self._rows = read_table(path, header, number)
        self._found: list[int] | None = None
        self._read: EventArray | None = None
        """Of the packet that was compared last."""
        self._packets = PacketFile(path, header, number)

    def close(self) -> None:
        self._packets.close()

    def last_us(self) -> int:
        """Give the time of the stream's last event, as far as it can be read; of a stream that has any.

        Raises
        ------
        OSError
            The disk cannot be read.
        """
        if self._rows is not None:
            last = int(np.argmax(self._rows["last_us"]))
            if self._is_true(self._rows, last):
                return int(self._rows["last_us"][last])
        for place in reversed(self._all()):
            if (last_us := self._last_us_at(place)) is not None:
                return last_us
        return 0

    def packet_of(self, time_us: int) -> tuple[EventArray | None, int]:
        """Find the first packet that has events at this time or after it, or one before that.

        Returns
        -------
        events : EventArray or None
            The packet's. None: it was not read, or cannot be.
        place : int
            The byte where what follows those events begins; without them, where the packet begins.

        Raises
        ------
        OSError
            The disk cannot be read.
        """
        if self._rows is not None:
            later = self._rows["last_us"] >= time_us
            row = int(np.argmax(later)) if later.any() else len(later) - 1
            place = int(self._rows["place"][row])
            if self._is_true(self._rows, row):
                return self._read, self._packets.place if self._read is not None else place
        places = self._all()
        low, high = 0, len(places) - 1
        while low < high:
            middle = (low + high) // 2
            last_us = self._last_us_at(places[middle])
            if last_us is not None and last_us < time_us:
                low = middle + 1
            else:
                high = middle
        return None, places[low] if places else self._packets.first

    def _is_true(self, rows: Rows, number: int) -> bool:
        """Compare a row with its packet, as far as that can be read; forgets the table where they differ."""
        row, self._read = rows[number], None
        try:
            self._read = self._packets.read_at(int(row["place"]))
        except NoPacketError:
            true = False
        except DamageError:
            true = True
        else:
            times = self._read["timestamp"]
            true = len(times) > 0 and (times[0], times[-1]) == (row["first_us"], row["last_us"])
        if not true:
            self._rows = None
        return true

    def _all(self) -> list[int]:
        if self._found is None:
            self._found = self._packets.places()
        return self._found

    def _last_us_at(self, place: int) -> int | None:
        """Give the time of a packet's last event; None where it has none, or cannot be read."""
        try:
            times = self._packets.read_at(place)["timestamp"]
        except DamageError:
            return None
        return int(times.max()) if len(times) else None
