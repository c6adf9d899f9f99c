"""What cameras and network streams have in common."""

from __future__ import annotations

import time
from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from pipeline.events import NO_EVENTS, Resolution
from pipeline.sources.base import READ_PATIENCE_S, EventBatch, Source, SourceLost
from pipeline.sources.intake import NATIVE_ERRORS, Intake
from pipeline.sources.live_clock import LiveClock, ToldClock

if TYPE_CHECKING:
    import dv_processing as dv

POLL_S = 0.001
"""dv-processing has no way to wait for events."""


class Input(Protocol):
    """The part of dv-processing's inputs that is used here."""

    def getNextEventBatch(self) -> dv.EventStore | None: ...

    def isRunning(self) -> bool: ...


class LiveSource(Source):
    """Events as they come.

    Attributes
    ----------
    outside : int
        Events left out so far because they lay outside the sensor.
    """

    def __init__(self, resolution: Resolution, clock: LiveClock | ToldClock) -> None:
        self._intake = Intake(resolution)
        self._clock = clock
        self.waited_s: float = 0.0

    @property
    def outside(self) -> int:
        return self._intake.outside

    def read(self) -> EventBatch:
        batch = self._intake.take()
        deadline = time.monotonic() + READ_PATIENCE_S
        while batch is None:
            if not self._receive():
                if time.monotonic() >= deadline:
                    return EventBatch(NO_EVENTS, self._clock.silent())
                began_s = time.monotonic()
                self._wait()
                self.waited_s += time.monotonic() - began_s
            batch = self._intake.take()
        times = batch.events["timestamp"]
        return EventBatch(batch.events, self._clock.saw(int(times[0]), int(times[-1])), batch.store)

    @abstractmethod
    def _receive(self) -> bool:
        """Put what has come into the intake; False when no events have.

        Raises
        ------
        SourceLost
            Nothing more will come.
        """

    def _wait(self) -> None:
        """Wait a little for more to come."""
        time.sleep(POLL_S)


class InputSource(LiveSource):
    """Events as they come from an input of dv-processing."""

    def __init__(self, reader: Input, resolution: Resolution, clock: LiveClock) -> None:
        super().__init__(resolution, clock)
        self._reader: Input | None = reader

    def close(self) -> None:
        self._reader = None
        self._intake.clear()

    @abstractmethod
    def _lost(self) -> SourceLost:
        """Say that the source went away."""

    def _receive(self) -> bool:
        if self._reader is None:
            raise self._lost()
        try:
            store = self._reader.getNextEventBatch()
            if store is None and not self._reader.isRunning():
                store = self._reader.getNextEventBatch()  # came in between
                if store is None:
                    raise self._lost()
        except NATIVE_ERRORS as error:
            raise self._lost() from error
        if store is None or store.isEmpty():
            return False
        events, kept = self._intake.check(store)
        self._intake.put(events, kept)
        return len(events) > 0
