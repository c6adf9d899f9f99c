"""Event frames from one process to the other: how many, how late, and what it costs."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.measuring import OWN, Effort, Figure, StageResult
from pipeline.capture.bell import Bell, WakePipe
from pipeline.capture.memory import SharedMemory, Word, allocate
from pipeline.capture.ring import FrameWriter, RingFeed
from pipeline.event_framing import Canvas
from pipeline.events import Resolution
from pipeline.prediction import NO_EVENT, EventFrame

TITLE = "Hand-over of event frames between the processes"
RESOLUTION = Resolution(1280, 720)
RATE = 200.0
"""Timesteps a second."""
PEER = "multiprocessing.Queue, pickled arrays"
PATIENCE_S = 120.0


@dataclass(frozen=True)
class _Passage:
    """What passing frames on was like."""

    frames_per_s: float
    latencies_ms: tuple[float, ...]
    core_share: float
    """Of one core, both processes together."""


def measure(effort: Effort) -> StageResult:
    """Pass frames on as fast as possible, then 200 a second."""
    frames = effort.size(400, 5)
    rounds: dict[tuple[str, str], list[float]] = {}
    context = multiprocessing.get_context("spawn")
    ways = {OWN: _through_ring, PEER: _through_queue}
    drawing: list[float] = []
    for number in range(effort.repeats + 1):
        drawing.append(100 * _drawing_share(context, frames))
        for name, passed_on in ways.items():
            flat_out = passed_on(context, frames, 0.0)
            paced = passed_on(context, frames, RATE)
            if number == 0:
                continue
            for what, value in (
                ("rate", flat_out.frames_per_s),
                ("p50", float(np.percentile(paced.latencies_ms, 50))),
                ("p99", float(np.percentile(paced.latencies_ms, 99))),
                ("cost", 100 * paced.core_share),
            ):
                rounds.setdefault((what, name), []).append(value)
    case = f"{RESOLUTION}, {RATE:.0f} a second"
    cases = (
        ("rate", f"{RESOLUTION}, flat out", "frames/s", True),
        ("p50", f"{case}: latency, median", "ms", False),
        ("p99", f"{case}: latency, 99 %", "ms", False),
        ("cost", f"{case}: both processes", "% of a core", False),
    )
    figures = [
        Figure(text, name, unit, tuple(rounds[what, name]), more) for what, text, unit, more in cases for name in ways
    ]
    alone = drawing[1:]
    remarks = (
        "Latency is from the frame being complete in the one process to its pixels being the reader's own in the "
        "other. Both ways draw each frame first, which is part of the rate and of the processor's time.",
        f"To draw {RATE:.0f} of these frames a second, and hand none over, takes {np.median(alone):.1f} % of a core "
        f"({min(alone):.1f} to {max(alone):.1f}) in the same run.",
    )
    return StageResult(TITLE, tuple(figures), remarks)


def _frames(count: int, rate: float, canvas: Canvas, put: Callable[[EventFrame], None]) -> None:
    """Draw so many frames where there is room for each, and put them, at this rate or as fast as they are taken."""
    start = time.monotonic()
    for index in range(count):
        if rate:
            time.sleep(max(0.0, start + index / rate - time.monotonic()))
        pixels = canvas()
        pixels.fill(NO_EVENT)
        pixels[::7, ::3] = 255
        put(EventFrame(index, 0, index * 5000, (index + 1) * 5000, 1000, pixels, time.monotonic_ns()))


def _drawing_share(context: Any, count: int) -> float:
    """Give what drawing alone takes of a core, at the pace of the frames."""
    told, telling = context.Pipe(duplex=False)
    child = context.Process(target=_draw_only, args=(telling, count), daemon=True)
    child.start()
    try:
        if not told.poll(PATIENCE_S):
            raise RuntimeError("The drawing process did not say what it cost.")
        return float(told.recv())
    finally:
        child.join(10)
        if child.is_alive():
            child.kill()


def _draw_only(telling: Connection, count: int) -> None:
    pixels = np.empty((RESOLUTION.height, RESOLUTION.width), np.uint8)
    start, before = time.perf_counter(), time.process_time()
    _frames(count, RATE, lambda: pixels, lambda frame: None)
    telling.send((time.process_time() - before) / (time.perf_counter() - start))


# --- through shared memory, as the program does ---


def _through_ring(context: Any, count: int, rate: float) -> _Passage:
    block = allocate(context)
    memory = SharedMemory(block)
    heard, rung = context.Pipe(duplex=False)
    room_heard, room_rung = context.Pipe(duplex=False)
    ready, say_ready = context.Pipe()
    feed = RingFeed(
        memory,
        Bell(memory, Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD, heard),
        Bell(memory, Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD, room_rung),
        WakePipe(*context.Pipe(duplex=False)),
    )
    child = context.Process(target=_write_ring, args=(block, rung, room_heard, say_ready, count, rate), daemon=True)

    def take() -> list[EventFrame]:
        feed.wait(0.1)
        return feed.take()

    return _passage(child, ready, count, take)


def _write_ring(block: Any, bell: Connection, room: Connection, ready: Connection, count: int, rate: float) -> None:
    memory = SharedMemory(block)
    writer = FrameWriter(memory, Bell(memory, Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD, bell))
    room_bell = Bell(memory, Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD, room)
    writer.begin(RESOLUTION, waits=not rate)

    own = np.empty((RESOLUTION.height, RESOLUTION.width), np.uint8)

    def put(frame: EventFrame) -> None:
        while writer.room() <= 0:
            room.poll(0.05)
            room_bell.hear()
        writer.write(frame)

    # As the program does: where it waits for the reader, there may be no room to draw in, and frames are copied.
    canvas = writer.canvas if rate else lambda: own
    _tell_cost(ready, lambda: _frames(count, rate, canvas, put))


# --- through a queue, as is usual ---


def _through_queue(context: Any, count: int, rate: float) -> _Passage:
    frames = context.Queue(maxsize=16)
    ready, say_ready = context.Pipe()
    child = context.Process(target=_write_queue, args=(frames, say_ready, count, rate), daemon=True)
    return _passage(child, ready, count, lambda: [frames.get(timeout=PATIENCE_S)])


def _write_queue(frames: Any, ready: Connection, count: int, rate: float) -> None:
    def canvas() -> npt.NDArray[np.uint8]:
        return np.empty((RESOLUTION.height, RESOLUTION.width), np.uint8)

    _tell_cost(ready, lambda: _frames(count, rate, canvas, frames.put))


# --- both ---


def _tell_cost(ready: Connection, work: Callable[[], None]) -> None:
    """Work, wait until everything has arrived, and say what CPU time, in s, that took here.

    A process asks its own clock: from without there are only ticks of 10 ms, more than a short run costs.
    """
    ready.send(None)
    before = time.process_time()
    work()
    ready.recv()
    ready.send(time.process_time() - before)


def _passage(child: Any, ready: Connection, count: int, take: Callable[[], list[EventFrame]]) -> _Passage:
    child.start()
    try:
        if not ready.poll(PATIENCE_S):
            raise RuntimeError("The writing process did not start.")
        ready.recv()
        start, before = time.perf_counter(), time.process_time()
        latencies: list[float] = []
        while len(latencies) < count:
            if time.perf_counter() - start > PATIENCE_S:
                raise RuntimeError(f"Only {len(latencies)} of {count} frames arrived.")
            for frame in take():
                latencies.append((time.monotonic_ns() - frame.completed_ns) / 1e6)
        seconds = time.perf_counter() - start
        used = time.process_time() - before
        ready.send(None)
        if not ready.poll(PATIENCE_S):
            raise RuntimeError("The writing process did not say what it cost.")
        used += ready.recv()
    finally:
        child.join(10)
        if child.is_alive():
            child.kill()
    return _Passage(count / seconds, tuple(latencies), used / seconds)
