"""One open source on its way to event frames and pictures: playing, held, stepped, wound, ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from pipeline.capture.camera_tuning import CameraTuning
from pipeline.capture.event_rate import EventRate
from pipeline.capture.kept_events import KeptTimesteps
from pipeline.capture.messages import Ended, Failed, FramerSettings, Notice, Open, SetRendering, Status
from pipeline.capture.pace import Pace
from pipeline.capture.picture_maker import PictureMaker
from pipeline.capture.playhead import Piece, Playhead
from pipeline.capture.recording_switch import RecordingSwitch
from pipeline.capture.ring import FrameWriter, PictureWriter, why_too_large
from pipeline.capture.thinning import Thinning
from pipeline.event_framing import Canvas, event_frames
from pipeline.events import NO_EVENTS, EventArray, Resolution, first_at
from pipeline.framer import MAX_GAP_US, Framer
from pipeline.prediction import EventFrame
from pipeline.sources.base import EventBatch, SimulationSpec, Source, SourceError, SourceLost, Steered
from pipeline.sources.camera_settings import SettingError

IDLE_S = 0.2
ROOM_PATIENCE_S = 0.05
ROOM_AT_ONCE = 8
"""Frames: to be woken for each takes longer than to make it. The smallest ring holds twice as many."""
PIECE_S = 0.005
"""Of wall time: how finely a recording is played."""
ANALYSIS_TURN_S = 0.005
"""A command may wait so long where nothing is shown."""
HISTORY_US = 100_000
"""Before a place that is wound to: what the picture there still shows."""
MAX_WINDOW_BEFORE_US = 1_500_000
"""Longer windows are not read anew at every place that a dragged playhead passes."""
TOO_MANY = (
    "More events come than this machine can take in: only some of them are judged and drawn; recordings leave none "
    "out. Lower the camera's event rate or the noise to have all judged."
)


class StreamError(Exception):
    """The source cannot be shown as asked for. One sentence for the user."""


class Stream:
    """A source, its framer and its view.

    One call of `turn` does a little, and says how long there is nothing to do. All in one thread.

    Parameters
    ----------
    source : Source
        Closed by `close`.
    order : Open
    rendering : SetRendering
    frames : FrameWriter
    pictures, camera_frames : PictureWriter or None
        Of the events, and of a camera's other sensor. None: nobody looks.
    recording : RecordingSwitch
        Given every event before anything else is done with it.
    kept : KeptTimesteps
        Given what the framer puts into each timestep.
    say : callable
        Takes `CameraState`, `Ended`, `Failed` and `Notice`.

    Raises
    ------
    StreamError
        The sensor is too large, or a setting is out of range, or not offered by the camera.
    """

    def __init__(
        self,
        source: Source,
        order: Open,
        rendering: SetRendering,
        frames: FrameWriter,
        pictures: PictureWriter | None,
        camera_frames: PictureWriter | None,
        recording: RecordingSwitch,
        kept: KeptTimesteps,
        say: Callable[[Status], None],
    ) -> None:
        self.info = source.info
        self.order = order
        """As it was opened and changed since: what to open again after the source was lost."""
        self.events_total = 0
        self.now_us = self.info.start_us
        self.over = False
        """Nothing more comes unless it is wound back or opened again."""
        self.rate = EventRate()
        self.thinning = Thinning()
        self._told_thinning = False
        self._source = source
        self._recording, self._kept = recording, kept
        self._say = say
        self._frame_writer, self._camera_frames = frames, camera_frames
        self._check_size(order.framer)
        self.tuning = _tuning(source, order, say)
        """Of a camera that can be set; None: of other sources."""
        self._framer = self._make_framer(order.framer)
        frames.begin(self.info.resolution, waits=self.waits)
        self._view = PictureMaker(pictures, self.info.resolution, rendering) if pictures else None
        self._model_frame: npt.NDArray[np.uint8] | None = None
        """Where the stream was wound to and no frame was put since."""
        self._pace = Pace(order.speed)
        self._playhead = Playhead(source, _max_gap_us(order.framer))
        self._piece: Piece | None = None
        self._frames: Iterator[EventFrame | None] | None = None
        """Frames that are complete, or become so with events already handed to the framer; None: some were put."""
        self._ending: Status | None = None
        """To be said once the last frames are put."""
        self._stepping = False
        self._was_full = False
        """There was no room for a frame, and not enough since."""
        self._played_events = 0
        """Since the beginning of this round."""

    # --- what the application asks for ---

    @property
    def playing(self) -> bool:
        return not self.order.paused

    @property
    def waits(self) -> bool:
        """Whether the reader of frames is waited for. A live source never waits: its events would be lost."""
        return self.order.speed is None and not self.info.live

    def set_playing(self, playing: bool) -> None:
        """Go on or hold. A recording that has ended starts again."""
        if playing and self.over and self.info.seekable:
            self._rewind()
        if self.info.live and playing and not self.playing:
            self._abandon_frames()
        self.order = replace(self.order, paused=not playing)
        self._stepping = False
        self._pace.restart()

    def step(self) -> None:
        """One timestep on, of a recording that is held."""
        if self.info.seekable and not self.playing and not self.over:
            self._stepping = True

    def set_speed(self, speed: float | None) -> None:
        """Play at this pace; None: as fast as the reader takes the frames.

        Raises
        ------
        StreamError
            A window is too large where nobody is waited for; all stays as it was.
        """
        before, waited = self.order, self.waits
        self.order = replace(before, speed=speed)
        if self.waits != waited:
            try:
                self._check_size(before.framer)
            except StreamError:
                self.order = before
                raise
            self._frame_writer.begin(self.info.resolution, waits=self.waits)
            self._framer.draw_in(self._canvas)
        self._pace.set_speed(speed)

    def set_loop(self, loop: bool) -> None:
        """Start again at the end; at once where it has been reached while playing."""
        self.order = replace(self.order, loop=loop)
        if loop and self.over and self.playing and self.info.seekable:
            self._rewind()

    def set_framer(self, settings: FramerSettings) -> None:
        """Cut timesteps so from now on, in a new segment.

        Raises
        ------
        StreamError
            A setting is out of range; all stays as it was.
        """
        self._check_size(settings)
        framer = self._make_framer(settings)
        self._frames = None
        self._framer = framer
        self._playhead.max_gap_us = _max_gap_us(settings)
        self.order = replace(self.order, framer=settings)

    def set_rendering(self, order: SetRendering) -> None:
        if self._view:
            self._view.set_rendering(order)

    def choose_objects(self, names: tuple[str, ...]) -> None:
        """Let a simulation show these in turn, also when it is opened again; ignored by other sources."""
        if isinstance(self._source, Steered):
            self._source.choose(names)
            if isinstance(self.order.spec, SimulationSpec):
                self.order = replace(self.order, spec=replace(self.order.spec, objects=names))

    def change_scene(self, spec: SimulationSpec) -> None:
        """Let a simulation go on with this scene, also when it is opened again; ignored by other sources.

        Raises
        ------
        SourceError
            It cannot be shown; all stays as it was.
        """
        if isinstance(self._source, Steered):
            self._source.change(spec)
            self.info = self._source.info
            self.order = replace(self.order, spec=spec)

    def drag_object(self, x: float, y: float, held: bool) -> None:
        """Draw a simulation's object to this place (px); ignored by other sources."""
        if isinstance(self._source, Steered):
            self._source.drag(x, y, held)

    def seek(self, time_us: int) -> None:
        """Go to this time of a recording and show it and its window; ignored where the source is live."""
        if not self.info.seekable:
            return
        time_us = min(max(time_us, self.info.start_us), max(self.info.end_us - 1, self.info.start_us))
        if time_us < self.now_us:
            self._recording.stop_at_jump_back()
        self._forget_place()
        try:
            history = self._playhead.seek(time_us, max(HISTORY_US, self._window_part_us, self._window_before_us))
        except SourceError as error:
            self._end(Failed(str(error), opening=False))
            return
        self.now_us = time_us
        if self._view:
            self._view.clear()
            self._view.push(history)
            self._model_frame = self._frame_of(history, time_us)
        if self._window_before_us:
            self._give_window_before(history, time_us)

    def _give_window_before(self, history: EventArray, time_us: int) -> None:
        """Put the frames of the window that ends at this time: it can be judged at once, also while held."""
        begin_us = max(time_us - self._window_before_us, self.info.start_us)
        for _ in self._framer.push(NO_EVENTS, begin_us):  # timesteps are counted from here, not from an event
            pass
        self._frames = self._framer.push(history[first_at(history, begin_us) :], time_us)
        self._give_frames()

    # --- work ---

    def turn(self) -> float:
        """Do a little; give the seconds for which there is nothing to do (0: go on).

        Raises
        ------
        SourceLost
            A live source went away.
        """
        if self.over:
            return IDLE_S
        if self._ending is not None:
            return self._finish()
        if self.info.live:
            return self._follow()
        return self._play_on() if self.waits and self._view is None else self._play()

    def draw(self) -> float:
        """Draw a picture if one is due; give the seconds until the next one may be."""
        if self._view is None or self.waits:
            return IDLE_S
        frame = self._model_frame
        if frame is None and self._view.shows_model_frame:
            frame = self._frame_writer.newest()
        return self._view.draw(self.now_us, frame, time.monotonic())

    def close(self) -> None:
        self._source.close()

    def _follow(self) -> float:
        """Live: take what comes."""
        if not self._give_frames():
            return ROOM_PATIENCE_S
        try:
            batch = self._source.read()
        except SourceLost:
            raise
        except SourceError as error:
            self._end(Failed(str(error), opening=False))
            return 0.0
        if batch is None:
            self._end(None)
            return 0.0
        if notice := self._source.take_notice():
            self._say(Notice(notice))
        self._show_camera_frame()
        self._recording.write(batch)
        self._count(batch)
        began_s = time.monotonic()
        if self.playing and not (self.tuning is not None and self.tuning.searching):
            batch = self._thin(batch)
        if self.tuning is not None:
            batch = self.tuning.clean(batch)
        if self.playing:
            self._deliver(batch)
            self._give_frames()
        self.thinning.worked(time.monotonic() - began_s)
        return 0.0

    def _thin(self, batch: EventBatch) -> EventBatch:
        """Leave events out where more come than can be taken in; says so once."""
        if self.thinning.look(self._source.waited_s) and not self._told_thinning:
            self._told_thinning = True
            self._say(Notice(TOO_MANY))
        return self.thinning.thin(batch)

    def take_over_thinning(self, before: Stream) -> None:
        """Count on where the stream stopped whose source is back."""
        self.thinning.left_out = before.thinning.left_out
        self._told_thinning = before._told_thinning

    def _show_camera_frame(self) -> None:
        """Pass on what the camera's other sensor sees, if it has one and a frame is new."""
        frame = self._source.take_frame()
        if frame is None or self._camera_frames is None:
            return
        height, width = frame.shape[:2]
        pixels = self._camera_frames.begin(Resolution(width, height))
        pixels[..., :3] = frame if frame.ndim == 3 else frame[..., None]
        pixels[..., 3] = 255
        self._camera_frames.finish()

    def _play_on(self) -> float:
        """Play some pieces of a recording that nobody looks at: what is done once a turn takes its time too."""
        until_s = time.monotonic() + ANALYSIS_TURN_S
        while (wait_s := self._play()) == 0.0 and self._ending is None and not self.over:
            if time.monotonic() >= until_s:
                break
        return wait_s

    def _play(self) -> float:
        """Play a recording: piece by piece, each when it is due."""
        if not (self.playing or self._stepping):
            return IDLE_S
        if not self._give_frames():
            return ROOM_PATIENCE_S
        if not (self.playing or self._stepping):
            return 0.0
        if self._piece is None and not self._fetch_piece():
            return 0.0
        piece = self._piece
        assert piece is not None
        wait_s = self._pace.wait_s(piece.start_us, piece.batch.until_us, time.monotonic()) if self.playing else 0.0
        if wait_s > 0:
            return wait_s
        self._piece = None
        self._recording.write(piece.batch)
        self._count(piece.batch)
        self._deliver(piece.batch)
        self._give_frames()
        return 0.0

    def _fetch_piece(self) -> bool:
        """Get the next piece; False at the end, which is then dealt with."""
        try:
            self._piece = self._playhead.next(self._piece_us)
        except SourceError as error:
            self._end(Failed(str(error), opening=False))
            return False
        if self._piece is not None:
            if self._piece.jumped:
                self._pace.restart()
            return True
        if self.order.loop and self._played_events:
            self._rewind()
        else:
            self._end(None)
        return False

    def _deliver(self, batch: EventBatch) -> None:
        self._played_events += len(batch.events)
        if batch.until_us:
            self.now_us = batch.until_us
        elif len(batch.events):
            self.now_us = int(batch.events[-1]["timestamp"]) + 1
        if self._view and not self.waits:
            self._view.push(batch.events)
        self._frames = self._framer.push_into(self._frame_writer, self._most_listed, batch.events, batch.until_us)

    def _most_listed(self) -> int:
        """Give how many frames may go to the reader as lists: only where nobody looks at them here."""
        if not self.waits:
            return 0
        return 1 if self._stepping else self._frame_writer.room()

    def _has_room(self) -> bool:
        """Whether the reader has taken enough: once the ring was full, some frames at once, while more will come."""
        more_comes = not self._stepping and self._ending is None
        room, needed = self._frame_writer.room(), ROOM_AT_ONCE if self._was_full and more_comes else 1
        self._was_full = room < needed
        return not self._was_full

    def _count(self, batch: EventBatch) -> None:
        self.events_total += len(batch.events)
        self.rate.add(len(batch.events), time.monotonic())

    def _give_frames(self) -> bool:
        """Put the frames that are complete; False where that must wait: for room, or for the next step."""
        while self._frames is not None:
            if self.waits and not self._has_room():
                return False
            try:
                frame = next(self._frames)
            except StopIteration:
                self._frames = None
                break
            if frame is not None:
                self._frame_writer.write(frame)
            self._model_frame = None
            if self._stepping and self._ending is None:
                self._stepping = False
                return False
        return True

    # --- end and beginning ---

    def _end(self, status: Failed | None) -> None:
        """Nothing more comes; `status` says why, None: a recording's end."""
        self._piece = None
        # What a framer holds whose iterator was not used up is no timestep.
        frame = self._framer.flush() if self._frames is None else None
        self._frames = iter([frame] if frame is not None else [])
        self._ending = status if status is not None else Ended(0)
        self._finish()

    def _finish(self) -> float:
        if not self._give_frames():
            return ROOM_PATIENCE_S
        ending, self._ending = self._ending, None
        assert ending is not None
        self.over, self._stepping = True, False
        self._recording.stop()
        if self._view:
            self._view.refresh()
        self._say(Ended(self._frame_writer.put) if isinstance(ending, Ended) else ending)
        return 0.0

    def _rewind(self) -> None:
        """Begin at the beginning; the view keeps its pixels until other events come."""
        self._recording.stop_at_jump_back()
        self._forget_place()
        try:
            self._playhead.rewind()
        except SourceError as error:
            self._end(Failed(str(error), opening=False))
            return
        self.now_us = self.info.start_us

    def _forget_place(self) -> None:
        self._abandon_frames()
        self._piece = self._ending = None
        self._played_events = 0
        self.over = self._stepping = False
        self._pace.restart()

    def _abandon_frames(self) -> None:
        """The next event begins a new segment."""
        self._frames = None
        self._framer.reset()

    # --- measures ---

    @property
    def _piece_us(self) -> int | None:
        """Recording time of a piece: at most `PIECE_S` on the wall, and of a step at most as much."""
        speed = self.order.speed
        if speed is None and not self._stepping:
            return None
        return max(1, round(PIECE_S * 1e6 * (1.0 if self._stepping or speed is None else speed)))

    @property
    def _window_part_us(self) -> int:
        """Time that the event frame of a moment covers, as far as it is known before it is made."""
        return self.order.framer.timestep_us if self.order.framer.timestep_events is None else 0

    @property
    def _window_before_us(self) -> int:
        """Time that is read before a place that is wound to, so that its window can be judged at once; 0: none is."""
        settings = self.order.framer
        window_us = settings.timesteps * settings.timestep_us
        fixed_time = settings.timestep_events is None
        return window_us if fixed_time and not self.waits and window_us <= MAX_WINDOW_BEFORE_US else 0

    def _frame_of(self, history: EventArray, time_us: int) -> npt.NDArray[np.uint8] | None:
        """Give the event frame of the timestep that ends at this time."""
        settings = self.order.framer
        if settings.timestep_events is None:
            history = history[first_at(history, time_us - settings.timestep_us) :]
        else:
            history = history[-settings.timestep_events :]
        frames = event_frames(history, self.info.resolution, timesteps=1, threshold=settings.threshold)
        pixels: npt.NDArray[np.uint8] = frames[0]
        return pixels

    def _make_framer(self, settings: FramerSettings) -> Framer:
        """Make a framer whose frames follow those already put."""
        index, segment = self._frame_writer.put, self._frame_writer.next_segment
        try:
            return Framer(
                self.info.resolution, settings, index=index, segment=segment, kept=self._kept, canvas=self._canvas
            )
        except ValueError as error:
            raise StreamError(str(error)) from error

    @property
    def _canvas(self) -> Canvas | None:
        """Where frames are drawn; where the reader is waited for, there may be no room yet: None."""
        return None if self.waits else self._frame_writer.canvas

    def _check_size(self, settings: FramerSettings) -> None:
        if reason := why_too_large(self.info.resolution, settings.timesteps, waits=self.waits):
            raise StreamError(reason)


def _tuning(source: Source, order: Open, say: Callable[[Status], None]) -> CameraTuning | None:
    if source.controls is None:
        return None
    try:
        return CameraTuning(source, order.camera, say)
    except SettingError as error:
        raise StreamError(str(error)) from error


def _max_gap_us(settings: FramerSettings) -> int:
    """Give the time without events that is still played: up to where the framer begins a new segment."""
    return max(settings.timesteps * settings.timestep_us, MAX_GAP_US)
