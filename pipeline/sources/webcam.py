"""An ordinary camera as a live source of events."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import av
import av.error
from av.container import InputContainer

from pipeline.events import NO_EVENTS
from pipeline.sources.base import (
    READ_PATIENCE_S,
    EventBatch,
    Source,
    SourceError,
    SourceInfo,
    SourceLost,
    WebcamSpec,
)
from pipeline.sources.pictures import PictureEvents, grey_of, portions, sensor_size, turned_size

FIRST_PICTURE_S = 15.0
"""A webcam that gives none for so long after it was opened gives none at all."""
LOST_AFTER_S = 5.0
_WAITING_PICTURES = 2
"""More are not kept: where the machine cannot follow, the oldest is left out."""
_OPTIONS = {"video_size": "640x480", "framerate": "30"}


@dataclass(frozen=True)
class Device:
    """How FFmpeg opens a webcam on this system.

    Attributes
    ----------
    address : str
    format : str or None
        Name of the system's way to cameras; None: an ordinary file.
    options : dict
        Tried first; a camera that refuses them is opened without.
    """

    address: str
    format: str | None
    options: dict[str, str] = field(default_factory=dict)


class WebcamSource(Source):
    """Events of a webcam's pictures, as they come; time 0 is the opening.

    A thread reads the camera, which may take its time; `read` turns what has come into events. An event's time
    lies between the arrivals of its two pictures.

    Parameters
    ----------
    spec : WebcamSpec
    device : Device, optional
        Opened instead of the system's webcam of that number.

    Raises
    ------
    SourceError
        There is no such webcam, or it may not be opened, or gives no pictures.
    """

    def __init__(self, spec: WebcamSpec, device: Device | None = None) -> None:
        self._spec = spec
        self._device = device or webcam_device(spec.number)
        self._ready: deque[EventBatch] = deque()
        self._until_us = 0
        self._reader = _Reader(spec, self._device)
        try:
            size = self._reader.wait_for_size(FIRST_PICTURE_S)
            self.info = SourceInfo(
                kind="webcam", name=f"Webcam {spec.number}", resolution=sensor_size(*size, spec.most)
            )
            self._events = PictureEvents(self.info.resolution)
            self._reader.begin()
        except BaseException:
            self.close()
            raise

    def read(self) -> EventBatch:
        if not self._ready:
            picture = self._reader.take(READ_PATIENCE_S)
            if picture is None:
                return EventBatch(NO_EVENTS, self._until_us)
            frame, time_us = picture
            try:
                grey = grey_of(frame, self.info.resolution)
            except av.error.FFmpegError as error:
                called = _called(self._spec, self._device)
                raise SourceLost(f"{called} gives pictures that cannot be read: plug it in again.") from error
            parts = portions(self._events.show(grey, time_us))
            for part in parts[:-1]:
                self._ready.append(EventBatch(part, int(part["timestamp"][-1]) + 1))
            self._until_us = max(self._until_us, time_us)
            self._ready.append(EventBatch(parts[-1], self._until_us))
        return self._ready.popleft()

    def close(self) -> None:
        self._ready.clear()
        self._reader.stop()


class _Reader:
    """Reads a camera in a thread of its own, and keeps the newest pictures."""

    def __init__(self, spec: WebcamSpec, device: Device) -> None:
        self._spec, self._device = spec, device
        container = _opened(spec, device)
        self._news = threading.Condition()
        self._pictures: deque[tuple[av.VideoFrame, int]] = deque(maxlen=_WAITING_PICTURES)
        self._size: tuple[int, int] | None = None
        self._begun_ns: int | None = None
        self._ended = self._stopped = False
        self._last_s = time.monotonic()
        self._thread = threading.Thread(target=self._run, args=(container,), name="webcam", daemon=True)
        self._thread.start()

    def wait_for_size(self, patience_s: float) -> tuple[int, int]:
        """Give width and height of the first picture."""
        with self._news:
            self._news.wait_for(lambda: self._size is not None or self._ended, patience_s)
            if self._size is None:
                raise SourceError(
                    f"{_called(self._spec, self._device)} gives no pictures: close other programs that use it, or try "
                    "another number."
                )
            return self._size

    def begin(self) -> None:
        """Time is counted from now on, and pictures are kept."""
        with self._news:
            self._begun_ns, self._last_s = time.monotonic_ns(), time.monotonic()

    def take(self, patience_s: float) -> tuple[av.VideoFrame, int] | None:
        """Give the next picture and when it came, µs; None when there is none yet.

        Raises
        ------
        SourceLost
            There will be none.
        """
        with self._news:
            self._news.wait_for(lambda: self._pictures or self._ended, patience_s)
            if self._pictures:
                return self._pictures.popleft()
            if self._ended or time.monotonic() - self._last_s > LOST_AFTER_S:
                raise SourceLost(f"{_called(self._spec, self._device)} gives no more pictures: plug it in again.")
        return None

    def stop(self) -> None:
        """End the thread with the next picture; a camera that hangs is left to it."""
        with self._news:
            self._stopped = True
            self._pictures.clear()
        self._thread.join(1.0)

    def _run(self, container: InputContainer) -> None:
        try:
            with container:
                for frame in container.decode(video=0):
                    if not self._keep(frame):
                        break
        except (av.error.FFmpegError, OSError):
            pass  # that it gave no more pictures is what is told
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _keep(self, frame: av.VideoFrame) -> bool:
        with self._news:
            self._size = self._size or turned_size(frame)
            if self._begun_ns is not None:
                self._pictures.append((frame, (time.monotonic_ns() - self._begun_ns) // 1000))
            self._last_s = time.monotonic()
            self._news.notify_all()
            return not self._stopped


def webcam_device(number: int, platform: str = sys.platform) -> Device:
    """Say how the webcam of this number is opened on this system.

    Raises
    ------
    SourceError
        There is none of that number.
    """
    if platform == "darwin":
        return Device(f"{number}:none", "avfoundation", _OPTIONS)
    if platform == "win32":
        names = _names("dshow")
        if number >= len(names):
            raise SourceError(_missing(number, [f"{place} ({name})" for place, name in enumerate(names)]))
        return Device(f"video={names[number]}", "dshow", _OPTIONS)
    path = Path(f"/dev/video{number}")
    if not path.exists():
        raise SourceError(_missing(number, list_webcams()))
    return Device(str(path), "v4l2", _OPTIONS)


def list_webcams() -> list[str]:
    """Give the numbers of the webcams that can be seen without opening one (Linux), in order."""
    numbers = [path.name.removeprefix("video") for path in Path("/dev").glob("video*")]
    return sorted((number for number in numbers if number.isdigit()), key=int)


def _names(system: str) -> list[str]:
    """Names of the cameras that the system knows."""
    from av.device import enumerate_input_devices

    try:
        found = enumerate_input_devices(system)
    except (ValueError, OSError):
        return []
    return [each.name for each in found if not each.media_types or "video" in each.media_types]


def _missing(number: int, found: list[str]) -> str:
    there = f"there is {', '.join(found)}" if found else "none is found at all"
    return f"There is no webcam {number} ({there}): plug it in, or try another number."


def _called(spec: WebcamSpec, device: Device) -> str:
    return f"Webcam {spec.number} ({device.address})"


def _opened(spec: WebcamSpec, device: Device) -> InputContainer:
    called = _called(spec, device)
    for options in ([device.options] if device.options else []) + [{}]:
        try:
            container = av.open(device.address, "r", format=device.format, options=options)
        except PermissionError:
            remedy = (
                "add yourself to the group video and log in again"
                if device.format == "v4l2"
                else "allow cameras for this program in the system's settings"
            )
            raise SourceError(f"{called} may not be opened: {remedy}.") from None
        except (av.error.FFmpegError, OSError, ValueError) as error:
            failure = error
            continue
        if not container.streams.video:
            container.close()
            raise SourceError(f"{called} gives no pictures: try another number.")
        return container
    if isinstance(failure, OSError) and failure.errno == errno.EBUSY:
        raise SourceError(f"{called} is used by another program: close that one.") from failure
    if isinstance(failure, OSError) and failure.errno in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        raise SourceError(f"There is no webcam {spec.number} ({device.address}): plug it in, or try another number.")
    reason = getattr(failure, "strerror", None) or str(failure)
    raise SourceError(f"{called} cannot be opened ({reason}): try another number, or close programs that use it.")
