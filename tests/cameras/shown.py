"""Events to be shown to a camera, and how what was read is compared with them."""

from __future__ import annotations

import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray, Resolution

COUNT = 60_000


def scattered(resolution: Resolution, count: int = COUNT, span_us: int = 600_000, seed: int = 5) -> EventArray:
    """Events at random places and times, the corners among them, many at the same time, with pauses."""
    random = np.random.default_rng(seed)
    events = np.empty(count, EVENT_DTYPE)
    times = np.sort(random.integers(0, span_us // 2, count))
    events["timestamp"] = np.where(times > span_us // 4, times + span_us // 2, times)
    events["x"], events["y"] = (random.integers(0, size, count) for size in resolution)
    events["polarity"] = random.integers(0, 2, count)
    corners = [(x, y) for x in (0, resolution.width - 1) for y in (0, resolution.height - 1)]
    events["x"][:4], events["y"][:4] = np.transpose(corners)
    return events


def assert_same(read: EventArray, shown: EventArray) -> None:
    """Everything is there; the times differ by what the clocks differ."""
    assert len(read) == len(shown)
    for field in ("x", "y", "polarity"):
        assert (read[field] == shown[field]).all(), field
    assert np.ptp(read["timestamp"] - shown["timestamp"]) == 0
