"""Writes on a thread of its own what is recorded: who records waits neither for compression nor for the disk."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from threading import Condition, Thread

from pipeline.aedat4_writer import Aedat4File, Packet
from pipeline.events import EventArray

LATEST_S = 0.25
"""So long after its first event a packet is written, however few it holds: a crash costs no more."""
MOST_WAITING = 32
"""Full packets that wait for the disk, 1 MB each; with more, who records waits too."""


LIFE_S = 0.5
"""Who waits for the disk says so often that he lives, as long as the disk gets on."""


class WriteError(Exception):
    """Events cannot be written. The text says why, in a few words; the file ends where the last whole packet does."""


class WriteBehind:
    """Collects events in packets, and writes these to a file.

    Parameters
    ----------
    file : Aedat4File
        From now on of this thread only.
    beat : callable
        Called now and then while `put` or `close` waits, where something was written since the last time.
    """

    def __init__(self, file: Aedat4File, beat: Callable[[], None] = lambda: None) -> None:
        self._file, self._beat = file, beat
        self._seen_bytes = 0
        self._changed = Condition()
        self._filling = Packet()
        self._since_s = 0.0
        """When the first event of `_filling` came."""
        self._full: deque[Packet] = deque()
        self._taken = 0
        self._closing = False
        self._error: Exception | None = None
        # A process that ends without closing ends: its file is that of a crash.
        self._thread = Thread(target=self._run, name="write-behind", daemon=True)
        self._thread.start()

    @property
    def events(self) -> int:
        """All that were taken; once closed, all that were written."""
        return self._taken if self._thread.is_alive() else self._file.events

    @property
    def written(self) -> int:
        """Events on disk."""
        return self._file.events

    @property
    def bytes(self) -> int:
        """Size on disk."""
        return self._file.bytes

    @property
    def waiting(self) -> int:
        """Events that were taken and not yet written."""
        return self._taken - self._file.events

    def put(self, events: EventArray) -> None:
        """Take these events, all of them, and copy them.

        Raises
        ------
        WriteError
            They or earlier ones cannot be written.
        """
        while len(events):
            with self._changed:
                while not self._changed.wait_for(lambda: len(self._full) < MOST_WAITING or self._error, LIFE_S):
                    self._tell_life()
                self._check()
                events = events[self._fill(events) :]

    def close(self) -> None:
        """Write what is left, and finish the file.

        Raises
        ------
        WriteError
            Something was not written.
        """
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        while self._thread.is_alive():
            self._thread.join(LIFE_S)
            self._tell_life()
        try:
            self._file.close()
        except OSError as error:
            self._error = self._error or error
        self._check()

    def _tell_life(self) -> None:
        if self._file.bytes != self._seen_bytes:
            self._seen_bytes = self._file.bytes
            self._beat()

    def _check(self) -> None:
        if self._error is not None:
            raise WriteError(reason_of(self._error)) from self._error

    def _fill(self, events: EventArray) -> int:
        if not len(self._filling):
            self._since_s = time.monotonic()
            self._changed.notify_all()
        count = self._filling.add(events)
        self._taken += count
        if self._filling.full:
            self._full.append(self._filling)
            self._filling = Packet()
            self._changed.notify_all()
        return count

    def _run(self) -> None:
        try:
            while (packet := self._next()) is not None:
                self._file.write(packet)
        except Exception as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _next(self) -> Packet | None:
        """Wait for a packet that is full, or that waits too long; None when there will be none."""
        with self._changed:
            while not self._full and not self._closing and (left_s := self._left_s()) != 0.0:
                self._changed.wait(left_s)
            if self._full:
                packet = self._full.popleft()
            elif len(self._filling):
                packet, self._filling = self._filling, Packet()
            else:
                return None
            self._changed.notify_all()
            return packet

    def _left_s(self) -> float | None:
        """Give how long the packet being filled may wait; None while it is empty."""
        return max(0.0, self._since_s + LATEST_S - time.monotonic()) if len(self._filling) else None


def reason_of(error: Exception) -> str:
    """Give what the system says of an error, in a few words."""
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
