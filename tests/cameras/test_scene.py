"""What a camera sees: events at their times, at any pace, for ever or once."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from tests.cameras.scene import Scene, fitted, moving_dot


def at(*times_us: int) -> EventArray:
    events = np.zeros(len(times_us), EVENT_DTYPE)
    events["timestamp"] = times_us
    events["x"] = np.arange(len(times_us))
    return events


def test_events_come_at_their_times_from_the_first_one_on() -> None:
    scene = Scene(at(1000, 1000, 1500, 3000))
    assert scene.take(0, 9)["timestamp"].tolist() == []
    assert scene.take(1, 9)["timestamp"].tolist() == [0, 0]
    assert scene.take(2000, 9)["timestamp"].tolist() == [500]
    over_before = scene.over
    assert scene.take(math.inf, 9)["timestamp"].tolist() == [2000]
    assert (over_before, scene.over) == (False, True)
    scene.rewind()
    assert len(scene.take(math.inf, 9)) == 4


def test_what_does_not_fit_comes_next() -> None:
    scene = Scene(at(0, 0, 0, 7))
    assert scene.take(math.inf, 2)["x"].tolist() == [0, 1]
    assert scene.take(math.inf, 1)["x"].tolist() == [2]
    assert scene.take(math.inf, 5)["x"].tolist() == [3]


def test_a_repeated_scene_goes_on_a_microsecond_after_its_last_event() -> None:
    scene = Scene(at(5, 8), repeat=True)
    assert scene.take(10, 99)["timestamp"].tolist() == [0, 3, 4, 7, 8]


@settings(deadline=None, max_examples=50)
@given(
    times=st.lists(st.integers(0, 50), min_size=1, max_size=8).map(sorted),
    steps=st.lists(st.tuples(st.integers(0, 40), st.integers(1, 5)), max_size=20),
)
def test_no_event_is_lost_or_early_however_it_is_taken(times: list[int], steps: list[tuple[int, int]]) -> None:
    scene, now, taken = Scene(at(*times), repeat=True), 0, []
    for step, most in steps:
        now += step
        part = scene.take(now, most)["timestamp"].tolist()
        assert len(part) <= most
        assert all(time < now for time in part)
        taken += part
    lap = times[-1] - times[0] + 1
    forever = [time - times[0] + lap * number for number in range(101) for time in times]
    assert taken == forever[: len(taken)]


def test_events_pass_unseen() -> None:
    scene = Scene(at(0, 10, 20))
    scene.skip(15)
    assert scene.take(math.inf, 9)["x"].tolist() == [2]


def test_time_must_go_forward() -> None:
    with pytest.raises(ValueError, match="in order of time"):
        Scene(at(2, 1))
    with pytest.raises(ValueError, match="does not go forward"):
        Scene(at(1), pace=0)


def test_a_picture_is_squeezed_to_another_sensor() -> None:
    events = at(0, 0, 0)
    events["x"], events["y"] = [0, 320, 639], [0, 240, 479]
    small = fitted(events, Resolution(640, 480), Resolution(128, 128))
    assert small["x"].tolist() == [0, 64, 127]
    assert small["y"].tolist() == [0, 64, 127]


def test_a_moving_dot_stays_on_the_sensor() -> None:
    resolution = Resolution(40, 30)
    dot = moving_dot(resolution, events_per_s=1000, seconds=1.0)
    assert len(dot) == 1000
    assert (np.diff(dot["timestamp"]) >= 0).all()
    assert dot["x"].min() >= 0
    assert dot["x"].max() < 40
    assert dot["y"].max() < 30
    assert (dot == moving_dot(resolution, events_per_s=1000, seconds=1.0)).all()
