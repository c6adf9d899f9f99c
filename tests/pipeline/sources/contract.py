"""What every source promises (`pipeline.sources.base`), looked at from outside."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray
from pipeline.sources.base import EventBatch, Source, SourceError
from pipeline.sources.intake import MAX_BATCH_EVENTS

PATIENCE_S = 60.0


def check_info(source: Source) -> None:
    info = source.info
    assert info.name
    assert info.resolution.width > 0
    assert info.resolution.height > 0
    assert info.stream in info.streams
    assert info.live != info.seekable
    if info.live:
        assert (info.start_us, info.end_us) == (0, 0)
    else:
        assert info.start_us < info.end_us


def check_batch(source: Source, batch: EventBatch, told_us: int) -> None:
    """Look at a batch of a source that had told that everything before `told_us` was given."""
    events, resolution = batch.events, source.info.resolution
    assert events.dtype == EVENT_DTYPE
    if len(events):
        times = events["timestamp"]
        assert (np.diff(times) >= 0).all()
        assert times[0] >= told_us, "it was told that no event before that time would come"
        assert batch.until_us > times[-1]
        assert 0 <= events["x"].min() <= events["x"].max() < resolution.width
        assert 0 <= events["y"].min() <= events["y"].max() < resolution.height
        assert set(np.unique(events["polarity"]).tolist()) <= {0, 1}
        assert len(events) <= MAX_BATCH_EVENTS or times[0] == times[-1]
    if batch.store is not None:
        assert (batch.store.toPacket().numpy() == events).all()


def read_until(source: Source, enough: Callable[[EventBatch, int], bool]) -> EventArray:
    """Read and check until `enough(batch, events so far)`, or to the end; gives the events."""
    parts, told_us, count = [], 0, 0
    deadline = time.monotonic() + PATIENCE_S
    while (batch := source.read()) is not None:
        check_batch(source, batch, told_us)
        told_us = batch.until_us
        parts.append(batch.events)
        count += len(batch.events)
        if enough(batch, count):
            break
        assert time.monotonic() < deadline, f"only {count} events came"
    events = np.empty(count, EVENT_DTYPE)
    np.concatenate(parts or [events], out=events)
    return events


def read_all(source: Source) -> EventArray:
    return read_until(source, lambda batch, count: False)


def check_seeking(source: Source) -> None:
    """A recording can be wound, anything live says why it cannot."""
    info = source.info
    if info.live:
        check_message(error_of(lambda: source.seek(0)))
        return
    whole = read_all(source)
    assert source.read() is None
    if info.kind == "video":  # its span is that of its pictures
        assert info.start_us <= whole["timestamp"][0]
        assert whole["timestamp"][-1] < info.end_us
    else:
        assert whole["timestamp"][0] == info.start_us
        assert whole["timestamp"][-1] + 1 == info.end_us
    for part in (0.0, 0.31, 0.999, -1.0, 2.0):
        time_us = info.start_us + int(part * (info.end_us - info.start_us))
        source.seek(time_us)
        assert (read_all(source) == whole[whole["timestamp"] >= time_us]).all()


def check_closing(source: Source) -> None:
    source.close()
    source.close()


def check_message(message: str) -> None:
    """An error is one sentence for the user, without a native stack."""
    assert message
    assert "\n" not in message
    assert "Stacktrace" not in message
    assert "0x" not in message
    assert message.endswith(".")
    assert len(message) < 500


def error_of(action: Callable[[], object]) -> str:
    """Give the sentence that a call ends in."""
    try:
        action()
    except SourceError as error:
        return str(error)
    raise AssertionError("it succeeded")
