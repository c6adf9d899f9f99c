"""Pictures as light."""

from itertools import pairwise

import numpy as np
import pytest

from pipeline.events import EVENT_DTYPE, Resolution
from pipeline.sources.intake import MAX_BATCH_EVENTS
from pipeline.sources.pictures import PictureEvents, portions, sensor_size

SIZE = Resolution(40, 30)


def grey(value: int) -> "np.ndarray[tuple[int, int], np.dtype[np.uint8]]":
    return np.full((SIZE.height, SIZE.width), value, np.uint8)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((640, 480), (640, 480)), ((1920, 1080), (640, 360)), ((1080, 1920), (270, 480)), ((320, 200), (320, 200))],
)
def test_a_sensor_has_the_pictures_shape_and_is_never_larger(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert sensor_size(*size, Resolution(640, 480)) == expected


def test_a_sensor_has_some_pixels_at_least() -> None:
    assert sensor_size(4000, 20, Resolution(640, 480)) == (640, 16)


def test_brighter_makes_on_events_and_darker_off_events_between_the_two_times() -> None:
    events = PictureEvents(SIZE)
    assert len(events.show(grey(60), 1_000)) == 0
    brighter = events.show(grey(200), 34_000)
    darker = events.show(grey(60), 67_000)
    assert brighter["polarity"].mean() > 0.99
    assert darker["polarity"].mean() < 0.01
    assert brighter["timestamp"].min() >= 1_000
    assert brighter["timestamp"].max() < 34_000
    assert len(np.unique(brighter["timestamp"])) > 0.5 * len(brighter)


def test_the_same_share_of_light_makes_as_many_events_but_in_the_shadows() -> None:
    counts = []
    for before in (8, 80, 160):
        events = PictureEvents(SIZE)
        events.show(grey(before), 0)
        counts.append(len(events.show(grey(round(before * 1.4)), 33_000)))
    assert counts[2] == pytest.approx(counts[1], rel=0.2)
    assert counts[0] < 0.2 * counts[1]


def test_a_time_that_does_not_go_on_is_passed_over() -> None:
    events = PictureEvents(SIZE)
    events.show(grey(60), 1_000)
    assert len(events.show(grey(200), 1_000)) == 0
    assert len(events.show(grey(200), 900)) == 0
    assert len(events.show(grey(200), 34_000)) > 0


def test_many_events_are_parted_but_never_those_of_one_time() -> None:
    events = np.zeros(3 * MAX_BATCH_EVENTS, EVENT_DTYPE)
    events["timestamp"] = np.arange(len(events)) // 7
    events["timestamp"][: 2 * MAX_BATCH_EVENTS] = 0
    parts = portions(events)
    assert sum(map(len, parts)) == len(events)
    assert len(parts[0]) >= 2 * MAX_BATCH_EVENTS
    for before, after in pairwise(parts):
        assert before["timestamp"][-1] < after["timestamp"][0]
