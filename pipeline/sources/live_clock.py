"""How far a live source's time has come while it sends nothing."""

from __future__ import annotations

import time
from collections.abc import Callable

MAX_SLACK_US = 2_000_000


class LiveClock:
    """Moves a source's time on with this machine's clock after its last events, a little late.

    Late, because events are under way for a while, and time that was told to be over does not come back. The
    slack grows where events came later than that.

    Parameters
    ----------
    slack_us : int
        So far behind it stays, µs.
    start_us : int or None
        The source's time now, where it is known before the first event.
    clock_ns : callable
        A clock that never jumps.
    """

    def __init__(
        self, slack_us: int, start_us: int | None = None, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self._slack_us = slack_us
        self._clock_ns = clock_ns
        self._anchor_us = start_us
        self._anchor_ns = clock_ns()
        self._told_us = 0

    def saw(self, first_us: int, last_us: int) -> int:
        """Note events from `first_us` to `last_us` that have just come; give the time before which all are there."""
        if first_us < self._told_us:  # cut off too early: wait longer, unless the source's clock was set anew
            late_us = self._told_us - first_us
            if late_us < MAX_SLACK_US:
                self._slack_us = min(self._slack_us + late_us, MAX_SLACK_US)
        self._anchor_us, self._anchor_ns = last_us + 1, self._clock_ns()
        self._told_us = self._anchor_us
        return self._told_us

    def silent(self) -> int:
        """Give the time before which all events are there when none have come; 0 before it is known."""
        if self._anchor_us is None:
            return 0
        passed_us = (self._clock_ns() - self._anchor_ns) // 1000
        self._told_us = max(self._told_us, self._anchor_us + passed_us - self._slack_us)
        return self._told_us


class ToldClock:
    """How far a live source's time has come, where it tells so also while it sends no events."""

    def __init__(self) -> None:
        self._shown_us = self._told_us = 0

    @property
    def told_us(self) -> int:
        """The time before which all events were said to be there; 0 before there is one."""
        return self._told_us

    @property
    def now_us(self) -> int:
        """The latest time that was shown or told; 0 before there is one."""
        return max(self._shown_us, self._told_us)

    def shows(self, time_us: int) -> None:
        """Note the source's own time: no event from before comes any more (µs)."""
        self._shown_us = max(self._shown_us, time_us)

    def saw(self, first_us: int, last_us: int) -> int:
        """Note events from `first_us` to `last_us` that have just come; give the time before which all are there."""
        self._told_us = max(self._told_us, last_us + 1)
        return self._told_us

    def silent(self) -> int:
        """Give the time before which all events are there when none have come; 0 before it is known."""
        self._told_us = max(self._told_us, self._shown_us)
        return self._told_us
