"""Where more events come than this machine can judge and draw: only every k-th is, and nothing gets late.

A live source waits for nobody, so what is not taken in time would pile up, and what the window shows would be older
and older. Recordings and counts have all events: they are written before they are thinned.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from pipeline.events import chosen
from pipeline.sources.base import EventBatch

INTERVAL_S = 0.5
"""How long the load is looked at before anything is changed."""
BUSY_REST = 0.02
"""With less rest than this (of 1) there is always something waiting: events pile up."""
BUSY_WORK = 0.25
"""With less work than this (of 1) on what is judged and drawn, leaving out more of it would help nobody."""
CALM_REST = 0.6
"""With at least this, twice as many events can be judged: their work takes twice as long at most."""
MOST = 1 << 10


class Thinning:
    """Decides by the rest that a source has, and leaves events out.

    Parameters
    ----------
    clock_s : callable
        A clock that never jumps.

    Attributes
    ----------
    every : int
        k: 1, 2, 4, ...; 1: nothing is left out.
    left_out : int
        Events so far.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self.every = 1
        self.left_out = 0
        self._clock_s = clock_s
        self._began_s = clock_s()
        self._waited_s = 0.0
        self._worked_s = 0.0
        self._first = 0
        """Place of the next event that counts, from the next batch's begin on."""

    def worked(self, seconds: float) -> None:
        """Note how long what is left of a batch has kept this process busy."""
        self._worked_s += seconds

    def look(self, waited_s: float | None) -> bool:
        """Note how long the source has waited for events in all; whether more are left out from now on.

        Parameters
        ----------
        waited_s : float or None
            Grows; None: the source cannot tell, and nothing is left out.
        """
        now_s = self._clock_s()
        passed_s = now_s - self._began_s
        if waited_s is None or passed_s < INTERVAL_S:
            return False
        rest = (waited_s - self._waited_s) / passed_s
        work = self._worked_s / passed_s
        self._began_s, self._waited_s, self._worked_s = now_s, waited_s, 0.0
        if rest < BUSY_REST and work > BUSY_WORK and self.every < MOST:
            self.every *= 2
            return True
        if rest >= CALM_REST and self.every > 1:
            self.every //= 2
        return False

    def thin(self, batch: EventBatch) -> EventBatch:
        """Give every k-th event of a batch; its time goes on as far."""
        count = len(batch.events)
        if self.every == 1 or not count:
            return batch
        events = chosen(batch.events, slice(self._first, None, self.every))
        self._first = (self._first - count) % self.every
        self.left_out += count - len(events)
        return EventBatch(events, batch.until_us)
