"""Events as dv-processing holds them, and as its files hold them."""

from __future__ import annotations

from pathlib import Path

import dv_processing as dv

from pipeline.events import EventArray, Recording
from pipeline.recorder import Recorder
from pipeline.sources.base import EventBatch, SourceInfo


def store_of(events: EventArray) -> dv.EventStore:
    """Build a store, event by event: the library has no faster way in."""
    store = dv.EventStore()
    columns = (events[name].tolist() for name in ("timestamp", "x", "y", "polarity"))
    for timestamp, x, y, polarity in zip(*columns, strict=True):
        store.push_back(timestamp, x, y, polarity != 0)
    return store


def write_recording(path: Path, recording: Recording) -> Path:
    """Write a recording to a new .aedat4 file, as the program itself does."""
    info = SourceInfo("recording", "benchmark", recording.resolution, live=False)
    recorder = Recorder(path, info)
    recorder.write(EventBatch(recording.events, int(recording.events[-1]["timestamp"]) + 1))
    recorder.close()
    return path
