"""The events of windows that are shown: kept timestep by timestep, written down, and the same frames made of them."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from pipeline.capture.kept_events import KeptTimesteps, read_window, write_window
from pipeline.capture.messages import FramerSettings, KeepEvents, Keeping, Open, Opened, WriteWindows
from pipeline.capture.supervisor import Capture
from pipeline.event_framing import event_frames
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.framer import Framer
from pipeline.prediction import EventFrame
from pipeline.sources.base import SimulationSpec
from tests.pipeline.capture.test_steering import Opening
from tests.programs import wait_until

SIZE = Resolution(16, 12)


def some_events(count: int, seed: int = 0, lasting_us: int = 1000) -> EventArray:
    random = np.random.default_rng(seed)
    events = np.zeros(count, EVENT_DTYPE)
    events["timestamp"] = np.sort(random.integers(0, lasting_us, count))
    events["x"], events["y"] = random.integers(0, SIZE.width, count), random.integers(0, SIZE.height, count)
    events["polarity"] = random.integers(0, 2, count)
    return events


def frames_of(events: EventArray, counts: list[int], threshold: int = 0) -> list[bytes]:
    bounds = np.concatenate([[0], np.cumsum(counts)])
    return [
        event_frames(events[first:last], SIZE, timesteps=1, threshold=threshold)[0].tobytes()
        for first, last in pairwise(bounds)
    ]


@pytest.mark.parametrize("settings", [FramerSettings(timestep_us=70), FramerSettings(timestep_us=70, threshold=1),
                                      FramerSettings(timestep_events=33)])  # fmt: skip
@pytest.mark.parametrize("piece", [7, 100, 5000])
def test_what_is_kept_gives_the_framers_own_frames(settings: FramerSettings, piece: int, tmp_path: Path) -> None:
    events = some_events(900)
    kept = KeptTimesteps()
    framer = Framer(SIZE, settings, index=5, kept=kept)
    kept.begin()
    seen: dict[int, bytes] = {}
    for start in range(0, len(events), piece):
        for frame in framer.push(events[start : start + piece]):
            seen[frame.index] = frame.pixels.tobytes()
    assert kept.window(5, 4) is None  # it had begun before
    window = kept.window(6, 4)
    assert window is not None
    write_window(tmp_path / "window.npz", window)
    read = read_window(tmp_path / "window.npz")
    assert read.resolution == SIZE
    assert frames_of(read.events, read.counts.tolist(), settings.threshold) == [seen[index] for index in range(6, 10)]


def test_timesteps_that_do_not_follow_on_each_other_are_no_window() -> None:
    kept = KeptTimesteps()
    kept.begin()
    kept.drop()
    for index in (1, 2, 4, 5):
        kept.complete(index, SIZE)
    assert kept.window(1, 2) is not None
    assert kept.window(2, 3) is None


def test_what_was_given_up_is_in_no_timestep() -> None:
    kept = KeptTimesteps()
    framer = Framer(SIZE, FramerSettings(timestep_us=50), kept=kept)
    kept.begin()
    framer.reset()
    list(framer.push(some_events(20, lasting_us=40)))
    framer.reset()
    after = some_events(30, seed=1, lasting_us=40)
    list(framer.push(after, until_us=60))
    frame = framer.flush()
    assert frame is None or frame.index == 1
    window = kept.window(0, 1)
    assert window is not None
    assert len(window.events) == 30


def test_the_oldest_go_where_there_are_too_many_and_all_at_the_end() -> None:
    kept = KeptTimesteps(most_events=100)
    kept.begin()
    kept.drop()
    for index in range(5):
        kept.add(some_events(40))
        kept.complete(index, SIZE)
    assert kept.window(2, 1) is None
    assert kept.window(3, 2) is not None
    kept.end()
    assert kept.window(3, 2) is None


def test_a_window_of_the_running_stream_is_written_and_gives_its_frames_again(tmp_path: Path) -> None:
    opening = Opening()
    with opening.capture as capture:
        assert isinstance(capture, Capture)
        capture.open(Open(SimulationSpec(Resolution(96, 64)), FramerSettings()))
        opening.next(Opened)
        capture.send(KeepEvents(True))
        status = opening.next(Keeping)
        assert isinstance(status, Keeping)
        first = status.first_index

        def after(frames: list[EventFrame]) -> list[EventFrame]:
            return [frame for frame in frames if frame.index >= first]

        frames = after(opening.frames_until(lambda frames: len(after(frames)) > 12))
        there, gone = tmp_path / "there.npz", tmp_path / "gone.npz"
        capture.send(WriteWindows(((gone, first - 2), (there, first + 2)), 10))
        capture.send(KeepEvents(False))
        wait_until(there.exists)
    assert not gone.exists()
    window = read_window(there)
    bounds = np.concatenate([[0], np.cumsum(window.counts)])
    for frame, start, end in zip(frames[2:12], bounds[:-1], bounds[1:], strict=True):
        made = event_frames(window.events[start:end], window.resolution, timesteps=1)[0]
        assert made.tobytes() == frame.pixels.tobytes()
        assert frame.events == end - start
