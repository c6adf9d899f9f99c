"""States and ends: nothing is left behind, whoever ends whom."""

import os
import queue
import signal
import subprocess
import sys
import textwrap
import threading
import time
import types
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from pipeline.capture.messages import (
    Close,
    Crashed,
    Ended,
    Open,
    Opened,
    RecordingState,
    SetSpeed,
    Status,
)
from pipeline.capture.supervisor import Capture, CaptureState
from tests.pipeline.capture.listening import PATIENCE_S, TEN_MS, Listened, capture_processes
from tests.pipeline.capture.made_sources import made, open_made
from tests.pipeline.reading_back import timestamps_in

ROOT = Path(__file__).parents[3]


@pytest.fixture
def fresh() -> Iterator[Listened]:
    listened = Listened()
    with listened.capture:
        yield listened


def test_its_states_are_those_of_a_process(fresh: Listened) -> None:
    assert fresh.state() is CaptureState.STOPPED
    fresh.open("recording", paused=True)
    assert fresh.state() is CaptureState.STARTING
    fresh.next(Opened)
    assert fresh.state() is CaptureState.RUNNING
    fresh.capture.close()
    assert fresh.state() is CaptureState.STOPPED
    assert capture_processes() == []
    with pytest.raises(RuntimeError, match="closed"):
        fresh.open("recording")
    fresh.capture.close()


def test_a_capture_that_opened_nothing_starts_no_process(fresh: Listened) -> None:
    fresh.capture.send(SetSpeed(2.0))
    assert not fresh.capture.feed.wait(0)
    assert fresh.capture.picture(0) is None
    assert fresh.capture.numbers().frames_put == 0
    assert capture_processes() == []


def test_close_as_a_command_ends_the_process_without_a_fault(fresh: Listened) -> None:
    fresh.open("camera")
    fresh.next(Opened)
    fresh.capture.send(Close())
    fresh.numbers_when(lambda _: fresh.state() is CaptureState.STOPPED)
    assert fresh.rest() == []
    fresh.open("recording", speed=None, ms=10)
    fresh.next(Ended)


def test_close_while_starting_does_not_wait_for_it(fresh: Listened) -> None:
    fresh.open("camera")
    fresh.capture.close()
    assert capture_processes() == []
    assert fresh.state() is CaptureState.STOPPED


def test_close_ends_a_process_that_hangs(fresh: Listened) -> None:
    fresh.open("hangs", speed=100.0)
    fresh.next(Opened)
    fresh.numbers_when(lambda numbers: numbers.position_us >= 1_090_000)
    fresh.capture.close(timeout_s=0.5)
    assert capture_processes() == []


def test_close_finishes_the_recording(fresh: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    fresh.open("camera", record_to=path)
    fresh.numbers_when(lambda numbers: numbers.recorded_events > 100)
    fresh.capture.close()
    states = [status for status in fresh.rest() if isinstance(status, RecordingState)]
    assert [state.path for state in states] == [path, None]
    assert len(timestamps_in(path)) == states[-1].events


def test_a_failing_listener_does_not_stop_the_watch() -> None:
    """A listener with a bug costs a line in the log, not the capture."""
    said: list[Status] = []
    heard = threading.Event()

    def listen(status: Status) -> None:
        said.append(status)
        if isinstance(status, Opened):
            raise ValueError("the listener's bug")
        heard.set()

    with Capture(listen, opener=open_made) as capture:
        capture.open(Open(made("recording", ms=50), TEN_MS, speed=None))
        assert heard.wait(PATIENCE_S)
    assert isinstance(said[-1], Ended)


def test_a_waiting_reader_can_be_woken(fresh: Listened) -> None:
    threading.Timer(0.1, fresh.capture.feed.wake).start()
    assert fresh.capture.feed.wait(PATIENCE_S) is False
    fresh.capture.feed.wake()
    assert fresh.capture.feed.wait(PATIENCE_S) is False


def test_without_pictures_none_are_drawn() -> None:
    blind = Listened(pictures=False)
    with blind.capture:
        blind.open("recording", ms=50, speed=10.0)
        blind.next(Ended)
        assert blind.capture.picture(0) is None


PARENT = """
    import signal, sys, time
    from pathlib import Path
    from pipeline.capture.messages import Open, FramerSettings
    from pipeline.capture.supervisor import Capture
    from tests.pipeline.capture.made_sources import made, open_made

    if __name__ == "__main__":
        capture = Capture(lambda status: None, opener=open_made)
        capture.open(Open(made("camera"), FramerSettings(), record_to=Path(sys.argv[1])))
        while capture.numbers().recorded_events < 200:
            time.sleep(0.01)
        print("recording", flush=True)
        {then}
"""


class Parent:
    """An application with a capture process, in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.recording = folder / "walk.aedat4"
        self._process: subprocess.Popen[str] | None = None

    def run(self, then: str) -> tuple[subprocess.Popen[str], psutil.Process]:
        """Start it and wait until it records; gives it and its capture process."""
        script = self._folder / "parent.py"
        script.write_text(textwrap.dedent(PARENT).format(then=then), encoding="utf-8")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(self.recording)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "recording\n"
        [child] = capture_processes(self._process.pid)
        return self._process, child

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[Parent]:
    parent = Parent(tmp_path)
    yield parent
    parent.end()


def test_killing_the_application_ends_the_process_and_its_recording(parent: Parent) -> None:
    process, child = parent.run("time.sleep(1000)")
    process.kill()
    child.wait(PATIENCE_S)
    assert len(timestamps_in(parent.recording)) >= 200


@pytest.mark.slow
def test_a_hanging_process_ends_itself_when_the_application_is_gone(parent: Parent) -> None:
    hang = "capture.open(Open(made('hangs'), FramerSettings())); time.sleep(2); print(flush=True); time.sleep(1000)"
    process, child = parent.run(hang)
    assert process.stdout
    process.stdout.readline()
    process.kill()
    assert child.is_running()
    child.wait(PATIENCE_S)
    assert len(timestamps_in(parent.recording)) >= 200


def test_leaving_without_closing_ends_the_process_and_its_recording(parent: Parent) -> None:
    process, child = parent.run("sys.exit(7)")
    _, complaints = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, complaints) == (7, "")
    assert not child.is_running()
    assert len(timestamps_in(parent.recording)) >= 200


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is another thing on Windows")
def test_ctrl_c_is_the_applications_affair(parent: Parent) -> None:
    process, child = parent.run("signal.signal(signal.SIGINT, lambda *_: sys.exit(130)); time.sleep(1000)")
    child.send_signal(signal.SIGINT)
    time.sleep(0.2)  # nothing is to happen, for which nothing can be waited
    assert child.is_running()
    process.send_signal(signal.SIGINT)
    _, complaints = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, complaints) == (130, "")
    assert not child.is_running()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows ends processes without asking")
def test_asked_to_end_the_process_finishes_its_recording(fresh: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    fresh.open("camera", record_to=path)
    fresh.numbers_when(lambda numbers: numbers.recorded_events > 100)
    [child] = capture_processes()
    child.terminate()
    fresh.next(Crashed)
    assert len(timestamps_in(path)) > 100


def test_a_killed_recording_is_readable_and_that_is_said(fresh: Listened, tmp_path: Path) -> None:
    path = tmp_path / "walk.aedat4"
    fresh.open("flood", record_to=path)
    fresh.numbers_when(lambda numbers: numbers.recorded_bytes > 500_000)
    [child] = capture_processes()
    child.kill()
    state = fresh.next(RecordingState)
    while state.path is not None:
        state = fresh.next(RecordingState)
    assert state.message == "The recording walk.aedat4 was cut off; what it holds is readable."
    assert fresh.next(Crashed).message.endswith("What was recorded up to then is readable.")
    assert len(timestamps_in(path)) > 10_000


def test_a_process_that_cannot_start_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its way of opening sources lies in a module that is only here."""
    module = types.ModuleType("only_here")
    exec("def open_nothing(spec): ...", module.__dict__)
    monkeypatch.setitem(sys.modules, "only_here", module)
    said: queue.SimpleQueue[Status] = queue.SimpleQueue()
    with Capture(said.put, opener=module.open_nothing) as capture:
        capture.open(Open(made("recording"), TEN_MS))
        status = said.get(timeout=PATIENCE_S)
        assert isinstance(status, Crashed)
        assert status.message.startswith("The capture process did not start (exit status 1): start the program again.")
        assert capture.state is CaptureState.FAULTED
    assert said.empty()
