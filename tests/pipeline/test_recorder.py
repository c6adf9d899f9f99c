import resource
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dv_processing as dv
import numpy as np
import pytest

import pipeline.recorder
from pipeline.aedat4_writer import PACKET_EVENTS
from pipeline.capture.messages import RecordingState
from pipeline.capture.recording_switch import RecordingSwitch
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.reading import read_recording
from pipeline.recorder import Recorder, RecorderError
from pipeline.sources.aedat4 import read_file_header
from pipeline.sources.base import EventBatch, SourceInfo
from tests.pipeline.reading_back import events_in

INFO = SourceInfo("camera", "DVXplorer DX7", Resolution(640, 480), camera="DVXplorer", serial="DX7")
ROOT = Path(__file__).parents[2]
Usage = namedtuple("Usage", "total used free")


def some_events(n: int, start_us: int = 1_700_000_000_000_000, seed: int = 0) -> EventArray:
    rng = np.random.default_rng(seed)
    events = np.zeros(n, EVENT_DTYPE)
    events["timestamp"] = start_us + np.sort(rng.integers(0, max(n, 1), n))
    events["x"] = rng.integers(0, 640, n)
    events["y"] = rng.integers(0, 480, n)
    events["polarity"] = rng.integers(0, 2, n)
    return events


def batches(events: EventArray, size: int) -> list[EventBatch]:
    parts = [events[start : start + size] for start in range(0, len(events), size)]
    return [EventBatch(part, int(part["timestamp"][-1]) + 1) for part in parts]


def test_events_come_back_as_they_were(tmp_path: Path) -> None:
    events = some_events(200_003)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    for batch in batches(events, 70_001):
        recorder.write(batch)
    recorder.close()
    np.testing.assert_array_equal(events_in(recorder.path), events)
    assert recorder.events == 200_003
    assert recorder.bytes == recorder.path.stat().st_size


def test_the_file_names_the_camera_and_its_size(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(some_events(10), 0))
    recorder.close()
    recording = dv.io.MonoCameraRecording(str(recorder.path))
    assert recording.getCameraName() == "DVXplorer_DX7"
    assert tuple(recording.getEventResolution()) == (640, 480)


def test_time_that_jumps_back_goes_on_in_another_file(tmp_path: Path) -> None:
    (tmp_path / "walk-2.aedat4").write_text("something of the user's")
    first, second = some_events(100, start_us=10_000), some_events(50, start_us=500, seed=1)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(first, 0))
    recorder.write(EventBatch(second, 0))
    recorder.close()
    np.testing.assert_array_equal(events_in(tmp_path / "walk.aedat4"), first)
    np.testing.assert_array_equal(events_in(tmp_path / "walk-3.aedat4"), second)
    assert recorder.path == tmp_path / "walk-3.aedat4"
    assert recorder.events == 150
    assert recorder.bytes == sum((tmp_path / name).stat().st_size for name in ("walk.aedat4", "walk-3.aedat4"))


def test_time_that_always_jumps_back_fills_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline.recorder, "MAX_PARTS", 3)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    for start_us in (3000, 2000, 1000):
        recorder.write(EventBatch(some_events(10, start_us), 0))
    with pytest.raises(RecorderError, match=r"the stream's time has jumped back 3 times. What was written is readable"):
        recorder.write(EventBatch(some_events(10, 0), 0))
    assert len(list(tmp_path.iterdir())) == 3


def test_a_recording_without_events_is_not_kept(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(some_events(0), 5))
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []
    assert (recorder.events, recorder.bytes) == (0, 0)


def existing(folder: Path) -> Path:
    path = folder / "walk.aedat4"
    path.write_text("precious")
    return path


def in_a_file(folder: Path) -> Path:
    (folder / "file").write_text("")
    return folder / "file" / "walk.aedat4"


@pytest.mark.parametrize(
    ("path_in", "words"),
    [
        (existing, "walk.aedat4 exists already and is left as it is: choose another name."),
        (lambda folder: folder / "gone" / "walk.aedat4", "gone to record walk.aedat4 into: make it first."),
        (in_a_file, "There is no folder"),
        (lambda folder: folder / "walk.csv", "walk.csv does not end in .aedat4"),
        (lambda folder: folder / "walk", "walk does not end in .aedat4"),
        (lambda folder: folder / ("w" * 300 + ".aedat4"), "cannot be written: File name too long."),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_in_a_sentence(
    tmp_path: Path, path_in: Callable[[Path], Path], words: str
) -> None:
    with pytest.raises(RecorderError) as refusal:
        Recorder(path_in(tmp_path), INFO)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_nothing_is_written_over(tmp_path: Path) -> None:
    path = existing(tmp_path)
    with pytest.raises(RecorderError):
        Recorder(path, INFO)
    assert path.read_text() == "precious"


def test_a_folder_of_somebody_else_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)  # root, as whom tests may run, is refused nothing
    with pytest.raises(RecorderError, match=r"may not be written to: choose another folder for walk.aedat4"):
        Recorder(tmp_path / "walk.aedat4", INFO)


def test_a_disk_almost_full_ends_the_recording_and_leaves_it_readable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise what waits to be written would be lost."""
    free = [500_000_000]
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, free[0]))
    monkeypatch.setattr(pipeline.recorder, "CHECK_S", 1e9)
    events = some_events(600_000)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(events[:10_000], 0))
    free[0] = 63_000_000
    with pytest.raises(RecorderError) as ended:
        recorder.write(EventBatch(events[10_000:], 0))
    assert str(ended.value) == (
        f"Recording to walk.aedat4 ended because only 63 MB are free in {tmp_path}: "
        f"its {recorder.events:,} events are readable. Free some space and record again."
    )
    assert 10_000 < recorder.events <= 10_000 + 5 * PACKET_EVENTS
    np.testing.assert_array_equal(events_in(recorder.path), events[: recorder.events])
    recorder.write(EventBatch(events, 0))
    assert recorder.events < 600_000


def test_the_disk_is_looked_at_in_time_however_little_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline.recorder, "CHECK_S", 0.0)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(some_events(10), 0))
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 0, 63_000_000))
    with pytest.raises(RecorderError, match="its 10 events are readable"):
        recorder.write(EventBatch(some_events(10, 1_800_000_000_000_000), 0))


def test_a_small_disk_is_used_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(100_000_000, 60_000_000, 40_000_000))
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(some_events(10), 0))
    recorder.close()
    assert len(events_in(recorder.path)) == 10


def test_nothing_is_begun_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: Usage(10**12, 10**12, 0))
    with pytest.raises(RecorderError, match="Nothing is recorded because only 0 MB are free"):
        Recorder(tmp_path / "walk.aedat4", INFO)
    assert list(tmp_path.iterdir()) == []


def test_events_that_the_format_refuses_end_it_in_a_sentence(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(some_events(10, 1000), 0))
    disordered = some_events(10, 2000)
    disordered["timestamp"][5] = 5000
    with pytest.raises(RecorderError) as ended:
        recorder.write(EventBatch(disordered, 0))
    assert "\n" not in str(ended.value)
    assert str(ended.value).endswith("What was written before is readable.")
    assert len(events_in(recorder.path)) == 10


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file gets larger: the system refuses what would go beyond, as on a disk that is full."""
    before, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, most))


def record(recorder: Recorder, given: list[EventBatch]) -> None:
    for batch in given:
        recorder.write(batch)
    recorder.close()


def test_what_was_written_before_the_disk_refuses_is_readable(tmp_path: Path) -> None:
    events = some_events(1_000_000)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    with largest_file(1_000_000), pytest.raises(RecorderError) as ended:
        record(recorder, batches(events, 10_000))
    assert str(ended.value) == "Recording to walk.aedat4 ended: File too large. What was written before is readable."
    assert 0 < recorder.events < len(events)
    assert recorder.events % PACKET_EVENTS == 0
    assert recorder.bytes == recorder.path.stat().st_size <= 1_000_000
    np.testing.assert_array_equal(events_in(recorder.path), events[: recorder.events])
    np.testing.assert_array_equal(read_recording(recorder.path).events, events[: recorder.events])
    assert read_file_header(recorder.path).table is not None, "there was room for the table"
    recorder.write(EventBatch(events, 0))
    recorder.close()


def test_the_disk_may_refuse_only_what_comes_last(tmp_path: Path) -> None:
    events = some_events(PACKET_EVENTS + 40_000)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    with largest_file(800_000), pytest.raises(RecorderError, match=r"File too large. What was written before is"):
        record(recorder, [EventBatch(events, 0)])
    assert recorder.events == PACKET_EVENTS
    np.testing.assert_array_equal(events_in(recorder.path), events[:PACKET_EVENTS])


def test_a_table_that_finds_no_room_leaves_a_file_that_is_readable(tmp_path: Path) -> None:
    events = some_events(1000)
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    recorder.write(EventBatch(events, 0))
    began = time.monotonic()
    while (size := recorder.path.stat().st_size) == recorder_header_bytes(tmp_path):
        assert time.monotonic() < began + 30
        time.sleep(0.01)
    with largest_file(size + 10), pytest.raises(RecorderError, match="What was written before is readable"):
        recorder.close()
    assert (recorder.events, recorder.path.stat().st_size) == (1000, size)
    assert read_file_header(recorder.path).table is None
    np.testing.assert_array_equal(events_in(recorder.path), events)
    np.testing.assert_array_equal(read_recording(recorder.path).events, events)


def recorder_header_bytes(folder: Path) -> int:
    """Give the size of a file that holds a header only."""
    recorder = Recorder(folder / "other.aedat4", INFO)
    size = recorder.bytes
    recorder.close()
    return size


def test_where_not_even_a_header_can_be_written_no_file_is_left(tmp_path: Path) -> None:
    with largest_file(100), pytest.raises(RecorderError, match=r"walk.aedat4 cannot be recorded to: File too large."):
        Recorder(tmp_path / "walk.aedat4", INFO)
    assert list(tmp_path.iterdir()) == []


def test_where_no_event_was_written_no_file_is_left(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "walk.aedat4", INFO)
    with largest_file(1000), pytest.raises(RecorderError, match=r"ended: File too large. No event was written."):
        record(recorder, [EventBatch(some_events(PACKET_EVENTS), 0)])
    assert list(tmp_path.iterdir()) == []
    assert (recorder.events, recorder.bytes) == (0, 0)


def test_the_application_is_told_that_the_last_events_are_lost(tmp_path: Path) -> None:
    said: list[RecordingState] = []
    switch = RecordingSwitch(said.append)
    switch.start(tmp_path / "walk.aedat4", INFO)
    with largest_file(800_000):
        switch.write(EventBatch(some_events(PACKET_EVENTS + 40_000), 0))
        switch.stop()
    size = (tmp_path / "walk.aedat4").stat().st_size
    message = "Recording to walk.aedat4 ended: File too large. What was written before is readable."
    assert said[1:] == [RecordingState(None, PACKET_EVENTS, size, message)]


def test_a_process_that_is_killed_has_recorded_all_but_the_last_moment(tmp_path: Path) -> None:
    path, events = tmp_path / "walk.aedat4", some_events(100_000)
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from tests.pipeline.test_recorder import INFO, Recorder, batches, some_events\n"
        "recorder = Recorder(Path(sys.argv[1]), INFO)\n"
        "for batch in batches(some_events(100_000), 1000):\n"
        "    recorder.write(batch)\n"
        "print('all is given', flush=True)\n"
        "time.sleep(100)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(path)], cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"all is given\n"
        began = time.monotonic()
        while len(read_recording(path).events) < len(events):
            assert time.monotonic() < began + 30
            time.sleep(0.05)
        process.kill()
    assert read_file_header(path).table is None
    np.testing.assert_array_equal(events_in(path), events)
    np.testing.assert_array_equal(read_recording(path).events, events)


def test_recording_needs_no_dv_processing(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pipeline.recorder import Recorder\n"
        "from pipeline.sources.base import SimulationSpec\n"
        "from pipeline.sources.simulation import SimulationSource\n"
        "source = SimulationSource(SimulationSpec())\n"
        "recorder = Recorder(Path(sys.argv[1]), source.info)\n"
        "while recorder.events < 1000:\n"
        "    recorder.write(source.read())\n"
        "recorder.close()\n"
        "print(recorder.events, 'dv_processing' in sys.modules)\n"
    )
    path = tmp_path / "walk.aedat4"
    done = subprocess.run([sys.executable, "-c", code, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == [str(len(events_in(path))), "False"], done.stderr
