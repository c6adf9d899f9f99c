"""Events to measure with: spread over the sensor, in clusters as things that move make them, and recorded ones."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np

import pipeline as nc
from pipeline.bundled import TOUR
from pipeline.events import EVENT_DTYPE, EventArray, Recording, Resolution, chosen, joined

Spread: TypeAlias = Literal["uniform", "clustered"]
START_US = 1_000_000
CLUSTERS = 20
CLUSTER_PX = 12.0


def made_events(count: int, resolution: Resolution, spread: Spread, *, rate: float = 20e6, seed: int = 0) -> EventArray:
    """Make events in order of time.

    Parameters
    ----------
    count : int
    resolution : Resolution
    spread : "uniform" or "clustered"
        Anywhere; or around 20 places, with a deviation of 12 px.
    rate : float
        events/s of their own time
    seed : int
    """
    random = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["timestamp"] = START_US + (np.arange(count) * (1e6 / rate)).astype(np.int64)
    width, height = resolution
    if spread == "uniform":
        events["x"] = random.integers(0, width, count, dtype=np.int16)
        events["y"] = random.integers(0, height, count, dtype=np.int16)
    else:
        place = random.integers(0, CLUSTERS, count)
        for name, size in (("x", width), ("y", height)):
            centres = random.uniform(0, size, CLUSTERS).astype(np.float32)
            around = centres[place] + CLUSTER_PX * random.standard_normal(count, np.float32)
            events[name] = np.clip(around, 0, size - 1).astype(np.int16)
    events["polarity"] = random.integers(0, 2, count, dtype=np.int8)
    return events


def real_events(count: int) -> Recording:
    """Give the events of the bundled tour, again and again with time going on, so many of them."""
    tour = nc.read_recording(TOUR)
    span_us = tour.duration_us + 1
    rounds = -(-count // len(tour.events))
    parts = []
    for number in range(rounds):
        part = chosen(tour.events, slice(None))
        part["timestamp"] += number * span_us
        parts.append(part)
    return Recording(joined(parts)[:count], tour.resolution, tour.name)
