"""A live source with a rate of its own: what a camera at full load would give, whatever machine this is."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.made_events import made_events
from pipeline.events import EventArray
from pipeline.sources.base import EventBatch, SimulationSpec, Source, SourceError, SourceInfo, SourceSpec

BLOCK_US = 100_000
"""The same events come again so often."""
LEAST_US = 1_000
"""Of time in one batch."""
MOST_US = 20_000


class SteadySource(Source):
    """Events in clusters at a fixed rate, each at the time of `time.monotonic` that stands in it, in µs.

    Parameters
    ----------
    spec : SimulationSpec
        The sensor's size; its seed is the rate, events/s.
    """

    def __init__(self, spec: SimulationSpec) -> None:
        self.info = SourceInfo("simulation", f"{spec.seed / 1e6:g} Mev/s", spec.resolution)
        count = max(1, round(spec.seed * BLOCK_US / 1e6))
        self._block = made_events(count, spec.resolution, "clustered", rate=spec.seed)
        self._block["timestamp"] -= self._block["timestamp"][0]
        self._times = np.ascontiguousarray(self._block["timestamp"])
        self._given_us = _now_us()
        self.waited_s: float = 0.0

    def read(self) -> EventBatch:
        """Give what is due; what was asked for late comes late, and nothing is left out."""
        wait_us = self._given_us + LEAST_US - _now_us()
        if wait_us > 0:
            began_s = time.monotonic()
            time.sleep(wait_us / 1e6)
            self.waited_s += time.monotonic() - began_s
        block_us = self._given_us // BLOCK_US * BLOCK_US
        # Not beyond the block: joining two parts would cost more than what is measured, as copying one would.
        until_us = min(_now_us(), self._given_us + MOST_US, block_us + BLOCK_US)
        first, last = np.searchsorted(self._times, [self._given_us - block_us, until_us - block_us])
        events: EventArray = self._block[first:last]
        np.add(self._times[first:last], block_us, out=events["timestamp"])
        self._given_us = until_us
        return EventBatch(events, until_us)

    def close(self) -> None:
        """Nothing is held."""


def open_steady(spec: SourceSpec) -> Source:
    """Open a steady source in the capture process."""
    if not isinstance(spec, SimulationSpec):
        raise SourceError(f"{spec} is not measured: give a simulation whose seed is its rate.")
    return SteadySource(spec)


def _now_us() -> int:
    return time.monotonic_ns() // 1000
