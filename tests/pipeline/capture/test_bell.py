"""What wakes the other process."""

import multiprocessing
import threading
import time

import pytest

from pipeline.capture.bell import Listener


def test_a_listener_hears_each_of_its_connections_and_goes_on_listening() -> None:
    pipes = [multiprocessing.Pipe(duplex=False) for _ in range(2)]
    listener = Listener(*(reader for reader, _ in pipes))
    assert not listener.wait(0)
    for reader, writer in pipes * 2:
        writer.send_bytes(b"")
        assert listener.wait(0)
        assert listener.wait(10), "it is still there"
        reader.recv_bytes()
        assert not listener.wait(0)


def test_a_listener_that_sleeps_is_woken() -> None:
    reader, writer = multiprocessing.Pipe(duplex=False)
    threading.Timer(0.05, writer.send_bytes, (b"",)).start()
    assert Listener(reader).wait(60)


def test_a_listener_sleeps_no_longer_than_it_was_told() -> None:
    reader, _writer = multiprocessing.Pipe(duplex=False)
    began = time.monotonic()
    assert not Listener(reader).wait(0.05)
    assert time.monotonic() - began >= 0.04


@pytest.mark.parametrize("duplex", [False, True])
def test_a_listener_hears_that_nobody_will_speak_any_more(*, duplex: bool) -> None:
    reader, writer = multiprocessing.Pipe(duplex=duplex)
    listener = Listener(reader)
    writer.close()
    assert listener.wait(60)
    with pytest.raises(EOFError):
        reader.recv_bytes()
