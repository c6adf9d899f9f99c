"""A stand-in for an opened camera of dv-processing that sends more than any make-believe bus carries.

It has the library's methods, and gives real event stores; what is above it is the program's own camera source.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import dv_processing as dv
import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources import camera_watch
from pipeline.sources.base import CameraSpec, Source, SourceError, SourceSpec
from pipeline.sources.camera import CameraSource
from pipeline.sources.camera_found import CameraFound

RESOLUTION = Resolution(640, 480)
INTERVAL_US = 10_000
"""Of each store, as the library's cameras have it."""
PACKET_HEADER_BYTES = 40
"""Before the first event of a packet in a recording."""
KEPT = 256
"""Stores that wait in the driver; where more come, the oldest are lost."""
AHEAD_US = 60_000_000
"""The first event's time is so much later than the moment of making: before that the source counts as silent."""


def made_events(per_interval: int, seed: int = 0) -> EventArray:
    """Events all over the sensor, evenly in the time of one store, from time 0."""
    random = np.random.default_rng(seed)
    events = np.zeros(per_interval, EVENT_DTYPE)
    events["timestamp"] = np.arange(per_interval) * INTERVAL_US // per_interval
    events["x"], events["y"] = (random.integers(0, size, per_interval) for size in RESOLUTION)
    events["polarity"] = random.integers(0, 2, per_interval)
    return events


def write_events(path: Path, events: EventArray, intervals: int) -> int:
    """Write a recording that has these events in each interval, one packet for each; gives the first one's time.

    The library can only build events one by one. So it writes one packet, and the others are copies of it whose times
    are moved on.
    """
    begin_us = time.time_ns() // 1000 + AHEAD_US
    config = dv.io.MonoCameraWriter.EventOnlyConfig("Fast", tuple(RESOLUTION), dv.CompressionType.NONE)
    writer = dv.io.MonoCameraWriter(str(path), config)
    store = dv.EventStore()
    for timestamp, x, y, polarity in zip(*(events[name].tolist() for name in EVENT_DTYPE.names or ()), strict=True):
        store.push_back(begin_us + timestamp, x, y, polarity != 0)
    writer.writeEventPacket(store.toPacket())
    del writer
    whole = path.read_bytes()
    first = whole.index(np.int64(begin_us).tobytes())
    begin, end = first - PACKET_HEADER_BYTES, first + len(events) * EVENT_DTYPE.itemsize
    table = np.int64(end).tobytes()
    assert whole.count(table, 0, begin) == 1, "where the table of packets lies, which is left out"
    packet = bytearray(whole[begin:end])
    times = np.frombuffer(packet, EVENT_DTYPE, offset=PACKET_HEADER_BYTES)["timestamp"]
    with path.open("wb") as file:
        file.write(whole[:begin].replace(table, np.int64(-1).tobytes()))
        for _ in range(intervals):
            file.write(packet)
            times += INTERVAL_US
    return begin_us


class FastCamera:
    """As much of a camera of dv-processing as the program uses of one that can be asked for events only.

    Parameters
    ----------
    stores : list of dv.EventStore, each of one interval
    kept : int
        How many of them wait for the reader at most; where more come, the oldest are lost.
    """

    def __init__(self, stores: list[dv.EventStore], kept: int = KEPT) -> None:
        self._coming = stores[::-1]
        self._waiting: deque[dv.EventStore] = deque(maxlen=kept)
        self._count = 0
        self._begun_s: float | None = None

    def getNextEventBatch(self) -> dv.EventStore | None:
        self._receive()
        return self._waiting.popleft() if self._waiting else None

    def isRunning(self) -> bool:
        return bool(self._coming or self._waiting)

    def __getattr__(self, name: str) -> Callable[..., object]:
        """Have the settings that all the library's cameras have; they change nothing."""
        if name in ("setCropArea", "setFlipHorizontal", "setFlipVertical", "setFlatten"):
            return lambda value: None
        if name in ("getFlipHorizontal", "getFlipVertical"):
            return lambda: False
        if name == "getFlatten":
            return lambda: dv.io.camera.DVXplorer.Flatten.NONE
        raise AttributeError(name)

    def _receive(self) -> None:
        """Do what the driver's own thread does meanwhile."""
        now_s = time.monotonic()
        if self._begun_s is None:
            self._begun_s = now_s
        while self._coming and (now_s - self._begun_s) * 1e6 >= (self._count + 1) * INTERVAL_US:
            store = self._coming.pop()
            self._count += 1
            self._waiting.append(store)


class FastSource(CameraSource):
    """The program's own camera source, but for what it opens."""

    def __init__(self, file: Path, kept: int) -> None:
        self._file, self._kept = file, kept
        super().__init__(CameraFound("Fast", "1", "1", "9:9", speed="USB 3"))

    def _open(self) -> tuple[FastCamera, Resolution]:
        recording = dv.io.MonoCameraRecording(str(self._file))
        stores = []
        while (store := recording.getNextEventBatch()) is not None:
            stores.append(store)
        self._file.unlink()
        return FastCamera(stores, self._kept), RESOLUTION


def open_fast(spec: SourceSpec) -> Source:
    """Open one that sends what a file holds, once; its serial number is the number of stores kept, and the file."""
    assert isinstance(spec, CameraSpec)
    assert spec.serial
    kept, _, file = spec.serial.partition(":")
    if not Path(file).exists():
        raise SourceError("The fast camera has sent all.")
    camera_watch.DRIVER_KEEPS_S = int(kept) * INTERVAL_US / 1e6
    return FastSource(Path(file), int(kept))
