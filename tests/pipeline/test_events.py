"""Copies of events: all fields, all values, in the one form that everything takes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, chosen, first_at, joined

rows = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1), st.integers(-(2**15), 2**15 - 1), st.integers(-(2**15), 2**15 - 1),
        st.integers(-128, 127),
    ),
    max_size=20,
)  # fmt: skip


def array(values: list[tuple[int, int, int, int]]) -> EventArray:
    return np.array(values, EVENT_DTYPE)


@given(st.lists(rows, max_size=4))
def test_joined_events_are_all_there_in_order(parts: list[list[tuple[int, int, int, int]]]) -> None:
    whole = joined([array(part) for part in parts])
    assert whole.dtype == EVENT_DTYPE
    assert whole.tolist() == [row for part in parts for row in part]


@given(rows, st.data())
def test_chosen_events_are_those_of_the_mask_the_numbers_or_the_slice(
    values: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    events = array(values)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), bool)
    places = np.flatnonzero(mask)[::-1]
    part = data.draw(st.slices(len(values)))
    assert chosen(events, mask).tolist() == [row for row, keep in zip(values, mask, strict=True) if keep]
    assert chosen(events, places).tolist() == [values[place] for place in places]
    assert chosen(events, part).tolist() == values[part]


@pytest.mark.parametrize("which", [slice(None), slice(0, None, 2), np.array([True, False, True]), np.array([0, 2])])
def test_what_is_chosen_is_a_copy_without_gaps(which: slice) -> None:
    events = array([(1, 2, 3, 1), (4, 5, 6, 0), (7, 8, 9, 1)])
    copy = chosen(events, which)
    assert copy.flags.c_contiguous
    assert copy.flags.writeable
    copy["x"] = 100
    assert events["x"].tolist() == [2, 5, 8]


def test_strided_events_can_be_joined_and_nothing_can() -> None:
    events = array([(1, 2, 3, 1), (4, 5, 6, 0), (7, 8, 9, 1)])
    assert joined([events[::2], NO_EVENTS]).tolist() == [(1, 2, 3, 1), (7, 8, 9, 1)]
    assert joined([]).dtype == EVENT_DTYPE


@given(st.lists(st.integers(-5, 5)), st.integers(-6, 6), st.data())
def test_the_first_event_that_is_not_before_a_time_is_found(
    times: list[int], time_us: int, data: st.DataObject
) -> None:
    events = array([(time, 0, 0, 0) for time in sorted(times)])
    begin = data.draw(st.integers(0, len(times)))
    expected = next((n for n in range(begin, len(times)) if events[n]["timestamp"] >= time_us), len(times))
    assert first_at(events, time_us, begin) == expected


def test_events_in_another_form_are_refused() -> None:
    packed = np.concatenate([array([(1, 2, 3, 1)] * 8)] * 2)
    assert packed.dtype != EVENT_DTYPE
    with pytest.raises(TypeError, match="no events of"):
        chosen(packed, slice(None))
    with pytest.raises(TypeError, match="no events of"):
        joined([packed])
