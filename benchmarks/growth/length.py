"""Recordings: with their length. Nothing but the file itself may grow."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.growth.curve import Curve, Line, median_s, some
from benchmarks.made_events import START_US, made_events
from pipeline.events import EventArray, Resolution
from pipeline.recorder import Recorder
from pipeline.sources.base import EventBatch, RecordingSpec, SourceInfo
from pipeline.sources.recording import RecordingSource

RATE = 1e6
SECONDS = (1, 3, 10, 30, 100)
RESOLUTION = Resolution(346, 260)


def by_length(repeats: int, quick: bool) -> Curve:
    """Milliseconds to open a recording of 1 to 100 s and read its first events, and to wind to its last second."""
    opened, wound = [], []
    with tempfile.TemporaryDirectory() as folder:
        for seconds in some(SECONDS, quick):
            path = Path(folder) / f"{seconds}.aedat4"
            _record(path, seconds)
            opened.append((float(seconds), median_s(lambda path=path: _open(path), repeats) * 1e3))  # type: ignore[misc]
            source = RecordingSource(RecordingSpec(path))
            late_us = source.info.end_us - 1_000_000
            wound.append((float(seconds), median_s(lambda: _wind(source, late_us), repeats) * 1e3))  # noqa: B023
            source.close()
    return Curve(
        "A recording of a million events/s", "length, s", "ms",
        (Line("opened, first events there", tuple(opened)), Line("wound to its last second", tuple(wound))),
    )  # fmt: skip


def _record(path: Path, seconds: int) -> None:
    """Write a recording, a second at a time."""
    second = made_events(round(RATE), RESOLUTION, "clustered", rate=RATE)
    recorder = Recorder(path, SourceInfo("simulation", "made", RESOLUTION))
    for number in range(seconds):
        events: EventArray = second.copy()
        events["timestamp"] += number * 1_000_000
        recorder.write(EventBatch(events, START_US + (number + 1) * 1_000_000))
    recorder.close()


def _open(path: Path) -> None:
    source = RecordingSource(RecordingSpec(path))
    source.read()
    source.close()


def _wind(source: RecordingSource, time_us: int) -> None:
    source.seek(time_us)
    source.read()
