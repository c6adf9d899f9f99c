"""A simulation in the capture process does what it is told, and a film plays as a recording does."""

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipeline.capture.messages import (
    ChangeScene,
    ChooseObjects,
    DragObject,
    Ended,
    Failed,
    FramerSettings,
    Open,
    Opened,
    Play,
    Seek,
    Status,
)
from pipeline.capture.supervisor import Capture
from pipeline.events import Resolution
from pipeline.prediction import EventFrame
from pipeline.sources.base import SimulationSpec, VideoSpec
from tests.pipeline.sources.made_films import RATE, make_film

PATIENCE_S = 90.0
SMALL = Resolution(96, 64)


class Opening:
    """A capture process of the program's own, and what it says."""

    def __init__(self) -> None:
        self.said: queue.SimpleQueue[Status] = queue.SimpleQueue()
        self.capture = Capture(self.said.put, pictures=False)

    def next(self, kind: type[Status]) -> Status:
        while not isinstance(status := self.said.get(timeout=PATIENCE_S), kind):
            pass
        return status

    def frames_until(self, enough: Callable[[list[EventFrame]], bool]) -> list[EventFrame]:
        frames: list[EventFrame] = []
        deadline = time.monotonic() + PATIENCE_S
        while not enough(frames):
            assert time.monotonic() < deadline
            self.capture.feed.wait(0.5)
            frames += self.capture.feed.take()
        return frames


@pytest.fixture(scope="module")
def opening() -> Iterator[Opening]:
    opening = Opening()
    with opening.capture:
        yield opening


def middle(frames: list[EventFrame]) -> tuple[float, float]:
    """Where the last frame's events are, in the mean; the middle of the picture where there are few."""
    rows, columns = np.nonzero(frames[-1].pixels != 127) if frames else ((), ())
    return (float(np.mean(columns)), float(np.mean(rows))) if len(rows) > 20 else (SMALL.width / 2, SMALL.height / 2)


def test_an_object_goes_where_it_is_drawn_and_stays_there(opening: Opening) -> None:
    opening.capture.open(Open(SimulationSpec(SMALL, objects=("star",)), FramerSettings()))
    status = opening.next(Opened)
    assert isinstance(status, Opened)
    assert status.info.shown == ("star",)
    assert "umbrella" in status.info.objects
    opening.frames_until(lambda frames: len(frames) > 20)
    opening.capture.send(DragObject(10, 10, held=True))
    opening.frames_until(lambda frames: middle(frames)[0] < 30 and middle(frames)[1] < 30)
    opening.capture.send(DragObject(86, 54, held=False))
    opening.frames_until(lambda frames: middle(frames)[0] > 66 and middle(frames)[1] > 34)


def test_choosing_and_a_quick_pull_do_not_stop_the_stream(opening: Opening) -> None:
    opening.capture.open(Open(SimulationSpec(SMALL), FramerSettings()))
    opening.next(Opened)
    opening.capture.send(ChooseObjects(("fish", "key")))
    opening.capture.send(DragObject(48, 32, held=False))
    assert len(opening.frames_until(lambda frames: len(frames) > 10)) > 10


def test_a_scene_that_cannot_be_is_told_and_the_stream_goes_on(opening: Opening, tmp_path: Path) -> None:
    spec = SimulationSpec(SMALL)
    opening.capture.open(Open(spec, FramerSettings()))
    opening.next(Opened)
    opening.capture.send(ChangeScene(replace(spec, pictures=(tmp_path / "nowhere.png",))))
    status = opening.next(Failed)
    assert isinstance(status, Failed)
    assert status.goes_on
    assert "nowhere.png cannot be read" in status.message
    opening.capture.send(ChangeScene(replace(spec, ground="textured", noise="strong")))
    assert len(opening.frames_until(lambda frames: len(frames) > 10)) > 10


def test_a_recording_passes_over_what_only_a_simulation_can(opening: Opening, tmp_path: Path) -> None:
    film = make_film(tmp_path / "square.mkv", 3 * RATE)
    opening.capture.open(Open(VideoSpec(film), FramerSettings(), speed=4.0))
    opening.capture.send(ChooseObjects(("fish",)))
    opening.capture.send(DragObject(5, 5, held=True))
    status = opening.next(Opened)
    assert isinstance(status, Opened)
    assert status.info.seekable
    opening.next(Ended)


def test_a_film_is_wound_and_plays_on_from_there(opening: Opening, tmp_path: Path) -> None:
    film = make_film(tmp_path / "square.mkv", 5 * RATE)
    opening.capture.open(Open(VideoSpec(film), FramerSettings(), speed=None, paused=True))
    opening.next(Opened)
    opening.capture.send(Seek(4_000_000))
    opening.capture.send(Play(True))
    frames = opening.frames_until(lambda frames: bool(frames) and frames[-1].end_us > 4_900_000)
    assert min(frame.start_us for frame in frames) > 3_500_000
    assert opening.next(Ended)
