"""A film as a recording of events: what an event camera would have seen in its place."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import av
import av.error
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from pipeline.events import first_at
from pipeline.sources.base import VIDEO_SUFFIXES, EventBatch, Source, SourceError, SourceInfo, VideoSpec
from pipeline.sources.pictures import Grey, PictureEvents, grey_of, portions, sensor_size, turned_size

SEGMENT_US = 2_000_000
"""So often every pixel looks anew: that makes the events after a seek the same ones as without."""
_LEAST_MISSING_US = 500_000
"""A film that ends so much earlier than it says was cut off."""
_NO_FILMS = frozenset({"tty"})
"""Formats as which the library reads plain text."""


class VideoSource(Source):
    """Events of a film, from its first picture, at time 0, to its last, and from anywhere after `seek`.

    Every picture gives the events since the one before. The events are a function of the film alone.

    Parameters
    ----------
    spec : VideoSpec

    Raises
    ------
    SourceError
        There is no film that can be read. `read` raises it once at the end of a damaged one.
    """

    def __init__(self, spec: VideoSpec) -> None:
        self._path = spec.path
        self._container: InputContainer | None = None
        self._damaged = 0
        self._ready: deque[EventBatch] = deque()
        self._pictures: Iterator[tuple[Grey, int]] = iter(())
        self._complained = False
        try:
            stream = self._open()
            first = next(self._frames(stream), None)
            if first is None:
                raise SourceError(f"No picture of {spec.path.name} can be read: copy the file again, or convert it.")
            self._start_pts = first.pts or 0
            self._seconds_a_tick = float(stream.time_base or 0)
            width, height = turned_size(first)
            self.info = SourceInfo(
                kind="video",
                name=spec.path.name,
                resolution=sensor_size(width, height, spec.most),
                live=False,
                end_us=self._duration_us(stream),
            )
            self._declared = stream.duration is not None or len(self._opened().streams) == 1
            self._events = PictureEvents(self.info.resolution)
            self.seek(0)
            if not self._ready:
                raise SourceError(f"{spec.path.name} holds a single picture, in which nothing moves: choose a film.")
        except av.error.FFmpegError as error:
            self.close()
            raise SourceError(
                f"{spec.path.name} cannot be read ({error.strerror}): convert it, or choose another film."
            ) from error
        except BaseException:
            self.close()
            raise

    def read(self) -> EventBatch | None:
        while not self._ready:
            picture = next(self._pictures, None)
            if picture is None:
                self._complain()
                return None
            self._take(*picture)
        return self._ready.popleft()

    def seek(self, time_us: int) -> None:
        self._opened()
        self._ready.clear()
        self._damaged = 0
        segment = max(0, min(time_us, self.info.end_us) // SEGMENT_US)
        while True:
            self._pictures = self._from(segment * SEGMENT_US)
            first = next(self._pictures, None)
            if segment == 0 or (first is not None and first[1] <= time_us):
                break
            # The picture before what is wanted lies in an earlier segment; after the end there are none at all.
            segment = segment - 1 if first is not None else segment // 2
        if first is None:
            return
        self._events.begin(*first)
        while self._events.time_us is not None and not self._ready:
            picture = next(self._pictures, None)
            if picture is None:
                return
            self._take(*picture)
            self._leave_out_before(time_us)

    def close(self) -> None:
        self._ready.clear()
        self._pictures = iter(())
        if self._container is not None:
            self._container.close()
            self._container = None

    # --- events ---

    def _take(self, grey: Grey, time_us: int) -> None:
        """Go on to this picture; where it begins a segment, look anew."""
        before_us = self._events.time_us
        events = self._events.show(grey, time_us)
        if before_us is not None and time_us // SEGMENT_US != before_us // SEGMENT_US:
            self._events.begin(grey, time_us)
        parts = portions(events)
        for part in parts[:-1]:
            self._ready.append(EventBatch(part, int(part["timestamp"][-1]) + 1))
        self._ready.append(EventBatch(parts[-1], time_us))

    def _leave_out_before(self, time_us: int) -> None:
        while self._ready:
            batch = self._ready.popleft()
            times = batch.events["timestamp"]
            if len(times) and times[-1] >= time_us:
                self._ready.appendleft(EventBatch(batch.events[first_at(batch.events, time_us) :], batch.until_us))
                return

    # --- pictures ---

    def _from(self, time_us: int) -> Iterator[tuple[Grey, int]]:
        """Pictures with their times, from the first that is not before this time."""
        stream = self._open()
        if time_us > 0:
            container = self._opened()
            try:
                container.seek(self._start_pts + int(time_us / 1e6 / self._seconds_a_tick), stream=stream)
                frames = self._frames(stream)
                first = next(frames, None)
            except av.error.FFmpegError:
                first = None
            if first is not None and self._time_us(first) <= time_us:
                yield from self._greys(first, frames, time_us)
                return
            stream = self._open()  # cannot be wound, or was wound too far: read up to there
        frames = self._frames(stream)
        first = next(frames, None)
        if first is not None:
            yield from self._greys(first, frames, time_us)

    def _greys(self, first: av.VideoFrame, frames: Iterator[av.VideoFrame], time_us: int) -> Iterator[tuple[Grey, int]]:
        last_us = -1
        frame: av.VideoFrame | None = first
        while frame is not None:
            at_us = self._time_us(frame)
            if at_us >= time_us and at_us > last_us:
                last_us = at_us
                try:
                    grey = grey_of(frame, self.info.resolution)
                except av.error.FFmpegError:  # of a size or colours that a damaged picture says it has
                    self._damaged += 1
                else:
                    yield grey, at_us
            frame = next(frames, None)

    def _frames(self, stream: VideoStream) -> Iterator[av.VideoFrame]:
        """Decode picture by picture; what is damaged is left out and counted."""
        packets = self._opened().demux(stream)
        while True:
            try:
                packet = next(packets, None)
                if packet is None:
                    return
                frames = packet.decode()
            except av.error.EOFError:
                return
            except av.error.InvalidDataError:
                self._damaged += 1
                continue
            except (av.error.FFmpegError, OSError):
                self._damaged += 1
                return
            for frame in frames:
                frame.pts = frame.pts if frame.pts is not None else frame.dts
                if isinstance(frame, av.VideoFrame) and frame.pts is not None:
                    yield frame

    def _time_us(self, frame: av.VideoFrame) -> int:
        return round(((frame.pts or 0) - self._start_pts) * self._seconds_a_tick * 1e6)

    # --- the file ---

    def _open(self) -> VideoStream:
        """Open the file anew, at its beginning."""
        if self._container is not None:
            self._container.close()
        self._container = _opened(self._path)
        streams = [each for each in self._container.streams.video if not each.disposition & Disposition.attached_pic]
        if not streams or self._container.format.name in _NO_FILMS:
            what = "holds sound but no pictures" if self._container.streams.audio else "holds no moving pictures"
            raise SourceError(f"{self._path.name} {what}: choose a film ({', '.join(VIDEO_SUFFIXES[:5])}).")
        return streams[0]

    def _opened(self) -> InputContainer:
        if self._container is None:
            raise SourceError(f"{self._path.name} is closed: open it again to read on.")
        return self._container

    def _duration_us(self, stream: VideoStream) -> int:
        """Give the film's length as it says itself; where it does not, look for its last picture."""
        container = self._opened()
        if stream.duration is not None:
            return max(1, round(stream.duration * self._seconds_a_tick * 1e6))
        if container.duration is not None:
            return max(1, int(container.duration))
        last = max((packet.pts for packet in container.demux(stream) if packet.pts is not None), default=0)
        return max(1, round((last - self._start_pts) * self._seconds_a_tick * 1e6) + 1)

    def _complain(self) -> None:
        """At the end, say once what was missing."""
        if self._complained:
            return
        last_us = self._events.time_us or 0
        missing_us = self.info.end_us - last_us if self._declared else 0
        if self._damaged:
            self._complained = True
            raise SourceError(
                f"{self._path.name} is damaged: what could be read was played; copy the file again if it is whole "
                "elsewhere."
            )
        if missing_us > max(_LEAST_MISSING_US, self.info.end_us // 20):
            self._complained = True
            raise SourceError(
                f"{self._path.name} was cut off: it ends after {last_us / 1e6:.1f} of {self.info.end_us / 1e6:.1f} s; "
                "copy the file again if it is whole elsewhere."
            )


def _opened(path: Path) -> InputContainer:
    """Open a file as a film, or say in one sentence why not."""
    name = path.name
    try:
        if path.is_dir():
            raise SourceError(f"{path} is a folder: choose a film in it.")
        with path.open("rb") as file:
            beginning = file.read(8)
        if not beginning:
            raise SourceError(f"{name} is empty, so there is nothing to play: choose another film.")
        if beginning.startswith(b"#!AER-DA"):
            raise SourceError(f"{name} is a recording of events, not a film: open it without --video.")
        return av.open(f"file:{path}", "r")
    except FileNotFoundError:
        raise SourceError(f"There is no file {path}: check its name and folder.") from None
    except PermissionError:
        raise SourceError(f"{path} may not be read: change its permissions, or copy it to where you may.") from None
    except (av.error.FFmpegError, ValueError) as error:
        raise SourceError(
            f"{name} is not a film that can be read, or its beginning is damaged: choose one of the usual kinds "
            f"({', '.join(VIDEO_SUFFIXES[:5])})."
        ) from error
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror or error}): check the name and the disk.") from error
