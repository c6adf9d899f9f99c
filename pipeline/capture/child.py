"""The capture process: one thread that reads, records, cuts, draws and listens, in turns of milliseconds."""

from __future__ import annotations

import gc
import math
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import psutil

from pipeline.capture.bell import Bell, Listener
from pipeline.capture.camera_tuning import CameraTuning
from pipeline.capture.entry import STARTING_PATIENCE_S, ChildEnds, Opener, arm_watchdog
from pipeline.capture.kept_events import KeptTimesteps, WindowEvents, write_window
from pipeline.capture.memory import Phase, SharedMemory, Word
from pipeline.capture.messages import (
    ChangeScene,
    ChooseObjects,
    Close,
    Command,
    Crashed,
    DragObject,
    Failed,
    FindHotPixels,
    ForgetHotPixels,
    FramerSettings,
    KeepEvents,
    Keeping,
    Lost,
    Open,
    Opened,
    Overview,
    Play,
    Record,
    RecordingState,
    ResetCamera,
    Seek,
    SetCamera,
    SetFramer,
    SetLoop,
    SetRendering,
    SetSpeed,
    Status,
    Step,
    WriteWindows,
)
from pipeline.capture.overview import OverviewScan
from pipeline.capture.picture_maker import PictureMaker
from pipeline.capture.recording_switch import RecordingSwitch
from pipeline.capture.ring import FrameWriter, PictureWriter
from pipeline.capture.stream import IDLE_S, Stream, StreamError
from pipeline.events import Resolution
from pipeline.framer import Framer
from pipeline.sources.base import (
    CameraSpec,
    NetworkSpec,
    RecordingSpec,
    SimulationSpec,
    SourceError,
    SourceLost,
    SourceSpec,
    VideoSpec,
    WebcamSpec,
)
from pipeline.sources.good_events import prepare_checks

RUNNING_PATIENCE_S = 5
"""Nothing in a turn takes this long unless native code hangs."""
WINDING_PATIENCE_S = 40
"""A large film with few whole pictures is decoded from the last one before the place that is wound to."""
LOOKED_THROUGH_BYTES_PER_S = 50e6
RETRY_S = 0.5
"""A source that went away is looked for this often."""
MOST_RETRY_S = 8.0
"""One that has to be started again soon after each start is given more and more rest, up to this."""
SOON_S = 10.0
CLOSING_PATIENCE_S = 15
"""Drivers of cameras that do not answer any more wait for them while they close."""
ARM_EVERY_S = 1.0
MEASURE_EVERY_S = 1.0
OVERVIEW_EVERY = 16
"""Turns: the overview goes on, if slowly, where the player has no spare moment."""
_MOST = (1 << 63) - 1


class CaptureLoop:
    """Carries out commands until `Close`, or until the application is gone.

    Parameters
    ----------
    ends : ChildEnds
    log : TextIO
        For tracebacks.
    """

    def __init__(self, ends: ChildEnds, log: TextIO) -> None:
        self._control, self._status = ends.control, ends.status
        self._log = log
        self._memory = SharedMemory(ends.block)
        self._words = self._memory.words
        self._frames = FrameWriter(
            self._memory, Bell(self._memory, Word.FRAME_BELL_RUNG, Word.FRAME_BELL_HEARD, ends.frame_bell)
        )
        self._room = Bell(self._memory, Word.ROOM_BELL_RUNG, Word.ROOM_BELL_HEARD, ends.room_bell)
        self._orders, self._calls = Listener(self._control), Listener(self._control, self._room.end)
        memory = self._memory
        self._pictures = PictureWriter(memory, memory.pictures) if ends.pictures else None
        self._camera_frames = PictureWriter(memory, memory.camera_frames) if ends.pictures else None
        self._rendering = ends.rendering
        self._opener = ends.opener or _default_opener()
        self._recording = RecordingSwitch(self._say, self._beat)
        self._kept = KeptTimesteps()
        self._to_write: deque[tuple[Path, WindowEvents]] = deque()
        """Windows, one a turn."""
        self._stream: Stream | None = None
        self._awaited: Open | None = None
        """What is away, and to be opened again as soon as it is back; its stream is closed."""
        self._retry_at = 0.0
        self._opened_at = -math.inf
        self._rest_s = RETRY_S
        self._overview: OverviewScan | None = None
        self._generation = 0
        self._closing = False
        self._turns = 0
        self._armed_at = self._measured_at = -math.inf
        self._process = psutil.Process()

    def run(self) -> int:
        """Run to the end; gives the exit status."""
        for name in ("SIGTERM", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), self._asked_to_end)
        try:
            self._prepare()
            while not self._closing:
                self._beat()
                self._take_commands()
                self._rest(0.0 if self._closing else self._turn())
        except Exception as error:  # a bug: told to the user in one line, to the log in full
            traceback.print_exc(file=self._log)
            self._put_away()
            self._say(Crashed(_one_line(error)))
            return 1
        self._put_away()
        return 0

    def _asked_to_end(self, number: int, frame: object) -> None:
        self._closing = True

    def _prepare(self) -> None:
        """Compile or load every loop before there is anything to miss."""
        self._expect(Phase.STARTING, STARTING_PATIENCE_S)
        tiny = Resolution(1, 1)
        prepare_checks()
        Framer(tiny, FramerSettings(threshold=0))
        Framer(tiny, FramerSettings(threshold=1))
        if self._pictures:
            PictureMaker(self._pictures, tiny, self._rendering)
        gc.freeze()  # what is loaded stays: it need not be searched for garbage again and again
        self._expect(Phase.RUNNING, RUNNING_PATIENCE_S)

    def _put_away(self) -> None:
        """Finish the recording first: it is what cannot be had again."""
        self._recording.stop()
        self._close_stream()

    # --- signs of life ---

    def _expect(self, phase: Phase, patience_s: int) -> None:
        """Tell what comes now and how long it may take."""
        self._words[Word.PATIENCE_S] = patience_s
        self._words[Word.PHASE] = phase
        self._armed_at = -math.inf
        self._beat()

    def _expect_running(self, spec: SourceSpec) -> None:
        """What is simulated compiles its loops as it begins, and has no native code that could hang."""
        match spec:
            case SimulationSpec():
                patience_s = STARTING_PATIENCE_S
            case VideoSpec():
                patience_s = WINDING_PATIENCE_S
            case CameraSpec():
                patience_s = CLOSING_PATIENCE_S  # one that may be dead is closed and opened within a turn
            case _:
                patience_s = RUNNING_PATIENCE_S
        self._expect(Phase.RUNNING, patience_s)

    def _beat(self) -> None:
        self._words[Word.HEARTBEAT] += 1
        now_s = time.monotonic()
        if now_s - self._armed_at >= ARM_EVERY_S:
            self._armed_at = now_s
            arm_watchdog(float(self._words[Word.PATIENCE_S]), self._log)

    def _publish(self) -> None:
        words, stream, now_s = self._words, self._stream, time.monotonic()
        if stream is not None:
            words[Word.POSITION_US] = min(max(stream.now_us, -_MOST), _MOST)
            words[Word.EVENTS_TOTAL] = stream.events_total
            words[Word.EVENT_RATE] = round(stream.rate.value(now_s))
            words[Word.DROPPED_EVENTS] = stream.thinning.left_out
            thins = stream.playing and not stream.over and self._awaited is None
            words[Word.THINNING] = stream.thinning.every if thins else 1
            words[Word.PLAYING] = stream.playing and not stream.over
        else:
            words[Word.EVENT_RATE] = words[Word.PLAYING] = 0
            words[Word.THINNING] = 1
        words[Word.RECORDED_EVENTS] = self._recording.events
        words[Word.RECORDED_BYTES] = self._recording.bytes
        if now_s - self._measured_at >= MEASURE_EVERY_S:
            self._measured_at = now_s
            words[Word.RESIDENT_BYTES] = self._process.memory_info().rss

    # --- the turn ---

    def _turn(self) -> float:
        """Do a little of everything; give the seconds for which there is nothing to do."""
        self._turns += 1
        wait_s = self._run_stream()
        if self._to_write:
            self._write_next_window()
            wait_s = 0.0
        if self._overview is not None and (wait_s > 0 or self._turns % OVERVIEW_EVERY == 0):
            self._go_on_with_overview()
            wait_s = 0.0
        self._publish()
        return wait_s

    def _run_stream(self) -> float:
        stream = self._stream
        if self._awaited is not None:
            wait_s = self._look_for(self._awaited)
            return min(wait_s, stream.draw()) if stream is not None and self._awaited is not None else wait_s
        if stream is None:
            return IDLE_S
        try:
            wait_s = stream.turn()
        except SourceLost as error:
            self._lose(stream, error)
            return 0.0
        return min(wait_s, stream.draw())

    def _rest(self, wait_s: float) -> None:
        """Sleep until there is a command, room for frames, or the time is over."""
        if wait_s > 0:
            self._calls.wait(min(wait_s, IDLE_S))
        self._room.hear()

    # --- commands ---

    def _take_commands(self) -> None:
        try:
            while not self._closing and self._orders.wait(0):
                generation, command = self._control.recv()
                self._beat()  # one may take seconds: a camera that is opened anew
                self._words[Word.COMMANDS_TAKEN] += 1
                self._carry_out(generation, command)
        except (EOFError, OSError):  # the application is gone
            self._closing = True

    def _carry_out(self, generation: int, command: Command) -> None:
        stream = self._stream
        match command:
            case Open():
                self._generation = generation
                self._words[Word.GENERATION] = generation
                self._open(command)
            case Close():
                self._closing = True
            case SetRendering():
                self._rendering = command
                if stream:
                    stream.set_rendering(command)
            case Record(path):
                self._record(path)
            case KeepEvents(on):
                self._keep_events(on)
            case WriteWindows():
                self._write_windows(command)
            case _ if stream is not None:
                self._change(stream, command)

    def _change(self, stream: Stream, command: Command) -> None:
        """Carry out what concerns a stream that is open, or lost for the moment."""
        match command:
            case Play(True) if stream.over and stream.info.live:
                self._open(replace(stream.order, paused=False))
            case Play(playing):
                stream.set_playing(playing)
            case Step():
                stream.step()
            case Seek(time_us):
                stream.seek(time_us)
            case SetSpeed(speed):
                self._try(lambda: stream.set_speed(speed))
            case SetLoop(loop):
                stream.set_loop(loop)
            case ChooseObjects(names):
                stream.choose_objects(names)
            case ChangeScene(spec):
                self._change_scene(stream, spec)
            case DragObject(x, y, held):
                stream.drag_object(x, y, held)
            case SetCamera() | ResetCamera() | FindHotPixels() | ForgetHotPixels():
                if stream.tuning is not None:
                    _tune(stream.tuning, command)
            case SetFramer(settings):
                self._try(lambda: stream.set_framer(settings))

    def _change_scene(self, stream: Stream, spec: SimulationSpec) -> None:
        self._expect_running(spec)
        self._try(lambda: stream.change_scene(spec))

    def _try(self, change: Callable[[], None]) -> None:
        """Change something of a stream, which goes on as it was where that cannot be."""
        try:
            change()
        except (SourceError, StreamError) as error:
            self._say(Failed(str(error), opening=False, goes_on=True))

    def _record(self, path: Path | None) -> None:
        if path is None:
            self._recording.stop()
        elif self._stream is None:
            self._say(RecordingState(None, message="There is nothing to record: open a camera or a recording first."))
        else:
            self._recording.start(path, self._stream.info)

    def _keep_events(self, on: bool) -> None:
        if not on:
            self._kept.end()
            return
        self._kept.begin()
        self._say(Keeping(self._frames.put + 1))

    def _write_windows(self, order: WriteWindows) -> None:
        for path, first in order.windows:
            if (window := self._kept.window(first, order.timesteps)) is not None:
                self._to_write.append((path, window))

    def _write_next_window(self) -> None:
        path, window = self._to_write.popleft()
        try:
            write_window(path, window)
        except OSError:  # no room, or the folder is gone: the application finds no file there, and says so
            traceback.print_exc(file=self._log)

    def _say(self, status: Status) -> None:
        try:
            self._status.send((self._generation, status))
        except OSError:  # the application is gone
            self._closing = True

    # --- opening, losing, closing ---

    def _open(self, order: Open) -> None:
        """Close what is open, and open this."""
        self._recording.stop()
        self._close_stream()
        for word in (Word.POSITION_US, Word.EVENTS_TOTAL, Word.EVENT_RATE, Word.DROPPED_EVENTS, Word.PLAYING):
            self._words[word] = 0
        try:
            self._stream = self._stream_of(order)
        except (SourceError, StreamError) as error:
            if order.patient and isinstance(error, SourceError):
                self._say(Lost(str(error)))
                self._await(order, RETRY_S)
            else:
                self._say(Failed(str(error), opening=True, in_vain=isinstance(error, StreamError)))
            return
        finally:
            self._expect_running(order.spec)
        self._words[Word.POSITION_US] = min(max(self._stream.now_us, -_MOST), _MOST)
        self._publish()
        self._opened_at = time.monotonic()
        self._say_opened(self._stream)
        if order.record_to is not None:
            self._recording.start(order.record_to, self._stream.info)
        self._begin_overview(order.spec)

    def _say_opened(self, stream: Stream) -> None:
        self._say(Opened(stream.info))
        if stream.tuning is not None:
            stream.tuning.tell()

    def _stream_of(self, order: Open) -> Stream:
        self._expect(Phase.OPENING, _opening_patience_s(order.spec))
        source = self._opener(order.spec)
        try:
            return Stream(
                source,
                order,
                self._rendering,
                self._frames,
                self._pictures,
                self._camera_frames,
                self._recording,
                self._kept,
                self._say,
            )
        except StreamError:
            source.close()
            raise

    def _close_stream(self) -> None:
        if self._overview is not None:
            self._overview.close()
        if self._stream is not None:
            self._close_source(self._stream)
        self._stream = self._overview = self._awaited = None

    def _close_source(self, stream: Stream) -> None:
        """Let go of a stream's source, however long that takes."""
        self._beat()
        stream.close()

    def _await(self, order: Open, rest_s: float) -> None:
        self._awaited = order
        self._retry_at = time.monotonic() + rest_s

    def _lose(self, stream: Stream, error: SourceLost) -> None:
        """A live source went away: say so and look for it from now on. A recording stays open."""
        self._say(Lost(str(error), error.restarting))
        self._close_source(stream)
        if error.restarting and time.monotonic() - self._opened_at < SOON_S:
            self._rest_s = min(self._rest_s * 2, MOST_RETRY_S)
        else:
            self._rest_s = RETRY_S
        self._await(_the_same_again(stream), self._rest_s)

    def _look_for(self, order: Open) -> float:
        """Open the source again, every now and then, and go on with it."""
        wait_s = self._retry_at - time.monotonic()
        if wait_s > 0:
            return wait_s
        before = self._stream
        if before is not None:  # may have been held or set otherwise meanwhile
            order = replace(before.order, spec=order.spec, camera=order.camera)
        try:
            again = self._stream_of(order)
        except (SourceError, StreamError):  # still away, which was said
            self._await(order, RETRY_S)
            return RETRY_S
        finally:
            self._expect_running(order.spec)
        if before is not None:
            again.events_total = before.events_total
            again.take_over_thinning(before)
        self._stream, self._awaited = again, None
        self._opened_at = time.monotonic()
        self._recording.source_changed(again.info)
        self._say_opened(again)
        if before is None and order.record_to is not None:
            self._recording.start(order.record_to, again.info)
        return 0.0

    # --- overview ---

    def _begin_overview(self, spec: SourceSpec) -> None:
        stream = self._stream
        if not self._pictures or not isinstance(spec, RecordingSpec) or stream is None or stream.info.live:
            return
        self._expect(Phase.OPENING, _opening_patience_s(spec))
        try:
            file_bytes = spec.path.stat().st_size
            self._overview = OverviewScan(self._opener(spec), file_bytes)
        except (SourceError, OSError):
            self._overview = None  # the file has changed since it was opened: there is no timeline to draw
        self._expect_running(spec)

    def _go_on_with_overview(self) -> None:
        scan = self._overview
        if scan is not None and not scan.step():
            self._overview = None
            self._say(Overview(tuple(scan.counts.tolist())))


def _default_opener() -> Opener:
    from pipeline.sources.opening import open_source

    return open_source


def _the_same_again(stream: Stream) -> Open:
    """Give the order that opens the very same camera, where the first one was asked for and others may be there."""
    order = stream.order
    if stream.tuning is not None:
        order = replace(order, camera=stream.tuning.config)
    if isinstance(order.spec, CameraSpec) and stream.info.serial:
        return replace(order, spec=CameraSpec(stream.info.serial))
    if isinstance(order.spec, WebcamSpec) and stream.info.camera:
        return replace(order, spec=replace(order.spec, name=stream.info.camera))
    return order


def _tune(tuning: CameraTuning, command: SetCamera | ResetCamera | FindHotPixels | ForgetHotPixels) -> None:
    match command:
        case SetCamera(key, value):
            tuning.set(key, value)
        case ResetCamera():
            tuning.reset()
        case FindHotPixels():
            tuning.find_hot_pixels()
        case ForgetHotPixels():
            tuning.forget_hot_pixels()


def _opening_patience_s(spec: SourceSpec) -> int:
    """Give the time that opening may take: files are looked through, drivers and networks are slow."""
    match spec:
        case RecordingSpec(path):
            return RUNNING_PATIENCE_S + _looking_s(path)
        case CameraSpec():
            return 45  # some are asked hundreds of times before they are set up
        case NetworkSpec():
            return 20
        case _:
            return STARTING_PATIENCE_S


def _looking_s(path: Path) -> int:
    """Give the time that it may take to look for the packets of a file that was cut off."""
    try:
        return int(path.stat().st_size / LOOKED_THROUGH_BYTES_PER_S)
    except OSError:
        return 0


def _one_line(error: Exception) -> str:
    lines = str(error).splitlines()
    return f"{type(error).__name__}: {lines[0].strip()}" if lines else type(error).__name__
