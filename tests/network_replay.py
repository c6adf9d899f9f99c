"""A real NetworkWriter on loopback that replays a recording at the pace of its timestamps.

In a process of its own: dv-processing's writer may wait for ever as it ends beside a client that leaves.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import dv_processing as dv

from tests.programs import ROOT, wait_until

STAYS_S = 0.3
"""A client that is there for so long listens; a shorter visit only asked who is there."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NetworkReplay:
    """Plays when somebody listens, and stays until the block ends."""

    def __init__(self, path: Path) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.network_replay", str(self.port), str(path)], cwd=ROOT, stdin=subprocess.PIPE
        )
        wait_until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def __enter__(self) -> NetworkReplay:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def wait_for_listener(writer: dv.io.NetworkWriter) -> None:
    since = time.monotonic()
    while time.monotonic() - since < STAYS_S:
        if writer.getClientCount() == 0:
            since = time.monotonic()
        time.sleep(0.01)


def replay(port: int, path: str) -> None:
    recording = dv.io.MonoCameraRecording(path)
    stream = dv.io.Stream.EventStream(0, "events", recording.getCameraName(), recording.getEventResolution())
    writer = dv.io.NetworkWriter("127.0.0.1", port, stream)
    wait_for_listener(writer)
    begin_us, begin_s = recording.getTimeRange()[0], time.monotonic()
    while (events := recording.getNextEventBatch()) is not None:
        ahead_s = (events.getLowestTime() - begin_us) / 1e6 - (time.monotonic() - begin_s)
        time.sleep(max(0.0, ahead_s))
        writer.writeEvents(events)
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    replay(int(sys.argv[1]), sys.argv[2])
