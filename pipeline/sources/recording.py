"""Recordings in .aedat4 files, through dv-processing."""

from __future__ import annotations

import contextlib
from collections import deque
from pathlib import Path
from typing import TypeAlias

import dv_processing as dv

from pipeline.events import EventArray, Resolution, first_at, joined
from pipeline.sources.aedat4 import EventStream, Header, mended_copy, read_file_header
from pipeline.sources.base import EventBatch, RecordingSpec, Source, SourceError, SourceInfo
from pipeline.sources.intake import NATIVE_ERRORS, Intake

FEW_EVENTS, MANY_EVENTS = 200_000, 1_000_000
"""Of a stretch of time read after a seek: fewer, and the next one is longer; more, and it is shorter."""
MIN_STRETCH_US = 1_000
FIRST_STRETCH_US = 10_000
MAX_JOINED_EVENTS = 1_000_000
BATCH_US = 1_000_000
"""At most so much time in one batch: who plays a recording cuts it finer, who analyses it has less to do."""
_Packet: TypeAlias = tuple[EventArray, "dv.EventStore | None"]
"""Events, and the same as dv-processing holds them where these are all."""
_COPY_AGAIN = "copy the file again if it is whole elsewhere"


class RecordingSource(Source):
    """Events of one stream of an .aedat4 file, from its first to its last, and from anywhere after `seek`.

    Events of the same microsecond are never divided among two batches. From the beginning, the file is read
    packet by packet, and every event comes in the order of the file. After `seek` it is read by stretches of
    time, which the file's table finds without reading what is before.

    A file that was cut off, or whose trailing table is damaged, is read from a mended copy as far as it goes.

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
        self._copy: Path | None = None
        self._reader: dv.io.MonoCameraRecording | None = None
        self._stretch_us = FIRST_STRETCH_US
        self._next_us: int | None = None
        """Where the next stretch of time begins; None while the file is read packet by packet."""
        self._ahead: deque[_Packet] = deque()
        """Packets, or what is left of them, after the one being given."""
        self._failed = False
        self._cut_off = False
        self._told = False
        header = read_file_header(spec.path)
        stream = _choose(header.streams, spec)
        self._name, self._camera = stream.name, stream.camera
        resolution = _resolution(stream, spec.path)
        self._intake = Intake(resolution, BATCH_US)
        try:
            self._reader = self._open(header, len({stream.camera for stream in header.streams}) > 1)
            self.info = self._describe(header, stream, resolution)
        except BaseException:
            self.close()
            raise

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
        reader = self._open_reader()
        self._intake.clear()
        self._ahead.clear()
        if time_us <= self.info.start_us:
            self._next_us = None
            try:
                reader.resetSequentialRead()
            except NATIVE_ERRORS as error:
                raise self._damaged() from error
        else:
            self._next_us = min(time_us, self.info.end_us)
            self._stretch_us = FIRST_STRETCH_US

    def close(self) -> None:
        self._reader = None
        self._ahead.clear()
        if self._copy is not None:
            self._copy.unlink(missing_ok=True)
            self._copy = None

    def _open_reader(self) -> dv.io.MonoCameraRecording:
        if self._reader is None:
            raise SourceError(f"{self._path.name} is closed: open it again to read on.")
        return self._reader

    def _open(self, header: Header, several_cameras: bool) -> dv.io.MonoCameraRecording:
        self._cut_off = header.table_missing
        if not self._cut_off:
            try:
                return self._open_file(self._path, several_cameras)
            except NATIVE_ERRORS as error:
                if header.table is None:
                    raise SourceError(f"{self._path.name} is damaged and cannot be opened: {_COPY_AGAIN}.") from error
                self._cut_off = True
        self._copy = mended_copy(self._path, header)
        try:
            reader = self._open_file(self._copy, several_cameras)
        except NATIVE_ERRORS as error:
            raise SourceError(f"{self._path.name} is damaged and cannot be opened: {_COPY_AGAIN}.") from error
        with contextlib.suppress(OSError):  # an open file cannot be removed on Windows: then `close` does
            self._copy.unlink()
            self._copy = None
        return reader

    def _open_file(self, path: Path, several_cameras: bool) -> dv.io.MonoCameraRecording:
        arguments = (self._camera,) if several_cameras and self._camera else ()
        return dv.io.MonoCameraRecording(str(path), *arguments)

    def _describe(self, header: Header, stream: EventStream, resolution: Resolution) -> SourceInfo:
        """Find when the stream begins and ends; reads its first packet, and its last when the table cannot tell."""
        found = self._look_ahead()
        if self._failed:
            raise SourceError(f"{self._path.name} is damaged from its first event on: {_COPY_AGAIN}.")
        if not found:
            raise SourceError(
                f"The stream {stream.label} of {self._path.name} holds no events: choose another recording or stream."
            )
        start_us = int(self._ahead[0][0][0]["timestamp"])
        model, _, serial = stream.camera.rpartition("_")
        return SourceInfo(
            kind="recording",
            name=self._path.name,
            resolution=resolution,
            camera=model or serial,
            serial=serial if model else "",
            live=False,
            start_us=start_us,
            end_us=max(self._last_us(start_us, len(header.streams) == 1), start_us) + 1,
            streams=tuple(stream.label for stream in header.streams),
            stream=stream.label,
        )

    def _last_us(self, start_us: int, alone: bool) -> int:
        """Find the time of the last event; the file's table knows that of all streams together.

        Where that place is damaged, the file's own end will do: the complaint comes when it is played up to there.
        """
        reader = self._open_reader()
        last_us = start_us
        with contextlib.suppress(*NATIVE_ERRORS):
            last_us = int(reader.getTimeRange()[1])
            if alone and len(reader.getStreamNames()) == 1:
                return last_us
            stretch_us = FIRST_STRETCH_US
            while last_us > start_us:
                store = reader.getEventsTimeRange(max(last_us - stretch_us, start_us), last_us + 1, self._name)
                if store is not None and store.size():
                    return int(store.numpy()["timestamp"].max())
                if last_us - stretch_us <= start_us:
                    return start_us
                stretch_us *= 4
        return last_us

    def _fetch(self) -> bool:
        """Put the next events into the intake; False at the end."""
        if self._next_us is not None:
            return self._fetch_stretch()
        if not self._look_ahead():
            return False
        events, store = self._ahead.popleft()
        if not self._goes_on(events):
            self._intake.put(events, store)
            return True
        before = first_at(events, int(events[-1]["timestamp"]))
        if before:
            self._ahead.appendleft(_part(events, store, before, len(events)))
            self._intake.put(*_part(events, store, 0, before))
        else:
            self._intake.put(self._moment(events), None)
        return True

    def _moment(self, events: EventArray) -> EventArray:
        """Give all events of one microsecond, of which these are the first."""
        parts = [events]
        while self._goes_on(events) and sum(map(len, parts)) < MAX_JOINED_EVENTS:
            following, store = self._ahead.popleft()
            same = first_at(following, int(events[-1]["timestamp"]) + 1)
            parts.append(following[:same])
            if same < len(following):
                self._ahead.appendleft(_part(following, store, same, len(following)))
                break
        return joined(parts)

    def _goes_on(self, events: EventArray) -> bool:
        """Whether the packet after these events begins in the microsecond in which they end."""
        return self._look_ahead() and bool(self._ahead[0][0][0]["timestamp"] == events[-1]["timestamp"])

    def _look_ahead(self) -> bool:
        """Have a packet ready; False at the end."""
        if not self._ahead and (packet := self._next_packet()) is not None:
            self._ahead.append(packet)
        return bool(self._ahead)

    def _next_packet(self) -> _Packet | None:
        """Read the next packet that holds events; None at the end, or where the rest cannot be read."""
        reader = self._open_reader()
        while True:
            try:
                store = reader.getNextEventBatch(self._name)
            except NATIVE_ERRORS:
                self._failed = True
                return None
            if store is None:
                return None
            events, kept = self._intake.check(store)
            if len(events):
                return events, kept

    def _fetch_stretch(self) -> bool:
        reader = self._open_reader()
        assert self._next_us is not None
        while self._next_us < self.info.end_us:
            until_us = min(self._next_us + self._stretch_us, self.info.end_us)
            try:
                store = reader.getEventsTimeRange(self._next_us, until_us, self._name)
            except NATIVE_ERRORS:
                self._failed = True
                self._next_us = self.info.end_us
                return False
            self._next_us = until_us
            count = 0 if store is None else store.size()
            if count < FEW_EVENTS:
                self._stretch_us *= 2
            elif count > MANY_EVENTS:
                self._stretch_us = max(self._stretch_us // 2, MIN_STRETCH_US)
            if count:
                self._intake.put(*self._intake.check(store))
                return True
        return False

    def _complain(self) -> None:
        """Raise what is wrong with the file, once."""
        if self._told:
            return
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


def _part(events: EventArray, store: dv.EventStore | None, first: int, stop: int) -> _Packet:
    return events[first:stop], None if store is None else store.slice(first, stop - first)
