"""Whole recordings in memory, for notebooks and programs."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import subprocess
import sys
import tempfile
import traceback
import warnings
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import cast

import numpy as np

from pipeline.events import EVENT_DTYPE, EventArray, Recording, Resolution
from pipeline.sources.base import RecordingSpec, SourceError

STARTING_PATIENCE_S = 30.0
"""For the child process to have loaded the library, also on a busy machine."""
PROCESSOR_PATIENCE_S = 1.5
"""No packet takes so much of the processor's time, unless native code loops; counted where the system can."""
PATIENCE_S = 20.0 if hasattr(signal, "setitimer") else 5.0
"""No packet takes so much time, also on a busy machine."""
SLOW_BYTES_PER_S = 20e6
"""Opening may mean to look through the whole file, at this speed at least, of the clock and of the processor."""
_FIRST_EVENTS = 1 << 20
_HEAD = struct.Struct("<cQ")
"""Of a message from the child: its kind, and how many bytes follow."""
_STARTED, _OPENED, _EVENTS, _ENDED, _BUG = b"S", b"O", b"E", b"!", b"B"
_CHILD = (
    "import faulthandler, json, sys; "
    f"faulthandler.dump_traceback_later({STARTING_PATIENCE_S}, exit=True); "
    "sys.path[:] = json.loads(sys.argv[1]); from pipeline.reading import serve; serve()"
)


class DamagedRecordingWarning(UserWarning):
    """A part of a recording could not be read. The text says which; all else is in the result."""


def read_recording(path: str | os.PathLike[str], *, stream: str | None = None) -> Recording:
    """Read all events of a recording.

    A process of its own reads the file, so that native code that unpacks a damaged one may hang or end the process,
    and all before the damage is there. That process is ended when a packet takes longer than `PROCESSOR_PATIENCE_S`
    (of the processor) or `PATIENCE_S`. To start it takes about half a second, and then tens of millions of
    events a second come through a pipe. The memory needed is that of the result, 16 bytes an event, and up
    to a quarter more while it is read.

    Parameters
    ----------
    path : str or path
        An .aedat4 file.
    stream : str, optional
        The event stream, where the file has several; the first by default.

    Returns
    -------
    Recording
        Events of EVENT_DTYPE, shape (n,), in the order of the file, and the sensor's resolution, px.

    Raises
    ------
    SourceError
        There is no such file or stream, or nothing in it can be read.

    Warns
    -----
    DamagedRecordingWarning
        Only a part can be read, and is the result.
    """
    path = Path(path).absolute()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD, json.dumps(sys.path), str(path), json.dumps(stream)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=said,  # native stack traces, which are for nobody
            bufsize=0,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        try:
            received = _receive(cast("FileIO", child.stdout))
        finally:
            child.kill()
            child.wait()
            if child.stdout is not None:
                child.stdout.close()
        said.seek(0)
        native = said.read().decode("utf-8", "replace")
    if received.bug is not None or not received.started:
        raise RuntimeError(f"The process that reads {path} failed.\n{received.bug or native}")
    return _result(path, received)


@dataclass
class _Received:
    """What the child has sent."""

    events: EventArray
    resolution: Resolution | None = None
    message: str | None = None
    """What is wrong with the file; empty when all was read, None when the child ended before it could tell."""
    bug: str | None = None
    started: bool = False


def _result(path: Path, received: _Received) -> Recording:
    events, message = received.events, received.message
    if message is None:
        extent = f"only its first {len(events):,} events could be read" if len(events) else "nothing of it can be read"
        message = f"{path.name} is damaged, and {extent}: copy the file again if it is whole elsewhere."
    if received.resolution is None or not len(events):
        raise SourceError(message or f"{path.name} holds no events: choose another recording or stream.")
    if message:
        warnings.warn(message, DamagedRecordingWarning, stacklevel=3)
    return Recording(events, received.resolution, path.name)


def _receive(pipe: FileIO) -> _Received:
    """Take what the child sends until it has ended."""
    received = _Received(np.empty(_FIRST_EVENTS, EVENT_DTYPE))
    count = 0
    head = bytearray(_HEAD.size)
    while _fill(pipe, memoryview(head)):
        kind, size = _HEAD.unpack(head)
        if kind == _EVENTS:
            more = size // EVENT_DTYPE.itemsize
            if count + more > len(received.events):
                # The block of memory grows in place, or its pages are moved, where the system can do that.
                received.events.resize(max(count + more, len(received.events) * 5 // 4), refcheck=False)
            if not _fill(pipe, received.events[count : count + more].view(np.uint8).data):
                break
            count += more
            continue
        text = bytearray(size)
        if not _fill(pipe, memoryview(text)):
            break
        if kind == _STARTED:
            received.started = True
        elif kind == _OPENED:
            received.resolution = Resolution(*json.loads(text))
        elif kind == _ENDED:
            received.message = text.decode()
        elif kind == _BUG:
            received.bug = text.decode()
    received.events.resize(count, refcheck=False)
    return received


def _fill(pipe: FileIO, target: memoryview) -> bool:
    """Read until the target is full; False when the pipe ends before."""
    while len(target):
        count = pipe.readinto(target)
        if not count:
            return False
        target = target[count:]
    return True


def serve() -> None:
    """Be the child: read the recording named on the command line and send its events to stdout."""
    pipe = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what native code prints goes elsewhere
    try:
        _send_recording(pipe, Path(sys.argv[2]), json.loads(sys.argv[3]))
    except SourceError as error:
        _send(pipe, _ENDED, str(error).encode())
    except BrokenPipeError:
        return  # nobody listens any more
    except Exception:
        _send(pipe, _BUG, traceback.format_exc().encode())


def _send_recording(pipe: FileIO, path: Path, stream: str | None) -> None:
    from pipeline.sources.good_events import prepare_checks
    from pipeline.sources.recording import RecordingSource

    prepare_checks()  # compiling takes as long as a loop that never ends may, where the machine is busy
    _send(pipe, _STARTED)
    _expect_life(extra_s=_size(path) / SLOW_BYTES_PER_S)
    source = RecordingSource(RecordingSpec(path, stream))
    _send(pipe, _OPENED, json.dumps(source.info.resolution).encode())
    try:
        while True:
            _expect_life()
            batch = source.read()
            if batch is None:
                break
            faulthandler.cancel_dump_traceback_later()  # the pipe's reader may take its time
            _send(pipe, _EVENTS, np.ascontiguousarray(batch.events).view(np.uint8).data)
        _send(pipe, _ENDED)
    finally:
        source.close()


def _send(pipe: FileIO, kind: bytes, content: bytes | memoryview = b"") -> None:
    pipe.write(_HEAD.pack(kind, len(content)))
    left = memoryview(content)
    while len(left):
        left = left[pipe.write(left) :]


def _expect_life(extra_s: float = 0.0) -> None:
    """End this process after so long without another call, whatever native code does with Python's lock.

    A thread of C code watches the clock. A signal that Python does not handle watches the processor's time: a busy
    machine does not look like a damaged file then.
    """
    faulthandler.dump_traceback_later(PATIENCE_S + extra_s, exit=True)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_PROF, PROCESSOR_PATIENCE_S + extra_s)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # opening tells why
