"""What a capture process does with a live source: newest first, pause, loss and return."""

from pathlib import Path

import numpy as np

from pipeline.capture.messages import FramerSettings, Lost, Opened, Play, Seek, Step
from tests.pipeline.capture.listening import Listened
from tests.pipeline.capture.made_sources import RESOLUTION


def test_nobody_waits_for_a_slow_reader_and_what_it_gets_is_whole(listened: Listened) -> None:
    """A flood overwrites frames while they are read; each frame's pixels tell its time, so a torn one would show."""
    listened.open("flood", framer=FramerSettings(timestep_us=1000))
    listened.next(Opened)
    seen = 0
    skipped = 0
    last = None
    while seen < 2000 or not skipped:
        assert listened.capture.feed.wait(30.0)
        for frame in listened.capture.feed.take():
            expected = np.full(RESOLUTION[::-1], 127, np.uint8)
            expected[0, (frame.start_us - 1_000_000) // 1000 % RESOLUTION.width] = 255
            np.testing.assert_array_equal(frame.pixels, expected)
            if last is not None:
                assert frame.index > last.index
                assert frame.start_us - last.start_us == 1000 * (frame.index - last.index)
                skipped += frame.index - last.index - 1
            last = frame
            seen += 1


def test_the_newest_frames_are_kept(listened: Listened) -> None:
    listened.open("flood", framer=FramerSettings(timestep_us=1000))
    listened.numbers_when(lambda numbers: numbers.events_total > 1_000_000)
    listened.capture.send(Play(False))
    listened.numbers_when(lambda numbers: not numbers.playing)
    frames = listened.capture.feed.take(newest=10)
    put = listened.capture.numbers().frames_put
    assert [frame.index for frame in frames] == list(range(put - 10, put))
    assert listened.capture.feed.take() == []


def test_time_goes_on_in_front_of_a_still_scene(listened: Listened) -> None:
    listened.open("still")
    frames = listened.frames(5)
    assert all(frame.events == 0 and (frame.pixels == 127).all() for frame in frames)


def test_held_it_is_read_on_but_stands_still(listened: Listened) -> None:
    listened.open("camera")
    before = listened.frames(3)
    listened.capture.send(Play(False))
    numbers = listened.numbers_when(lambda numbers: not numbers.playing)
    before += listened.capture.feed.take()
    listened.numbers_when(lambda later: later.events_total > numbers.events_total + 100)
    assert not listened.capture.feed.wait(0)
    listened.capture.send(Play(True))
    after = listened.frames(3)
    assert after[0].segment > before[-1].segment
    assert after[0].index == before[-1].index + 1


def test_what_only_recordings_can_do_is_passed_over(listened: Listened) -> None:
    listened.open("camera", paused=True)
    listened.capture.send(Step())
    listened.capture.send(Seek(5))
    listened.numbers_when(lambda numbers: numbers.events_total > 100)
    assert not listened.capture.feed.wait(0)
    assert [status for status in listened.rest() if not isinstance(status, Opened)] == []


def test_a_lost_source_is_told_once_and_found_again(listened: Listened, tmp_path: Path) -> None:
    listened.open("unplugged", folder=tmp_path)
    listened.next(Opened)
    before = listened.frames(5)
    assert listened.next(Lost) == Lost("The camera was unplugged.")
    listened.next(Opened)
    assert listened.rest() == []
    assert len(list(tmp_path.glob("try*"))) == 4
    before += [frame for frame in listened.capture.feed.take() if frame.start_us < 10_000_000]
    after = listened.frames(3)
    assert after[-1].segment > before[-1].segment
    assert after[-1].index > before[-1].index


def test_commands_are_answered_while_the_source_is_away(listened: Listened, tmp_path: Path) -> None:
    listened.open("unplugged", folder=tmp_path)
    listened.next(Lost)
    listened.capture.send(Play(False))
    listened.numbers_when(lambda numbers: not numbers.playing)
    listened.open("recording", speed=None, ms=10)
    assert not listened.next(Opened).info.live


def test_the_rate_is_that_of_the_last_second(listened: Listened) -> None:
    listened.open("camera")
    numbers = listened.numbers_when(lambda numbers: numbers.event_rate > 1500)
    assert numbers.event_rate < 3000
    assert numbers.resident_bytes > 10_000_000
    assert numbers.resolution == RESOLUTION
    assert numbers.dropped_events == 0


def test_a_live_source_waits_for_nobody_even_where_every_frame_is_wanted(listened: Listened) -> None:
    """What is not read from a camera is lost: it is read on although no frame is taken."""
    listened.open("flood", speed=None, framer=FramerSettings(timestep_us=1000))
    listened.next(Opened)
    more_than_the_ring = listened.capture.numbers().frames_put + 2000
    listened.numbers_when(lambda numbers: numbers.frames_put > more_than_the_ring)
