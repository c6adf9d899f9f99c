"""Recording in the capture process: every event, through pauses, losses and returns."""

from pathlib import Path

import numpy as np

from pipeline.capture.messages import Ended, Lost, Opened, Play, Record, RecordingState, Seek, SetLoop
from tests.pipeline.capture.listening import Listened
from tests.pipeline.capture.made_sources import START_US, made_events
from tests.pipeline.reading_back import events_in, timestamps_in


def end_of_recording(listened: Listened) -> RecordingState:
    while True:
        state = listened.next(RecordingState)
        if state.path is None:
            return state


def test_a_recording_is_copied_event_for_event(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "copy.aedat4"
    listened.open("recording", speed=10.0, ms=500, record_to=path)
    assert listened.next(RecordingState) == RecordingState(path)
    state = end_of_recording(listened)
    assert state == RecordingState(None, 1000, path.stat().st_size)
    listened.next(Ended)
    np.testing.assert_array_equal(events_in(path), made_events(500_000))


def test_analysis_is_recorded_too(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "copy.aedat4"
    listened.open("recording", speed=None, ms=500, record_to=path)
    listened.frames(50)
    assert end_of_recording(listened).events == 1000
    np.testing.assert_array_equal(events_in(path), made_events(500_000))


def test_every_event_of_a_camera_is_kept_while_the_view_stands_still(listened: Listened, tmp_path: Path) -> None:
    listened.open("camera")
    listened.next(Opened)
    path = tmp_path / "walk.aedat4"
    listened.capture.send(Record(path))
    listened.numbers_when(lambda numbers: numbers.recorded_events > 50)
    listened.capture.send(Play(False))
    listened.numbers_when(lambda numbers: numbers.recorded_events > 200)
    listened.capture.send(Play(True))
    listened.numbers_when(lambda numbers: numbers.recorded_events > 300)
    listened.capture.send(Record(None))
    state = end_of_recording(listened)
    times = timestamps_in(path)
    assert len(times) == state.events > 300
    assert set(np.diff(times)) == {500}


def test_it_goes_on_in_the_same_file_when_the_camera_is_back(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    listened.open("unplugged", folder=tmp_path, record_to=path)
    listened.next(Lost)
    listened.next(Opened)
    before = listened.capture.numbers().recorded_events
    listened.numbers_when(lambda numbers: numbers.recorded_events > before + 100)
    listened.capture.send(Record(None))
    state = end_of_recording(listened)
    times = timestamps_in(path)
    assert len(times) == state.events
    steps = np.diff(times)
    assert np.count_nonzero(steps != 500) == 1
    assert steps.max() > 10_000_000


def test_a_clock_that_starts_again_makes_a_second_file(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    listened.open("unplugged", folder=tmp_path, record_to=path, back=1)
    listened.next(Lost)
    listened.next(Opened)
    state = listened.next(RecordingState)
    assert state.path == tmp_path / "walk-2.aedat4"
    assert state.message == "The time of the stream jumped back: the recording goes on in walk-2.aedat4."
    before = state.events
    listened.numbers_when(lambda numbers: numbers.recorded_events > before + 100)
    listened.capture.send(Record(None))
    end = end_of_recording(listened)
    parts = [timestamps_in(tmp_path / name) for name in ("walk.aedat4", "walk-2.aedat4")]
    assert sum(map(len, parts)) == end.events
    assert parts[0][0] == parts[1][0] == START_US
    assert all(set(np.diff(part)) == {500} for part in parts)


def test_a_loop_is_recorded_once(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "copy.aedat4"
    listened.open("recording", speed=10.0, ms=100, loop=True, record_to=path)
    state = end_of_recording(listened)
    assert state.message == "The player went back, so the recording to copy.aedat4 ended there."
    assert len(timestamps_in(path)) == state.events == 200
    listened.capture.send(SetLoop(False))
    listened.next(Ended)
    assert [entry.name for entry in tmp_path.iterdir()] == ["copy.aedat4"]


def test_winding_back_ends_it_and_ahead_does_not(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "copy.aedat4"
    listened.open("recording", ms=10_000, record_to=path)
    listened.frames(2)
    listened.capture.send(Seek(START_US + 5_000_000))
    listened.numbers_when(lambda numbers: numbers.position_us > START_US + 5_020_000)
    listened.capture.send(Seek(START_US))
    state = end_of_recording(listened)
    times = timestamps_in(path)
    assert len(times) == state.events
    assert np.count_nonzero(np.diff(times) != 500) == 1


def test_what_cannot_be_recorded_to_is_told_and_the_stream_goes_on(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    path.write_text("precious")
    listened.open("camera", record_to=path)
    state = listened.next(RecordingState)
    assert state.path is None
    assert "exists already" in state.message
    assert path.read_text() == "precious"
    listened.frames(2)


def test_another_source_ends_it(listened: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    listened.open("camera", record_to=path)
    listened.numbers_when(lambda numbers: numbers.recorded_events > 10)
    listened.open("recording", speed=None, ms=10)
    assert end_of_recording(listened).events == len(timestamps_in(path))
    listened.next(Ended)


def test_with_nothing_open_nothing_is_recorded(listened: Listened, tmp_path: Path) -> None:
    listened.open("missing")
    listened.capture.send(Record(tmp_path / "walk.aedat4"))
    assert listened.next(RecordingState).message.startswith("There is nothing to record")
    assert list(tmp_path.iterdir()) == []
