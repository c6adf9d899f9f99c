"""What a capture process does with a recording: pace, pause, step, seek, loop, end."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.capture.messages import (
    Ended,
    Failed,
    FramerSettings,
    Opened,
    Overview,
    Palette,
    Play,
    Rendering,
    Seek,
    SetFramer,
    SetLoop,
    SetRendering,
    SetSpeed,
    Step,
)
from pipeline.capture.ring import WAITING_SLOTS, Pixels
from pipeline.event_framing import event_frames
from tests.pipeline.capture.listening import Listened
from tests.pipeline.capture.made_sources import RESOLUTION, START_US, made_events


def test_analysis_loses_nothing_however_slow_the_reader(listened: Listened) -> None:
    """5,000 frames go through a ring of 24 whose reader takes them only now and then."""
    listened.open("recording", speed=None, ms=5000, per_ms=4, framer=FramerSettings(timestep_us=1000))
    listened.next(Opened)
    ring_full = listened.numbers_when(
        lambda numbers: numbers.frames_put % WAITING_SLOTS == 0 and numbers.frames_put > 0
    )
    assert not [status for status in listened.rest() if isinstance(status, Ended)]
    frames = listened.frames(5000)
    ended = listened.next(Ended)
    assert len(frames) == 5000
    assert ring_full.frames_put < ended.frames == frames[-1].index + 1
    assert [frame.index for frame in frames] == list(range(frames[0].index, frames[0].index + 5000))
    events = made_events(5_000_000, per_ms=4)
    assert sum(frame.events for frame in frames) == len(events)
    expected = event_frames(events, RESOLUTION, timestep_us=1000)
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in frames]), expected)


@pytest.mark.parametrize("framer", [FramerSettings(timestep_us=7000), FramerSettings(timestep_events=33)])
def test_a_paced_recording_gives_the_frames_of_the_whole_file(listened: Listened, framer: FramerSettings) -> None:
    listened.open("recording", speed=4.0, ms=500, framer=framer)
    listened.next(Opened)
    events = made_events(500_000)
    cut = {"timestep_us": 7000} if framer.timestep_events is None else {"timestep_events": 33}
    expected = event_frames(events, RESOLUTION, **cut)
    frames = listened.frames(len(expected))
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in frames]), expected)
    assert {frame.segment for frame in frames} == {frames[0].segment}
    assert listened.next(Ended).frames == frames[-1].index + 1


def test_a_recording_takes_its_time(listened: Listened) -> None:
    """What a busy machine is late by, half a second at most, is caught up with."""
    listened.open("recording", speed=0.5, ms=400)
    first, *_, last = listened.frames(40)
    listened.next(Ended)
    assert last.completed_ns - first.completed_ns >= 390e6 / 0.5 - 500e6


def test_a_gap_is_played_as_timesteps_without_events(listened: Listened) -> None:
    listened.open("gap", speed=4.0)
    frames = listened.frames(52)
    assert [frame.events for frame in frames] == [20] + 50 * [0] + [20]
    assert listened.next(Ended).frames == frames[-1].index + 1


def test_time_far_ahead_is_not_waited_for(listened: Listened) -> None:
    listened.open("gap", ms=1_000_000_000)
    frames = listened.frames(2)
    assert [frame.events for frame in frames] == [20, 20]
    assert frames[1].segment > frames[0].segment


def test_frames_and_segments_only_ever_grow(listened: Listened) -> None:
    listened.open("recording", speed=100.0, ms=100, loop=True)
    frames = listened.frames(25)
    listened.open("recording", speed=100.0, ms=100)
    frames += listened.frames(10)
    listened.capture.send(Seek(START_US))
    frames += listened.frames(10)
    pairs = list(pairwise(frames))
    assert all(after.index > before.index and after.segment >= before.segment for before, after in pairs)
    assert all(after.segment > before.segment for before, after in pairs if after.start_us <= before.start_us)


def test_loop_starts_again_until_it_is_told_not_to(listened: Listened) -> None:
    listened.open("recording", speed=20.0, ms=100, loop=True)
    frames = listened.frames(35)
    starts = [frame.start_us for frame in frames if frame.start_us == START_US]
    assert len(starts) >= 3
    listened.capture.send(SetLoop(False))
    listened.next(Ended)


def test_held_it_stands_still_and_goes_on_where_it_was(listened: Listened) -> None:
    listened.open("recording", ms=1000, paused=True)
    listened.next(Opened)
    assert not listened.capture.feed.wait(0.2)
    listened.capture.send(Play(True))
    frames = listened.frames(3)
    listened.capture.send(Play(False))
    numbers = listened.numbers_when(lambda numbers: not numbers.playing)
    frames += listened.capture.feed.take()
    assert not listened.capture.feed.wait(0.2)
    assert listened.capture.numbers().position_us == numbers.position_us
    listened.capture.send(SetSpeed(20.0))
    listened.capture.send(Play(True))
    listened.next(Ended)
    frames += listened.capture.feed.take()
    assert [frame.start_us for frame in frames] == [START_US + 10_000 * n for n in range(100)]


@pytest.mark.parametrize("threshold", [0, 1])
def test_the_pace_may_change_within_a_timestep(listened: Listened, threshold: int) -> None:
    """Frames that nobody is waited for are drawn in the ring, others are not."""
    framer = FramerSettings(timestep_us=70_000, threshold=threshold)
    listened.open("recording", speed=2.0, ms=10_000, framer=framer)
    frames = []
    for speed in (None, 4.0, None, 4.0, None):
        frames += listened.frames(3)
        listened.capture.send(SetSpeed(speed))
    while listened.capture.feed.wait(0.5):
        frames += listened.capture.feed.take()
    expected = event_frames(made_events(10_000_000), RESOLUTION, timestep_us=70_000, threshold=threshold)
    assert len(frames) >= 15
    for frame in frames:
        number = (frame.start_us - START_US) // 70_000
        np.testing.assert_array_equal(frame.pixels, expected[number])


@pytest.mark.parametrize("framer", [FramerSettings(timestep_us=7000), FramerSettings(timestep_events=33)])
def test_step_is_exactly_one_timestep(listened: Listened, framer: FramerSettings) -> None:
    listened.open("recording", ms=100, paused=True, framer=framer)
    frames = []
    for _ in range(5):
        listened.capture.send(Step())
        [frame] = listened.frames(1)
        assert not listened.capture.feed.wait(0.05)
        frames.append(frame)
    cut = {"timestep_us": 7000} if framer.timestep_events is None else {"timestep_events": 33}
    expected = event_frames(made_events(100_000), RESOLUTION, **cut)
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in frames]), expected[:5])
    listened.capture.send(Play(True))
    frames += listened.frames(len(expected) - 5)
    np.testing.assert_array_equal(np.stack([frame.pixels for frame in frames]), expected)


def test_steps_lead_to_the_end(listened: Listened) -> None:
    listened.open("recording", ms=25, paused=True)
    listened.next(Opened)
    for _ in range(3):
        listened.capture.send(Step())
        listened.frames(1)
    listened.capture.send(Step())
    listened.next(Ended)


def test_seek_gives_the_window_before_the_place_and_goes_on_there(listened: Listened) -> None:
    listened.open("recording", ms=1000, paused=True)
    listened.capture.send(Seek(START_US + 700_000))
    frames = listened.frames(10)
    assert [frame.start_us for frame in frames] == [START_US + 600_000 + 10_000 * n for n in range(10)]
    listened.numbers_when(lambda numbers: numbers.position_us == START_US + 700_000)
    assert not listened.capture.feed.wait(0.05)
    listened.capture.send(SetSpeed(10.0))
    listened.capture.send(Play(True))
    more = listened.frames(30)
    assert [frame.start_us for frame in more] == [START_US + 700_000 + 10_000 * n for n in range(30)]
    assert {frame.segment for frame in frames + more} == {frames[0].segment}
    listened.next(Ended)


def test_seek_beyond_the_ends_stays_inside(listened: Listened) -> None:
    listened.open("recording", ms=100, paused=True)
    listened.capture.send(Seek(-5))
    listened.numbers_when(lambda numbers: numbers.position_us == START_US)
    listened.capture.send(Seek(1 << 62))
    listened.numbers_when(lambda numbers: numbers.position_us == START_US + 99_999)


@pytest.mark.parametrize("again", [Play(True), Seek(START_US)])
def test_after_the_end_it_can_be_played_again(listened: Listened, again: Play | Seek) -> None:
    listened.open("recording", speed=100.0, ms=100)
    frames = listened.frames(10)
    listened.next(Ended)
    listened.capture.send(again)
    more = listened.frames(10)
    assert [frame.start_us for frame in more] == [frame.start_us for frame in frames]
    assert listened.next(Ended).frames == more[-1].index + 1


def test_other_framer_settings_begin_a_segment(listened: Listened) -> None:
    listened.open("recording", ms=200, paused=True)
    listened.capture.send(Step())
    [before] = listened.frames(1)
    listened.capture.send(SetFramer(FramerSettings(timestep_us=50_000)))
    listened.capture.send(Step())
    [after] = listened.frames(1)
    assert after.segment > before.segment
    assert after.end_us - after.start_us == 50_000
    assert after.index == before.index + 1


def test_impossible_framer_settings_are_refused_in_a_sentence(listened: Listened) -> None:
    listened.open("recording", ms=100, paused=True)
    listened.next(Opened)
    listened.capture.send(SetFramer(FramerSettings(timestep_us=0)))
    refused = Failed("A timestep lasts from 1 µs to an hour, not 0 µs.", opening=False, goes_on=True)
    assert listened.next(Failed) == refused
    listened.capture.send(Step())
    assert listened.frames(1)[0].end_us == START_US + 10_000
    listened.open("recording", framer=FramerSettings(timestep_us=-1))
    assert listened.next(Failed).opening


def test_a_sensor_too_large_is_refused_in_a_sentence(listened: Listened) -> None:
    listened.open("recording", width=2000, height=1200)
    message = listened.next(Failed).message
    assert message == "The sensor has 2000 × 1200 pixels, more than the 1920 × 1200 that can be shown."


def test_the_end_of_what_is_readable_is_told_after_all_before_was_given(listened: Listened) -> None:
    listened.open("damaged", speed=None, ms=1000)
    frames = listened.frames(50)
    assert listened.next(Failed) == Failed("made is damaged after 0.5 s: what came before was played.", opening=False)
    assert sum(frame.events for frame in frames) == 1000
    assert listened.capture.numbers().frames_put == frames[-1].index + 1
    listened.open("missing")
    assert listened.next(Failed) == Failed("There is no file made: choose another one.", opening=True)
    listened.open("recording", speed=None, ms=10)
    listened.next(Ended)


def test_frames_of_another_sensor_size_follow_at_once(listened: Listened) -> None:
    listened.open("recording", ms=100, speed=None)
    listened.next(Ended)
    listened.open("recording", ms=100, speed=None, width=640, height=480)
    listened.next(Ended)
    frames = listened.capture.feed.take()
    assert {frame.pixels.shape for frame in frames} == {(480, 640)}
    assert len(frames) == 10


def test_the_overview_counts_every_event(listened: Listened, tmp_path: Path) -> None:
    (tmp_path / "recording,ms=1000").touch()
    listened.open("recording", folder=tmp_path, ms=1000, paused=True)
    listened.next(Opened)
    counts = listened.next(Overview).counts
    assert counts == 400 * (5,)


def test_pictures_show_what_was_played(listened: Listened) -> None:
    palette = Palette(background=0x010203, on=0x00FF00, off=0xFF0000)
    listened.open("recording", ms=30, paused=True)
    listened.capture.send(SetRendering(Rendering.POLARITY, palette))
    opened = picture_that(listened, lambda pixels: bool((pixels == (3, 2, 1, 255)).all()))
    listened.capture.send(Step())
    listened.frames(1)
    events = made_events(10_000)
    expected = np.full((*RESOLUTION[::-1], 4), (3, 2, 1, 255), np.uint8)
    on = events["polarity"] == 1
    expected[events["y"][on], events["x"][on]] = (0, 255, 0, 255)
    expected[events["y"][~on], events["x"][~on]] = (0, 0, 255, 255)
    stepped = picture_that(listened, lambda pixels: np.array_equal(pixels, expected))
    listened.capture.send(SetRendering(Rendering.MODEL_FRAME, palette))
    model_frame = event_frames(events, RESOLUTION, timesteps=1)[0]
    seen = picture_that(listened, lambda pixels: np.array_equal(pixels[..., 0], model_frame))
    assert opened < stepped < seen
    assert listened.capture.picture(seen) is None


def test_winding_a_held_recording_shows_that_moment(listened: Listened) -> None:
    listened.open("recording", ms=500, paused=True)
    listened.capture.send(SetRendering(Rendering.MODEL_FRAME))
    listened.capture.send(Seek(START_US + 300_200))
    events = made_events(301_000)
    events = events[events["timestamp"] < START_US + 300_200]
    newest = events[events["timestamp"] >= START_US + 290_200]
    model_frame = event_frames(newest, RESOLUTION, timesteps=1)[0]
    picture_that(listened, lambda pixels: np.array_equal(pixels[..., 0], model_frame))
    listened.capture.send(SetRendering(Rendering.POLARITY, Palette(background=0)))
    recent = events[events["timestamp"] > START_US + 270_200]
    lit = np.zeros(RESOLUTION[::-1], bool)
    lit[recent["y"], recent["x"]] = True
    picture_that(listened, lambda pixels: np.array_equal(pixels[..., :3].any(axis=-1), lit))


def picture_that(listened: Listened, is_it: Callable[[Pixels], bool]) -> int:
    """Wait for a picture, and give its number."""
    newest = 0

    def look(_: object) -> bool:
        nonlocal newest
        picture = listened.capture.picture(newest)
        if picture is None:
            return False
        newest = picture[0]
        return is_it(picture[1])

    listened.numbers_when(look)
    return newest


def test_an_analysis_that_is_slowed_down_keeps_as_many_frames_as_a_replay(listened: Listened) -> None:
    before = listened.capture.numbers().frames_put
    listened.open("recording", speed=None, ms=3000)
    listened.numbers_when(lambda numbers: numbers.frames_put == before + WAITING_SLOTS)
    listened.capture.send(SetSpeed(50.0))
    listened.next(Ended)
    frames = listened.capture.feed.take()
    assert len(frames) > 2 * WAITING_SLOTS
    assert [frame.index for frame in frames] == list(range(frames[0].index, frames[0].index + len(frames)))
