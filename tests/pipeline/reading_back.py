"""Reads a recording with dv-processing itself, for tests of what writes one."""

from pathlib import Path

import dv_processing as dv
import numpy as np
import numpy.typing as npt

from pipeline.events import EVENT_DTYPE, EventArray


def joined(parts: list[EventArray]) -> EventArray:
    events = np.empty(sum(map(len, parts)), EVENT_DTYPE)
    for name in EVENT_DTYPE.names or ():
        events[name] = np.concatenate([part[name] for part in parts]) if parts else 0
    return events


def events_in(path: Path) -> EventArray:
    recording = dv.io.MonoCameraRecording(str(path))
    parts = []
    while recording.isRunning() and (store := recording.getNextEventBatch()) is not None:
        parts.append(store.numpy().copy())
    return joined(parts)


def timestamps_in(path: Path) -> npt.NDArray[np.int64]:
    return np.ascontiguousarray(events_in(path)["timestamp"])
