"""Wakes a thread of the other process, and never makes the ringer wait."""

from __future__ import annotations

import os
import select
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, wait

from pipeline.capture.memory import SharedMemory, Word, order_memory

_MOST_BYTES = 64
"""More than a pipe ever holds: two empty messages, each with four bytes that tell its length."""


class Listener:
    """Waits until one of the connections has something to read, or has ended; again and again, for the same ones.

    multiprocessing's own `wait` makes a selector each time, which at hundreds of frames a second costs more than their
    pixels.
    """

    def __init__(self, *ends: Connection) -> None:
        self._ends = ends
        self._poll = select.poll() if hasattr(select, "poll") else None  # Windows waits for other things than files
        if self._poll is not None:
            for end in ends:
                self._poll.register(end.fileno(), select.POLLIN)

    def wait(self, timeout_s: float) -> bool:
        """Sleep so long at most; whether there is something."""
        if self._poll is None:
            return bool(wait(self._ends, timeout_s))
        return bool(self._poll.poll(timeout_s * 1e3))


class Bell:
    """A pipe with at most two messages in it: who has rung does not ring again before he was heard.

    Each process holds one end; each word has one writer.

    Parameters
    ----------
    memory : SharedMemory
    rung, heard : Word
        Written by the ringer and by the listener.
    end : Connection
        The ringer's writable end, or the listener's readable one.
    """

    def __init__(self, memory: SharedMemory, rung: Word, heard: Word, end: Connection) -> None:
        self._words = memory.words
        self._rung, self._heard = rung, heard
        self.end = end
        self._at_once = end.readable and hasattr(select, "poll")
        """Whether all that was rung can be read in one call."""
        if self._at_once:
            os.set_blocking(end.fileno(), False)
        self._listener = Listener(end)

    def ring(self) -> None:
        """Wake the listener. What it is to see must have been written before."""
        order_memory()
        if self._words[self._rung] != self._words[self._heard]:
            return
        self._words[self._rung] += 1
        try:
            self.end.send_bytes(b"")
        except OSError:
            return  # nobody listens any more; the control pipe tells that too

    def hear(self) -> None:
        """Take note, before looking for what there is."""
        try:
            self._read_all()
        except (EOFError, OSError):
            return  # nobody will ring any more; the control pipe tells that too
        self.quieten()

    def _read_all(self) -> None:
        if not self._at_once:
            while self._listener.wait(0):
                self.end.recv_bytes()
            return
        with suppress(BlockingIOError):
            if not os.read(self.end.fileno(), _MOST_BYTES):
                raise EOFError

    def quieten(self) -> None:
        """Forget what was rung, as where the ringer has died: for the listener's side."""
        self._words[self._heard] = self._words[self._rung]
        order_memory()


class WakePipe:
    """Wakes a thread of this process that waits for connections; any thread may call `wake`."""

    def __init__(self, reader: Connection, writer: Connection) -> None:
        self.reader = reader
        self._writer = writer
        self._lock = threading.Lock()
        self._woken = False

    def wake(self) -> None:
        with self._lock:
            if not self._woken:
                self._woken = True
                self._writer.send_bytes(b"")

    def take(self) -> bool:
        """Say whether `wake` was called since the last time."""
        with self._lock:
            if not self._woken:
                return False
            self._woken = False
            self.reader.recv_bytes()
            return True
