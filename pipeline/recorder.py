"""Writes every event to an .aedat4 file, and stops in time where the disk gets full."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from pipeline.aedat4_writer import PACKET_EVENTS, Aedat4File
from pipeline.events import EVENT_DTYPE, EventArray
from pipeline.recording_parts import free_part
from pipeline.sources.aedat4 import SUFFIX
from pipeline.sources.base import EventBatch, SourceInfo
from pipeline.writing_behind import WriteBehind, WriteError, reason_of

RESERVE_BYTES = 64_000_000
"""So much of the disk is left free: a full one disturbs all other programs, and loses what waits to be written."""
RESERVE_SHARE = 8
"""On a small file system only one part in so many of it is left free."""
CHECK_BYTES = 4_000_000
CHECK_S = 0.25
MAX_PARTS = 100
"""A stream whose time jumps back more often than this is not worth a file each time."""


class RecorderError(Exception):
    """Events cannot be written, or no longer. The text is one sentence or two for the user; the recorder has ended."""


class Recorder:
    """Events of one sensor, written as they come, on a thread of its own.

    The format wants time to go on. Where a camera's clock jumps back, the recording goes on in another
    file: `walk.aedat4`, then `walk-2.aedat4`.

    Parameters
    ----------
    path : Path
        A file that does not exist yet, in a folder that does.
    info : SourceInfo
        Resolution and camera's name, for the file's header.
    beat : callable
        Called now and then while a slow disk is waited for.

    Attributes
    ----------
    path : Path
        The file being written, or written last.
    events : int
        Taken so far, in all parts; all that were written, once it has ended.
    bytes : int
        Size on disk of all parts.

    Raises
    ------
    RecorderError
        The name, the folder or the disk does not allow it.
    """

    def __init__(self, path: Path, info: SourceInfo, beat: Callable[[], None] = lambda: None) -> None:
        self._first_path = path
        self._info, self._beat = info, beat
        self._part = 1
        self._newest_us: int | None = None
        self._closed_events = 0
        self._closed_bytes = 0
        self._unchecked_bytes = 0
        self._checked_at = 0.0
        self._writer: WriteBehind | None = None
        self.path = path
        _check_name(path)
        self._check_disk()
        self._writer = self._open(path)

    @property
    def events(self) -> int:
        return self._closed_events + (self._writer.events if self._writer else 0)

    @property
    def written(self) -> int:
        """Events on disk, in all parts."""
        return self._closed_events + (self._writer.written if self._writer else 0)

    @property
    def bytes(self) -> int:
        return self._closed_bytes + (self._writer.bytes if self._writer else 0)

    def write(self, batch: EventBatch) -> None:
        """Write these events, all of them.

        Waits only where the disk is slower than the events for long.

        Raises
        ------
        RecorderError
            The disk is almost full, or these events or earlier ones cannot be written. The recorder has closed its
            file, which is readable.
        """
        if self._writer is None or not len(batch.events):
            return
        try:
            _check_order(batch.events)
            if self._newest_us is not None and int(batch.events[0]["timestamp"]) < self._newest_us:
                self._go_on_in_next_part()
            self._put(batch.events)
        except RecorderError:
            self.close()
            raise
        except WriteError as error:
            with contextlib.suppress(WriteError):
                self._close_part()
            raise self._ended(error) from error

    def close(self) -> None:
        """Finish the file. One without any event is removed. May be called twice.

        Raises
        ------
        RecorderError
            Events that were taken cannot be written. The file is closed and readable.
        """
        try:
            self._close_part()
        except WriteError as error:
            raise self._ended(error) from error

    def _put(self, events: EventArray) -> None:
        assert self._writer is not None
        for start in range(0, len(events), PACKET_EVENTS):
            self._watch_disk()
            part = events[start : start + PACKET_EVENTS]
            self._writer.put(part)
            self._newest_us = int(part[-1]["timestamp"])
            self._unchecked_bytes += len(part) * EVENT_DTYPE.itemsize

    def _close_part(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.close()
        finally:
            self._closed_events += writer.events
            self._closed_bytes += writer.bytes if writer.events else 0
            if not writer.events:
                _remove(self.path)

    def _open(self, path: Path) -> WriteBehind:
        name = "_".join(filter(None, (self._info.camera or self._info.name, self._info.serial)))
        try:
            return WriteBehind(Aedat4File(_create(path), name, self._info.resolution), self._beat)
        except OSError as error:
            _remove(path)
            raise RecorderError(f"{path} cannot be recorded to: {reason_of(error)}.") from error

    def _ended(self, error: WriteError) -> RecorderError:
        kept = "What was written before is readable." if self.events else "No event was written."
        return RecorderError(f"Recording to {self.path.name} ended: {error}. {kept}")

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

    def _watch_disk(self) -> None:
        late = time.monotonic() - self._checked_at >= CHECK_S
        if late or self._unchecked_bytes >= self._check_every_bytes:
            self._check_disk()

    def _check_disk(self) -> None:
        folder = self._first_path.parent
        try:
            usage = shutil.disk_usage(folder)
        except OSError as error:
            raise RecorderError(f"The folder {folder} cannot be reached: {reason_of(error)}.") from error
        reserve = min(RESERVE_BYTES, usage.total // RESERVE_SHARE)
        self._check_every_bytes = min(CHECK_BYTES, reserve // 4)
        self._unchecked_bytes = 0
        self._checked_at = time.monotonic()
        waiting = self._writer.waiting * EVENT_DTYPE.itemsize if self._writer else 0
        if usage.free - waiting > reserve or not usage.total:  # some file systems do not know
            return
        free = f"only {usage.free / 1e6:,.0f} MB are free in {folder}"
        if self.events:
            raise RecorderError(
                f"Recording to {self.path.name} ended because {free}: its {self.events:,} events are readable. "
                "Free some space and record again."
            )
        raise RecorderError(f"Nothing is recorded because {free}: free some space or choose another folder.")


def _remove(path: Path) -> None:
    """Remove a file without events; one that something else holds stays."""
    with contextlib.suppress(OSError):
        path.unlink(missing_ok=True)


def _check_order(events: EventArray) -> None:
    times = events["timestamp"]
    if (times[1:] < times[:-1]).any():
        raise WriteError("events came that are not in order of time")


def _check_name(path: Path) -> None:
    if path.suffix.lower() != SUFFIX:
        raise RecorderError(f"{path.name} does not end in {SUFFIX}: recordings are written in that format only.")
    if not path.parent.is_dir():
        raise RecorderError(f"There is no folder {path.parent} to record {path.name} into: make it first.")


def _create(path: Path) -> FileIO:
    """Make the empty file: nothing that exists is ever written over."""
    try:
        return path.open("xb", 0)
    except FileExistsError:
        raise RecorderError(f"{path} exists already and is left as it is: choose another name.") from None
    except PermissionError:
        raise RecorderError(f"{path.parent} may not be written to: choose another folder for {path.name}.") from None
    except OSError as error:
        raise RecorderError(f"{path} cannot be written: {reason_of(error)}.") from error
