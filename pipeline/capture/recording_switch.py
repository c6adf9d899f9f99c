"""Turns the recorder on and off, and tells the application each time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.capture.messages import RecordingState
from pipeline.recorder import Recorder, RecorderError
from pipeline.sources.base import EventBatch, SourceInfo


class RecordingSwitch:
    """Where every event is written while it is on.

    Parameters
    ----------
    say : callable
        Takes each `RecordingState`.
    beat : callable
        Called now and then while a slow disk is waited for.
    """

    def __init__(self, say: Callable[[RecordingState], None], beat: Callable[[], None] = lambda: None) -> None:
        self._say, self._beat = say, beat
        self._recorder: Recorder | None = None
        self._info: SourceInfo | None = None

    @property
    def on(self) -> bool:
        return self._recorder is not None

    @property
    def events(self) -> int:
        """On disk, of the recording that is on."""
        return self._recorder.written if self._recorder else 0

    @property
    def bytes(self) -> int:
        """On disk, of the recording that is on."""
        return self._recorder.bytes if self._recorder else 0

    def start(self, path: Path, info: SourceInfo) -> None:
        """Record to this file from now on; an older recording is finished."""
        self.stop()
        try:
            self._recorder = Recorder(path, info, self._beat)
        except RecorderError as error:
            self._say(RecordingState(None, message=str(error)))
            return
        self._info = info
        self._say(RecordingState(path))

    def stop(self, message: str = "") -> None:
        """Finish the recording, if one is on; `message` says why, where the user did not ask for it."""
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        try:
            recorder.close()
        except RecorderError as error:
            message = str(error)
        if not recorder.events and not message:
            message = f"No event came while recording, so {recorder.path.name} was not kept."
        self._say(RecordingState(None, recorder.events, recorder.bytes, message))

    def write(self, batch: EventBatch) -> None:
        """Write events while it is on."""
        recorder = self._recorder
        if recorder is None:
            return
        path = recorder.path
        try:
            recorder.write(batch)
        except RecorderError as error:
            self.stop(str(error))
            return
        if recorder.path != path:
            message = f"The time of the stream jumped back: the recording goes on in {recorder.path.name}."
            self._say(RecordingState(recorder.path, recorder.events, recorder.bytes, message))

    def stop_at_jump_back(self) -> None:
        """A recording that is being played was wound back: its events are not written twice."""
        if self._recorder is not None and self._recorder.events:
            self.stop(f"The player went back, so the recording to {self._recorder.path.name} ended there.")

    def source_changed(self, info: SourceInfo) -> None:
        """The source is back: go on where the sensor has the same size, and end where it has not."""
        if self._info is not None and self._info.resolution != info.resolution:
            self.stop(f"The sensor now has {info.resolution} pixels: record again to a new file.")
