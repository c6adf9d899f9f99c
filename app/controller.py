"""Joins the panels and the pipeline; the only module that knows both. Lives in the Qt thread and never blocks it."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil
from PyQt6.QtCore import QObject, Qt, QTimer, QUrl
from PyQt6.QtGui import QDesktopServices
from PyQt6.QtWidgets import QFileDialog

from app.camera_tuning import CameraTuning
from app.main_thread import MainThread
from app.panels.connect import ConnectDialog
from app.panels.history_samples import ELSE
from app.panels.settings import SettingsDialog, SettingsValues
from app.panels.status import StatusValues
from app.panels.webcam import WebcamDialog
from app.picture_pace import IDLE_MS, PicturePace
from app.preferences import Preferences
from app.shortcuts import add_shortcuts
from app.steering import Steering
from app.teaching import Teaching
from app.theme import Theme
from app.window import MainWindow
from app.wording import model_title, runner_up, source_kind, source_name, split_message
from pipeline.bundled import GENERAL_PROMPTS, bundled_recordings, default_prompts, recordings_folder
from pipeline.capture.messages import (
    CameraState,
    CaptureNumbers,
    Crashed,
    Ended,
    Failed,
    FramerSettings,
    Keeping,
    Lost,
    Notice,
    Open,
    Opened,
    Overview,
    Palette,
    Play,
    Record,
    RecordingState,
    Rendering,
    Seek,
    SetFramer,
    SetLoop,
    SetRendering,
    SetSpeed,
    Status,
    Step,
)
from pipeline.capture.supervisor import Capture, CaptureState
from pipeline.listing import find_cameras, find_webcams
from pipeline.model_choice import list_models
from pipeline.options import Options, network_address
from pipeline.prediction import SOMETHING_ELSE, SOMETHING_ELSE_ID, ModelState, Prediction
from pipeline.prompts import PRESETS, PromptList, PromptRow, Template
from pipeline.sources.base import (
    VIDEO_SUFFIXES,
    CameraSpec,
    NetworkSpec,
    RecordingSpec,
    SimulationSpec,
    SourceInfo,
    SourceSpec,
    VideoSpec,
    WebcamSpec,
)
from pipeline.worker import ModelRequest, RecognitionWorker

POSITION_MS = 50
STATUS_MS = 500
NOTHING_OPEN = "Open a recording, plug in a camera, listen to a stream, or try the simulation."
SLOW_OPENING_S = 1.5
"""The window says what it waits for."""
FIRST_START = "The first time on a machine this takes ten to twenty seconds: loops over events are compiled."
RETRY_MS = 1000
FRAMES_GONE_S = 2.0
"""Without a new one, a camera's frames are switched off."""
LOOK_AGAIN_MS = 700
_PLAYED = f"Recordings and films (*.aedat4 {' '.join('*' + suffix for suffix in VIDEO_SUFFIXES)})"
RATE_OVER_S = 2.0
"""Predictions a second are counted over this long."""
SPEEDS = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)
MAX_SPEED = 64.0
"""What "max" means in the window, where every picture should still be seen."""


@dataclass
class _Live:
    """What the window knows of the running stream; owned by the Qt thread."""

    info: SourceInfo | None = None
    playing: bool = True
    ended: bool = False
    lost: bool = False
    failed: bool = False
    opened_at: float = 0.0
    recording_to: Path | None = None
    recording_since: float = 0.0
    recorded_bytes: int = 0


class Controller(QObject):
    """Commands from the panels to the pipeline, news from the pipeline to the panels."""

    def __init__(self, window: MainWindow, options: Options, preferences: Preferences | None = None) -> None:
        super().__init__(window)
        self._window, self._options = window, options
        self._preferences = preferences or Preferences()
        something_else = self._preferences.something_else or options.something_else
        self._news = MainThread(self)
        self._capture = Capture(self._news.status.emit)
        self._worker = RecognitionWorker(
            self._capture.feed,
            on_prediction=self._predicted,
            on_model_state=self._news.model_state.emit,
            on_notice=self._news.notice.emit,
            on_prompt_notices=self._news.prompt_notices.emit,
            timesteps=options.framer.timesteps,
            view=options.view,
            normalisation=options.normalisation,
            something_else=something_else,
        )
        window.classes.set_else(something_else)
        self._prompts = PromptList((), Template.named_or_text(options.template))
        self._live = _Live()
        self._framer: FramerSettings = options.framer
        self._view, self._normalisation = options.view, options.normalisation
        self._speed, self._loop = options.speed, options.loop
        self._rendering = Rendering.DECAY
        self._template = options.template
        self._bundled = bundled_recordings()
        self._opening: SourceSpec = options.source
        self._opening_since = time.monotonic()
        self._last_good: SourceSpec | None = None
        self._model = ModelState("none")
        self._asked_model = options.model
        self._offered: list[tuple[str, str, str]] = []
        self._picture = self._camera_frame = 0
        self._camera_frame_at = 0.0
        self._prediction: Prediction | None = None
        self._last_label: str | None = None
        self._last_seen = 0.0
        self._newest: Prediction | None = None
        self._predicted_at: deque[float] = deque()
        self._closed = False
        self._waiting = False
        self._record_to: Path | None = None
        self._asked_serial: str | None = None
        """Of the camera that the command line asked for, once it was opened."""
        self._connect_news()
        self._connect_panels()
        self.teaching = Teaching(
            window, self._worker, lambda: self._framer, self._play_from, self._capture.send, self._source_path
        )
        self.camera = CameraTuning(window, self._capture.send)
        self.steering = Steering(window, self._capture.send, lambda: self._opening, self._keep_scene, self._preferences)
        add_shortcuts(window, self)
        self._picture_pace = PicturePace()
        self._picture_timer = self._every(IDLE_MS, self._look_for_picture, precise=True)
        self._timers = [
            self._picture_timer,
            self._every(POSITION_MS, self._show_position),
            self._every(STATUS_MS, self._show_status),
        ]

    # --- start and end ---

    def start(self) -> None:
        """Open the source, load the model: all in the background."""
        panels = self._window
        panels.view.set_droppable([".aedat4", *VIDEO_SUFFIXES])
        self._bundled = bundled_recordings()
        panels.top_bar.set_recordings(
            [(each.title, f"{each.things} classes", str(each.path)) for each in self._bundled]
        )
        threading.Thread(target=self._list_models, daemon=True, name="list models").start()
        panels.transport.set_speed(self._speed)
        panels.transport.set_loop(self._loop)
        panels.view.set_rendering(self._rendering.value)
        panels.view.set_crop(self._view)
        panels.classes.set_templates([(name, preset.title, preset.texts[0]) for name, preset in PRESETS.items()])
        panels.classes.set_template(self._template)
        panels.classes.set_rows(list(self._options.prompts))
        self._rows_changed()
        self._theme_changed(panels.theme)
        self._open(self._options.source, record_to=self._options.record_to)
        self._worker.start()
        self.load_model(self._options.model, self._options.pretrained)

    def close(self) -> None:
        """End the recording, the capture process and the inference thread. May be called twice."""
        if self._closed:
            return
        self._closed = True
        for timer in self._timers:
            timer.stop()
        self._capture.close()
        self.teaching.close()
        self._worker.stop()

    @property
    def prediction(self) -> Prediction | None:
        """The newest prediction of this stream."""
        return self._prediction

    def numbers(self) -> CaptureNumbers:
        """Read the numbers of the stream."""
        return self._capture.numbers()

    def _every(self, milliseconds: int, slot: Callable[[], None], *, precise: bool = False) -> QTimer:
        timer = QTimer(self)
        timer.setTimerType(Qt.TimerType.PreciseTimer if precise else Qt.TimerType.CoarseTimer)
        timer.timeout.connect(slot)
        timer.start(milliseconds)
        return timer

    def _connect_news(self) -> None:
        self._news.status.connect(self._status_arrived)
        self._news.prediction.connect(self._prediction_arrived)
        self._news.model_state.connect(self._model_state_arrived)
        self._news.notice.connect(lambda text: self._window.banner.show_message("warning", text, "", None))
        self._news.prompt_notices.connect(self._show_notices)
        self._news.models.connect(self._show_models)
        self._news.cameras.connect(self._cameras_found)
        self._news.webcams.connect(self._choose_webcam)

    def _connect_panels(self) -> None:
        window = self._window
        window.closing.connect(self.close)
        window.theme_changed.connect(self._theme_changed)
        top = window.top_bar
        top.source_menu_opening.connect(self._list_cameras)
        top.camera_chosen.connect(lambda serial: self._open(CameraSpec(serial or None)))
        top.recording_chosen.connect(lambda path: self.open_path(Path(path)))
        top.open_recording.connect(self.choose_recording)
        top.listen_network.connect(self._choose_network)
        top.simulate.connect(lambda: self._open(SimulationSpec()))
        top.choose_webcam.connect(self._look_for_webcams)
        top.model_chosen.connect(self._model_chosen)
        top.load_weights.connect(self._choose_weights)
        top.settings_clicked.connect(self._show_settings)
        top.help_clicked.connect(window.help.toggle)
        view = window.view
        view.rendering_chosen.connect(self.choose_rendering)
        view.card_clicked.connect(top.open_source_menu)
        view.dropped.connect(self._dropped)
        transport = window.transport
        transport.play_toggled.connect(self.toggle_play)
        transport.step.connect(self.step)
        transport.seek.connect(self.seek)
        transport.speed_chosen.connect(self._set_speed)
        transport.loop_toggled.connect(self.set_loop)
        transport.stream_chosen.connect(self._choose_stream)
        transport.record_toggled.connect(self.toggle_record)
        window.classes.rows_changed.connect(self._rows_changed)
        window.classes.template_chosen.connect(self._template_chosen)
        window.classes.else_toggled.connect(self._else_toggled)
        window.hero.cancel_clicked.connect(self._worker.cancel_loading)
        window.notice.action.connect(self._choose_weights)
        window.banner.action.connect(self._banner_clicked)

    # --- source ---

    def _open(self, spec: SourceSpec, *, record_to: Path | None = None) -> None:
        if isinstance(spec, SimulationSpec):
            spec = self.steering.remembered(spec)
        self._opening, self._opening_since = spec, time.monotonic()
        self._forget_stream()
        self._window.top_bar.set_source(source_name(spec), source_kind(spec))
        self._window.view.set_sensor("", 0, 0)
        self._window.view.hide_card()
        self._waiting = False
        self._record_to = record_to
        self._order(spec)
        self._send_rendering()

    def _forget_stream(self) -> None:
        """Show nothing any more of the source before."""
        window = self._window
        self._live, self._prediction, self._last_label = _Live(), None, None
        window.banner.close_message()
        self.camera.forget()
        window.view.clear_picture()
        window.view.set_camera_frame(None)
        window.view.set_objects((), ())
        window.history.clear()
        window.classes.set_probabilities(None)
        if self._model.status == "ready":
            window.hero.show_nothing("Waiting for events")
        window.transport.set_span(0, 0)
        window.transport.set_overview([])
        window.transport.set_playing(True)

    def _order(self, spec: SourceSpec) -> None:
        self._capture.open(
            Open(
                spec=spec,
                framer=self._framer,
                speed=self._pace(),
                loop=self._loop,
                paused=not self._live.playing,
                record_to=self._record_to,
                camera=self._options.camera_config if self._is_asked_for(spec) else None,
            )
        )

    def _is_asked_for(self, spec: SourceSpec) -> bool:
        """Whether it is the source of the command line: that camera also where it is chosen by its serial number."""
        by_number = isinstance(spec, CameraSpec) and spec.serial is not None and spec.serial == self._asked_serial
        return by_number or spec == self._options.source

    def _pace(self) -> float:
        """Give the replay's pace; in the window "max" is as fast as pictures still make sense."""
        return MAX_SPEED if self._speed is None else self._speed

    def _status_arrived(self, status: Status) -> None:
        match status:
            case Opened(info):
                self._opened(info)
            case Failed(message, goes_on=True):
                self._window.banner.show_message("error", *split_message(message), None)
            case Failed(message, opening, in_vain=in_vain):
                self._failed(message, opening=opening, in_vain=in_vain)
            case Crashed(message):
                self._failed(message, opening=True)
            case CameraState():
                self.camera.state_arrived(status)
            case Lost(message, restarting):
                self._lost(message, restarting=restarting)
            case Notice(message):
                self._window.banner.show_message("warning", *split_message(message), None)
            case Ended():
                self._live.ended = True
                self._worker.stream_ended()
                self.teaching.stream_ended()
                self._set_playing(False)
            case Overview(counts):
                self._window.transport.set_overview(list(counts))
            case RecordingState():
                self._recording_state(status)
            case Keeping(first_index):
                self.teaching.keeping(first_index)

    def _opened(self, info: SourceInfo) -> None:
        was_lost = self._live.lost
        self._newer_picture()  # perhaps of the source before; the rendering, sent anew, asks for another
        self._send_rendering()
        self._live = replace(self._live, info=info, lost=False, opened_at=time.monotonic())
        self._last_good = self._opening
        if self._opening == self._options.source:
            self._asked_serial = info.serial
        self._waiting = False
        self.camera.opened(info)
        self.teaching.source_opened()
        window = self._window
        window.view.hide_card()
        window.view.set_sensor(info.camera or info.name, info.resolution.width, info.resolution.height)
        self.steering.source_opened(info)
        window.top_bar.set_source(info.name, info.kind)
        window.transport.set_mode("live" if info.live else "recording")
        window.transport.set_span(info.start_us, info.end_us)
        window.transport.set_streams(list(info.streams), info.stream)
        window.transport.set_playing(self._live.playing)
        if was_lost:
            window.banner.show_message("info", f"{info.name} is back.", "", None)
        else:
            window.history.clear()

    def _failed(self, message: str, *, opening: bool, in_vain: bool = False) -> None:
        failed, good = self._opening, self._last_good
        may_come = opening and not in_vain and good in (None, failed)
        if may_come and isinstance(failed, CameraSpec | NetworkSpec | WebcamSpec):
            self._wait_for(failed, message)
            return
        if opening and good is not None and good != failed:
            self._open(good)
            self._window.banner.show_message("error", *split_message(message), None)
            return
        self._window.banner.show_message("error", *split_message(message), None)
        self._live.ended = True
        self._set_playing(False)
        if self._live.info is None or opening:
            self._live.failed = True
            self._window.hero.show_nothing("No events")
            self._window.view.show_card("plugs", "Nothing to show", NOTHING_OPEN, "Choose another source")

    def _wait_for(self, spec: CameraSpec | NetworkSpec | WebcamSpec, message: str) -> None:
        """Say once what is in the way, and open the camera or stream as soon as it is there."""
        if not self._waiting:
            self._waiting = True
            if self._model.status == "ready":
                self._window.hero.show_nothing("Waiting for events")
            icon, title = (
                ("plugs", "No stream yet") if isinstance(spec, NetworkSpec) else ("camera-slash", "No camera yet")
            )
            self._window.view.show_card(icon, title, message, "Choose another source")
        QTimer.singleShot(RETRY_MS, lambda: self._try_again(spec))

    def _try_again(self, spec: SourceSpec) -> None:
        if not self._closed and self._waiting and self._opening is spec:
            self._order(spec)

    def _lost(self, message: str, *, restarting: bool) -> None:
        self._live.lost = True
        self._window.classes.set_probabilities(None)
        self._window.hero.show_no_motion(self._last_label, time.monotonic() - self._last_seen)
        camera = isinstance(self._opening, CameraSpec | WebcamSpec)
        self._window.view.show_card(
            "camera-slash" if camera else "plugs",
            "Camera starts again" if restarting else "Camera unplugged" if camera else "Connection lost",
            message,
            "Choose another source",
        )

    def _list_cameras(self) -> None:
        """Look for cameras beside the window: it takes a moment."""

        def look() -> None:
            found = [(f"{camera.model} {camera.serial}", "", camera.serial) for camera in find_cameras()]
            self._news.cameras.emit(found)

        threading.Thread(target=look, daemon=True, name="list cameras").start()

    def _cameras_found(self, found: list[tuple[str, str, str]]) -> None:
        """Fill the source menu, and look again while it is open: one that is plugged in appears by itself."""
        top_bar = self._window.top_bar
        top_bar.set_cameras(found)
        if top_bar.source_menu_open:
            QTimer.singleShot(LOOK_AGAIN_MS, lambda: self._list_cameras() if top_bar.source_menu_open else None)

    def choose_recording(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Open a recording or a film", str(recordings_folder()), f"{_PLAYED};;All files (*)"
        )
        if path:
            self.open_path(Path(path))

    def open_path(self, path: Path) -> None:
        """Play this recording or film; a bundled recording brings its rows, unless the user has written others."""
        if any(each.path == path.resolve() for each in self._bundled) and self._rows_as_given():
            self._window.classes.set_rows(list(default_prompts(path)))
            self._rows_changed()
        self._open(VideoSpec(path) if path.suffix.lower() in VIDEO_SUFFIXES else RecordingSpec(path))

    def _source_path(self) -> str:
        """Give the path of what plays; empty where it is live."""
        spec = self._opening
        return str(spec.path.absolute()) if isinstance(spec, RecordingSpec | VideoSpec) else ""

    def _rows_as_given(self) -> bool:
        """Whether the rows are still those of the start or of a recording that comes with the program."""
        rows = tuple(text for _, text in self._window.classes.rows() if text)
        given = (GENERAL_PROMPTS, *(default_prompts(each.path) for each in self._bundled))
        return not rows or rows in given

    def _look_for_webcams(self) -> None:
        """Ask for a webcam as soon as it is known which there are: on some systems looking takes a moment."""

        def look() -> None:
            self._news.webcams.emit([(each.number, each.name, each.address) for each in find_webcams()])

        threading.Thread(target=look, daemon=True, name="list webcams").start()

    def _choose_webcam(self, webcams: list[tuple[int, str, str]]) -> None:
        dialog = WebcamDialog(self._window, webcams)
        dialog.given.connect(lambda number, name: self._open(WebcamSpec(number, name=name)))
        dialog.open()

    def _keep_scene(self, spec: SimulationSpec) -> None:
        """Open this scene where the simulation is opened again."""
        self._opening = self._last_good = spec

    def _choose_network(self) -> None:
        dialog = ConnectDialog(self._window)
        dialog.address_given.connect(lambda text: self._open(network_address(text)))
        dialog.open()

    def _choose_stream(self, stream: str) -> None:
        if isinstance(self._opening, RecordingSpec):
            self._open(replace(self._opening, stream=stream))

    def _dropped(self, paths: list[str]) -> None:
        """Play the first recording of what was dropped; a text file is a list of classes."""
        path = Path(paths[0])
        if path.suffix.lower() == ".txt":
            self._window.classes.paste_file(path)
        else:
            self.open_path(path)

    # --- transport ---

    def toggle_play(self) -> None:
        """Play or hold what is open."""
        if self._live.info is None or self._live.failed:
            return
        self._set_playing(not self._live.playing)

    def _set_playing(self, playing: bool) -> None:
        if playing:
            self._live.ended = False
        self._live.playing = playing
        self._window.transport.set_playing(playing)
        self._capture.send(Play(playing))

    def step(self, direction: int) -> None:
        info = self._live.info
        if info is None or not info.seekable:
            return
        if self._live.playing:
            self._set_playing(False)
        if direction > 0:
            self._capture.send(Step())
        else:
            self.seek(self._capture.numbers().position_us - self._timestep_us())

    def _timestep_us(self) -> int:
        """Give the length of a timestep; of one of a fixed number of events the mean over the window judged last."""
        prediction = self._prediction
        if self._framer.timestep_events is None or prediction is None:
            return self._framer.timestep_us
        return max(1, (prediction.end_us - prediction.start_us) // prediction.timesteps)

    def seek(self, time_us: int) -> None:
        """Go to this time of the recording."""
        info = self._live.info
        if info is not None and info.seekable:
            self._live.ended = False
            self._capture.send(Seek(min(max(time_us, info.start_us), info.end_us - 1)))

    def _play_from(self, time_us: int) -> None:
        self.seek(time_us)
        self._set_playing(True)

    def _set_speed(self, speed: float | None) -> None:
        self._speed = speed
        self._window.transport.set_speed(speed)
        self._capture.send(SetSpeed(self._pace()))

    def change_speed(self, direction: int) -> None:
        speeds = [*SPEEDS, None]
        position = speeds.index(self._speed) if self._speed in speeds else SPEEDS.index(1.0)
        self._set_speed(speeds[min(max(position + direction, 0), len(speeds) - 1)])

    def toggle_loop(self) -> None:
        """Loop, or stop at the end."""
        self.set_loop(not self._loop)

    def set_loop(self, loop: bool) -> None:
        self._loop = loop
        self._window.transport.set_loop(loop)
        self._capture.send(SetLoop(loop))

    # --- recording ---

    def toggle_record(self) -> None:
        """Begin or end writing every event to a new file in the user's folder."""
        info = self._live.info
        if self._live.recording_to is not None:
            self._capture.send(Record(None))
        elif info is not None and not self._live.lost:
            folder = recordings_folder()
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                self._window.banner.show_message(
                    "error",
                    "The recording cannot begin",
                    f"{folder}: {error.strerror}; use --record with another place.",
                )
                return
            name = "".join(letter if letter.isalnum() else "_" for letter in info.name)
            self._capture.send(Record(folder / f"{name}_{datetime.now():%Y%m%d_%H%M%S}.aedat4"))

    def _recording_state(self, state: RecordingState) -> None:
        before = self._live.recording_to
        if state.path is not None and before is None:
            self._live.recording_since = time.monotonic()
        self._live.recording_to = state.path
        if state.message:
            self._window.banner.show_message("error", *split_message(state.message), "Open folder")
        elif state.path is None and before is not None:
            saved = f"{before.name}: {state.events:,} events, {state.bytes / 1e6:.1f} MB"
            self._window.banner.show_message("info", "Recording saved", saved, "Open folder")
        if state.path is None:
            self._window.view.set_recording(None)
            self._window.transport.set_recording(None, 0)

    def _banner_clicked(self, title: str) -> None:
        if not self.steering.offers(title):
            self._open_recordings_folder()

    def _open_recordings_folder(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(recordings_folder())))

    # --- prompts ---

    def _rows_changed(self) -> None:
        rows = tuple(PromptRow(number, text) for number, text in self._window.classes.rows())
        prompts = PromptList(rows, Template.named_or_text(self._template))
        self._prompts = prompts
        self._show_notices({})
        shown = [(row.id, row.label, self._window.classes.colour_number(row.id)) for row in prompts.active]
        self._window.history.set_rows([*shown, (SOMETHING_ELSE_ID, SOMETHING_ELSE, ELSE)])
        if not prompts.active:
            self._window.hero.show_nothing("Type a class")
        self._worker.set_prompts(prompts)

    def _show_notices(self, too_long: Mapping[int, str]) -> None:
        self._window.classes.set_notices({**too_long, **self._prompts.notices})

    def _else_toggled(self, on: bool) -> None:
        self._preferences.something_else = on
        self._worker.set_something_else(on)

    def _template_chosen(self, key: str) -> None:
        self._template = key
        self._rows_changed()

    # --- model ---

    def _list_models(self) -> None:
        """Fill the model menu; in a thread of its own, since it asks a library that loads slowly."""
        offered = [("Automatic", "", "auto")]
        for model in list_models():
            here = " · on this machine" if model.here and model.size is not None else ""
            detail = "" if model.tag == model.name else f"{model.tag}{here}"
            offered.append((model.name.capitalize() if not detail else model.name, detail, f"{model.name} {model.tag}"))
        self._news.models.emit(offered)

    def _show_models(self, offered: list[tuple[str, str, str]]) -> None:
        self._offered = offered
        keys = [key for _, _, key in offered]
        current = f"{self._model.name} {self._model.tag}"
        self._window.top_bar.set_models(offered, current if current in keys else self._asked_model)

    def _model_chosen(self, key: str) -> None:
        name, _, tag = key.partition(" ")
        self.load_model(name, tag if tag not in ("", name) else None)

    def load_model(self, name: str, pretrained: str | None) -> None:
        self._asked_model = name
        self._worker.load_model(ModelRequest(name, pretrained, self._options.device, self._options.precision))

    def _choose_weights(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self._window, "Load weights", "", "Weights (*.safetensors *.pt *.bin);;All files (*)"
        )
        if path:
            self.load_model("auto", path)  # the file tells which architecture it belongs to

    def _model_state_arrived(self, state: ModelState) -> None:
        window, before = self._window, self._model
        if state.status == "failed":
            window.banner.show_message("error", *split_message(state.message), None)
            if before.status != "ready":
                window.hero.show_nothing("No model")
            return
        if state.status == "loading":
            if before.status != "ready":
                name = "a model" if state.name in ("", "auto") else state.name
                window.hero.show_starting(f"Loading {name}", state.message, state.progress)
            return
        self._model = state
        window.top_bar.set_model(*model_title(state))
        self._show_models(self._offered)
        if self._prediction is None and self._prompts.active:
            window.hero.show_nothing("No events" if self._live.failed else "Waiting for events")
        window.classes.set_untrained(not state.trained)
        window.history.set_untrained(not state.trained)
        if state.trained:
            window.notice.hide_notice()
        else:
            window.notice.show_notice(
                "warning",
                "Untrained: the percentages mean nothing",
                "This model has random weights. Good for trying the program and measuring speed.",
                "Load weights",
            )

    def _predicted(self, prediction: Prediction) -> None:
        """Pass a prediction on; called by the inference thread."""
        self._newest = prediction
        self._predicted_at.append(time.monotonic())
        self._news.prediction.emit(prediction)

    def _prediction_arrived(self, prediction: Prediction) -> None:
        if self._live.info is None or self._live.lost:
            return  # of the source before, or judged after it was known that the source is away
        if prediction is not self._newest:
            return  # overtaken: a busy window must not queue what it cannot show
        now = time.monotonic()
        self._prediction = prediction
        window = self._window
        window.transport.set_window(prediction.start_us, prediction.end_us)
        best = prediction.best
        if best is None:
            window.classes.set_probabilities(None)
            window.history.append(now, None)
            if prediction.row_ids:
                window.hero.show_no_motion(self._last_label, now - self._last_seen)
            return
        probabilities = dict(zip(prediction.row_ids, prediction.probabilities.tolist(), strict=True))
        window.classes.set_probabilities(probabilities)
        window.history.append(now, probabilities)
        self._last_label, self._last_seen = prediction.labels[best], now
        window.hero.show_answer(
            prediction.labels[best],
            float(prediction.probabilities[best]),
            window.classes.colour_number(prediction.row_ids[best]),
            runner_up(prediction),
            untrained=not self._model.trained,
        )

    # --- regular work ---

    def _look_for_picture(self) -> None:
        found = self._show_picture()
        self._show_camera_frame()
        wait_ms = self._picture_pace.wait_ms(found)
        if wait_ms != self._picture_timer.interval():
            self._picture_timer.setInterval(wait_ms)

    def _show_picture(self) -> bool:
        """Show the latest picture; whether there was a newer one."""
        newer = self._newer_picture()
        if newer is not None and self._live.info is not None:
            self._window.view.set_picture(newer)
        return newer is not None

    def _show_camera_frame(self) -> None:
        """Show the camera's latest frame; none any more where it has stopped to take them."""
        now, view = time.monotonic(), self._window.view
        newer = self._capture.camera_frame(self._camera_frame)
        if newer is not None:
            self._camera_frame, pixels = newer
            self._camera_frame_at = now
            if self._live.info is not None:
                view.set_camera_frame(pixels)
        elif view.camera_frame_shown and now - self._camera_frame_at > FRAMES_GONE_S:
            view.set_camera_frame(None)

    def _newer_picture(self) -> npt.NDArray[np.uint8] | None:
        """Give the latest picture if it was not given before."""
        newer = self._capture.picture(self._picture)
        if newer is None:
            return None
        self._picture, pixels = newer
        return pixels

    def _show_position(self) -> None:
        info, window = self._live.info, self._window
        window.history.tick(time.monotonic())
        if info is None:
            return
        if info.seekable:
            window.transport.set_position(self._capture.numbers().position_us)
        if self._live.recording_to is not None:
            seconds = time.monotonic() - self._live.recording_since
            window.view.set_recording(seconds)
            window.transport.set_recording(seconds, self._capture.numbers().recorded_bytes)

    def _show_status(self) -> None:
        now, numbers, live = time.monotonic(), self._capture.numbers(), self._live
        while self._predicted_at and now - self._predicted_at[0] > RATE_OVER_S:
            self._predicted_at.popleft()
        prediction = self._prediction
        self._window.view.set_rate(numbers.event_rate)
        if live.info is not None and live.info.live:
            self._window.transport.set_live(now - live.opened_at, numbers.dropped_events)
        self._tell_slow_opening(now)
        text, dot = self._state_words()
        self._window.status.set_values(
            StatusValues(
                state=text,
                dot=dot,
                event_rate=numbers.event_rate if live.info else None,
                thinning=numbers.thinning,
                predictions_per_s=len(self._predicted_at) / RATE_OVER_S if self._model.status == "ready" else None,
                latency_ms=(prediction.latency_ms or None) if prediction else None,  # 0: an old window, judged again
                skipped=prediction.skipped_windows if prediction else None,
                encoded=(prediction.encoded, prediction.timesteps) if prediction else None,
                device=self._model.device or None,
                precision=self._model.precision or None,
                model=" ".join(model_title(self._model)).strip() or None,
                memory_bytes=numbers.resident_bytes + psutil.Process().memory_info().rss,
            )
        )

    def _tell_slow_opening(self, now: float) -> None:
        live = self._live
        if live.info is not None or live.failed or self._waiting or now - self._opening_since < SLOW_OPENING_S:
            return
        if self._capture.state is CaptureState.STARTING:
            self._window.view.show_card("hourglass-medium", "Getting ready", FIRST_START, None)
        else:
            self._window.view.show_card("hourglass-medium", "Opening", source_name(self._opening), None)

    def _state_words(self) -> tuple[str, str]:
        live = self._live
        if live.lost or self._waiting:
            return "Waiting", "warning"
        if live.failed:
            return "Nothing open", "error"
        if live.info is None:
            return "Opening", "text3"
        if live.recording_to is not None:
            return "Recording", "record"
        if live.ended:
            return "Ended", "text3"
        if not live.playing:
            return "Paused", "text3"
        return ("Live" if live.info.live else "Playing"), "ok"

    # --- view, settings, keys ---

    def choose_rendering(self, key: str) -> None:
        self._rendering = Rendering(key)
        self._window.view.set_rendering(key)
        self._send_rendering()

    def _theme_changed(self, theme: Theme) -> None:
        self._palette = Palette(*(int(colour[1:], 16) for colour in (theme.canvas, theme.on, theme.off)))
        self._send_rendering()

    def _send_rendering(self) -> None:
        self._capture.send(SetRendering(self._rendering, self._palette))

    def _show_settings(self) -> None:
        dialog = SettingsDialog(
            SettingsValues(
                timestep_ms=self._framer.timestep_us / 1000,
                timesteps=self._framer.timesteps,
                threshold=self._framer.threshold,
                view=self._view,
                normalisation=self._normalisation,
            ),
            self._window,
        )
        dialog.changed.connect(self._settings_changed)
        dialog.open()

    def _settings_changed(self, values: SettingsValues) -> None:
        timestep_us = round(values.timestep_ms * 1000)
        by_events = self._framer.timestep_events if timestep_us == self._framer.timestep_us else None
        self._framer = replace(
            self._framer,
            timestep_us=timestep_us,
            timestep_events=by_events,
            timesteps=values.timesteps,
            threshold=values.threshold,
        )
        self._view, self._normalisation = values.view, values.normalisation
        self._capture.send(SetFramer(self._framer))
        self._worker.set_timesteps(values.timesteps)
        self._worker.set_view(values.view)
        self._worker.set_normalisation(values.normalisation)
        self._window.view.set_crop(values.view)
