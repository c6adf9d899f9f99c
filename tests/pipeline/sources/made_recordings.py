"""Recordings that the tests write themselves, with dv-processing's own writer."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import dv_processing as dv
import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray, Resolution

SMALL = Resolution(128, 96)
START_US = 1_700_000_000_000_000


def moving_square(duration_us: int = 1_200_000, resolution: Resolution = SMALL, start_us: int = START_US) -> EventArray:
    """A square of 20 pixels goes to and fro: ON where it comes, OFF where it goes; 40 events a millisecond."""
    steps = np.arange(0, duration_us, 1000)
    lines = np.arange(20)
    way = resolution.width - len(lines)
    phase = steps // 5000 % (2 * way)
    left = np.where(phase < way, phase, 2 * way - phase)
    top = (steps // 20_000) % (resolution.height - len(lines))
    events = np.empty((len(steps), 2, len(lines)), EVENT_DTYPE)
    events["timestamp"] = (start_us + steps)[:, None, None] + (10 * np.arange(2 * len(lines))).reshape(2, -1)
    events["x"] = left[:, None, None] + np.array([0, len(lines) - 1])[:, None]
    events["y"] = top[:, None, None] + lines
    events["polarity"] = np.array([0, 1])[:, None]
    return events.reshape(-1)


def made_events(times_us: Iterable[int], x: int = 3, y: int = 2, polarity: int = 1) -> EventArray:
    """Events of one pixel at these times."""
    times = np.array(list(times_us), np.int64)
    events = np.empty(len(times), EVENT_DTYPE)
    events["timestamp"], events["x"], events["y"], events["polarity"] = times, x, y, polarity
    return events


def store_of(events: EventArray) -> dv.EventStore:
    store = dv.EventStore()
    for timestamp, x, y, polarity in events.tolist():
        store.push_back(timestamp, x, y, polarity != 0)
    return store


def packets_of(events: EventArray, packet_us: int = 10_000) -> list[EventArray]:
    """Cut at every `packet_us`, as a camera does."""
    if not len(events):
        return []
    times = events["timestamp"]
    cuts = np.searchsorted(times, np.arange(int(times[0]) + packet_us, int(times[-1]) + 1, packet_us))
    return [packet for packet in np.split(events, cuts) if len(packet)]


def write_packets(
    path: Path,
    streams: dict[str, list[EventArray]],
    resolution: Resolution | None = SMALL,
    camera: str = "DVXplorer_TEST0001",
    compression: dv.CompressionType = dv.CompressionType.LZ4,
    triggers: Iterable[int] = (),
) -> Path:
    """Write event streams, each packet as it is, and a trigger at each of these times."""
    config = dv.io.MonoCameraWriter.Config(camera)
    config.compression = compression
    if triggers := list(triggers):
        config.addTriggerStream()
    for name in streams:
        config.addEventStream(tuple(resolution or SMALL), name)
    writer = dv.io.MonoCameraWriter(str(path), config)
    writer.setPackagingCount(1)
    for time_us in triggers:
        writer.writeTrigger(dv.Trigger(time_us, dv.TriggerType.EXTERNAL_SIGNAL_RISING_EDGE))
    for name, packets in streams.items():
        for packet in packets:
            writer.writeEventPacket(store_of(packet).toPacket(), name)
    del writer  # its destructor ends the file
    return path


def write_recording(path: Path, events: EventArray, resolution: Resolution = SMALL, packet_us: int = 10_000) -> Path:
    return write_packets(path, {"events": packets_of(events, packet_us)}, resolution)
