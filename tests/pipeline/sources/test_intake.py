"""From packets to batches: what is checked, and where they are cut."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.base import EventBatch
from pipeline.sources.intake import MAX_BATCH_EVENTS, MAX_BATCH_US, Intake, checked, not_before
from tests.pipeline.sources.made_recordings import SMALL, made_events, moving_square, store_of

numbers = st.tuples(
    st.integers(-(2**63), 2**63 - 1), st.integers(-(2**15), 2**15 - 1), st.integers(-(2**15), 2**15 - 1),
    st.integers(-128, 127),
)  # fmt: skip
near = st.tuples(st.integers(0, 9), st.integers(-1, 8), st.integers(-1, 6), st.integers(0, 2))


def array(rows: list[tuple[int, int, int, int]]) -> EventArray:
    return np.array(rows, EVENT_DTYPE)


def batches(events: EventArray, resolution: Resolution = SMALL) -> list[EventBatch]:
    intake = Intake(resolution)
    intake.put(events, None)
    parts = []
    while (batch := intake.take()) is not None:
        parts.append(batch)
    return parts


@given(st.lists(st.one_of(numbers, near), max_size=60))
@settings(deadline=None)  # it compiles its loop at the first call
def test_whatever_comes_in_only_events_that_can_be_drawn_come_out(rows: list[tuple[int, int, int, int]]) -> None:
    resolution = Resolution(8, 6)
    expected = sorted(
        ((t, x, y, int(p != 0)) for t, x, y, p in rows if 0 <= x < 8 and 0 <= y < 6), key=lambda row: row[0]
    )
    assert checked(array(rows), resolution).tolist() == expected


def test_good_events_are_not_copied() -> None:
    events = moving_square()
    assert checked(events, SMALL) is events


def test_what_is_mended_is_mended_in_a_copy() -> None:
    events = array([(5, 1, 1, 7), (4, 1, 1, 0)])
    before = events.copy()
    assert checked(events, SMALL).tolist() == [(4, 1, 1, 0), (5, 1, 1, 1)]
    assert (events == before).all()


@given(st.lists(st.integers(0, 50), max_size=30), st.integers(0, 60))
def test_no_event_lies_before_the_time_that_was_told_to_be_over(times: list[int], told_us: int) -> None:
    events = made_events(sorted(times))
    before = events.copy()
    lifted = not_before(events, told_us)
    assert lifted["timestamp"].tolist() == [max(time, told_us) for time in sorted(times)]
    assert (lifted[["x", "y", "polarity"]] == before[["x", "y", "polarity"]]).all()
    assert (events == before).all()


@given(st.lists(st.integers(0, 50_000), min_size=1, max_size=300))
def test_batches_hold_all_events_in_short_stretches(times: list[int]) -> None:
    events = made_events(sorted(times))
    parts = batches(events)
    assert np.concatenate([batch.events["timestamp"] for batch in parts]).tolist() == sorted(times)
    for batch in parts:
        assert batch.events["timestamp"][-1] - batch.events["timestamp"][0] < MAX_BATCH_US
        assert batch.until_us == batch.events["timestamp"][-1] + 1
    for one, following in pairwise(parts):
        assert following.events["timestamp"][0] >= one.until_us, "the events of one microsecond stay together"


@pytest.mark.parametrize(
    ("times", "sizes"),
    [
        (np.zeros(3 * MAX_BATCH_EVENTS, np.int64), [3 * MAX_BATCH_EVENTS]),
        (np.repeat([0, 1], MAX_BATCH_EVENTS), [MAX_BATCH_EVENTS, MAX_BATCH_EVENTS]),
        (np.repeat([0, 1], MAX_BATCH_EVENTS - 1), [MAX_BATCH_EVENTS - 1, MAX_BATCH_EVENTS - 1]),
        (np.arange(2 * MAX_BATCH_EVENTS + 5) // 100, [MAX_BATCH_EVENTS, MAX_BATCH_EVENTS, 5]),
    ],
    ids=["one microsecond", "two full ones", "cut before the next microsecond", "by number"],
)
def test_large_packets_are_cut_between_microseconds(times: EventArray, sizes: list[int]) -> None:
    events = np.zeros(len(times), EVENT_DTYPE)
    events["timestamp"] = times
    assert [len(batch.events) for batch in batches(events)] == sizes


def test_the_latest_time_there_is_ends_a_batch_like_any_other() -> None:
    latest = np.iinfo(np.int64).max
    assert [len(batch.events) for batch in batches(made_events([0, latest - 1, latest]))] == [1, 2]


def test_a_batch_brings_the_store_that_holds_the_same_events() -> None:
    events = moving_square(100_000)
    intake = Intake(SMALL)
    intake.put(*intake.check(store_of(events)))
    parts = 0
    while (batch := intake.take()) is not None:
        assert batch.store is not None
        assert (batch.store.toPacket().numpy() == batch.events).all()
        parts += 1
    assert parts == 10


def test_a_batch_that_was_mended_brings_no_store_and_what_is_left_out_is_counted() -> None:
    intake = Intake(SMALL)
    events, store = intake.check(store_of(array([(1, 1, 1, 1), (2, SMALL.width, 1, 1), (3, 1, -1, 1), (4, 1, 1, 0)])))
    assert events["timestamp"].tolist() == [1, 4]
    assert store is None
    assert intake.outside == 2
