"""Whatever the process does, it costs one message, and another source opens."""

import sys

import pytest

from pipeline.capture.messages import Crashed, Ended, Open, Opened, SetSpeed
from pipeline.capture.supervisor import CaptureState
from tests.pipeline.capture.listening import TEN_MS, Listened, capture_processes
from tests.pipeline.capture.made_sources import made


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("hangs", "Reading hangs hung, so it was ended. The file is probably damaged: open another one."),
        ("hangs-opening", "Reading hangs-opening hung"),
        ("dies", "The capture process died (exit status 3) while reading dies. The file"),
        ("buggy", "Capture stopped at an error of its own while reading buggy (KeyError: 'a bug"),
    ],
)
def test_a_fault_costs_one_message_and_the_next_source_opens(listened: Listened, kind: str, words: str) -> None:
    listened.open(kind)
    message = listened.next(Crashed).message
    assert message.startswith(words)
    assert "\n" not in message
    assert listened.state() is CaptureState.FAULTED
    assert capture_processes() == []
    assert listened.rest() == []
    before = listened.capture.numbers().frames_put
    listened.open("recording", speed=None, ms=100)
    listened.next(Opened)
    assert listened.state() is CaptureState.RUNNING
    assert listened.next(Ended).frames == before + 10
    assert listened.frames(10)[0].index == before


def test_a_source_nobody_waits_for_any_more_fails_in_silence(listened: Listened) -> None:
    """The user has gone on to another file before the damaged one was given up."""
    listened.open("hangs", speed=100.0)
    listened.next(Opened)
    listened.open("recording", speed=None, ms=100)
    listened.capture.send(SetSpeed(None))
    listened.next(Opened)
    listened.next(Ended)
    assert listened.rest() == []


def test_a_killed_process_is_noticed_at_once(listened: Listened) -> None:
    listened.open("camera")
    listened.next(Opened)
    [process] = capture_processes()
    process.kill()
    assert "SIGKILL" in listened.next(Crashed).message or sys.platform == "win32"


def test_statuses_of_an_older_source_are_not_told(listened: Listened) -> None:
    kinds = ["recording", "missing", "camera", "missing", "recording"]
    for kind in kinds:
        listened.capture.open(Open(made(kind), TEN_MS, speed=None))
    said = [listened.next(Opened)]
    listened.frames(100)
    listened.next(Ended)
    assert not said[0].info.live
    assert listened.rest() == []
