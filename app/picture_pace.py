"""When to look for the next picture of the events."""

from __future__ import annotations

AFTER_MS = 11
"""None comes sooner after one, as they are made 60 times a second."""
LOOK_MS = 2
"""Then it may come at any moment: a look takes a few µs."""
LOOKS = 12
IDLE_MS = 16
"""Where none came for so many looks, the stream stands still or is slow."""


class PicturePace:
    """Pictures are made in step with no timer here: looked for 60 times a second, every twentieth would come late."""

    def __init__(self) -> None:
        self._in_vain = 0

    def wait_ms(self, found: bool) -> int:
        """Give how long to wait after a look that has found a picture, or none."""
        if found:
            self._in_vain = 0
            return AFTER_MS
        self._in_vain += 1
        return LOOK_MS if self._in_vain < LOOKS else IDLE_MS
