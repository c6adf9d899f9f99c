"""The pace of a recording: when which moment of its time is due on the clock of the wall."""

from __future__ import annotations

MAX_LATE_S = 0.5
"""A player that is later than this goes on from where it is instead of hurrying after."""


class Pace:
    """Joins a recording's time to the wall's.

    Parameters
    ----------
    speed : float or None
        Recording time per wall time; None: everything is due at once.
    """

    def __init__(self, speed: float | None) -> None:
        self.speed = speed
        self._from_us = 0
        self._from_s: float | None = None

    def set_speed(self, speed: float | None) -> None:
        """Go at this speed from the next piece on."""
        self.speed = speed
        self.restart()

    def restart(self) -> None:
        """The next piece's beginning is now, whatever was before: after a pause or a jump in time."""
        self._from_s = None

    def wait_s(self, start_us: int, until_us: int, now_s: float) -> float:
        """Say how long to wait until what happened in [start_us, until_us) is over; 0 when it is."""
        if self.speed is None:
            return 0.0
        if self._from_s is None:
            self._from_us, self._from_s = start_us, now_s
        wait_s = self._from_s + (until_us - self._from_us) / 1e6 / self.speed - now_s
        if wait_s < -MAX_LATE_S:
            self.restart()
        return max(wait_s, 0.0)
