"""What is read ahead: in order, only so far, and by nobody any more once it was stopped."""

import threading
from collections.abc import Iterator

import pytest

from pipeline.events import EventArray
from pipeline.sources.aedat4_contents import DamageError
from pipeline.sources.reading_ahead import BUNCH_EVENTS, BUNCHES_AHEAD, GROWTH, ReadAhead
from tests.pipeline.sources.made_recordings import made_events

PATIENCE_S = 30.0


class Packets:
    """Gives packets of `size` events, numbered by their times, and counts them."""

    def __init__(self, most: int, size: int = BUNCH_EVENTS, error: Exception | None = None) -> None:
        self.given = 0
        self._most, self._size, self._error = most, size, error
        self.threads: set[threading.Thread] = set()
        self.enough = threading.Semaphore(0)

    def read(self) -> EventArray | None:
        self.threads.add(threading.current_thread())
        self.enough.release()
        if self.given == self._most:
            if self._error is not None:
                raise self._error
            return None
        self.given += 1
        return made_events([self.given] * self._size)


def numbers(reader: ReadAhead) -> Iterator[int]:
    while (packet := reader.next()) is not None:
        yield int(packet[0]["timestamp"])


@pytest.mark.parametrize("size", [1, BUNCH_EVENTS // 3, BUNCH_EVENTS])
def test_every_packet_comes_once_and_in_order(size: int) -> None:
    packets = Packets(20, size)
    reader = ReadAhead(packets.read)
    assert list(numbers(reader)) == list(range(1, 21))
    assert reader.next() is None
    reader.close()


def test_it_reads_on_another_thread_only_so_far_and_only_when_asked() -> None:
    packets = Packets(1000)
    reader = ReadAhead(packets.read)
    assert packets.given == 0
    assert next(numbers(reader)) == 1
    for _ in range(1 + BUNCHES_AHEAD):
        assert packets.enough.acquire(timeout=PATIENCE_S)
    reader.stop()
    assert packets.given <= 1 + BUNCHES_AHEAD
    assert threading.current_thread() not in packets.threads
    reader.close()


def test_the_first_small_packet_is_not_waited_for_longer_than_it_takes() -> None:
    packets = Packets(10**6, size=1)
    reader = ReadAhead(packets.read)
    assert next(numbers(reader)) == 1
    reader.stop()
    assert packets.given <= sum(GROWTH**bunch for bunch in range(1 + BUNCHES_AHEAD))
    reader.close()


@pytest.mark.parametrize("error", [DamageError("torn"), OSError("no disk")], ids=lambda error: type(error).__name__)
def test_what_was_read_before_an_error_comes_before_it(error: Exception) -> None:
    packets = Packets(5, 100, error)
    reader = ReadAhead(packets.read)
    coming = numbers(reader)
    assert [next(coming) for _ in range(5)] == [1, 2, 3, 4, 5]
    for _ in range(2):
        with pytest.raises(type(error)):
            reader.next()
    reader.close()


def test_a_bug_is_not_swallowed() -> None:
    reader = ReadAhead(Packets(0, error=KeyError("bug")).read)
    with pytest.raises(KeyError):
        reader.next()
    reader.close()


def test_after_a_stop_nothing_is_read_until_it_is_asked_again() -> None:
    packets = Packets(1000)
    reader = ReadAhead(packets.read)
    assert next(numbers(reader)) == 1
    reader.stop()
    given = packets.given
    assert next(numbers(reader)) == given + 1, "it goes on where the function is now"
    reader.close()


def test_a_closed_one_leaves_no_thread() -> None:
    packets = Packets(1000)
    reader = ReadAhead(packets.read)
    reader.next()
    [thread] = packets.threads
    reader.close()
    reader.close()
    assert not thread.is_alive()


def test_a_forgotten_one_leaves_no_thread() -> None:
    packets = Packets(1000)
    reader = ReadAhead(packets.read)
    reader.next()
    [thread] = packets.threads
    del reader
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
