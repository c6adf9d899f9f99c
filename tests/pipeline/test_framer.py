"""The framer: timesteps and event frames of a stream that comes in pieces."""

from itertools import pairwise
from pathlib import Path
from time import monotonic_ns
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.capture.messages import FramerSettings
from pipeline.event_framing import event_frames
from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution
from pipeline.framer import MAX_GAP_US, Framer
from pipeline.prediction import EventFrame

RESOLUTION = Resolution(7, 5)
START_US = 1_605_537_493_000_000
TIMESTEP_US = 50
PERSON = Path(__file__).parents[2] / ".." / "shared" / "recordings" / "dvxplorer_person.aedat4"

Seen = tuple[int, int, int, int, int, bytes]


def events_at(*times: int, x: int = 3, y: int = 2, polarity: int = 0) -> EventArray:
    events = np.zeros(len(times), EVENT_DTYPE)
    events["timestamp"] = times
    events["x"], events["y"], events["polarity"] = x, y, polarity
    return events


def framer(timestep_us: int = TIMESTEP_US, timesteps: int = 10, **rest: Any) -> Framer:
    return Framer(RESOLUTION, FramerSettings(timestep_us=timestep_us, timesteps=timesteps, **rest))


def copied(frame: EventFrame) -> Seen:
    return frame.index, frame.segment, frame.start_us, frame.end_us, frame.events, frame.pixels.tobytes()


def pushed(to: Framer, events: EventArray, until_us: int = 0) -> list[Seen]:
    return [copied(frame) for frame in to.push(events, until_us)]


def times_of(frames: list[Seen]) -> list[tuple[int, int, int, int]]:
    """Segment, start, end and number of events of each."""
    return [frame[1:5] for frame in frames]


def defined(events: EventArray, threshold: int = 0, resolution: Resolution = RESOLUTION) -> npt.NDArray[np.uint8]:
    """The event frame of one timestep, straight from its definition."""
    counts = np.zeros((2, resolution.height, resolution.width), int)
    np.add.at(counts, (events["polarity"].astype(int), events["y"], events["x"]), 1)
    frame = np.full(counts.shape[1:], 127, np.uint8)
    frame[counts[0] > threshold] = 255
    frame[counts[1] > threshold] = 0
    return frame


@st.composite
def streams(draw: st.DrawFn, steps: st.SearchStrategy[int]) -> EventArray:
    rows = draw(
        st.lists(st.tuples(steps, st.integers(0, 6), st.integers(0, 4), st.integers(0, 1)), min_size=1, max_size=60)
    )
    events = np.array([(0, x, y, p) for _, x, y, p in rows], EVENT_DTYPE)
    events["timestamp"] = START_US + np.cumsum([step for step, *_ in rows])
    return events


calm = streams(st.integers(0, 130))
jumping = streams(st.one_of(st.integers(0, 130), st.sampled_from([-40, -400_000, MAX_GAP_US, MAX_GAP_US + 1, 10**9])))
cuts = st.lists(st.integers(0, 60), max_size=8).map(sorted)


def in_pieces(to: Framer, events: EventArray, where: list[int], tell: bool = False) -> list[Seen]:
    frames = []
    for piece in np.split(events, [cut for cut in where if cut < len(events)]):
        frames += pushed(to, piece, int(piece["timestamp"][-1]) + 1 if tell and len(piece) else 0)
    last = to.flush()
    return frames + ([copied(last)] if last else [])


@given(calm, cuts, st.integers(0, 2), st.booleans())
@settings(deadline=None)
def test_timesteps_of_fixed_time_hold_what_the_definition_says(
    events: EventArray, where: list[int], threshold: int, tell: bool
) -> None:
    frames = in_pieces(framer(threshold=threshold, timesteps=10**4), events, where, tell)
    times = events["timestamp"]
    number = int(times[-1] - times[0]) // TIMESTEP_US + 1
    assert len(frames) == number
    for k, frame in enumerate(frames):
        inside = events[(times - times[0]) // TIMESTEP_US == k]
        end_us = START_US + int(times[0] - START_US) + (k + 1) * TIMESTEP_US
        expected_end = int(times[-1]) + 1 if k == number - 1 else end_us
        assert frame == (
            k, 0, end_us - TIMESTEP_US, expected_end, len(inside), defined(inside, threshold).tobytes(),
        )  # fmt: skip


@given(calm, cuts, st.integers(1, 20), st.integers(0, 2))
@settings(deadline=None)
def test_timesteps_of_a_fixed_number_of_events_hold_what_the_definition_says(
    events: EventArray, where: list[int], count: int, threshold: int
) -> None:
    frames = in_pieces(framer(timestep_events=count, threshold=threshold), events, where)
    parts = [events[i : i + count] for i in range(0, len(events), count)]
    assert frames == [
        (k, 0, int(p["timestamp"][0]), int(p["timestamp"][-1]) + 1, len(p), defined(p, threshold).tobytes())
        for k, p in enumerate(parts)
    ]


@given(jumping, cuts, st.sampled_from([None, 1, 7]))
@settings(deadline=None)
def test_how_the_stream_was_cut_makes_no_difference(events: EventArray, where: list[int], count: int | None) -> None:
    under_test, whole = (framer(timestep_us=30_000, timestep_events=count) for _ in range(2))
    assert in_pieces(under_test, events, where) == in_pieces(whole, events, [])


@given(calm, st.integers(0, 1), st.booleans())
@settings(deadline=None)
def test_event_frames_of_a_whole_recording_are_the_same(events: EventArray, threshold: int, by_count: bool) -> None:
    frames = in_pieces(
        framer(timestep_events=9 if by_count else None, threshold=threshold, timesteps=10**4), events, [20, 40]
    )
    if by_count:
        whole = event_frames(events, RESOLUTION, timestep_events=9, threshold=threshold)
    else:
        whole = event_frames(events, RESOLUTION, timestep_us=TIMESTEP_US, threshold=threshold)
    assert [frame[-1] for frame in frames] == [frame.tobytes() for frame in whole]


class Canvases:
    """Room for frames in turn, three of them, left as it was when the last frame there was given away."""

    def __init__(self, resolution: Resolution) -> None:
        random = np.random.default_rng(0)
        self._rooms = random.integers(0, 256, (3, resolution.height, resolution.width), np.uint8)
        self.frames = 0

    def __call__(self) -> npt.NDArray[np.uint8]:
        pixels: npt.NDArray[np.uint8] = self._rooms[self.frames % 3]
        return pixels

    def take(self, frame: EventFrame) -> Seen:
        """Note that this frame is complete, and the next place is free."""
        assert np.shares_memory(frame.pixels, self())
        self.frames += 1
        return copied(frame)


LARGE = Resolution(80, 50)
"""Large enough that a frame of few events is drawn another way than one of many."""


@given(
    st.lists(st.sampled_from([0, 1, 2, 120, 127, 128, 129, 249, 250, 251, 255, 600]), min_size=1, max_size=6),
    st.integers(0, 1),
    st.integers(1, 700),
    st.integers(0, 2**32 - 1),
)
@settings(deadline=None)
def test_frames_of_few_events_and_of_many_follow_one_another_in_any_order(
    counts: list[int], threshold: int, piece: int, seed: int
) -> None:
    random = np.random.default_rng(seed)
    parts = []
    for step, count in enumerate(counts):
        part = np.zeros(count, EVENT_DTYPE)
        part["timestamp"] = START_US + step * TIMESTEP_US + np.sort(random.integers(0, TIMESTEP_US, count))
        part["x"], part["y"] = random.integers(0, (LARGE.width, LARGE.height), (count, 2)).T // random.integers(1, 9)
        part["polarity"] = random.integers(0, 2, count)
        parts.append(part)
    events = np.concatenate(parts, dtype=EVENT_DTYPE)
    under_test = Framer(LARGE, FramerSettings(timestep_us=TIMESTEP_US, threshold=threshold, timesteps=10**4))
    list(under_test.push(NO_EVENTS, START_US))
    frames = [
        copied(frame)[-1]
        for start in range(0, max(len(events), 1), piece)
        for frame in under_test.push(events[start : start + piece])
    ]
    frames += [copied(frame)[-1] for frame in under_test.push(NO_EVENTS, START_US + len(counts) * TIMESTEP_US)]
    assert frames == [defined(part, threshold, LARGE).tobytes() for part in parts]


@given(calm, cuts, st.integers(0, 1), st.booleans())
@settings(deadline=None)
def test_frames_are_drawn_where_there_is_room_for_them(
    events: EventArray, where: list[int], threshold: int, by_count: bool
) -> None:
    canvases = Canvases(RESOLUTION)
    chosen = FramerSettings(timestep_us=TIMESTEP_US, timestep_events=7 if by_count else None, threshold=threshold)
    under_test = Framer(RESOLUTION, chosen, canvas=canvases)
    drawn = [
        canvases.take(frame)
        for piece in np.split(events, [cut for cut in where if cut < len(events)])
        for frame in under_test.push(piece)
    ]
    if (last := under_test.flush()) is not None:
        drawn.append(canvases.take(last))
    assert drawn == in_pieces(Framer(RESOLUTION, chosen), events, [])


@pytest.mark.parametrize("count", [0, 1, 120, 600])
@pytest.mark.parametrize("threshold", [0, 1])
def test_a_frame_goes_on_where_its_room_is_taken_away_or_given(count: int, threshold: int) -> None:
    canvases = Canvases(LARGE)
    chosen = FramerSettings(timestep_us=TIMESTEP_US, threshold=threshold)
    under_test = Framer(LARGE, chosen, canvas=canvases)
    random = np.random.default_rng(count)
    parts: list[EventArray] = []
    for step in range(9):
        part = events_at(*[START_US + step * TIMESTEP_US + i * TIMESTEP_US // 700 for i in range(count + 1)])
        part["x"], part["y"] = random.integers(0, (LARGE.width, LARGE.height), (count + 1, 2)).T
        for frame in under_test.push(part[:count]):
            canvases.frames += np.shares_memory(frame.pixels, canvases())
            assert frame.pixels.tobytes() == defined(parts[-1], threshold, LARGE).tobytes()
        under_test.draw_in(canvases if step % 3 else None)
        canvases().fill(99)
        for frame in under_test.push(part[count:]):  # it had none before
            canvases.frames += np.shares_memory(frame.pixels, canvases())
            assert frame.pixels.tobytes() == defined(parts[-1], threshold, LARGE).tobytes()
        parts.append(part)


@pytest.mark.parametrize("events", [1, 600], ids=["few", "many"])
def test_what_was_dropped_leaves_nothing_in_the_next_frame(events: int) -> None:
    under_test = Framer(LARGE, FramerSettings(timestep_us=TIMESTEP_US))
    for x in range(10):
        dropped = np.resize(events_at(START_US, x=x), events)
        assert list(under_test.push(dropped)) == []
        under_test.reset()
        kept = events_at(START_US, x=x + 20)
        assert list(under_test.push(kept)) == []
        frame = under_test.flush()
        assert frame is not None
        assert frame.pixels.tobytes() == defined(kept, 0, LARGE).tobytes()


def test_polarity_1_wins_over_polarity_0_in_any_order() -> None:
    for polarities in ((0, 1), (1, 0)):
        under_test = framer()
        events = np.concatenate([events_at(0, polarity=p) for p in polarities], dtype=EVENT_DTYPE)
        assert list(under_test.push(events)) == []
        frame = under_test.flush()
        assert frame is not None
        assert frame.pixels[2, 3] == 0
        assert np.count_nonzero(frame.pixels != 127) == 1


def test_a_timestep_completes_when_the_source_has_told_everything_before_its_end() -> None:
    under_test = framer()
    assert pushed(under_test, events_at(1000), until_us=1049) == []
    assert times_of(pushed(under_test, NO_EVENTS, until_us=1050)) == [(0, 1000, 1050, 1)]
    assert times_of(pushed(under_test, events_at(1050, 1060), until_us=1100)) == [(0, 1050, 1100, 2)]


def test_a_live_source_that_starts_with_silence_gives_empty_timesteps_from_then_on() -> None:
    under_test = framer()
    assert pushed(under_test, NO_EVENTS, until_us=1000) == []
    frames = pushed(under_test, NO_EVENTS, until_us=1120)
    assert times_of(frames) == [(0, 1000, 1050, 0), (0, 1050, 1100, 0)]
    assert {frame[-1] for frame in frames} == {defined(NO_EVENTS).tobytes()}
    assert times_of(pushed(under_test, events_at(1130), until_us=1150)) == [(0, 1100, 1150, 1)]


def test_told_time_alone_gives_at_most_one_window_a_call_and_never_a_new_segment() -> None:
    under_test = framer(timesteps=4)
    pushed(under_test, events_at(1000), until_us=1001)
    day_later_us = 86_400_000_000
    for first in (1000, 1200):
        frames = pushed(under_test, NO_EVENTS, until_us=day_later_us)
        assert [(frame[1], frame[2]) for frame in frames] == [(0, first + k * TIMESTEP_US) for k in range(4)]
    frames = pushed(under_test, events_at(day_later_us, day_later_us + 60))
    assert times_of(frames) == [(1, day_later_us, day_later_us + TIMESTEP_US, 1)]


def test_told_time_keeps_a_still_scene_in_one_segment_however_long() -> None:
    under_test = framer(timestep_us=100_000)
    pushed(under_test, events_at(0), until_us=1)
    frames = [f for t in range(0, 3 * MAX_GAP_US, 50_000) for f in pushed(under_test, NO_EVENTS, until_us=t)]
    frames += pushed(under_test, events_at(3 * MAX_GAP_US), until_us=3 * MAX_GAP_US + 100_000)
    assert {frame[1] for frame in frames} == {0}
    assert [frame[2] for frame in frames] == list(range(0, 3 * MAX_GAP_US + 1, 100_000))


def test_time_that_jumps_back_starts_a_new_segment_without_the_unfinished_timestep() -> None:
    under_test = framer()
    frames = pushed(under_test, events_at(5000, 5050, 5060, 1000, 1050))
    assert times_of(frames) == [(0, 5000, 5050, 1), (1, 1000, 1050, 1)]
    assert frames[1][-1] == defined(events_at(1000)).tobytes()
    assert under_test.segment == 1
    assert under_test.index == 2


def test_time_that_jumps_far_ahead_starts_a_new_segment_without_empty_timesteps() -> None:
    far_us = 1000 + MAX_GAP_US + 1
    frames = pushed(framer(), events_at(1000, far_us, far_us + TIMESTEP_US))
    assert times_of(frames) == [(0, 1000, 1050, 1), (1, far_us, far_us + TIMESTEP_US, 1)]


def test_a_pause_that_is_not_longer_than_a_window_is_filled_with_empty_timesteps() -> None:
    pause_us = 3 * MAX_GAP_US
    frames = pushed(framer(timestep_us=MAX_GAP_US, timesteps=3), events_at(0, pause_us), until_us=4 * MAX_GAP_US)
    assert times_of(frames) == [
        (0, k * MAX_GAP_US, (k + 1) * MAX_GAP_US, events) for k, events in enumerate([1, 0, 0, 1])
    ]


def test_a_pause_within_a_timestep_of_a_fixed_number_of_events_starts_a_new_segment() -> None:
    under_test = framer(timestep_events=2)
    far_us = MAX_GAP_US + 2
    assert times_of(pushed(under_test, events_at(0, 1, 1, far_us, far_us))) == [
        (0, 0, 2, 2),
        (1, far_us, far_us + 1, 2),
    ]


def test_events_out_of_order_within_a_timestep_belong_to_it() -> None:
    under_test = framer()
    assert times_of(pushed(under_test, events_at(0, 40, 20, 30, 50))) == [(0, 0, 50, 4)]


def test_flush_gives_the_unfinished_timestep_up_to_its_last_event() -> None:
    under_test = framer()
    pushed(under_test, events_at(0, 20))
    last = under_test.flush()
    assert last is not None
    assert (last.start_us, last.end_us, last.events) == (0, 21, 2)
    assert under_test.flush() is None


def test_flush_gives_nothing_when_the_timestep_holds_no_event() -> None:
    under_test = framer()
    assert under_test.flush() is None
    pushed(under_test, events_at(0), until_us=60)
    assert under_test.flush() is None


def test_after_reset_a_new_segment_begins_at_the_next_event() -> None:
    under_test = framer()
    pushed(under_test, events_at(0, 20, x=1))
    under_test.reset()
    frames = pushed(under_test, events_at(30, 80))
    assert times_of(frames) == [(1, 30, 80, 1)]
    assert frames[0][-1] == defined(events_at(30)).tobytes()


def test_numbers_go_on_from_those_given() -> None:
    under_test = Framer(RESOLUTION, FramerSettings(timestep_us=TIMESTEP_US), index=41, segment=3)
    before_ns = monotonic_ns()
    (frame,) = under_test.push(events_at(0, TIMESTEP_US))
    assert (frame.index, frame.segment) == (41, 3)
    assert before_ns <= frame.completed_ns <= monotonic_ns()
    assert under_test.index == 42


def test_events_in_any_layout_are_taken() -> None:
    wanted = pushed(framer(), events_at(*range(0, 200, 2)))
    packed = np.concatenate([events_at(*range(0, 200, 2))])
    assert packed.dtype != EVENT_DTYPE
    every_second = np.repeat(events_at(*range(0, 200, 2)), 2).astype(EVENT_DTYPE)[::2]
    read_only = events_at(*range(0, 200, 2))
    read_only.flags.writeable = False
    for events in (packed, every_second, read_only):
        assert pushed(framer(), events) == wanted


@pytest.mark.parametrize("time_us", [np.iinfo(np.int64).min, np.iinfo(np.int64).max, 1 << 62])
@pytest.mark.parametrize("count", [None, 2])
def test_an_event_from_beyond_all_time_is_left_out(time_us: int, count: int | None) -> None:
    damaged = events_at(time_us, 0, time_us, 20, 60, 70, time_us)
    assert pushed(framer(timestep_events=count), damaged) == pushed(
        framer(timestep_events=count), events_at(0, 20, 60, 70)
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"timestep_us": 0}, {"timestep_us": 10**13}, {"timestep_events": 0}, {"timesteps": 0}, {"threshold": -1},
        {"threshold": 70_000},
    ],
)  # fmt: skip
def test_a_setting_out_of_range_is_told(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"^[A-Z].* not .*\d"):
        framer(**wrong)


def test_every_event_of_a_real_recording_is_in_a_timestep() -> None:
    if not PERSON.is_file():
        pytest.skip("needs the shared recordings")
    dv = pytest.importorskip("dv_processing")
    recording = dv.io.MonoCameraRecording(str(PERSON))
    under_test = Framer(Resolution(*recording.getEventResolution()), FramerSettings())
    frames = []
    while (batch := recording.getNextEventBatch()) is not None:
        frames += pushed(under_test, batch.numpy())
    last = under_test.flush()
    assert last is not None
    frames.append(copied(last))
    assert sum(frame[4] for frame in frames) == 111_954
    assert {frame[1] for frame in frames} == {0}
    assert all(before[3] == after[2] for before, after in pairwise(frames))


def test_few_and_many_events_in_turn_leave_nothing_of_the_frame_before() -> None:
    """Few events are drawn one by one into the frame before, many pixel by pixel."""
    random = np.random.default_rng(3)
    resolution = Resolution(64, 48)
    framer = Framer(resolution, FramerSettings(timestep_us=1000))
    for number, count in enumerate([5, 4000, 0, 7, 7, 3000, 2, 0, 0, 191, 192, 193, 6000, 6000, 1]):
        events = np.zeros(count, EVENT_DTYPE)
        events["timestamp"] = 1000 * number + np.sort(random.integers(0, 1000, count))
        if number == 0:
            events["timestamp"][0] = 0
        events["x"], events["y"] = random.integers(0, 64, count), random.integers(0, 48, count)
        events["polarity"] = random.integers(0, 2, count)
        half = count // 2
        assert list(framer.push(events[:half])) == []
        (frame,) = framer.push(events[half:], 1000 * (number + 1))
        expected = np.full((48, 64), 127, np.uint8)
        for value, polarity in ((255, 0), (0, 1)):
            seen = events[events["polarity"] == polarity]
            expected[seen["y"], seen["x"]] = value
        assert frame.events == count
        np.testing.assert_array_equal(frame.pixels, expected)
