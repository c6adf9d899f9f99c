"""Sources for the tests of the capture process, opened there by `open_made`: well-behaved ones and others."""

import ctypes
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipeline.events import EVENT_DTYPE, NO_EVENTS, EventArray, Resolution
from pipeline.sources.base import EventBatch, RecordingSpec, Source, SourceError, SourceInfo, SourceLost, SourceSpec

RESOLUTION = Resolution(64, 48)
START_US = 1_000_000
BATCH_US = 10_000


def made(kind: str, folder: Path | None = None, **settings: int) -> RecordingSpec:
    """Name a source to be opened in the capture process: its kind, a folder it may leave marks in, its settings."""
    words = [kind, *(f"{name}={value}" for name, value in settings.items())]
    return RecordingSpec((folder or Path(".")) / ",".join(words))


def open_made(spec: SourceSpec) -> Source:
    assert isinstance(spec, RecordingSpec)
    kind, *words = spec.path.name.split(",")
    settings = {name: int(value) for name, value in (word.split("=") for word in words)}
    return KINDS[kind](spec.path.parent, **settings)


def made_events(duration_us: int, per_ms: int = 2, resolution: Resolution = RESOLUTION) -> EventArray:
    """Events that tell their number: evenly in time, walking over the sensor, polarity in turns."""
    n = duration_us * per_ms // 1000
    numbers = np.arange(n)
    events = np.zeros(n, EVENT_DTYPE)
    events["timestamp"] = START_US + numbers * 1000 // per_ms
    events["x"] = numbers % resolution.width
    events["y"] = numbers // resolution.width % resolution.height
    events["polarity"] = numbers % 3 == 0
    return events


class MadeRecording(Source):
    """Gives `made_events` in batches of 10 ms."""

    def __init__(self, folder: Path, ms: int = 1000, per_ms: int = 2, width: int = 64, height: int = 48) -> None:
        resolution = Resolution(width, height)
        self.events = made_events(ms * 1000, per_ms, resolution)
        end_us = START_US + ms * 1000
        self.info = SourceInfo("recording", "made", resolution, live=False, start_us=START_US, end_us=end_us)
        self._next_us = START_US

    def read(self) -> EventBatch | None:
        if self._next_us >= self.info.end_us:
            return None
        first, stop = np.searchsorted(self.events["timestamp"], [self._next_us, self._next_us + BATCH_US])
        self._next_us += BATCH_US
        return EventBatch(self.events[first:stop], self._next_us)

    def seek(self, time_us: int) -> None:
        self._next_us = time_us

    def close(self) -> None:
        return


class RecordingWithGap(MadeRecording):
    """10 ms of events, a gap from the first to the second, 10 ms of events."""

    def __init__(self, folder: Path, ms: int = 510) -> None:
        super().__init__(folder, ms=20)
        self.events["timestamp"][20:] += ms * 1000 - 10_000
        self.info = SourceInfo(
            "recording", "made", RESOLUTION, live=False, start_us=START_US, end_us=START_US + (ms + 10) * 1000
        )
        self._batches = [self.events[:20], self.events[20:]]

    def read(self) -> EventBatch | None:
        if not self._batches:
            return None
        events = self._batches.pop(0)
        return EventBatch(events, int(events["timestamp"][-1]) + 1)


class DamagedRecording(MadeRecording):
    """Cannot be read beyond its middle."""

    def read(self) -> EventBatch | None:
        if self._next_us >= (self.info.start_us + self.info.end_us) // 2:
            raise SourceError("made is damaged after 0.5 s: what came before was played.")
        return super().read()


class HangingRecording(MadeRecording):
    """Hangs in native code with Python's lock held, as dv-processing does, after 100 ms."""

    def read(self) -> EventBatch | None:
        if self._next_us >= START_US + 100_000:
            hang()
        return super().read()


class HangingOpening(MadeRecording):
    def __init__(self, folder: Path) -> None:
        hang()


class DyingRecording(MadeRecording):
    def read(self) -> EventBatch | None:
        if self._next_us >= START_US + 100_000:
            os._exit(3)
        return super().read()


class BuggyRecording(MadeRecording):
    def read(self) -> EventBatch | None:
        if self._next_us >= START_US + 100_000:
            raise KeyError("a bug\nwith a second line")
        return super().read()


class NoRecording(MadeRecording):
    def __init__(self, folder: Path) -> None:
        raise SourceError("There is no file made: choose another one.")


@dataclass
class _Clock:
    opened_at: float = field(default_factory=time.monotonic)

    def now_us(self) -> int:
        return int((time.monotonic() - self.opened_at) * 1e6)


class MadeCamera(Source):
    """Live: 2 events a ms of the wall's clock."""

    def __init__(self, folder: Path, since_us: int = START_US) -> None:
        self.info = SourceInfo("camera", "made", RESOLUTION, camera="Made", serial="7")
        self._clock = _Clock()
        self._since_us = since_us
        self._given_us = 0

    def read(self) -> EventBatch:
        time.sleep(0.005)
        now_us = self._clock.now_us() // 500 * 500
        count = (now_us - self._given_us) // 500
        events = np.zeros(count, EVENT_DTYPE)
        events["timestamp"] = self._since_us + self._given_us + np.arange(count) * 500
        events["x"] = events["timestamp"] // 500 % RESOLUTION.width
        self._given_us = now_us
        return EventBatch(events, self._since_us + now_us)

    def close(self) -> None:
        return


class UnpluggedCamera(MadeCamera):
    """Goes away after 200 ms, each time; away it is for two tries; then its clock is 10 s on, or starts again."""

    def __init__(self, folder: Path, back: int = 0) -> None:
        tries = len(list(folder.glob("try*")))
        (folder / f"try{tries}").touch()
        if 0 < tries < 3:
            raise SourceError("No camera is there.")
        super().__init__(folder, START_US + (0 if back else tries * 10_000_000))
        self._goes_away = tries == 0

    def read(self) -> EventBatch:
        if self._goes_away and self._given_us >= 200_000:
            raise SourceLost("The camera was unplugged.")
        return super().read()


class FloodingCamera(MadeCamera):
    """Gives 100 ms of its time in every read, at once, with each event's x telling its timestep of 1 ms."""

    def read(self) -> EventBatch:
        times = START_US + self._given_us + np.arange(0, 100_000, 100)
        events = np.zeros(len(times), EVENT_DTYPE)
        events["timestamp"] = times
        events["x"] = (times - START_US) // 1000 % RESOLUTION.width
        self._given_us += 100_000
        return EventBatch(events, START_US + self._given_us)


class TorrentialCamera(MadeCamera):
    """Gives 10 ms of its time in every read, 10 events a ms, and never waits; calm as soon as its folder says so."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._calm = folder / "calm"
        self.waited_s: float = 0.0

    def read(self) -> EventBatch:
        if self._calm.exists():
            began_s = time.monotonic()
            time.sleep(0.01)
            self.waited_s += time.monotonic() - began_s
        events = made_events(10_000, per_ms=10)
        events["timestamp"] += self._given_us
        self._given_us += 10_000
        return EventBatch(events, START_US + self._given_us)


class StillCamera(MadeCamera):
    """Sees nothing, and knows what time it is."""

    def read(self) -> EventBatch:
        time.sleep(0.005)
        return EventBatch(NO_EVENTS, START_US + self._clock.now_us())


def hang() -> None:
    """Sleep in native code for ever, Python's lock held."""
    library = ctypes.PyDLL("kernel32" if sys.platform == "win32" else None)
    while True:
        library.Sleep(1_000_000) if sys.platform == "win32" else library.sleep(1000)


KINDS: dict[str, Callable[..., Source]] = {
    "recording": MadeRecording,
    "gap": RecordingWithGap,
    "damaged": DamagedRecording,
    "hangs": HangingRecording,
    "hangs-opening": HangingOpening,
    "dies": DyingRecording,
    "buggy": BuggyRecording,
    "missing": NoRecording,
    "camera": MadeCamera,
    "unplugged": UnpluggedCamera,
    "flood": FloodingCamera,
    "torrent": TorrentialCamera,
    "still": StillCamera,
}
