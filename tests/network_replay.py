"""A real NetworkWriter on loopback that replays a recording at the pace of its timestamps."""

from __future__ import annotations

import socket
import time
from pathlib import Path
from types import TracebackType

import dv_processing as dv

from tests.programs import wait_until


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NetworkReplay:
    def __init__(self, path: Path) -> None:
        self._recording = dv.io.MonoCameraRecording(str(path))
        resolution = self._recording.getEventResolution()
        self.port = free_port()
        stream = dv.io.Stream.EventStream(0, "events", self._recording.getCameraName(), resolution)
        self._writer = dv.io.NetworkWriter("127.0.0.1", self.port, stream)

    def play_when_somebody_listens(self) -> None:
        """Send everything; returns when the last event was given to the writer."""
        wait_until(lambda: self._writer.getClientCount() > 0)
        begin_us, begin_s = self._recording.getTimeRange()[0], time.monotonic()
        while (events := self._recording.getNextEventBatch()) is not None:
            ahead_s = (events.getLowestTime() - begin_us) / 1e6 - (time.monotonic() - begin_s)
            if ahead_s > 0:
                time.sleep(ahead_s)
            self._writer.writeEvents(events)

    def __enter__(self) -> NetworkReplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        del self._writer
