"""A model hub on loopback: answers as the real one does, as far as its client asks."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Hub:
    """What it holds, by ``owner/name/file``, and how it behaves.

    Attributes
    ----------
    claimed_size : int or None
        Told instead of a file's true size.
    status : int or None
        Answered instead of everything.
    breaks : bool
        The connection is cut in the middle of a file, and from then on every answer is an error.
    hold : Event or None
        The second half of a file is sent only after this is set.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    claimed_size: int | None = None
    status: int | None = None
    breaks: bool = False
    hold: threading.Event | None = None
    asked: list[str] = field(default_factory=list)
    url: str = ""


@contextmanager
def hub_server() -> Iterator[Hub]:
    """Serve until the block is left."""
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def _answer(self, *, body: bool) -> None:
            repository, _, filename = self.path.lstrip("/").partition("/resolve/main/")
            hub.asked.append(f"{self.command} {repository}/{filename}")
            content = hub.files.get(f"{repository}/{filename}")
            if hub.status is not None or content is None:
                self.send_response(hub.status or 404)
                self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(200)
            self.send_header("X-Repo-Commit", "0" * 40)
            self.send_header("ETag", f'"{hashlib.sha256(content).hexdigest()}"')
            size = len(content) if hub.claimed_size is None else hub.claimed_size
            self.send_header("Content-Length", str(size))
            self.end_headers()
            if body:
                self._send(content)

        def _send(self, content: bytes) -> None:
            half = len(content) // 2
            self.wfile.write(content[:half])
            self.wfile.flush()
            if hub.breaks:
                hub.status = 500
                self.close_connection = True
                return
            if hub.hold is not None:
                hub.hold.wait(60)
            try:
                self.wfile.write(content[half:])
            except OSError:
                return  # who asked has gone: that is what some tests are about

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        if hub.hold is not None:
            hub.hold.set()
        server.shutdown()
        thread.join()
        server.server_close()
