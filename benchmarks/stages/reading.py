"""A recording through the capture process into event frames, beside what only reads it."""

from __future__ import annotations

import queue
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pipeline as nc
from benchmarks.dv_stores import write_recording
from benchmarks.made_events import made_events, real_events
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from benchmarks.peers import contender
from pipeline.bundled import TOUR
from pipeline.capture.messages import Ended, FramerSettings, Open, Opened, Status
from pipeline.capture.supervisor import Capture
from pipeline.events import Recording, Resolution
from pipeline.sources.base import RecordingSpec

TITLE = "Reading .aedat4 through the capture process into event frames"
PATIENCE_S = 300.0
RESOLUTION = Resolution(640, 480)
EVENTS_PER_S = 5e6
TIMESTEP_US = 30_000


def measure(effort: Effort) -> StageResult:
    """Read the bundled tour, repeated into one file, and a busy scene."""
    count = effort.size(10_000_000, 30_000)
    cases: dict[str, Callable[[], Recording]] = {
        "bundled tour": lambda: real_events(count),
        f"clustered, {EVENTS_PER_S / 1e6:g} Mev/s": lambda: Recording(
            made_events(count, RESOLUTION, "clustered", rate=EVENTS_PER_S), RESOLUTION, "clustered"
        ),
    }
    figures: list[Figure] = []
    for name, make in cases.items():
        with tempfile.TemporaryDirectory() as folder:
            figures += _compared(name, write_recording(Path(folder) / "events.aedat4", make()), count, effort)
    return StageResult(
        TITLE,
        tuple(figures),
        (
            "This program's figure is from the source being open to the last event frame taken in the other process; "
            "peers read the events and do nothing with them.",
            f"Timesteps last {TIMESTEP_US / 1000:.0f} ms. In the tour they hold "
            f"{_per_timestep(nc.read_recording(TOUR)):,.0f} events on average, in the other recording "
            f"{EVENTS_PER_S * TIMESTEP_US / 1e6:,.0f}: with few of them the "
            "cost is that of the event frames, with many that of the events.",
        ),
    )


def _per_timestep(recording: Recording) -> float:
    return len(recording.events) / recording.duration_us * TIMESTEP_US


def _compared(name: str, path: Path, count: int, effort: Effort) -> list[Figure]:
    with _Reading(path) as own:
        contenders = [
            Contender(OWN, own.run),
            contender("bare dv-processing loop", "dv_processing", lambda dv: _bare(dv, path, count)),
            contender("aedat", "aedat", lambda aedat: _aedat(aedat, path, count)),
            contender("faery", "faery", lambda faery: _faery(faery, path, count)),
        ]
        return compare(
            f"{name}, {count:,} events, {path.stat().st_size / 1e6:.0f} MB",
            contenders,
            effort,
            unit="Mev/s",
            of_seconds=lambda seconds: count / seconds / 1e6,
        )


class _Reading:
    """A capture process that reads the file as often as it is asked to."""

    def __init__(self, path: Path) -> None:
        self._order = Open(RecordingSpec(path), FramerSettings(timestep_us=TIMESTEP_US), speed=None)
        self._statuses: queue.SimpleQueue[Status] = queue.SimpleQueue()
        self._capture = Capture(self._hear, pictures=False)

    def __enter__(self) -> _Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self._capture.close()

    def run(self) -> float:
        """Read it once; gives the seconds from open to end."""
        self._capture.open(self._order)
        self._wait_for(Opened)
        start = time.perf_counter()
        last: int | None = None
        taken = 0
        while last is None or taken < last:
            self._capture.feed.wait(0.05)
            frames = self._capture.feed.take()
            taken = frames[-1].index + 1 if frames else taken
            while not self._statuses.empty():
                status = self._statuses.get()
                if isinstance(status, Ended):
                    last = status.frames
            if time.perf_counter() - start > PATIENCE_S:
                raise RuntimeError("The recording did not come to its end.")
        return time.perf_counter() - start

    def _hear(self, status: Status) -> None:
        self._statuses.put(status)
        self._capture.feed.wake()  # else the end would be noticed only when the wait for frames is over

    def _wait_for(self, kind: type[Status]) -> None:
        while not isinstance(status := self._statuses.get(timeout=PATIENCE_S), kind):
            if not isinstance(status, Opened):
                raise RuntimeError(f"The recording cannot be read: {status}")


def _bare(dv: Any, path: Path, count: int) -> Callable[[], None]:
    def run() -> None:
        reader = dv.io.MonoCameraRecording(str(path))
        read = 0
        while reader.isRunning():
            events = reader.getNextEventBatch()
            if events is not None:
                read += len(events)
        _check(read, count)

    return run


def _aedat(aedat: Any, path: Path, count: int) -> Callable[[], None]:
    def run() -> None:
        _check(sum(len(packet["events"]) for packet in aedat.Decoder(path) if "events" in packet), count)

    return run


def _faery(faery: Any, path: Path, count: int) -> Callable[[], None]:
    def run() -> None:
        _check(sum(len(events) for events in faery.events_stream_from_file(path)), count)

    return run


def _check(read: int, count: int) -> None:
    if read != count:
        raise RuntimeError(f"{read:,} events were read instead of {count:,}")
