"""Event frames of a whole recording, as notebooks call them."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.event_framing import MAX_THRESHOLD, event_frames
from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution

RESOLUTION = Resolution(4, 3)


@st.composite
def recordings(draw: st.DrawFn) -> EventArray:
    rows = draw(
        st.lists(st.tuples(st.integers(0, 90), st.integers(0, 3), st.integers(0, 2), st.integers(0, 1)), max_size=80)
    )
    events = np.array([(0, x, y, p) for _, x, y, p in rows], EVENT_DTYPE)
    events["timestamp"] = np.cumsum([step for step, *_ in rows])
    return events


def event(x: int = 0, y: int = 0, polarity: int = 0, timestamp: int = 0) -> EventArray:
    return np.array([(timestamp, x, y, polarity)], EVENT_DTYPE)


def defined(events: EventArray, threshold: int) -> npt.NDArray[np.uint8]:
    """One event frame, straight from its definition."""
    frame = np.full((RESOLUTION.height, RESOLUTION.width), 127, np.uint8)
    for y, x in np.ndindex(frame.shape):
        here = events[(events["x"] == x) & (events["y"] == y)]
        if np.sum(here["polarity"] == 1) > threshold:
            frame[y, x] = 0
        elif np.sum(here["polarity"] == 0) > threshold:
            frame[y, x] = 255
    return frame


def assert_frames(frames: npt.NDArray[np.uint8], parts: list[EventArray], threshold: int) -> None:
    assert frames.dtype == np.uint8
    assert frames.shape == (len(parts), RESOLUTION.height, RESOLUTION.width)
    for frame, part in zip(frames, parts, strict=True):
        np.testing.assert_array_equal(frame, defined(part, threshold))


@given(recordings(), st.integers(1, 12), st.integers(0, 3))
@settings(deadline=None)
def test_parts_of_equal_count_the_last_takes_the_rest(events: EventArray, timesteps: int, threshold: int) -> None:
    each = len(events) // timesteps
    parts = [events[k * each : (k + 1) * each] for k in range(timesteps - 1)] + [events[(timesteps - 1) * each :]]
    assert_frames(event_frames(events, RESOLUTION, timesteps=timesteps, threshold=threshold), parts, threshold)


@given(recordings(), st.integers(1, 200), st.integers(0, 3))
@settings(deadline=None)
def test_parts_of_a_fixed_time_from_the_first_event_on(events: EventArray, timestep_us: int, threshold: int) -> None:
    steps = (events["timestamp"] - events["timestamp"][:1]) // timestep_us
    parts = [events[steps == k] for k in range(int(steps[-1]) + 1)] if len(events) else []
    assert_frames(event_frames(events, RESOLUTION, timestep_us=timestep_us, threshold=threshold), parts, threshold)


@given(recordings(), st.integers(1, 30), st.integers(0, 3))
@settings(deadline=None)
def test_parts_of_a_fixed_count_the_last_may_be_unfinished(events: EventArray, count: int, threshold: int) -> None:
    parts = [events[i : i + count] for i in range(0, len(events), count)]
    assert_frames(event_frames(events, RESOLUTION, timestep_events=count, threshold=threshold), parts, threshold)


def test_any_threshold_up_to_the_greatest_is_exact() -> None:
    for count in (1, 255, 256, 257, MAX_THRESHOLD, MAX_THRESHOLD + 1):
        events = np.repeat(event(x=2, y=1), count)
        frame = event_frames(events, RESOLUTION, timesteps=1, threshold=count - 1)[0]
        assert frame[1, 2] == 255
        if count <= MAX_THRESHOLD:
            assert event_frames(events, RESOLUTION, timesteps=1, threshold=count)[0, 1, 2] == 127


def test_a_plain_pair_will_do_as_resolution() -> None:
    assert event_frames(event(), (4, 3), timesteps=2).shape == (2, 3, 4)


def test_no_events_give_grey_frames_or_none() -> None:
    assert np.all(event_frames(NO_EVENTS, RESOLUTION, timesteps=10) == 127)
    assert event_frames(NO_EVENTS, RESOLUTION, timestep_us=30_000).shape == (0, 3, 4)
    assert event_frames(NO_EVENTS, RESOLUTION, timestep_events=5).shape == (0, 3, 4)


@given(recordings())
@settings(deadline=None)
def test_fields_of_other_integer_types_and_orders_will_do(events: EventArray) -> None:
    other = np.empty(len(events), [("polarity", "?"), ("y", "u2"), ("timestamp", "u8"), ("x", "i4"), ("more", "f8")])
    for name in EVENT_DTYPE.names or ():
        other[name] = events[name]
    np.testing.assert_array_equal(
        event_frames(other, RESOLUTION, timesteps=3), event_frames(events, RESOLUTION, timesteps=3)
    )


@pytest.mark.parametrize("wrong", [{"x": 4}, {"x": -1}, {"y": 3}, {"y": -32_768}, {"polarity": 2}, {"polarity": -1}])
def test_an_event_that_does_not_fit_is_named(wrong: dict[str, int]) -> None:
    events = np.concatenate([event(), event(), event(**wrong)])
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=rf"^Event 2 has {name} = {value}, and {name} must be from 0 to \d"):
        event_frames(events, RESOLUTION, timesteps=1)


def test_a_coordinate_too_great_for_16_bits_is_not_wrapped_into_the_picture() -> None:
    events = np.zeros(1, [("timestamp", "i8"), ("x", "i8"), ("y", "i8"), ("polarity", "i8")])
    events["x"] = 65_536
    with pytest.raises(ValueError, match="x = 65536"):
        event_frames(events, RESOLUTION, timesteps=1)


@pytest.mark.parametrize("options", [{}, {"timesteps": 1, "timestep_us": 1}, {"timestep_us": 3, "timestep_events": 3}])
def test_exactly_one_way_to_cut_must_be_given(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^Give exactly one of timesteps, timestep_us, timestep_events"):
        event_frames(event(), RESOLUTION, **options)


@pytest.mark.parametrize("name", ["timesteps", "timestep_us", "timestep_events"])
def test_a_part_of_nothing_is_refused(name: str) -> None:
    options: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"^{name} must be at least 1, not 0"):
        event_frames(event(), RESOLUTION, **options)


@pytest.mark.parametrize("threshold", [-1, MAX_THRESHOLD + 1])
def test_a_threshold_out_of_range_is_refused(threshold: int) -> None:
    with pytest.raises(ValueError, match=r"^The threshold must be from 0 to 65,534"):
        event_frames(event(), RESOLUTION, timesteps=1, threshold=threshold)


def test_a_sensor_without_pixels_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one pixel"):
        event_frames(NO_EVENTS, (0, 3), timesteps=1)


@pytest.mark.parametrize(
    "events",
    [
        np.zeros((5, 4)),
        np.zeros(5, [("t", "i8"), ("x", "i2"), ("y", "i2"), ("p", "i1")]),
        np.zeros(5, [("timestamp", "f8"), ("x", "i2"), ("y", "i2"), ("polarity", "i1")]),
        np.zeros((5, 1), EVENT_DTYPE),
    ],
)
def test_an_array_of_another_kind_is_refused(events: Any) -> None:
    with pytest.raises(ValueError, match="integer fields timestamp, x, y and polarity"):
        event_frames(events, RESOLUTION, timesteps=1)


def test_times_out_of_order_are_refused_where_time_decides() -> None:
    events = np.concatenate([event(timestamp=5), event(timestamp=4)])
    assert event_frames(events, RESOLUTION, timesteps=2).shape == (2, 3, 4)
    with pytest.raises(ValueError, match="not in order of time"):
        event_frames(events, RESOLUTION, timestep_us=1)


def test_frames_that_no_memory_could_hold_are_refused() -> None:
    events = np.concatenate([event(), event(timestamp=10**15)])
    with pytest.raises(ValueError, match="take longer timesteps"):
        event_frames(events, RESOLUTION, timestep_us=1)


def test_times_that_are_damage_are_refused() -> None:
    events = np.concatenate([event(), event(timestamp=np.iinfo(np.int64).max)])
    with pytest.raises(ValueError, match="damaged"):
        event_frames(events, RESOLUTION, timestep_us=10**9)
