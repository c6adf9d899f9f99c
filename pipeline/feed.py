"""How event frames reach whoever recognises them."""

from __future__ import annotations

from typing import Protocol

from pipeline.prediction import EventFrame


class FrameFeed(Protocol):
    """The consumer's end of the ring of event frames. All but `wake` belong to one thread."""

    def wait(self, timeout_s: float) -> bool:
        """Sleep until a frame is there, `wake` was called, or the time is over; True when a frame is there."""

    def wake(self) -> None:
        """End a `wait` that is going on, or the next one; from any thread."""

    def take(self, newest: int | None = None) -> list[EventFrame]:
        """Give all frames not taken before, in order, or only the newest so many; the pixels are the caller's own.

        What is left out counts as taken: gaps show in `EventFrame.index`.
        """
