"""What all event cameras have in common: a scene, a clock, a stream of transfers."""

from __future__ import annotations

import math
import os
import time
from abc import abstractmethod
from typing import ClassVar

from pipeline.events import EventArray, Resolution
from tests.cameras.faults import NO_FAULTS, Faults
from tests.cameras.scene import Scene
from tests.cameras.usb_device import UsbDevice

LEAD_US = 1000
"""What the camera's clock shows when the first event is seen. No camera can say «at time 0»."""
COLLECT_US = 2000
"""A transfer waits until it holds this much time (of the wall clock)."""
SETTLE_S = 0.15
"""The scene begins this long after the driver has handed over its first transfers, or set the clock to zero.

A driver that is still busy with that loses events or mixes them up, which is not what is tested here.
"""


class EventCamera(UsbDevice):
    """A camera that streams what its scene shows while the driver has it running.

    Parameters
    ----------
    serial : str, optional
        One that is typical of the model by default.
    scene : Scene, optional
        A dark room by default: no events.
    clock_us : int
        What its clock shows when the stream starts (µs): a little below a power of two to see it wrap.
    faults : Faults

    Attributes
    ----------
    sent : int
        Events that were given to transfers since the stream was last started.
    """

    usual_serial: ClassVar[str]
    usual_release: ClassVar[int]
    resolution: ClassVar[Resolution]
    stream_endpoint: ClassVar[int]
    bytes_per_event: ClassVar[int]
    """At most, while events are alone in their microsecond."""
    spare_bytes: ClassVar[int] = 1024
    """Room in a transfer for what is not an event."""

    def __init__(
        self, serial: str = "", scene: Scene | None = None, *, clock_us: int = 0, faults: Faults = NO_FAULTS
    ) -> None:
        super().__init__(serial or self.usual_serial, release=self.usual_release, faults=faults)
        self.scene = scene or Scene()
        self.sent = 0
        self.running = False
        self._clock_at_start = clock_us
        self._resetting = False

    def reset_clock(self) -> None:
        """Set the clock to 0 in the middle of the stream; to be called by the bus: ``bus.do(camera.reset_clock)``."""
        self._resetting = True

    def start(self, *, reset: bool) -> None:
        """Begin to stream from the beginning of the scene; with `reset` the driver has set the clock to zero."""
        self.scene.rewind()
        self.running = True
        self.sent = 0
        self._begun: float | None = None
        self._touched = time.monotonic()
        self._told_us = 0
        self._rest = b""
        self._clock_offset = self._clock_at_start
        self._resetting = False
        self.begin(reset=reset)

    def stop(self) -> None:
        self.running = False

    def plugged_in(self, speed: int) -> None:
        self.stop()

    def released(self) -> None:
        self.stop()

    @abstractmethod
    def begin(self, *, reset: bool) -> None:
        """Get ready to encode a new stream."""

    @abstractmethod
    def encode(self, events: EventArray, start_us: int, end_us: int, *, reset: bool) -> bytes:
        """Give what the camera says of the time [start_us, end_us) of its clock, and of the events in it.

        With `reset`, its clock was set to zero just before.
        """

    def seen(self, events: EventArray) -> EventArray:
        """Give those of the scene's events that the camera's settings let through; all by default."""
        return events

    def transfer_waits(self, endpoint: int) -> None:
        if endpoint == self.stream_endpoint and self.running and self._begun is None:
            self._touched = time.monotonic()

    def bulk_in(self, endpoint: int, room: int) -> bytes | None:
        faults = self.faults
        if endpoint != self.stream_endpoint or not self.running or faults.stalled:
            return None
        if self._rest:
            data, self._rest = self._rest[:room], self._rest[room:]
            return self._spoil(data)
        now = self._now_us()
        if now - self._told_us < COLLECT_US * min(self.scene.pace, 1e6) and not math.isinf(now):
            return None
        if faults.still:
            if math.isinf(now):
                return None
            self.scene.skip(now - LEAD_US)
        most = max((room - self.spare_bytes) // self.bytes_per_event, 1)
        events = self.scene.take(now - LEAD_US, most)
        if math.isinf(now) and not len(events):
            return None
        end = int(events["timestamp"][-1]) + LEAD_US + 1 if len(events) == most or math.isinf(now) else int(now)
        data = self._tell(events, end)
        self._rest = data[room:]
        return self._spoil(data[:room])

    def _now_us(self) -> float:
        """Time of the stream (µs): as the wall clock, or faster. Negative: not yet."""
        now = time.monotonic()
        if self._begun is None:
            if now - self._touched < SETTLE_S:
                return -1.0
            self._begun = now
        return math.inf if math.isinf(self.scene.pace) else (now - self._begun) * 1e6 * self.scene.pace

    def _tell(self, events: EventArray, end: int) -> bytes:
        start, self._told_us = self._told_us, max(end, self._told_us)
        reset, self._resetting = self._resetting, False
        if reset:
            self._clock_offset = -start
        events = self.seen(events)
        events["timestamp"] += LEAD_US + self._clock_offset
        self.sent += len(events)
        return self.encode(events, start + self._clock_offset, self._told_us + self._clock_offset, reset=reset)

    def _spoil(self, data: bytes) -> bytes:
        if self.faults.garbage:
            return os.urandom(max(len(data) - 1, 1))
        return data[: max(len(data) - self.faults.cut_short, 0)]
