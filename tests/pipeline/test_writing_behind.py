"""Events reach the disk soon, in packets of a sensible size, and who gives them waits only where the disk is slow."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import pipeline.writing_behind
from pipeline.aedat4_writer import PACKET_EVENTS, Aedat4File, Packet
from pipeline.events import Resolution
from pipeline.reading import read_recording
from pipeline.sources.aedat4 import read_file_header
from pipeline.sources.aedat4_table import read_table
from pipeline.writing_behind import LATEST_S, MOST_WAITING, WriteBehind, WriteError
from tests.pipeline.reading_back import events_in
from tests.pipeline.test_aedat4_writer import some_events

SIZE = Resolution(640, 480)
PATIENCE_S = 30.0


class HeldFile(Aedat4File):
    """Writes packets when it is let go."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("xb", 0), "camera", SIZE)
        self.go_on = threading.Event()
        self.error: Exception | None = None

    def write(self, packet: Packet) -> None:
        assert self.go_on.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        super().write(packet)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "walk.aedat4"


@pytest.fixture
def file(path: Path) -> Aedat4File:
    return Aedat4File(path.open("xb", 0), "camera", SIZE)


@pytest.fixture
def held(path: Path) -> Iterator[HeldFile]:
    file = HeldFile(path)
    yield file
    file.go_on.set()


def packet_sizes(path: Path) -> list[int]:
    rows = read_table(path, read_file_header(path), 0)
    assert rows is not None
    return [int(count) for count in rows["count"]]


def until(file: Aedat4File, events: int) -> None:
    began = time.monotonic()
    while file.events < events:
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.005)


def test_few_events_reach_the_disk_though_no_more_come(path: Path, file: Aedat4File) -> None:
    behind, events = WriteBehind(file), some_events(10)
    began = time.monotonic()
    behind.put(events[:4])
    until(file, 4)
    assert time.monotonic() - began > 0.9 * LATEST_S, "not a packet for each batch"
    behind.put(events[4:])
    until(file, 10)
    assert (events_in(path) == events).all(), "as after a crash"
    behind.close()
    assert packet_sizes(path) == [4, 6]
    assert (events_in(path) == events).all()


def test_many_small_batches_make_large_packets(path: Path, file: Aedat4File, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.writing_behind, "LATEST_S", PATIENCE_S)
    behind, events = WriteBehind(file), some_events(150_000)
    for batch in np.array_split(events, 5000):
        behind.put(batch)
    behind.close()
    assert packet_sizes(path) == [PACKET_EVENTS, PACKET_EVENTS, 150_000 - 2 * PACKET_EVENTS]
    assert (events_in(path) == events).all()


def test_what_is_given_may_be_written_over(path: Path, file: Aedat4File) -> None:
    behind, events = WriteBehind(file), some_events(1000)
    given = events.copy()
    behind.put(given)
    given["x"] = 0
    behind.close()
    assert (events_in(path) == events).all()


def test_a_slow_disk_is_waited_for_and_nothing_is_left_out(path: Path, held: HeldFile) -> None:
    events = some_events((MOST_WAITING + 6) * PACKET_EVENTS)
    behind = WriteBehind(held)
    giver = threading.Thread(target=behind.put, args=(events,))
    giver.start()
    began = time.monotonic()
    while behind.waiting < (MOST_WAITING + 1) * PACKET_EVENTS:
        assert time.monotonic() - began < PATIENCE_S
        time.sleep(0.005)
    giver.join(0.2)
    assert giver.is_alive(), "memory is bounded"
    assert (MOST_WAITING + 1) * PACKET_EVENTS <= behind.waiting < len(events)
    held.go_on.set()
    giver.join(PATIENCE_S)
    behind.close()
    assert (behind.waiting, behind.events) == (0, len(events))
    assert (read_recording(path).events == events).all()


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), MemoryError("no memory")])
def test_who_waits_is_told_of_an_error(held: HeldFile, error: Exception) -> None:
    events, told = some_events((MOST_WAITING + 6) * PACKET_EVENTS), []
    behind = WriteBehind(held)

    def put() -> None:
        try:
            behind.put(events)
        except WriteError as reason:
            told.append(str(reason))

    giver = threading.Thread(target=put)
    giver.start()
    held.error = error
    held.go_on.set()
    giver.join(PATIENCE_S)
    reason = error.strerror if isinstance(error, OSError) else str(error)
    assert told == [reason]
    with pytest.raises(WriteError, match=str(reason)):
        behind.put(some_events(1))
    with pytest.raises(WriteError, match=str(reason)):
        behind.close()
    assert behind.events == 0


def test_an_error_in_what_came_last_is_told_at_the_end(path: Path, held: HeldFile) -> None:
    behind, events = WriteBehind(held), some_events(100)
    held.go_on.set()
    behind.put(events[:40])
    until(held, 40)
    held.error = OSError(5, "Input/output error")
    behind.put(events[40:])
    with pytest.raises(WriteError, match="Input/output error"):
        behind.close()
    assert behind.events == 40
    assert (events_in(path) == events[:40]).all()
    assert packet_sizes(path) == [40], "with its table"


class AwaitedFile(Aedat4File):
    """Goes on after each packet only when a sign of life was given."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.open("xb", 0), "camera", SIZE)
        self.signs = threading.Semaphore(0)

    def write(self, packet: Packet) -> None:
        super().write(packet)
        assert self.signs.acquire(timeout=PATIENCE_S)


def test_who_waits_for_a_slow_disk_gives_signs_of_life(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that he is not taken for hung: while he waits for room, and while the file is finished."""
    monkeypatch.setattr(pipeline.writing_behind, "LIFE_S", 0.001)
    file, events = AwaitedFile(path), some_events((MOST_WAITING + 5) * PACKET_EVENTS)
    behind = WriteBehind(file, lambda: file.signs.release())
    behind.put(events)
    behind.close()
    assert behind.written == len(events)


def test_a_disk_that_does_not_get_on_gives_none(held: HeldFile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.writing_behind, "LIFE_S", 0.001)
    signs: list[int] = []
    behind = WriteBehind(held, lambda: signs.append(held.events))
    behind.put(some_events(100))
    assert (behind.events, behind.written) == (100, 0)
    closing = threading.Thread(target=behind.close)
    closing.start()
    closing.join(0.1)
    assert closing.is_alive()
    assert len(signs) <= 1, "for the header"
    held.go_on.set()
    closing.join(PATIENCE_S)
    assert behind.written == 100


def test_the_thread_ends_with_the_file(file: Aedat4File) -> None:
    before = set(threading.enumerate())
    behind = WriteBehind(file)
    [thread] = set(threading.enumerate()) - before
    behind.close()
    assert not thread.is_alive()


def test_events_of_one_time_go_into_packets_as_others(path: Path, file: Aedat4File) -> None:
    events = some_events(3 * PACKET_EVENTS + 5)
    events["timestamp"] = 1_000_000
    behind = WriteBehind(file)
    behind.put(events)
    behind.close()
    assert (events_in(path) == events).all()
    assert (read_recording(path).events == events).all()
