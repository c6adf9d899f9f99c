"""Whatever happened to a file: one clear message or a partial replay, within ten seconds, and the program goes on."""

import queue
import time
from pathlib import Path

import pytest

from pipeline.bundled import TOUR
from pipeline.capture.messages import Crashed, Ended, Failed, FramerSettings, Open, Opened, Status
from pipeline.capture.supervisor import Capture
from pipeline.sources.base import RecordingSpec
from tests.pipeline.sources.damage import damaged_copies

WITHIN_S = 10.0
BUSY_MACHINE = 3
"""The limit is ten seconds on an idle machine; here other tests may run beside this one."""


class Reader:
    """Reads files to their end, as the analysis does: every frame is taken."""

    def __init__(self, capture: Capture, said: "queue.SimpleQueue[Status]") -> None:
        self._capture, self._said = capture, said

    def read(self, path: Path) -> tuple[list[Status], int, float]:
        """Give what was said of a file, how many frames it gave, and the seconds that took."""
        start = time.monotonic()
        self._capture.open(Open(RecordingSpec(path), FramerSettings(), speed=None))
        heard: list[Status] = []
        frames = 0
        while time.monotonic() - start < BUSY_MACHINE * WITHIN_S:
            self._capture.feed.wait(0.05)
            frames += len(self._capture.feed.take())
            while not self._said.empty():
                heard.append(self._said.get())
            if any(isinstance(status, Failed | Crashed | Ended) for status in heard):
                break
        return heard, frames, time.monotonic() - start


def read_all(original: Path, folder: Path, count: int) -> dict[str, int]:
    """Read `count` damaged copies with one capture; gives how many ended in which way."""
    said: queue.SimpleQueue[Status] = queue.SimpleQueue()
    ways: dict[str, int] = {}
    with Capture(said.put, pictures=False) as capture:
        reader = Reader(capture, said)
        for name, path in damaged_copies(original, folder, count, seed=4711):
            heard, frames, seconds = reader.read(path)
            ends = [status for status in heard if isinstance(status, Failed | Crashed | Ended)]
            assert len(ends) == 1, f"{name}: {heard} after {seconds:.1f} s"
            (end,) = ends
            if not isinstance(end, Ended):
                assert "\n" not in end.message, name
                assert path.name in end.message, f"{name}: {end.message}"
                assert len(end.message) < 400, name
            ways[type(end).__name__] = ways.get(type(end).__name__, 0) + 1
            if path.is_file():
                path.unlink()
        heard, frames, _ = reader.read(original)
        assert isinstance(heard[0], Opened)
        assert isinstance(heard[-1], Ended), "the capture is still usable"
        assert frames >= 20
    return ways


def test_damaged_copies_of_the_bundled_recording(tmp_path: Path) -> None:
    assert sum(read_all(TOUR, tmp_path, 24).values()) == 24


@pytest.mark.slow
@pytest.mark.timeout(2400)
@pytest.mark.parametrize(("compression", "copies"), [("zstd", 200), ("lz4", 40)])
def test_many_damaged_copies(compression: str, copies: int, recording_file: Path, tmp_path: Path) -> None:
    """Damage inside LZ4 may only show as other events; inside ZSTD, as in the bundled recording, it is noticed."""
    ways = read_all(TOUR if compression == "zstd" else recording_file, tmp_path, copies)
    print(compression, ways)
    assert sum(ways.values()) == copies
