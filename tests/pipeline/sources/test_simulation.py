"""The simulated scene as a live source."""

from dataclasses import replace
from itertools import count
from pathlib import Path

import numpy as np
import pytest

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.base import EventBatch, SimulationSpec, SourceError
from pipeline.sources.simulation import MAX_READ_US, SimulationSource
from tests.pipeline.simulation.test_picture_file import square, write

SMALL = Resolution(96, 64)


class Clock:
    """A clock that a test moves, ns."""

    def __init__(self) -> None:
        self.now_ns = 5_000_000_000

    def __call__(self) -> int:
        return self.now_ns

    def go_on(self, time_us: int) -> None:
        self.now_ns += time_us * 1000


def opened(clock: Clock, seed: int = 0, *objects: str) -> SimulationSource:
    return SimulationSource(SimulationSpec(SMALL, seed, objects), clock)


def batches(source: SimulationSource, clock: Clock, steps_us: list[int]) -> list[EventBatch]:
    result = []
    for step_us in steps_us:
        clock.go_on(step_us)
        result.append(source.read())
    return result


def joined(parts: list[EventBatch]) -> EventArray:
    return np.concatenate([part.events for part in parts], dtype=EVENT_DTYPE)


def test_it_says_what_it_is() -> None:
    info = SimulationSource(SimulationSpec()).info
    assert info.kind == "simulation"
    assert info.live
    assert info.resolution == Resolution(640, 480)


def test_events_are_in_order_inside_the_sensor_and_before_the_time_that_is_told() -> None:
    clock = Clock()
    told_us = 0
    source = opened(clock)
    for batch in batches(source, clock, [12_000] * 60):
        events = batch.events
        assert events.dtype == EVENT_DTYPE
        assert np.all(np.diff(events["timestamp"]) >= 0)
        if len(events):
            assert events["timestamp"][0] >= told_us
            assert events["timestamp"][-1] < batch.until_us
            assert events["x"].min() >= 0
            assert events["x"].max() < SMALL.width
            assert events["y"].min() >= 0
            assert events["y"].max() < SMALL.height
            assert set(events["polarity"]) <= {0, 1}
        assert batch.until_us >= told_us
        told_us = batch.until_us
    assert told_us > 600_000
    assert source.truth() == "a star"


def test_the_same_seed_gives_the_same_events_however_they_are_asked_for() -> None:
    clocks = Clock(), Clock()
    often = batches(opened(clocks[0]), clocks[0], [3_000] * 300)
    seldom = batches(opened(clocks[1]), clocks[1], [19_000] * 50)
    until_us = min(often[-1].until_us, seldom[-1].until_us)
    first, second = (joined(parts) for parts in (often, seldom))
    np.testing.assert_array_equal(first[first["timestamp"] < until_us], second[second["timestamp"] < until_us])
    assert np.count_nonzero(first["timestamp"] < until_us) > 1000


def test_another_seed_gives_other_events() -> None:
    clocks = Clock(), Clock()
    first, second = (joined(batches(opened(clock, seed), clock, [15_000] * 20)) for seed, clock in enumerate(clocks))
    assert not np.array_equal(first, second)


def test_one_answer_holds_a_short_time_only() -> None:
    clock = Clock()
    source = opened(clock)
    clock.go_on(150_000)
    told_us = [source.read().until_us for _ in range(12)]
    assert np.all(np.diff([0, *told_us]) <= MAX_READ_US)
    assert 140_000 < told_us[-1] <= 150_000


def test_what_was_missed_while_the_machine_slept_is_left_out() -> None:
    clock = Clock()
    source = opened(clock)
    batches(source, clock, [15_000] * 10)
    hour_us = 3_600_000_000
    after = batches(source, clock, [hour_us] + [15_000] * 20)
    assert after[0].until_us >= hour_us
    events = joined(after)
    assert events["timestamp"][0] >= hour_us
    assert len(events) < 100_000
    assert after[-1].until_us > hour_us + 250_000


def test_with_nothing_to_give_it_answers_empty_after_a_moment() -> None:
    clock = Clock()
    batch = opened(clock).read()
    assert len(batch.events) == 0
    assert batch.until_us == 0


def test_it_goes_by_the_real_clock_when_none_is_given() -> None:
    source = SimulationSource(SimulationSpec(SMALL))
    for _ in count():
        batch = source.read()
        if batch.until_us > 30_000:
            break
    source.close()
    source.close()


def test_objects_can_be_chosen() -> None:
    clock = Clock()
    source = opened(clock, 0, "key")
    batches(source, clock, [100_000] * 4 + [20_000] * 40)
    assert source.truth() == "a key"


def test_an_object_that_it_does_not_have_is_told() -> None:
    with pytest.raises(SourceError, match='no object "unicorn": choose from star'):
        opened(Clock(), 0, "unicorn")


@pytest.mark.parametrize("resolution", [Resolution(0, 480), Resolution(640, 5000), Resolution(15, 15)])
def test_a_resolution_that_it_cannot_have_is_told(resolution: Resolution) -> None:
    with pytest.raises(SourceError, match="from 16 to 4096"):
        SimulationSource(SimulationSpec(resolution))


def test_it_cannot_be_wound() -> None:
    with pytest.raises(SourceError, match="live"):
        opened(Clock()).seek(0)


def test_it_says_what_it_can_show() -> None:
    info = opened(Clock(), 0, "key", "cup").info
    assert set(info.objects) >= {"star", "umbrella", "key"}
    assert info.shown == ("key", "cup")


def test_what_is_asked_for_is_shown() -> None:
    clock = Clock()
    source = opened(clock)
    batches(source, clock, [20_000] * 30)
    source.choose(["fish", "no such thing"])
    batches(source, clock, [20_000] * 60)
    assert source.truth() == "a fish"


def test_an_object_that_is_drawn_about_makes_events_where_it_goes() -> None:
    clock = Clock()
    source = opened(clock, 0, "star")
    batches(source, clock, [20_000] * 40)
    source.drag(12, 12, True)
    batches(source, clock, [20_000] * 20)
    events = joined(batches(source, clock, [20_000] * 40))
    assert events["x"].mean() < 30
    source.drag(84, 52, True)
    moving = joined(batches(source, clock, [10_000] * 20))
    assert len(moving) > 2 * len(events[events["timestamp"] < events["timestamp"][0] + 200_000])
    source.drag(84, 52, False)
    assert joined(batches(source, clock, [20_000] * 40))["x"].mean() > 60


def count_in(spec: SimulationSpec) -> int:
    clock = Clock()
    return len(joined(batches(SimulationSource(spec, clock), clock, [20_000] * 40)))


def test_noise_is_left_out_or_made_strong() -> None:
    usual = SimulationSpec(SMALL, objects=("key",))
    assert count_in(replace(usual, noise="none")) < count_in(usual) < count_in(replace(usual, noise="strong"))
    assert count_in(replace(usual, noise="usual")) == count_in(usual)


def test_in_the_dark_there_is_more_noise() -> None:
    day = SimulationSpec(SMALL, objects=("key",), light="day")
    clock = Clock()
    source = SimulationSource(replace(day, light="dark"), clock)
    events = joined(batches(source, clock, [20_000] * 40))
    corner = (events["x"] < 12) & (events["y"] < 12)
    assert np.count_nonzero(corner) > 0.5 * 12 * 12 * 0.8  # 1.6 a second and pixel are made; a thing seldom comes there


def test_a_textured_ground_makes_other_events() -> None:
    def events(ground: str) -> EventArray:
        clock = Clock()
        spec = SimulationSpec(SMALL, objects=("key",), ground="textured" if ground else None)
        return joined(batches(SimulationSource(spec, clock), clock, [20_000] * 40))

    assert not np.array_equal(events("textured"), events(""))


def test_the_scene_changes_while_it_goes_on(tmp_path: Path) -> None:
    clock = Clock()
    source = opened(clock, 3)
    before = joined(batches(source, clock, [20_000] * 20))
    picture = write(tmp_path / "old_mug.png", square((255, 255, 255, 0), (200, 200, 200, 255)))
    spec = SimulationSpec(Resolution(32, 32), 9, ("old mug",), (picture,), "textured", "day", "none")
    source.change(spec)
    assert source.info.resolution == SMALL
    assert source.info.objects[-1] == "old mug"
    assert source.info.shown == ("old mug",)
    after = joined(batches(source, clock, [20_000] * 40))
    assert after["timestamp"][0] >= before["timestamp"][-1]
    assert source.truth() == "an old mug"


def test_a_change_that_cannot_be_leaves_all_as_it_was(tmp_path: Path) -> None:
    clock = Clock()
    source = opened(clock, 0, "star")
    with pytest.raises(SourceError, match="cannot be read"):
        source.change(SimulationSpec(SMALL, pictures=(tmp_path / "nowhere.png",)))
    assert "nowhere" not in source.info.objects
    batches(source, clock, [20_000] * 40)
    assert source.truth() == "a star"
