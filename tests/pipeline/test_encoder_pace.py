"""Whether an encoder keeps up with the timesteps that arrive, and which of them stand in for others."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.encoder_pace import AGAIN_BELOW, CALLS_KEPT, EncoderPace, nearest_known
from pipeline.prediction import EventFrame

MS = 1_000_000
PIXELS = np.full((2, 2), 127, np.uint8)


def frame(index: int, completed_ms: float, *, segment: int = 0, lasting_us: int = 30_000) -> EventFrame:
    start_us = index * lasting_us
    return EventFrame(index, segment, start_us, start_us + lasting_us, 9, PIXELS, round(completed_ms * MS))


def pace_of(interval_ms: float, *, frames: int = 10, burst: int = 1) -> EncoderPace:
    """Give a pace that has seen frames so far apart, so many of them at once."""
    pace = EncoderPace()
    for index in range(frames):
        pace.arrived(frame(index, 5000 + interval_ms * burst * (index // burst)))
    return pace


# --- the decision ---


def test_an_encoder_that_was_never_timed_begins_with_one_frame() -> None:
    pace = pace_of(30)
    assert not pace.keeps_up
    pace.encoded(1, 0.010)
    assert pace.keeps_up


def test_where_it_is_not_known_when_frames_came_everything_is_encoded() -> None:
    pace = EncoderPace()
    assert pace.keeps_up
    pace.encoded(1, 3600)
    pace.arrived(frame(0, 0))
    assert pace.keeps_up


@given(st.floats(0.5, 2000), st.floats(0.5, 2000), st.sampled_from([1, 2, 3, 7]))
def test_it_keeps_up_where_a_frame_takes_less_than_a_timestep(frame_ms: float, interval_ms: float, burst: int) -> None:
    pace = pace_of(interval_ms, frames=700, burst=burst)
    if 20 < interval_ms * burst < 500:
        assert pace.interval_s == pytest.approx(interval_ms / 1000)
    elif interval_ms * burst < 20:
        assert pace.interval_s == pytest.approx(interval_ms / 1000, rel=0.1)
    elif interval_ms * burst > 500:
        assert pace.interval_s == 0.03  # nothing to measure within a second: what a timestep covers
    pace.encoded(1, frame_ms / 1000)
    assert pace.interval_s is not None
    assert pace.keeps_up == (frame_ms / 1000 < pace.interval_s)


@pytest.mark.parametrize("burst", [1, 2, 3, 5])
def test_frames_that_come_in_bursts_are_as_far_apart_as_on_average(burst: int) -> None:
    assert pace_of(30, frames=10 * burst, burst=burst).interval_s == pytest.approx(0.030)


def test_a_slower_playback_gives_an_encoder_more_time() -> None:
    pace = EncoderPace()
    for _ in range(2):
        pace.encoded(1, 0.050)
    time_ms = 5000.0
    seen = []
    for index in range(120):
        time_ms += 30 if index < 60 else 120
        pace.arrived(frame(index, time_ms))
        seen.append(pace.keeps_up)
    assert not any(seen[10:60])
    assert all(seen[-40:])


def test_between_two_limits_it_stays_as_it_was() -> None:
    pace = pace_of(30)
    between = 0.030 * (1 + AGAIN_BELOW) / 2
    for seconds, expected in [(0.020, True), (between, True), (0.031, False), (between, False), (0.026, True)]:
        for _ in range(CALLS_KEPT):
            pace.encoded(1, seconds)
        assert pace.keeps_up == expected, seconds


@given(st.lists(st.floats(0.0, 0.1), min_size=CALLS_KEPT, max_size=30), st.integers(1, 16))
def test_the_decision_flickers_less_than_the_calls(calls: list[float], frames: int) -> None:
    pace, seen = pace_of(30), []
    for seconds in calls:
        pace.encoded(frames, seconds * frames)
        seen.append(pace.keeps_up)
    changes = sum(one != other for one, other in itertools.pairwise(seen))
    crossings = sum((one < 0.03) != (other < 0.03) for one, other in itertools.pairwise(calls))
    assert changes <= crossings


# --- what the encoder needs ---


def test_the_first_call_counts_until_there_is_another() -> None:
    pace, seen = pace_of(30), []
    for seconds in (2.0, 0.005):
        pace.encoded(1, seconds)
        seen.append((pace.keeps_up, pace.frame_s))
    assert seen == [(False, 2.0), (True, 0.005)]


def test_one_slow_call_among_others_does_not_count() -> None:
    pace = pace_of(30)
    for seconds in (0.005, 0.006, 0.007, 0.400, 0.005):
        pace.encoded(1, seconds)
        assert pace.keeps_up
    assert pace.frame_s == 0.006


def test_frames_that_were_encoded_together_share_the_time() -> None:
    pace = pace_of(30)
    pace.encoded(10, 0.2)
    assert pace.frame_s == pytest.approx(0.020)


def test_calls_are_timed_by_the_clock_and_failures_do_not_count() -> None:
    ticks = iter([1.0, 1.5, 8.0, 9.0, 10.0])
    pace = EncoderPace(clock=lambda: next(ticks))
    with pace.timed(2):
        pass
    assert pace.frame_s == 0.25
    with pytest.raises(ZeroDivisionError), pace.timed(1):
        _ = 1 / len(PIXELS[2:])
    assert pace.frame_s == 0.25


# --- the time between timesteps ---


def test_until_it_is_measured_a_timestep_takes_what_it_covers() -> None:
    pace = EncoderPace()
    assert pace.interval_s is None
    for index in range(10):  # the window before the place that was sought, at once
        pace.arrived(frame(index, 5000 + index, lasting_us=20_000))
    assert pace.interval_s == 0.020


def test_a_pause_does_not_count() -> None:
    pace = pace_of(30)
    for _ in range(3):
        pace.encoded(1, 0.050)
    for index in range(10, 14):
        pace.arrived(frame(index, 600_000 + 30 * index))
        assert not pace.keeps_up
        assert pace.interval_s == pytest.approx(0.030)


def test_a_jump_with_the_window_before_it_does_not_count() -> None:
    pace = pace_of(30, frames=30)
    for index in range(30, 40):
        pace.arrived(frame(index, 5900 + (index - 30) / 10, segment=1))
    assert pace.interval_s == pytest.approx(0.030)
    for index in range(40, 60):
        pace.arrived(frame(index, 5901 + 30 * (index - 39), segment=1))
        assert pace.interval_s == pytest.approx(0.030, rel=0.02)


def test_another_stream_begins_anew() -> None:
    pace = pace_of(30)
    for index in range(12):
        pace.arrived(frame(index, 6000 + 40 * index))  # numbered from 0 again
    assert pace.interval_s == pytest.approx(0.040)


def test_frames_that_were_left_out_are_counted() -> None:
    pace = EncoderPace()
    for turn in range(5):
        pace.arrived(frame(7 * turn, 5000 + 70 * turn))
    assert pace.interval_s == pytest.approx(0.010)


# --- what stands in ---


def test_the_nearest_that_is_known_stands_in_and_of_two_the_later() -> None:
    assert nearest_known([False, True, False, False, False, True, False, False]) == [1, 1, 1, 5, 5, 5, 5, 5]
    assert nearest_known([True]) == [0]


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_what_stands_in_is_known_and_none_is_nearer(known: list[bool]) -> None:
    nearest = nearest_known(known)
    assert len(nearest) == len(known)
    for place, source in enumerate(nearest):
        assert known[source]
        for other, is_known in enumerate(known):
            assert not is_known or (abs(source - place), -source) <= (abs(other - place), -other)
