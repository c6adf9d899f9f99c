"""An ordinary camera as a live source of events."""

from __future__ import annotations

import errno
import sys
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

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
from pipeline.sources.webcam_discovery import WebcamFound, list_webcams

FIRST_PICTURE_S = 15.0
"""A webcam that gives none for so long after it was opened gives none at all."""
LOST_AFTER_S = 5.0
_WAITING_PICTURES = 2
"""More are not kept: where the machine cannot follow, the oldest is left out."""
_OPTIONS = {"video_size": "640x480", "framerate": "30"}
_SYSTEMS = {"darwin": "avfoundation", "win32": "dshow"}
"""FFmpeg's way to cameras, where it is not Linux' own."""


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
    name : str
        As the camera calls itself; empty: not known.
    """

    address: str
    format: str | None
    options: dict[str, str] = field(default_factory=dict)
    name: str = ""


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
        self._device = device or webcam_device(spec.number, spec.name)
        self._ready: deque[EventBatch] = deque()
        self._until_us = 0
        self._reader = _Reader(spec, self._device)
        try:
            size = self._reader.wait_for_size(FIRST_PICTURE_S)
            self.info = SourceInfo(
                kind="webcam",
                name=self._device.name or f"Webcam {spec.number}",
                resolution=sensor_size(*size, spec.most),
                camera=self._device.name,
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


def webcam_device(
    number: int, name: str = "", platform: str = sys.platform, found: Sequence[WebcamFound] | None = None
) -> Device:
    """Say how a webcam is opened on this system.

    Parameters
    ----------
    number : int
    name : str
        Of the camera that is meant, wherever it is counted now; empty: whichever has that number.
    platform : str
        As `sys.platform`.
    found : sequence of WebcamFound, optional
        What there is; `list_webcams` says so by default.

    Raises
    ------
    SourceError
        There is none of that number or name.
    """
    found = list_webcams(platform) if found is None else found
    of_that_name = [each for each in found if not name or each.name == name]
    webcam = next((each for each in of_that_name if each.number == number), None)
    if webcam is None and name and of_that_name:
        webcam = of_that_name[0]
    if webcam is None and platform == "darwin" and not found:  # it does not always tell
        webcam = WebcamFound(number, "", f"{number}:none")
    if webcam is None:
        raise SourceError(_missing(number, name, found))
    return Device(webcam.address, _SYSTEMS.get(platform, "v4l2"), _OPTIONS, webcam.name)


def _missing(number: int, name: str, found: Sequence[WebcamFound]) -> str:
    there = f"there is {', '.join(map(str, found))}" if found else "none is found at all"
    called = f"webcam {name}" if name else f"webcam {number}"
    return f"There is no {called} ({there}): plug it in, or choose another one."


def _called(spec: WebcamSpec, device: Device) -> str:
    return f"Webcam {device.name or spec.number} ({device.address})"


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
