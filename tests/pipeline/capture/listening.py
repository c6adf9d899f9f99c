"""A capture under test: what it says, waited for; what it gives, collected."""

import queue
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from pipeline.capture.messages import CaptureNumbers, FramerSettings, Open, Opened, Status
from pipeline.capture.supervisor import Capture, CaptureState
from pipeline.prediction import EventFrame
from tests.pipeline.capture.made_sources import made, open_made

PATIENCE_S = 60.0
TEN_MS = FramerSettings(timestep_us=10_000)

Kind = TypeVar("Kind")


class Listened:
    """A `Capture` whose statuses are kept until somebody waits for them."""

    def __init__(self, *, pictures: bool = True) -> None:
        self.said: queue.SimpleQueue[Status] = queue.SimpleQueue()
        self.capture = Capture(self.said.put, pictures=pictures, opener=open_made)
        self._opened = False

    def open(
        self,
        kind: str,
        *,
        folder: Path | None = None,
        speed: float | None = 1.0,
        framer: FramerSettings = TEN_MS,
        loop: bool = False,
        paused: bool = False,
        record_to: Path | None = None,
        **settings: int,
    ) -> None:
        self.forget()
        self._opened = False
        self.capture.open(Open(made(kind, folder, **settings), framer, speed, loop, paused, record_to))

    def forget(self) -> None:
        while not self.said.empty():
            self.said.get()

    def next(self, kind: type[Kind]) -> Kind:
        """Wait for the next status of a kind; what is said before it is passed over."""
        deadline = time.monotonic() + PATIENCE_S
        passed: list[Status] = []
        while True:
            try:
                status = self.said.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {kind.__name__} was said, only {passed}") from None
            self._opened = self._opened or isinstance(status, Opened)
            if isinstance(status, kind):
                return status
            passed.append(status)

    def rest(self) -> list[Status]:
        """Give what was said and not waited for."""
        said = []
        while not self.said.empty():
            said.append(self.said.get())
        return said

    def frames(self, count: int) -> list[EventFrame]:
        """Wait for so many frames of what was opened last, and give all that are there then."""
        if not self._opened:
            self.next(Opened)
        frames: list[EventFrame] = []
        deadline = time.monotonic() + PATIENCE_S
        while len(frames) < count:
            assert time.monotonic() < deadline, f"{len(frames)} frames came instead of {count}"
            self.capture.feed.wait(0.5)
            frames += self.capture.feed.take()
        return frames

    def numbers_when(self, condition: Callable[[CaptureNumbers], bool]) -> CaptureNumbers:
        """Wait until the numbers are so."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition(numbers := self.capture.numbers()):
            assert time.monotonic() < deadline, f"the numbers stayed {numbers}"
            time.sleep(0.005)
        return numbers

    def state(self) -> CaptureState:
        return self.capture.state


def capture_processes(of: int | None = None) -> list[psutil.Process]:
    """Give the capture processes of this process, or of another."""
    children = psutil.Process(of).children()
    return [child for child in children if "spawn_main" in " ".join(child.cmdline())]
