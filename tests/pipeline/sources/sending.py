"""Real senders on loopback: dv-processing's NetworkWriter, and peers that are something else."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

import dv_processing as dv
import numpy as np

from pipeline.events import EventArray
from tests.network_replay import free_port
from tests.pipeline.sources.made_recordings import SMALL, moving_square, packets_of, store_of
from tests.programs import ROOT, wait_until


class Sender:
    """A NetworkWriter at a free port, or at a UNIX socket.

    In a process of its own: a writer and a reader in one Python process wait for each other's lock.
    """

    def __init__(
        self, unix_path: Path | None = None, tls: tuple[Path, ...] = (), with_resolution: bool = True, port: int = 0
    ) -> None:
        self.port = port or free_port()
        where = [str(unix_path)] if unix_path is not None else ["127.0.0.1", self.port]
        order = {"where": where, "tls": [str(file) for file in tls], "with_resolution": with_resolution}
        self._folder = tempfile.TemporaryDirectory()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.pipeline.sources.sending", json.dumps(order)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._hear("ready")

    def send(self, events: EventArray) -> None:
        """Send the events in packets of 10 ms once somebody listens."""
        path = Path(self._folder.name) / "events.npy"
        np.save(path, events)
        assert self._child.stdin is not None
        self._child.stdin.write(f"{path}\n")
        self._child.stdin.flush()
        self._hear("sent")

    def send_square(self) -> EventArray:
        events = moving_square()
        self.send(events)
        return events

    def close(self) -> None:
        """Hang up."""
        if self._child.stdin is not None:
            self._child.stdin.close()
        self._child.wait()
        if self._child.stdout is not None:
            self._child.stdout.close()
        self._folder.cleanup()

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hear(self, word: str) -> None:
        assert self._child.stdout is not None
        assert self._child.stdout.readline().strip() == word


def _serve(order: dict[str, Any]) -> None:
    stream = dv.io.Stream.EventStream(0, "events", "DVXplorer_TEST0001", tuple(SMALL))
    if not order["with_resolution"]:
        stream = dv.io.Stream(0, "events", "DVXplorer_TEST0001", "EVTS")
    where = order["where"]
    writer = dv.io.NetworkWriter(*where, stream, *order["tls"])
    print("ready", flush=True)
    for line in sys.stdin:
        wait_until(lambda: writer.getClientCount() > 0)
        for packet in packets_of(np.load(line.strip())):
            writer.writeEvents(store_of(packet))
        wait_until(lambda: writer.getQueuedPacketCount() == 0)
        print("sent", flush=True)
    os._exit(0)  # the writer's destructor can wait for ever for a thread that waits for Python's lock


class Stranger:
    """Something at a port that is no NetworkWriter: says `words` to whoever comes, and then nothing, or hangs up."""

    def __init__(self, words: bytes, hangs_up: bool = False) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._words, self._hangs_up = words, hangs_up
        self._visitors: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                visitor, _ = self._server.accept()
            except OSError:
                return
            visitor.sendall(self._words)
            if self._hangs_up:
                visitor.close()
            else:
                self._visitors.append(visitor)

    def __enter__(self) -> Stranger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        self._thread.join()
        for visitor in self._visitors:
            visitor.close()


if __name__ == "__main__":
    _serve(json.loads(sys.argv[1]))
