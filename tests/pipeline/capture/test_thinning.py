"""Where more events come than can be taken in, some are not judged; none is missing in a recording."""

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.capture.messages import Notice, Opened, Record, RecordingState
from pipeline.capture.thinning import INTERVAL_S, MOST, Thinning
from pipeline.sources.base import EventBatch
from tests.pipeline.capture.listening import Listened
from tests.pipeline.capture.made_sources import made_events
from tests.pipeline.reading_back import events_in


class Load:
    """A thinning, its clock, and a source that rests for a part of the time."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.waited_s = 0.0
        self.thinning = Thinning(lambda: self.now_s)

    def goes_on(self, seconds: float, rest: float, work: float = 0.5) -> list[bool]:
        """Look every 10 ms, with rest and work from 0 to 1 of the time; gives what each look said."""
        said = []
        for _ in range(round(seconds / 0.01)):
            self.now_s += 0.01
            self.waited_s += rest * 0.01
            self.thinning.worked(work * 0.01)
            said.append(self.thinning.look(self.waited_s))
        return said


@pytest.fixture
def load() -> Load:
    return Load()


def test_a_source_that_rests_now_and_then_is_judged_whole(load: Load) -> None:
    assert not any(load.goes_on(10, rest=0.1))
    assert load.thinning.every == 1


def test_twice_as_many_are_left_out_until_the_source_rests(load: Load) -> None:
    said = load.goes_on(3 * INTERVAL_S + 0.1, rest=0.0)
    assert said.count(True) == 3
    assert load.thinning.every == 8
    load.goes_on(10, rest=0.3)
    assert load.thinning.every == 8, "at half of it there would be too little rest"


def test_all_are_judged_again_when_there_is_rest_enough(load: Load) -> None:
    load.goes_on(3 * INTERVAL_S + 0.1, rest=0.0)
    load.goes_on(INTERVAL_S, rest=0.8)
    assert load.thinning.every == 4
    load.goes_on(10, rest=0.8)
    assert load.thinning.every == 1


def test_nothing_is_left_out_where_that_would_not_help(load: Load) -> None:
    """What takes the time is the source itself."""
    assert not any(load.goes_on(10, rest=0.0, work=0.1))
    assert load.thinning.every == 1


def test_there_is_an_end_to_it(load: Load) -> None:
    load.goes_on(100, rest=0.0)
    assert load.thinning.every == MOST


def test_a_source_that_cannot_tell_is_judged_whole(load: Load) -> None:
    for _ in range(1000):
        load.now_s += 0.01
        assert not load.thinning.look(None)
    assert load.thinning.every == 1


@given(st.lists(st.integers(0, 30), max_size=20), st.sampled_from([1, 2, 4, 8, 16]))
def test_every_kth_event_is_left_however_they_are_cut_into_batches(sizes: list[int], every: int) -> None:
    thinning = Thinning()
    thinning.every = every
    events = made_events(1_000_000)
    bounds = np.cumsum([0, *sizes])
    thinned = [thinning.thin(EventBatch(events[start:end], int(end))) for start, end in itertools.pairwise(bounds)]
    left = np.concatenate([batch.events for batch in thinned]) if thinned else events[:0]
    np.testing.assert_array_equal(left, events[: bounds[-1] : every])
    assert thinning.left_out == bounds[-1] - len(left)
    assert [batch.until_us for batch in thinned] == bounds[1:].tolist()
    assert all(batch.events.flags.c_contiguous for batch in thinned)


def test_the_user_is_told_once_and_the_recording_has_every_event(listened: Listened, tmp_path: Path) -> None:
    listened.open("torrent", folder=tmp_path)
    listened.next(Opened)
    assert "recordings leave none out" in listened.next(Notice).message
    numbers = listened.numbers_when(lambda numbers: numbers.thinning >= 4)
    assert numbers.dropped_events > 0
    file = tmp_path / "all.aedat4"
    listened.capture.send(Record(file))
    listened.numbers_when(lambda numbers: numbers.recorded_events > 10_000)
    listened.capture.send(Record(None))
    while listened.next(RecordingState).path is not None:
        pass
    thin = listened.capture.feed.take(newest=1)[0]
    assert thin.events <= 30, "of 100 events in a timestep of 10 ms"

    (tmp_path / "calm").touch()
    numbers = listened.numbers_when(lambda numbers: numbers.thinning == 1)
    frames = numbers.frames_put
    listened.numbers_when(lambda numbers: numbers.frames_put > frames + 20)
    assert listened.capture.feed.take(newest=1)[0].events == 100
    assert not [said for said in listened.rest() if isinstance(said, Notice)]

    events = events_in(file)
    steps = np.diff(events["timestamp"])
    assert len(events) > 10_000
    assert set(steps.tolist()) == {100}
