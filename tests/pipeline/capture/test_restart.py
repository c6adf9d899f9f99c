"""A camera whose driver takes the capture process with it: another process goes on with it."""

import os
import queue
import time
from pathlib import Path

import numpy as np

from pipeline.capture.messages import Crashed, FramerSettings, Lost, Open, Opened, RecordingState, Status
from pipeline.capture.supervisor import MOST_RESTARTS, Capture
from pipeline.events import EVENT_DTYPE, Resolution
from pipeline.reading import read_recording
from pipeline.sources.base import CameraSpec, EventBatch, Source, SourceInfo, SourceLost, SourceSpec

PATIENCE_S = 60.0
BATCHES = 20


class FragileCamera(Source):
    """Sends for a while; then its driver aborts the process, as often as there are files ``die…`` in the folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if (folder / "away").exists():
            (folder / "away").unlink()  # it is back at the next try
            raise SourceLost("It is not there.")
        self.info = SourceInfo("camera", "Fragile", Resolution(64, 48), camera="Fragile", serial=str(folder))
        self._batches = 0

    def read(self) -> EventBatch:
        self._batches += 1
        files = sorted(self._folder.glob("die*"))
        if self._batches > BATCHES and files:
            files[0].unlink()
            os.abort()
        time.sleep(0.002)
        events = np.zeros(100, EVENT_DTYPE)
        events["timestamp"] = time.time_ns() // 1000
        return EventBatch(events, int(events["timestamp"][-1]) + 1)

    def close(self) -> None:
        pass


def open_fragile(spec: SourceSpec) -> Source:
    assert isinstance(spec, CameraSpec)
    return FragileCamera(Path(str(spec.serial)))


class Listening:
    def __init__(self) -> None:
        self.said: queue.SimpleQueue[Status] = queue.SimpleQueue()
        self.capture = Capture(self.said.put, pictures=False, opener=open_fragile)

    def next(self, *kinds: type[Status]) -> Status:
        while True:
            status = self.said.get(timeout=PATIENCE_S)
            if isinstance(status, kinds):
                return status


def test_the_camera_and_its_recording_go_on(tmp_path: Path) -> None:
    (tmp_path / "die").touch()
    listening = Listening()
    record = tmp_path / "walk.aedat4"
    with listening.capture as capture:
        capture.open(Open(CameraSpec(str(tmp_path)), FramerSettings(), record_to=record))
        listening.next(Opened)
        (tmp_path / "away").touch()
        lost = listening.next(Lost, Crashed)
        assert isinstance(lost, Lost)
        assert lost.restarting
        assert "Fragile" in lost.message
        listening.next(Lost)  # it is away when the new process looks, which goes on looking
        listening.next(Opened)
        going_on = listening.next(RecordingState)
        assert isinstance(going_on, RecordingState)
        assert going_on.path == tmp_path / "walk-2.aedat4"
        while capture.numbers().recorded_events < 1000:
            assert capture.feed.wait(PATIENCE_S)
            capture.feed.take()
    assert len(read_recording(tmp_path / "walk-2.aedat4").events) >= 1000


def test_one_that_does_so_again_and_again_is_given_up(tmp_path: Path) -> None:
    for number in range(MOST_RESTARTS + 1):
        (tmp_path / f"die{number}").touch()
    listening = Listening()
    with listening.capture as capture:
        capture.open(Open(CameraSpec(str(tmp_path)), FramerSettings()))
        for _ in range(MOST_RESTARTS):
            assert isinstance(listening.next(Lost, Crashed), Lost)
        assert isinstance(listening.next(Lost, Crashed), Crashed)
