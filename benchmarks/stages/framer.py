"""Events to event frames, on one core."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from benchmarks.dv_stores import store_of
from benchmarks.machine import one_core, read_bandwidth
from benchmarks.made_events import made_events, real_events
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from benchmarks.peers import contender
from pipeline.capture.messages import FramerSettings
from pipeline.events import EventArray, Recording, Resolution
from pipeline.framer import Framer

TITLE = "Events into event frames, one core"
TIMESTEP_US = 30_000
RESOLUTIONS = (Resolution(346, 260), Resolution(640, 480), Resolution(1280, 720))
EVENT_BYTES = 16


def measure(effort: Effort) -> StageResult:
    """Measure every resolution with uniform and clustered events, and the bundled tour."""
    count = effort.size(4_000_000, 30_000)
    figures: list[Figure] = []
    with one_core():
        bandwidth = read_bandwidth(effort.quick)
        for case, recording in _cases(count, RESOLUTIONS[:1] if effort.quick else RESOLUTIONS):
            work = _Work(recording)
            figures += compare(case, work.contenders(), effort, unit="Mev/s", of_seconds=work.rate)
    limit = bandwidth / EVENT_BYTES / 1e6
    best = max(figure.median or 0.0 for figure in figures if figure.contender == OWN)
    return StageResult(
        TITLE,
        tuple(figures),
        (
            f"One core reads {bandwidth / 1e9:.1f} GB/s, so that no framer of 16-byte events exceeds "
            f"{limit:,.0f} Mev/s from memory; this program reached {best / limit:.0%} of that.",
            "Peers get their events in their own form, converted beforehand, and make pictures of their own kind: "
            "counts, grey values or colours.",
        ),
    )


def _cases(count: int, resolutions: Sequence[Resolution]) -> list[tuple[str, Recording]]:
    cases = []
    for resolution in resolutions:
        for spread in ("uniform", "clustered"):
            events = made_events(count, resolution, spread)
            cases.append((f"{resolution}, {spread}", Recording(events, resolution, spread)))
    tour = real_events(count)
    return [*cases, (f"{tour.resolution}, bundled tour", tour)]


class _Work:
    """The same events, cut into the same timesteps, in everybody's own form."""

    def __init__(self, recording: Recording) -> None:
        self.events, self.resolution = recording.events, recording.resolution
        times = self.events["timestamp"]
        starts = np.arange(int(times[0]), int(times[-1]) + 1, TIMESTEP_US)
        bounds = np.append(np.searchsorted(times, starts), len(times))
        self.parts = [self.events[a:b] for a, b in pairwise(bounds)]

    def rate(self, seconds: float) -> float:
        """Mev/s."""
        return len(self.events) / seconds / 1e6

    def contenders(self) -> list[Contender]:
        """Give this program and all peers that are installed."""
        return [
            Contender(OWN, self._own()),
            contender("dv.EdgeMapAccumulator", "dv_processing", self._edge_map),
            contender("dv.Accumulator", "dv_processing", self._accumulator),
            contender("dv EventVisualizer", "dv_processing", self._visualizer),
            Contender("numpy", self._numpy()),
            contender("spikingjelly", "spikingjelly.datasets.utils", self._spikingjelly),
            contender("tonic ToFrame", "tonic.transforms", self._tonic),
            contender("faery", "faery", self._faery),
            contender("evlib", ("evlib", "evlib.representations", "polars"), self._evlib),
        ]

    def _own(self) -> Callable[[], None]:
        settings = FramerSettings(timestep_us=TIMESTEP_US)

        def run() -> None:
            framer = Framer(self.resolution, settings)
            frames = 0
            for part in self.parts:
                frames += sum(1 for _ in framer.push(part))
            frames += framer.flush() is not None
            if frames != len(self.parts):
                raise RuntimeError(f"{frames} frames instead of {len(self.parts)}")

        return run

    def _stores(self) -> list[Any]:
        return [store_of(part) for part in self.parts]

    def _edge_map(self, dv: Any) -> Callable[[], None]:
        stores, accumulator = self._stores(), dv.EdgeMapAccumulator(tuple(self.resolution))
        return lambda: _accumulate(accumulator, stores)

    def _accumulator(self, dv: Any) -> Callable[[], None]:
        stores, accumulator = self._stores(), dv.Accumulator(tuple(self.resolution))
        return lambda: _accumulate(accumulator, stores)

    def _visualizer(self, dv: Any) -> Callable[[], None]:
        stores, visualizer = self._stores(), dv.visualization.EventVisualizer(tuple(self.resolution))

        def run() -> None:
            for store in stores:
                visualizer.generateImage(store)

        return run

    def _numpy(self) -> Callable[[], None]:
        width, height = self.resolution
        pixels = width * height

        def run() -> None:
            for part in self.parts:
                place = part["polarity"].astype(np.int32) * pixels + part["y"].astype(np.int32) * width + part["x"]
                off, on = np.bincount(place, minlength=2 * pixels).reshape(2, height, width)
                frame = np.full((height, width), 127, np.uint8)
                frame[off > 0] = 255
                frame[on > 0] = 0

        return run

    def _spikingjelly(self, utils: Any) -> Callable[[], None]:
        width, height = self.resolution
        columns = _columns(self.parts)

        def run() -> None:
            for x, y, polarity in columns:
                utils.integrate_events_segment_to_frame(x, y, polarity, height, width)

        return run

    def _tonic(self, transforms: Any) -> Callable[[], None]:
        dtype = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "<i8")])
        events = np.empty(len(self.events), dtype)
        for own, theirs in (("x", "x"), ("y", "y"), ("timestamp", "t"), ("polarity", "p")):
            events[theirs] = self.events[own]
        to_frame = transforms.ToFrame((*self.resolution, 2), time_window=TIMESTEP_US, include_incomplete=True)

        def run() -> None:
            to_frame(events)

        return run

    def _faery(self, faery: Any) -> Callable[[], None]:
        events = np.empty(len(self.events), faery.EVENTS_DTYPE)
        for own, theirs in (("timestamp", "t"), ("x", "x"), ("y", "y"), ("polarity", "on")):
            events[theirs] = self.events[own]
        size = tuple(self.resolution)
        colours = faery.colormaps.starry_night

        def run() -> None:
            stream = faery.events_stream_from_array(events, size).regularize(frequency_hz=1e6 / TIMESTEP_US)
            for _ in stream.render(decay="window", tau=TIMESTEP_US * faery.us, colormap=colours):
                pass

        return run

    def _evlib(self, evlib: Any, representations: Any, polars: Any) -> Callable[[], None]:
        columns = {
            "x": self.events["x"].astype(np.int16),
            "y": self.events["y"].astype(np.int16),
            "t": polars.Series(self.events["timestamp"].copy()).cast(polars.Duration("us")),
            "polarity": self.events["polarity"].astype(np.int8),
        }
        table = polars.DataFrame(columns)
        width, height = self.resolution
        bins = len(self.parts)

        def run() -> None:
            counts = representations.create_event_frame(table, height, width, n_time_bins=bins)
            representations.densify_event_frame(counts, bins, 2, height, width)

        return run


def _accumulate(accumulator: Any, stores: Sequence[Any]) -> None:
    for store in stores:
        accumulator.accept(store)
        accumulator.generateFrame()


def _columns(parts: Sequence[EventArray]) -> list[list[Any]]:
    return [[np.ascontiguousarray(part[name]) for name in ("x", "y", "polarity")] for part in parts]
