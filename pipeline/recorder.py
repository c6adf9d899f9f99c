"""Writes every event to an .aedat4 file, and stops in time where the disk gets full."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.events import EventArray
from pipeline.recording_parts import free_part
from pipeline.sources.base import EventBatch, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    import dv_processing as dv

SUFFIX = ".aedat4"
RESERVE_BYTES = 64_000_000
"""So much of the disk is left free. On a full disk the library's writer thread would end the whole process."""
RESERVE_SHARE = 8
"""On a small file system only one part in so many of it is left free."""
CHECK_BYTES = 4_000_000
CHECK_S = 0.25
PACKET_EVENTS = 1 << 16
MAX_PARTS = 100
"""A stream whose time jumps back more often than this is not worth a file each time."""
EVENT_BYTES = 16


class RecorderError(Exception):
    """Events cannot be written, or no longer. The text is one sentence or two for the user; the recorder has ended."""


class Recorder:
    """Events of one sensor, written as they come.

    The format wants time to go on. Where a camera's clock jumps back, the recording goes on in another
    file: `walk.aedat4`, then `walk-2.aedat4`.

    Parameters
    ----------
    path : Path
        A file that does not exist yet, in a folder that does.
    info : SourceInfo
        Resolution and camera's name, for the file's header.

    Attributes
    ----------
    path : Path
        The file being written, or written last.
    events : int
        Written so far, in all parts.
    bytes : int
        Size on disk of all parts, a little late while writing.

    Raises
    ------
    RecorderError
        The name, the folder or the disk does not allow it.
    """

    def __init__(self, path: Path, info: SourceInfo) -> None:
        self._first_path = path
        self._info = info
        self._part = 1
        self._newest_us: int | None = None
        self._closed_bytes = 0
        self._unchecked_bytes = 0
        self._checked_at = 0.0
        self.path = path
        self.events = 0
        self.bytes = 0
        _check_name(path)
        self._check_disk()
        self._writer: dv.io.MonoCameraWriter | None = self._open(path)

    def write(self, batch: EventBatch) -> None:
        """Write these events, all of them.

        Raises
        ------
        RecorderError
            The disk is almost full, or the events cannot be written. The recorder has closed its file, which is
            readable.
        """
        if self._writer is None or not len(batch.events):
            return
        try:
            if self._newest_us is not None and int(batch.events[0]["timestamp"]) < self._newest_us:
                self._go_on_in_next_part()
            for start, packet in _packets(batch):
                self._watch_disk()
                self._writer.writeEventPacket(packet)
                self._written(batch.events[start : start + PACKET_EVENTS])
        except RecorderError:
            self.close()
            raise
        except (RuntimeError, IndexError, ValueError, OSError) as error:
            self.close()
            raise RecorderError(
                f"Recording to {self.path.name} ended: {_first_line(error)}. What was written before is readable."
            ) from error

    def close(self) -> None:
        """Finish the file. One without any event is removed. May be called twice."""
        if self._writer is None:
            return
        self._close_part()
        if not self.events:
            self.path.unlink(missing_ok=True)
            self.bytes = 0

    def _close_part(self) -> None:
        self._writer = None  # its destructor writes what is left, and the table of contents
        self._measure()
        self._closed_bytes = self.bytes

    def _open(self, path: Path) -> dv.io.MonoCameraWriter:
        import dv_processing as dv

        _create(path)
        name = "_".join(filter(None, (self._info.camera or self._info.name, self._info.serial)))
        config = dv.io.MonoCameraWriter.EventOnlyConfig(name, tuple(self._info.resolution))
        try:
            return dv.io.MonoCameraWriter(str(path), config)
        except (RuntimeError, ValueError, OSError) as error:
            path.unlink(missing_ok=True)
            raise RecorderError(f"{path} cannot be recorded to: {_first_line(error)}.") from error

    def _go_on_in_next_part(self) -> None:
        """Time has jumped back: go on in a file of its own."""
        self._close_part()
        if self._part >= MAX_PARTS:
            raise RecorderError(
                f"Recording to {self._first_path.name} ended: the stream's time has jumped back "
                f"{MAX_PARTS} times. What was written is readable."
            )
        self._part += 1
        path = free_part(self._first_path)
        self._writer = self._open(path)
        self.path = path

    def _written(self, events: EventArray) -> None:
        self._newest_us = int(events[-1]["timestamp"])
        self.events += len(events)
        self._unchecked_bytes += len(events) * EVENT_BYTES

    def _watch_disk(self) -> None:
        late = time.monotonic() - self._checked_at >= CHECK_S
        if late or self._unchecked_bytes >= self._check_every_bytes:
            self._check_disk()
            self._measure()

    def _check_disk(self) -> None:
        folder = self._first_path.parent
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            raise RecorderError(f"The folder {folder} cannot be reached: {_reason(error)}.") from error
        reserve = min(RESERVE_BYTES, usage.total // RESERVE_SHARE)
        self._check_every_bytes = min(CHECK_BYTES, reserve // 4)
        self._unchecked_bytes = 0
        self._checked_at = time.monotonic()
        if usage.free > reserve or not usage.total:  # some file systems do not know
            return
        free = f"only {usage.free / 1e6:,.0f} MB are free in {folder}"
        if self.events:
            raise RecorderError(
                f"Recording to {self.path.name} ended because {free}: its {self.events:,} events are readable. "
                "Free some space and record again."
            )
        raise RecorderError(f"Nothing is recorded because {free}: free some space or choose another folder.")

    def _measure(self) -> None:
        try:
            self.bytes = self._closed_bytes + os.stat(self.path).st_size
        except OSError:  # removed by somebody meanwhile: the number stays where it was
            return


def _packets(batch: EventBatch) -> Iterator[tuple[int, dv.EventPacket]]:
    """Yield packets of at most `PACKET_EVENTS`, each with the number of its first event."""
    for start in range(0, len(batch.events), PACKET_EVENTS):
        count = min(PACKET_EVENTS, len(batch.events) - start)
        if batch.store is not None:
            yield start, batch.store.slice(start, count).toPacket()
        else:
            yield start, _store(batch.events[start : start + count]).toPacket()


def _store(events: EventArray) -> dv.EventStore:
    """Build what the library writes, event by event: it has no faster way in."""
    import dv_processing as dv

    store = dv.EventStore()
    columns = (events[name].tolist() for name in ("timestamp", "x", "y", "polarity"))
    for timestamp, x, y, polarity in zip(*columns, strict=True):
        store.push_back(timestamp, x, y, polarity != 0)
    return store


def _check_name(path: Path) -> None:
    if path.suffix.lower() != SUFFIX:
        raise RecorderError(f"{path.name} does not end in {SUFFIX}: recordings are written in that format only.")
    if not path.parent.is_dir():
        raise RecorderError(f"There is no folder {path.parent} to record {path.name} into: make it first.")


def _create(path: Path) -> None:
    """Make the empty file: nothing that exists is ever written over."""
    try:
        path.open("xb").close()
    except FileExistsError:
        raise RecorderError(f"{path} exists already and is left as it is: choose another name.") from None
    except PermissionError:
        raise RecorderError(f"{path.parent} may not be written to: choose another folder for {path.name}.") from None
    except OSError as error:
        raise RecorderError(f"{path} cannot be written: {_reason(error)}.") from error


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__


def _first_line(error: Exception) -> str:
    """Give the sentence of the library's message; a native stack trace follows it there."""
    for line in str(error).splitlines():
        if text := line.strip(" .:"):
            return text
    return type(error).__name__
