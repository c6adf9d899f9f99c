"""Reads on a thread of its own a little ahead of who asks: unpacking goes on beside what is done with events."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from pipeline.events import EventArray
from pipeline.sources.aedat4_contents import DamageError

BUNCH_EVENTS = 1 << 16
"""Small packets are handed over together: to wake a thread for each takes longer than to unpack it."""
GROWTH = 4
"""The first bunch is one packet, as whoever winds a recording waits for it; each after it is so many times larger."""
BUNCHES_AHEAD = 2


@dataclass
class _Bunch:
    packets: list[EventArray] = field(default_factory=list)
    over: bool = False
    error: DamageError | OSError | None = None


class ReadAhead:
    """Gives what a function gives, which is called before it is asked for.

    The thread ends when this is closed or forgotten. Nothing is read before the first call of `next`.

    Parameters
    ----------
    read : callable
        Gives the next packet; None at the end. Called by one thread at a time, and by none after `stop`.
    """

    def __init__(self, read: Callable[[], EventArray | None]) -> None:
        self._read = read
        self._thread = ThreadPoolExecutor(1, "read-ahead")
        self._coming: deque[Future[_Bunch]] = deque()
        self._ready: deque[EventArray] = deque()
        self._last: _Bunch | None = None
        self._stopping = False
        self._bunch_events = 1

    def next(self) -> EventArray | None:
        """Give the next packet; None at the end.

        Raises
        ------
        DamageError, OSError
            What `read` raised after the packet before.
        """
        while not self._ready and self._last is None:
            self._order()
            bunch = self._coming.popleft().result()
            if bunch.over:
                self._last = bunch
                self._halt()
            else:
                self._order()
            self._ready.extend(bunch.packets)
        if self._ready:
            return self._ready.popleft()
        if self._last is not None and self._last.error is not None:
            raise self._last.error
        return None

    def stop(self) -> None:
        """Read no further, and forget what was read; the next call of `next` begins anew."""
        self._halt()
        self._ready.clear()
        self._last = None
        self._bunch_events = 1

    def close(self) -> None:
        """End the thread. May be called twice."""
        self.stop()
        self._thread.shutdown()

    def _order(self) -> None:
        while len(self._coming) < BUNCHES_AHEAD:
            self._coming.append(self._thread.submit(self._bunch))

    def _halt(self) -> None:
        self._stopping = True
        wait([future for future in self._coming if not future.cancel()])
        self._coming.clear()
        self._stopping = False

    def _bunch(self) -> _Bunch:
        bunch, events, enough = _Bunch(), 0, self._bunch_events
        self._bunch_events = min(GROWTH * enough, BUNCH_EVENTS)
        while events < enough and not self._stopping:
            try:
                packet = self._read()
            except (DamageError, OSError) as error:
                bunch.error = error
                packet = None
            if packet is None:
                bunch.over = self._stopping = True
                break
            bunch.packets.append(packet)
            events += len(packet)
        return bunch
