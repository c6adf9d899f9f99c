"""Recordings in .aedat4 files."""

from __future__ import annotations

from collections import deque
from contextlib import ExitStack, closing
from pathlib import Path

from pipeline.events import EventArray, Resolution, first_at, joined
from pipeline.sources.aedat4 import EventStream, Header, read_file_header, unreadable
from pipeline.sources.aedat4_contents import DamageError
from pipeline.sources.aedat4_packets import CutOffError, PacketFile
from pipeline.sources.aedat4_places import Places
from pipeline.sources.base import EventBatch, RecordingSpec, Source, SourceError, SourceInfo
from pipeline.sources.intake import Intake
from pipeline.sources.reading_ahead import ReadAhead

MAX_JOINED_EVENTS = 1_000_000
BATCH_US = 1_000_000
"""At most so much time in one batch: who plays a recording cuts it finer, who analyses it has less to do."""
_COPY_AGAIN = "copy the file again if it is whole elsewhere"


class RecordingSource(Source):
    """Events of one stream of an .aedat4 file, from its first to its last, and from anywhere after `seek`.

    Events of the same microsecond are never divided among two batches. The file is read packet by packet, a little
    ahead on a thread of its own, and every event comes in the order of the file. `seek` finds its packet by the
    file's table, without reading what is before.

    A file that was cut off or damaged is read as far as it goes; without its table too.

    Parameters
    ----------
    spec : RecordingSpec

    Attributes
    ----------
    outside : int
        Events left out so far because they lay outside the sensor.

    Raises
    ------
    SourceError
        There is nothing that can be read. `read` raises it once at the end of a damaged file.
    """

    def __init__(self, spec: RecordingSpec) -> None:
        self._path = spec.path
        self._from_us: int | None = None
        """Where it was wound to: what lies before is passed over."""
        self._ahead: deque[EventArray] = deque()
        """Packets, or what is left of them, after the one being given."""
        self._failed = self._cut_off = False
        self._unreadable: OSError | None = None
        self._told = False
        self._closed = False
        header = read_file_header(spec.path)
        stream = _choose(header.streams, spec)
        resolution = _resolution(stream, spec.path)
        self._intake = Intake(resolution, BATCH_US)
        with ExitStack() as opened:
            try:
                self._packets = opened.enter_context(closing(PacketFile(spec.path, header, stream.number)))
                self._places = opened.enter_context(closing(Places(spec.path, header, stream.number)))
                self._reader = opened.enter_context(closing(ReadAhead(self._packets.read)))
                self.info = self._describe(header, stream, resolution)
            except OSError as error:
                raise unreadable(spec.path, error) from error
            self._opened = opened.pop_all()

    @property
    def outside(self) -> int:
        return self._intake.outside

    def read(self) -> EventBatch | None:
        while True:
            batch = self._intake.take()
            if batch is not None:
                return batch
            if not self._fetch():
                self._complain()
                return None

    def seek(self, time_us: int) -> None:
        self._check_open()
        try:
            self._go_to(time_us)
        except OSError as error:
            raise unreadable(self._path, error) from error

    def close(self) -> None:
        self._closed = True
        self._ahead.clear()
        self._intake.clear()
        self._opened.close()

    def _check_open(self) -> None:
        if self._closed:
            raise SourceError(f"{self._path.name} is closed: open it again to read on.")

    def _go_to(self, time_us: int) -> None:
        self._reader.stop()
        self._intake.clear()
        self._ahead.clear()
        self._failed = self._cut_off = False
        self._unreadable = self._from_us = None
        if time_us <= self.info.start_us:
            self._packets.go_to(self._packets.first)
            return
        self._from_us = time_us
        raw, place = self._places.packet_of(time_us)
        self._packets.go_to(place)
        if raw is not None and len(events := self._wanted(raw)):
            self._ahead.append(events)

    def _describe(self, header: Header, stream: EventStream, resolution: Resolution) -> SourceInfo:
        """Find when the stream begins and ends; reads its first packet and its last."""
        found = self._look_ahead()
        if self._unreadable is not None:
            raise self._unreadable
        if self._failed or self._cut_off:
            raise SourceError(f"{self._path.name} is damaged from its first event on: {_COPY_AGAIN}.")
        if not found:
            raise SourceError(
                f"The stream {stream.label} of {self._path.name} holds no events: choose another recording or stream."
            )
        start_us = int(self._ahead[0][0]["timestamp"])
        last_us = self._places.last_us()
        model, _, serial = stream.camera.rpartition("_")
        return SourceInfo(
            kind="recording",
            name=self._path.name,
            resolution=resolution,
            camera=model or serial,
            serial=serial if model else "",
            live=False,
            start_us=start_us,
            end_us=max(last_us, start_us) + 1,
            streams=tuple(stream.label for stream in header.streams),
            stream=stream.label,
        )

    def _fetch(self) -> bool:
        """Put the next events into the intake; False at the end."""
        self._check_open()
        if not self._look_ahead():
            return False
        events = self._ahead.popleft()
        if not self._goes_on(events):
            self._intake.put(events)
            return True
        before = first_at(events, int(events[-1]["timestamp"]))
        if before:
            self._ahead.appendleft(events[before:])
            self._intake.put(events[:before])
        else:
            self._intake.put(self._moment(events))
        return True

    def _moment(self, events: EventArray) -> EventArray:
        """Give all events of one microsecond, of which these are the first."""
        parts = [events]
        while self._goes_on(events) and sum(map(len, parts)) < MAX_JOINED_EVENTS:
            following = self._ahead.popleft()
            same = first_at(following, int(events[-1]["timestamp"]) + 1)
            parts.append(following[:same])
            if same < len(following):
                self._ahead.appendleft(following[same:])
                break
        return joined(parts)

    def _goes_on(self, events: EventArray) -> bool:
        """Whether the packet after these events begins in the microsecond in which they end."""
        return self._look_ahead() and bool(self._ahead[0][0]["timestamp"] == events[-1]["timestamp"])

    def _look_ahead(self) -> bool:
        """Have a packet ready; False at the end."""
        if not self._ahead and (packet := self._next_packet()) is not None:
            self._ahead.append(packet)
        return bool(self._ahead)

    def _next_packet(self) -> EventArray | None:
        """Give the next packet that holds events; None at the end, or where the rest cannot be read."""
        while True:
            try:
                raw = self._reader.next()
            except CutOffError:
                self._cut_off = True
                return None
            except DamageError:
                self._failed = True
                return None
            except OSError as error:
                self._unreadable = error
                return None
            if raw is None:
                return None
            if len(events := self._wanted(raw)):
                return events

    def _wanted(self, raw: EventArray) -> EventArray:
        """Leave out what cannot be drawn, and what lies before the place that was wound to."""
        events = self._intake.good(raw)
        return events if self._from_us is None else events[first_at(events, self._from_us) :]

    def _complain(self) -> None:
        """Raise what is wrong with the file, once."""
        if self._told:
            return
        if self._unreadable is not None:
            self._told = True
            raise unreadable(self._path, self._unreadable) from self._unreadable
        if self._failed:
            self._told = True
            raise self._damaged()
        outside = self._intake.outside
        if self._cut_off:
            self._told = True
            raise SourceError(
                f"The end of {self._path.name} is damaged or missing, and only {self._extent()} could be read: "
                f"{_COPY_AGAIN}."
            )
        if outside:
            self._told = True
            raise SourceError(
                f"{self._path.name} is damaged, and {outside:,} of its events, outside the sensor's "
                f"{self.info.resolution} pixels, were left out: {_COPY_AGAIN}."
            )

    def _damaged(self) -> SourceError:
        return SourceError(f"{self._path.name} is damaged, and only {self._extent()} could be read: {_COPY_AGAIN}.")

    def _extent(self) -> str:
        """Say how far the file was read."""
        last_us = self._intake.last_us
        if last_us is None:
            return "its header"
        last_us = min(max(last_us, self.info.start_us), self.info.end_us)  # a damaged time may be anything
        return f"the first {(last_us - self.info.start_us) / 1e6:.2f} s of it"


def _choose(streams: tuple[EventStream, ...], spec: RecordingSpec) -> EventStream:
    """Find the stream that is asked for, by its label."""
    if not streams:
        raise SourceError(f"{spec.path.name} has no event stream, only other data: choose another recording.")
    if spec.stream is None:
        return streams[0]
    for stream in streams:
        if spec.stream == stream.label:
            return stream
    labels = ", ".join(stream.label for stream in streams)
    raise SourceError(f"{spec.path.name} has no event stream {spec.stream}: choose one of {labels}.")


def _resolution(stream: EventStream, path: Path) -> Resolution:
    if stream.resolution is None:
        raise SourceError(
            f"The stream {stream.label} of {path.name} does not say how many pixels the sensor has, so it cannot be "
            "shown: record it again with the resolution in its header."
        )
    return stream.resolution
