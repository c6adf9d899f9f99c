"""Event frames that are written as lists of places: the same as those that are drawn."""

import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.capture.messages import FramerSettings
from pipeline.event_framing import SPARSE_PART
from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution
from pipeline.frame_lists import MAX_TIME_US, Numbers, Places
from pipeline.framer import MAX_GAP_US, Framer
from pipeline.prediction import EventFrame

RESOLUTION = Resolution(24, 16)
MOST = RESOLUTION.pixels // SPARSE_PART
TIMESTEP_US = 100
LONG_TIMESTEP_US = 10_000
"""A gap that is bridged holds many timesteps: few enough for hundreds of examples."""
SLOTS = 5


class Known(NamedTuple):
    number: int
    segment: int
    start_us: int
    end_us: int
    events: int
    pixels: bytes


class DrawnLists:
    """Lists that are drawn as soon as they are announced."""

    def __init__(self) -> None:
        self.places: Places = np.zeros((SLOTS, MOST), np.uint32)
        self.frames: list[Known] = []
        self.listed = 0

    def announce(self, table: Numbers, index: int, segment: int) -> None:
        assert 0 < len(table) <= SLOTS
        for number, (start_us, end_us, off, on) in enumerate(table.tolist(), index):
            places = self.places[number % SLOTS]
            pixels = np.full(RESOLUTION.pixels, 127, np.uint8)
            pixels[places[:off]] = 255
            pixels[places[off : off + on]] = 0
            self.frames.append(Known(number, segment, start_us, end_us, off + on, pixels.tobytes()))
            self.listed += 1


def known(frame: EventFrame) -> Known:
    return Known(
        frame.index, frame.segment, frame.start_us, frame.end_us, frame.events, frame.pixels.tobytes()
    )  # fmt: skip


def framer(timestep_us: int = TIMESTEP_US) -> Framer:
    return Framer(RESOLUTION, FramerSettings(timestep_us=timestep_us, timesteps=3))


def events_at(times: npt.NDArray[np.int64], seed: int = 0) -> EventArray:
    random = np.random.default_rng(seed)
    events = np.zeros(len(times), EVENT_DTYPE)
    events["timestamp"] = times
    events["x"] = random.integers(0, RESOLUTION.width, len(times))
    events["y"] = random.integers(0, RESOLUTION.height, len(times))
    events["polarity"] = random.integers(0, 2, len(times))
    return events


@st.composite
def streams(draw: st.DrawFn) -> EventArray:
    """Events with gaps, jumps back and stretches of many, now and then beyond all time."""
    within = [0, 1, 1, 2, 100, 4_000, LONG_TIMESTEP_US - 1, LONG_TIMESTEP_US, LONG_TIMESTEP_US + 1, 70_000]
    steps = st.sampled_from([*within, MAX_GAP_US, MAX_GAP_US + 1, -3_000, -500_000])
    parts = draw(st.lists(st.tuples(steps, st.sampled_from([1, 2, MOST - 1, MOST, MOST + 1, 3 * MOST])), max_size=30))
    times = np.repeat(np.cumsum([1_000_000, *(step for step, _ in parts)])[1:], [count for _, count in parts])
    if draw(st.booleans()) and len(times):
        times[draw(st.integers(0, len(times) - 1))] = draw(st.sampled_from([MAX_TIME_US, -MAX_TIME_US, -(1 << 63)]))
    return events_at(times.astype(np.int64), draw(st.integers(0, 100)))


@given(streams(), st.integers(1, 60), st.lists(st.integers(0, SLOTS), min_size=1, max_size=8), st.booleans())
@settings(deadline=None, max_examples=300)
def test_lists_and_pictures_are_the_same_frames(
    events: EventArray, piece: int, most: list[int], told: bool
) -> None:  # fmt: skip
    drawn, listed, lists = framer(LONG_TIMESTEP_US), framer(LONG_TIMESTEP_US), DrawnLists()
    wanted = itertools.cycle(most)
    expected: list[Known] = []
    for start in range(0, max(len(events), 1), piece):
        part = events[start : start + piece]
        last_us = int(part[-1]["timestamp"]) if len(part) else 0
        until_us = last_us + 1 if told and abs(last_us) < MAX_TIME_US else 0
        expected += [known(frame) for frame in drawn.push(part, until_us)]
        for frame in listed.push_into(lists, lambda: next(wanted), part, until_us):
            if frame is not None:
                lists.frames.append(known(frame))
    for under_test, frames in ((drawn, expected), (listed, lists.frames)):
        if (last := under_test.flush()) is not None:
            frames.append(known(last))
    assert lists.frames == expected


def test_frames_of_few_events_are_lists() -> None:
    events = events_at(np.arange(1_000_000, 1_002_000, 10))
    under_test, lists = framer(), DrawnLists()
    pictures = [frame for frame in under_test.push_into(lists, lambda: SLOTS, events) if frame is not None]
    assert (len(pictures), lists.listed) == (1, 18)  # the first was begun before it was known where it begins


def test_frames_of_many_events_are_pictures() -> None:
    events = events_at(np.repeat(np.arange(1_000_000, 1_002_000, 10), MOST))
    under_test, lists = framer(), DrawnLists()
    pictures = [frame for frame in under_test.push_into(lists, lambda: SLOTS, events) if frame is not None]
    assert (len(pictures), lists.listed) == (19, 0)


@pytest.mark.parametrize("count", [1, MOST])
def test_what_was_listed_is_dropped_with_its_timestep(count: int) -> None:
    under_test, lists = framer(), DrawnLists()
    times = np.repeat(np.int64(1_000_000), count)
    list(under_test.push_into(lists, lambda: SLOTS, NO_EVENTS, 1_000_000))
    assert list(under_test.push_into(lists, lambda: SLOTS, events_at(times))) == []
    under_test.reset()
    assert under_test.flush() is None
    list(under_test.push_into(lists, lambda: SLOTS, NO_EVENTS, 2_000_000))
    assert list(under_test.push_into(lists, lambda: SLOTS, NO_EVENTS, 2_000_100)) == [None]
    assert lists.frames[-1].events == 0
    assert set(lists.frames[-1].pixels) == {127}
