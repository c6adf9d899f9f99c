"""Shared memory, both ends in one process: order, overwriting, sizes, pictures."""

import multiprocessing
import threading
from dataclasses import replace

import numpy as np
import pytest

from pipeline.capture.bell import Bell, WakePipe
from pipeline.capture.memory import MAX_PICTURE, MAX_SLOTS, SharedMemory, Word, allocate, order_memory
from pipeline.capture.ring import (
    WAITING_SLOTS,
    FrameWriter,
    PictureWriter,
    RingFeed,
    latest_picture,
    slots_for,
    why_too_large,
)
from pipeline.events import Resolution
from pipeline.prediction import EventFrame

SMALL = Resolution(32, 16)
HD = Resolution(1280, 720)


class Ring:
    """A ring and what rings at it."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.memory = SharedMemory(allocate(context))
        heard, rung = context.Pipe(duplex=False)
        self.frames_bell = Bell(self.memory, Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD, heard)
        room_heard, room_rung = context.Pipe(duplex=False)
        self.room = Bell(self.memory, Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD, room_heard)
        self.writer = FrameWriter(self.memory, Bell(self.memory, Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD, rung))
        self.feed = RingFeed(
            self.memory,
            self.frames_bell,
            Bell(self.memory, Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD, room_rung),
            WakePipe(*context.Pipe(duplex=False)),
        )

    def put(self, count: int, resolution: Resolution = SMALL) -> None:
        for _ in range(count):
            self.writer.write(frame_of(self.writer.put, resolution))


@pytest.fixture
def shared() -> Ring:
    shared = Ring()
    shared.writer.begin(SMALL)
    return shared


def frame_of(index: int, resolution: Resolution = SMALL) -> EventFrame:
    pixels = np.full((resolution.height, resolution.width), index % 251, np.uint8)
    return EventFrame(index, index // 10, 1000 * index, 1000 * index + 1000, 7 * index, pixels, 5 + index)


def assert_same(frame: EventFrame, expected: EventFrame) -> None:
    np.testing.assert_array_equal(frame.pixels, expected.pixels)
    for name in ("index", "segment", "start_us", "end_us", "events", "completed_ns"):
        assert getattr(frame, name) == getattr(expected, name)


def test_frames_come_out_as_they_went_in(shared: Ring) -> None:
    shared.put(5)
    for index, frame in enumerate(shared.feed.take()):
        assert_same(frame, frame_of(index))
    assert shared.feed.take() == []
    shared.put(1)
    [frame] = shared.feed.take()
    assert_same(frame, frame_of(5))


def test_pixels_taken_are_the_readers_own(shared: Ring) -> None:
    shared.put(1)
    [frame] = shared.feed.take()
    shared.put(MAX_SLOTS)
    assert (frame.pixels == 0).all()


def test_only_the_newest_are_taken_if_so_wished(shared: Ring) -> None:
    shared.put(9)
    assert [frame.index for frame in shared.feed.take(newest=3)] == [6, 7, 8]
    assert shared.feed.take() == []


def test_a_slow_reader_gets_what_was_not_overwritten(shared: Ring) -> None:
    shared.put(3 * MAX_SLOTS)
    frames = shared.feed.take()
    assert [frame.index for frame in frames] == list(range(2 * MAX_SLOTS, 3 * MAX_SLOTS))
    assert all((frame.pixels == frame.index % 251).all() for frame in frames)


def test_a_frame_that_is_being_overwritten_is_left_out(shared: Ring) -> None:
    shared.put(MAX_SLOTS + 3)
    shared.memory.words[Word.FRAMES_STARTED] += 1  # frame 3's place is being written to
    frames = shared.feed.take()
    assert frames[0].index == 4


def test_a_frame_may_be_drawn_where_it_is_read(shared: Ring) -> None:
    shared.put(MAX_SLOTS)
    canvas = shared.writer.canvas()
    assert shared.feed.take()[0].index == 1  # what lay in this place is gone
    canvas[:] = 77
    assert shared.writer.canvas() is canvas
    frame = frame_of(MAX_SLOTS)
    shared.writer.write(replace(frame, pixels=canvas))
    [taken] = shared.feed.take()
    assert_same(taken, replace(frame, pixels=canvas))
    assert shared.writer.canvas() is not canvas


def test_a_frame_that_was_drawn_elsewhere_is_copied(shared: Ring) -> None:
    shared.writer.canvas()[:] = 77
    shared.put(1)
    [frame] = shared.feed.take()
    assert_same(frame, frame_of(0))


def test_what_was_drawn_before_another_stream_began_is_dropped(shared: Ring) -> None:
    before = shared.writer.canvas()
    shared.writer.begin(HD)
    assert shared.writer.canvas().shape == (720, 1280)
    before[:] = 77
    shared.put(1, HD)
    assert [frame.pixels.max() for frame in shared.feed.take()] == [0]


def test_a_writer_running_round_and_round_never_shows_a_torn_frame(shared: Ring) -> None:
    shared.writer.begin(HD)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            shared.put(1, HD)

    thread = threading.Thread(target=write)
    thread.start()
    last, seen = -1, 0
    while seen < 500:
        assert shared.feed.wait(30.0)
        for frame in shared.feed.take():
            assert (frame.pixels == frame.index % 251).all()
            assert frame.events == 7 * frame.index
            assert frame.index > last
            last = frame.index
            seen += 1
    stop.set()
    thread.join()


def test_room_is_what_was_taken(shared: Ring) -> None:
    shared.put(MAX_SLOTS)
    assert shared.writer.room() <= 0
    assert not shared.room.end.poll()
    shared.feed.take(newest=1)
    assert shared.writer.room() > 0
    assert shared.room.end.poll()


def test_another_stream_begins_without_the_frames_of_the_one_before(shared: Ring) -> None:
    shared.put(4)
    shared.writer.begin(HD)
    assert shared.writer.newest() is None
    assert not shared.feed.wait(0)
    assert shared.writer.next_segment == 1
    shared.put(2, HD)
    assert [frame.index for frame in shared.feed.take()] == [4, 5]
    newest = shared.writer.newest()
    assert newest is not None
    assert newest.shape == (720, 1280)


def test_a_frame_out_of_turn_is_refused(shared: Ring) -> None:
    with pytest.raises(ValueError, match="frame 3 written where frame 0 belongs"):
        shared.writer.write(frame_of(3))


def test_ringing_is_heard_and_never_blocks(shared: Ring) -> None:
    shared.put(100_000)  # a pipe with a byte for each would be full
    assert shared.feed.wait(30.0)


def test_wait_ends_at_a_frame_from_elsewhere(shared: Ring) -> None:
    threading.Timer(0.05, shared.put, (1,)).start()
    assert shared.feed.wait(30.0)


def test_a_bell_that_lost_its_sound_only_delays(shared: Ring) -> None:
    """The process was killed between noting that it rings and ringing."""
    shared.memory.words[Word.FRAME_BELL_RUNG] += 1
    shared.put(1)
    assert shared.feed.wait(30.0)


@pytest.mark.parametrize(
    ("resolution", "timesteps", "waits", "reason"),
    [
        (Resolution(640, 480), 10, False, None),
        (HD, 10, False, None),
        (Resolution(1920, 1080), 10, False, None),
        (Resolution(1920, 1201), 1, True, "The sensor has 1920 × 1201 pixels, more than the 1920 × 1200"),
        (HD, 40, False, "A window of 40 timesteps of 1280 × 720 pixels is too large: choose at most 26 timesteps."),
        (HD, 40, True, None),
        (Resolution(1, 1), 127, False, None),
    ],
)  # fmt: skip
def test_what_is_too_large_is_told_before(resolution: Resolution, timesteps: int, waits: bool, reason: str) -> None:
    said = why_too_large(resolution, timesteps, waits=waits)
    assert said is None if reason is None else said is not None and said.startswith(reason)


def test_the_ring_holds_as_many_as_fit_and_few_where_the_writer_waits() -> None:
    assert slots_for(Resolution(640, 480)) == 163
    assert slots_for(Resolution(1, 1)) == MAX_SLOTS
    assert slots_for(Resolution(640, 480), waits=True) == WAITING_SLOTS
    assert slots_for(MAX_PICTURE, waits=True) == slots_for(MAX_PICTURE)


def test_a_writer_that_waits_goes_round_in_few_places(shared: Ring) -> None:
    shared.writer.begin(SMALL, waits=True)
    for first in range(0, 3 * WAITING_SLOTS, WAITING_SLOTS):
        shared.put(WAITING_SLOTS)
        assert shared.writer.room() <= 0
        frames = shared.feed.take()
        assert [frame.index for frame in frames] == list(range(first, first + WAITING_SLOTS))
        assert all((frame.pixels == frame.index % 251).all() for frame in frames)
        assert shared.writer.room() > 0


def put_lists(shared: Ring, off: list[int], on: list[int], count: int = 1) -> None:
    """Put frames that are lists of these places, all the same but for their times."""
    writer, first = shared.writer, shared.writer.put
    rows = []
    for index in range(first, first + count):
        writer.places[index % len(writer.places), : len(off + on)] = off + on
        rows.append((1000 * index, 1000 * index + 1000, len(off), len(on)))
    writer.announce(np.array(rows, np.int64), first, 3)


@pytest.mark.parametrize("resolution", [SMALL, Resolution(33, 7), HD])
def test_a_list_of_places_comes_out_as_a_frame(shared: Ring, resolution: Resolution) -> None:
    shared.writer.begin(resolution, waits=True)
    last = resolution.pixels - 1
    shared.put(1, resolution)
    put_lists(shared, [0, 5, 5, last], [5, 9], count=3)
    shared.put(1, resolution)
    frames = shared.feed.take()
    assert [frame.index for frame in frames] == [0, 1, 2, 3, 4]
    expected = np.full(resolution.pixels, 127, np.uint8)
    expected[[0, last]], expected[[5, 9]] = 255, 0
    for frame in frames[1:4]:
        assert (frame.segment, frame.start_us, frame.end_us) == (3, 1000 * frame.index, 1000 * frame.index + 1000)
        assert frame.events == 6
        assert frame.completed_ns > 0
        np.testing.assert_array_equal(frame.pixels, expected.reshape(resolution.height, resolution.width))
    for frame in (frames[0], frames[4]):
        assert_same(frame, frame_of(frame.index, resolution))
    assert shared.writer.next_segment == 1  # of the last one


def test_an_empty_list_is_a_frame_without_events(shared: Ring) -> None:
    shared.writer.begin(SMALL, waits=True)
    put_lists(shared, [], [])
    [frame] = shared.feed.take()
    assert frame.events == 0
    assert (frame.pixels == 127).all()


def test_lists_fill_the_ring_as_frames_do(shared: Ring) -> None:
    shared.writer.begin(SMALL, waits=True)
    put_lists(shared, [1], [2], count=WAITING_SLOTS)
    assert shared.writer.room() == 0
    assert len(shared.feed.take()) == WAITING_SLOTS
    assert shared.writer.room() == WAITING_SLOTS


def test_lists_out_of_turn_are_refused(shared: Ring) -> None:
    with pytest.raises(ValueError, match="frame 3 written where frame 0 belongs"):
        shared.writer.announce(np.zeros((1, 4), np.int64), 3, 0)


# --- pictures ---


def draw(writer: PictureWriter, value: int, resolution: Resolution = SMALL) -> None:
    writer.begin(resolution)[:] = value
    writer.finish()


def test_the_pictures_of_a_camera_go_their_own_way(shared: Ring) -> None:
    memory = shared.memory
    draw(PictureWriter(memory, memory.pictures), 3, Resolution(5, 4))
    assert latest_picture(memory, memory.camera_frames, 0) is None
    draw(PictureWriter(memory, memory.camera_frames), 7, Resolution(3, 2))
    for track, size, value in ((memory.pictures, (4, 5), 3), (memory.camera_frames, (2, 3), 7)):
        picture = latest_picture(memory, track, 0)
        assert picture is not None
        assert picture[1].shape == (*size, 4)
        assert (picture[1] == value).all()


def test_the_latest_picture_is_given_once(shared: Ring) -> None:
    assert latest_picture(shared.memory, shared.memory.pictures, 0) is None
    writer = PictureWriter(shared.memory, shared.memory.pictures)
    draw(writer, 1)
    draw(writer, 2, HD)
    picture = latest_picture(shared.memory, shared.memory.pictures, 0)
    assert picture is not None
    number, pixels = picture
    assert number == 2
    assert pixels.shape == (720, 1280, 4)
    assert (pixels == 2).all()
    assert latest_picture(shared.memory, shared.memory.pictures, number) is None


def test_a_picture_being_drawn_is_not_shown(shared: Ring) -> None:
    writer = PictureWriter(shared.memory, shared.memory.pictures)
    draw(writer, 1)
    writer.begin(SMALL)[:] = 9
    picture = latest_picture(shared.memory, shared.memory.pictures, 0)
    assert picture is not None
    assert (picture[1] == 1).all()


def test_the_largest_picture_fits(shared: Ring) -> None:
    writer = PictureWriter(shared.memory, shared.memory.pictures)
    for value in (1, 2, 3):
        draw(writer, value, MAX_PICTURE)
    picture = latest_picture(shared.memory, shared.memory.pictures, 0)
    assert picture is not None
    assert (picture[1] == 3).all()


def test_a_picture_that_is_overtaken_while_copied_is_copied_again(
    shared: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = PictureWriter(shared.memory, shared.memory.pictures)
    draw(writer, 1)
    order = order_memory
    overtaking = [4, 3, 2]

    def overtake() -> None:
        order()
        if overtaking:
            monkeypatch.setattr("pipeline.capture.ring.order_memory", order)
            while overtaking:
                draw(writer, overtaking.pop())

    monkeypatch.setattr("pipeline.capture.ring.order_memory", overtake)
    picture = latest_picture(shared.memory, shared.memory.pictures, 0)
    assert picture is not None
    assert picture[0] == 4
    assert (picture[1] == 4).all()
