"""The application's side of capture: starts the process, watches over it, ends it where it hangs."""

from __future__ import annotations

import atexit
import logging
import multiprocessing
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any

from pipeline.capture.bell import Bell, WakePipe
from pipeline.capture.child_process import ChildProcess
from pipeline.capture.entry import Opener, log_path
from pipeline.capture.memory import SharedMemory, Word, allocate
from pipeline.capture.messages import (
    CameraState,
    CaptureNumbers,
    ChangeScene,
    ChooseObjects,
    Close,
    Command,
    Crashed,
    DragObject,
    Lost,
    Open,
    Opened,
    Play,
    RecordingState,
    Rendering,
    Seek,
    SetCamera,
    SetFramer,
    SetLoop,
    SetRendering,
    SetSpeed,
    Status,
)
from pipeline.capture.ring import Pixels, RingFeed, latest_picture
from pipeline.events import Resolution
from pipeline.feed import FrameFeed
from pipeline.recording_parts import free_part
from pipeline.sources import camera_faults
from pipeline.sources.base import CameraSpec, NetworkSpec, RecordingSpec, SourceSpec, VideoSpec, WebcamSpec
from pipeline.sources.camera_config import CameraConfig

CLOSING_S = 5.0
LISTENING_S = 10.0
"""So much longer a listener of statuses may take that is busy while the capture closes."""
WATCH_EVERY_S = 0.25
MOST_RESTARTS = 3
RESTARTS_WITHIN_S = 60.0
"""A camera whose driver takes the process with it more often than that is given up."""
_LATEST_COUNTS = (Play, Seek, SetSpeed, SetLoop, SetFramer, SetRendering, ChangeScene, ChooseObjects, DragObject)
"""Of several of these in a row only the last one matters."""

_logger = logging.getLogger(__name__)


class CaptureState(Enum):
    """What the capture process is about, as seen from the application."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAULTED = "faulted"
    """It crashed or hung and was ended; the next `open` starts another."""


class Capture:
    """Events in another process; here arrive event frames, pictures, numbers and statuses.

    No call waits for the process, but `close`. Any thread may call; the feed's reader is one thread.

    Parameters
    ----------
    on_status : callable
        Called with each `Status`, on the supervisor's own thread.
    pictures : bool
        False: nobody looks, none are drawn.
    opener : callable, optional
        How the capture process opens a source: a function that can be imported, `SourceSpec` to `Source`.
    """

    def __init__(
        self, on_status: Callable[[Status], None], *, pictures: bool = True, opener: Opener | None = None
    ) -> None:
        self._on_status = on_status
        self._with_pictures = pictures
        self._opener = opener
        self._context = multiprocessing.get_context("spawn")
        self._block: Any = allocate(self._context)
        self._memory = SharedMemory(self._block)
        self._frame_bell, self._frame_bell_end = self._bell_heard_here(Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD)
        self._room_bell, self._room_bell_end = self._bell_rung_here(Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD)
        self._feed = RingFeed(
            self._memory, self._frame_bell, self._room_bell, WakePipe(*self._context.Pipe(duplex=False))
        )
        self._wake_pipe = WakePipe(*self._context.Pipe(duplex=False))

        self._lock = threading.Lock()
        """Guards what follows."""
        self._state = CaptureState.STOPPED
        self._pending: deque[tuple[int, Command]] = deque()
        self._generation = 0
        self._rendering = SetRendering(Rendering.DECAY)
        self._closing = False
        self._closing_s = CLOSING_S
        self._thread: threading.Thread | None = None

        # Of the supervisor's thread alone.
        self._child: ChildProcess | None = None
        self._spec: SourceSpec | None = None
        """Of the newest `Open` on its way to the process."""
        self._order: Open | None = None
        """That `Open`, as it was changed since."""
        self._camera = ""
        """Name of the camera that is open by it, or was."""
        self._restarts: deque[float] = deque(maxlen=MOST_RESTARTS)
        self._recording_to: RecordingState | None = None
        self._fault = ""

    def __enter__(self) -> Capture:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- for every thread ---

    @property
    def state(self) -> CaptureState:
        with self._lock:
            return self._state

    @property
    def feed(self) -> FrameFeed:
        """The event frames; the same one for as long as the capture lives."""
        return self._feed

    def open(self, order: Open) -> None:
        """Open a source instead of what is open; starts the process where there is none.

        Raises
        ------
        RuntimeError
            The capture is closed.
        """
        with self._lock:
            if self._closing:
                raise RuntimeError("a capture that was closed opens nothing more")
            self._generation += 1
            self._pending.clear()  # meant for the source before
            self._pending.append((self._generation, order))
            if self._state in (CaptureState.STOPPED, CaptureState.FAULTED):
                self._state = CaptureState.STARTING
            if self._thread is None:
                self._thread = threading.Thread(target=self._supervise, name="capture supervisor", daemon=True)
                self._thread.start()
                atexit.register(self.close)
        self._wake_pipe.wake()

    def send(self, command: Command) -> None:
        """Pass a command on. Without an open source it is forgotten, but for the rendering."""
        if isinstance(command, Open):
            self.open(command)
            return
        with self._lock:
            if isinstance(command, SetRendering):
                self._rendering = command
            if self._closing or self._state in (CaptureState.STOPPED, CaptureState.FAULTED):
                return
            if self._pending and _outdates(command, self._pending[-1][1]):
                self._pending.pop()
            self._pending.append((self._generation, command))
        self._wake_pipe.wake()

    def numbers(self) -> CaptureNumbers:
        """Read the numbers of the stream that was asked for last; zeros before it is there."""
        words = self._memory.words
        frames_put = int(words[Word.FRAMES_PUT])
        with self._lock:
            running = self._state is CaptureState.RUNNING
            current = bool(words[Word.GENERATION] == self._generation)
        if not current:
            return CaptureNumbers(frames_put=frames_put)
        return CaptureNumbers(
            position_us=int(words[Word.POSITION_US]),
            events_total=int(words[Word.EVENTS_TOTAL]),
            event_rate=float(words[Word.EVENT_RATE]) if running else 0.0,
            frames_put=frames_put,
            dropped_events=int(words[Word.DROPPED_EVENTS]),
            thinning=max(1, int(words[Word.THINNING])),
            recorded_events=int(words[Word.RECORDED_EVENTS]),
            recorded_bytes=int(words[Word.RECORDED_BYTES]),
            resolution=Resolution(int(words[Word.WIDTH]), int(words[Word.HEIGHT])),
            playing=running and bool(words[Word.PLAYING]),
            resident_bytes=int(words[Word.RESIDENT_BYTES]) if running else 0,
        )

    def picture(self, newer_than: int) -> tuple[int, Pixels] | None:
        """Copy the latest picture if its number is greater than `newer_than`.

        Returns
        -------
        (int, uint8 array (H, W, 4)) or None
            Number, from 1 on and always growing; blue, green, red, 255.
        """
        return latest_picture(self._memory, self._memory.pictures, newer_than)

    def camera_frame(self, newer_than: int) -> tuple[int, Pixels] | None:
        """Copy the latest frame of a camera that takes pictures beside its events, as `picture` does."""
        return latest_picture(self._memory, self._memory.camera_frames, newer_than)

    def close(self, timeout_s: float = CLOSING_S) -> None:
        """End the recording and the process, by force after `timeout_s`. May be called twice, from any thread."""
        with self._lock:
            self._closing, self._closing_s = True, timeout_s
            thread = self._thread
            if self._state in (CaptureState.STARTING, CaptureState.RUNNING):
                self._state = CaptureState.STOPPING
        self._wake_pipe.wake()
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout_s + LISTENING_S)
            atexit.unregister(self.close)
        self._feed.wake()

    # --- the supervisor's thread ---

    def _supervise(self) -> None:
        _leave_signals_to_main_thread()
        while True:
            with self._lock:
                closing = self._closing
                opening = any(isinstance(command, Open) for _, command in self._pending)
            if closing:
                break
            if self._child is None:
                if opening:
                    self._start()
                else:
                    self._rest(None)
                continue
            self._send_pending(self._child)
            self._rest(WATCH_EVERY_S)
            self._hear(self._child)
            self._look_after(self._child)
        self._end()

    def _rest(self, timeout_s: float | None) -> None:
        child = self._child
        wait([self._wake_pipe.reader, *(child.to_wait_for() if child else ())], timeout_s)
        self._wake_pipe.take()

    def _start(self) -> None:
        with self._lock:
            self._state = CaptureState.STARTING
            rendering = self._rendering
        self._fault = ""
        self._frame_bell.quieten()  # who was killed may have rung without a sound
        try:
            self._child = ChildProcess(
                self._context,
                self._block,
                self._memory,
                frame_bell=self._frame_bell_end,
                room_bell=self._room_bell_end,
                pictures=self._with_pictures,
                rendering=rendering,
                opener=self._opener,
            )
        except OSError as error:
            with self._lock:
                self._pending.clear()
                self._state = CaptureState.FAULTED
            self._tell(Crashed(f"The capture process cannot be started: {error.strerror or error}. Close programs."))

    def _send_pending(self, child: ChildProcess) -> None:
        """Send what the process is ready for: it may hang, and must not make this thread wait."""
        while child.takes_more():
            with self._lock:
                if not self._pending:
                    return
                generation, command = self._pending.popleft()
            self._note(command)
            child.send(generation, command)

    def _note(self, command: Command) -> None:
        """Keep what is to be done again if the process dies."""
        match command:
            case Open():
                self._spec, self._order = command.spec, command
                if not command.patient:
                    self._camera = ""
            case Play(playing) if self._order is not None:
                self._order = replace(self._order, paused=not playing)
            case SetFramer(framer) if self._order is not None:
                self._order = replace(self._order, framer=framer)

    def _hear(self, child: ChildProcess) -> None:
        if child.is_up():
            with self._lock:
                if self._state is CaptureState.STARTING:
                    self._state = CaptureState.RUNNING
        for generation, status in child.statuses():
            if isinstance(status, Crashed):
                self._fault = status.message  # told when the process has ended
                continue
            if isinstance(status, RecordingState):
                self._recording_to = status if status.path else None
            with self._lock:
                outdated = generation != self._generation
            if isinstance(status, Opened) and not outdated:
                self._opened(status)
            if isinstance(status, CameraState) and not outdated:
                self._camera_is_set(status)
            if not outdated or isinstance(status, RecordingState):
                self._tell(status)

    def _opened(self, opened: Opened) -> None:
        """Know which camera it is, so that the same one is opened again."""
        if self._order is None or not isinstance(self._order.spec, CameraSpec):
            return
        self._camera = opened.info.name
        if opened.info.serial:
            self._order = replace(self._order, spec=CameraSpec(opened.info.serial))

    def _camera_is_set(self, state: CameraState) -> None:
        """Know how the camera is set, so that it is set so again."""
        if self._order is not None:
            values = {each.key: each.value for each in state.settings if not each.is_default}
            self._order = replace(self._order, camera=CameraConfig(values, state.hot_pixels, keep=state.keeps))

    def _look_after(self, child: ChildProcess) -> None:
        """Deal with a process that has died, or must."""
        hung = child.hangs(time.monotonic())
        if hung:
            child.kill()
        elif child.is_alive():
            return
        self._hear(child)
        exit_code = child.finish()
        self._child = None
        self._bury(child, exit_code, hung)

    def _bury(self, child: ChildProcess, exit_code: int | None, hung: bool) -> None:
        """Say what happened, unless it was wanted, or nobody waits for that source any more."""
        recorded = self._recorded()
        with self._lock:
            rest = [*child.not_taken(), *self._pending]
            opens = [place for place, (_, command) in enumerate(rest) if isinstance(command, Open)]
            again = child.was_up and bool(opens)
            self._pending = deque(rest[opens[-1] :] if again else ())
            wanted = child.was_closed and not hung
            order = None if again or wanted else self._again(recorded)
            if order is not None:
                self._pending = deque([(self._generation, order)])
            if again or order is not None:
                self._state = CaptureState.STARTING
            else:
                self._state = CaptureState.STOPPED if wanted else CaptureState.FAULTED
        if recorded is not None:
            self._recording_to = None
            self._tell(recorded)
        if order is not None:
            self._tell(Lost(camera_faults.crashed(f"the camera {self._camera}"), restarting=True))
        elif not (again or wanted):
            self._tell(Crashed(self._why(exit_code, hung, child.was_up, recorded is not None)))

    def _again(self, recorded: RecordingState | None) -> Open | None:
        """Give the order for another process to go on with a camera; None where there is none, or no sense in it."""
        order, now_s = self._order, time.monotonic()
        if order is None or not self._camera or not isinstance(order.spec, CameraSpec):
            return None
        if len(self._restarts) == MOST_RESTARTS and now_s - self._restarts[0] < RESTARTS_WITHIN_S:
            return None
        self._restarts.append(now_s)
        before = self._recording_to.path if recorded is not None and self._recording_to is not None else None
        return replace(order, patient=True, record_to=None if before is None else free_part(before))

    def _recorded(self) -> RecordingState | None:
        """Give the end of a recording that the process did not live to finish."""
        if self._recording_to is None or self._recording_to.path is None:
            return None
        words = self._memory.words
        events, size = int(words[Word.RECORDED_EVENTS]), int(words[Word.RECORDED_BYTES])
        name = self._recording_to.path.name
        return RecordingState(None, events, size, f"The recording {name} was cut off; what it holds is readable.")

    def _why(self, exit_code: int | None, hung: bool, was_up: bool, recording: bool) -> str:
        what, remedy = _words_for(self._spec)
        if self._fault:
            sentence = (
                f"Capture stopped at an error of its own while reading {what} ({self._fault}): "
                f"open it again, or something else. The details are in {log_path()}."
            )
        elif not was_up:
            return (
                f"The capture process did not start ({_exit_words(exit_code)}): start the program again. "
                f"The details are in {log_path()}."
            )
        elif hung:
            sentence = f"Reading {what} hung, so it was ended. {remedy}"
        else:
            sentence = f"The capture process died ({_exit_words(exit_code)}) while reading {what}. {remedy}"
        return f"{sentence} What was recorded up to then is readable." if recording else sentence

    def _end(self) -> None:
        """End the process: kindly, then by force."""
        child, self._child = self._child, None
        if child is not None:
            deadline = time.monotonic() + self._closing_s
            if not child.was_up and not child.is_up():
                child.kill()  # still loading, nothing is open
            self._send_close(child)
            while child.is_alive() and (left := deadline - time.monotonic()) > 0:
                wait(child.to_wait_for(), min(left, WATCH_EVERY_S))
                self._hear(child)
                self._send_close(child)
            if child.is_alive():
                child.kill()
            self._hear(child)
            child.finish()
            recorded = self._recorded()
            if recorded is not None:
                self._recording_to = None
                self._tell(recorded)
        with self._lock:
            self._pending.clear()
            self._state = CaptureState.STOPPED

    def _send_close(self, child: ChildProcess) -> None:
        if not child.was_closed and child.takes_more():
            child.send(0, Close())

    def _tell(self, status: Status) -> None:
        try:
            self._on_status(status)
        except Exception:
            # A bug of the listener's; the process must be looked after all the same.
            _logger.exception("A listener failed at %r", status)

    # --- pipes ---

    def _bell_heard_here(self, rung: Word, heard: Word) -> tuple[Bell, Connection]:
        reader, writer = self._context.Pipe(duplex=False)
        return Bell(self._memory, rung, heard, reader), writer

    def _bell_rung_here(self, rung: Word, heard: Word) -> tuple[Bell, Connection]:
        reader, writer = self._context.Pipe(duplex=False)
        return Bell(self._memory, rung, heard, writer), reader


def _outdates(command: Command, before: Command) -> bool:
    """Whether nobody needs the command before any more."""
    if isinstance(command, SetCamera):
        return isinstance(before, SetCamera) and before.key == command.key
    return isinstance(command, _LATEST_COUNTS) and type(before) is type(command)


def _leave_signals_to_main_thread() -> None:
    """Block Ctrl-C in this thread: the process started from here inherits that, before it can ignore it itself."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _words_for(spec: SourceSpec | None) -> tuple[str, str]:
    """Name a source for people, and say what to do when it cannot be read."""
    match spec:
        case RecordingSpec(path, _) | VideoSpec(path, _):
            return path.name, "The file is probably damaged: open another one."
        case WebcamSpec(number):
            return f"webcam {number}", "Unplug it, plug it in again and open it once more."
        case CameraSpec(serial):
            name = f"the camera {serial}" if serial else "the camera"
            return name, "Unplug it, plug it in again and open it once more."
        case NetworkSpec():
            return str(spec), "Restart the sender and connect again."
        case _:
            return "the simulation", "Open it again."


def _exit_words(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        try:
            return signal.Signals(-exit_code).name
        except ValueError:
            return f"signal {-exit_code}"
    return f"exit status {exit_code}"
