"""Predictions without a window: in the terminal, as CSV or as JSON lines."""

from __future__ import annotations

import os
import queue
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from rich.console import Console

from pipeline.capture.messages import (
    Crashed,
    Ended,
    Failed,
    Lost,
    Notice,
    Open,
    Opened,
    RecordingState,
    Status,
)
from pipeline.capture.supervisor import Capture
from pipeline.clip import ClipModel, ModelError, load_model
from pipeline.options import Options
from pipeline.output import OutputError, PredictionWriter, RunDescription, check_output, open_output
from pipeline.prediction import EventFrame, Prediction
from pipeline.prompts import PromptList, Template
from pipeline.recogniser import Recogniser
from pipeline.sources.base import CameraSpec, NetworkSpec, RecordingSpec, SourceInfo, VideoSpec, WebcamSpec
from pipeline.terminal import PredictionView, prediction_view
from pipeline.version import __version__

OPENING_S = 150.0
"""Longer than any source may take to open, loops compiled for the first time included; what hangs is ended earlier."""
PATIENCE_S = 0.2
CTRL_C = 130
TERMINATED = 143


class RunFailed(Exception):
    """The run cannot go on; one sentence for the user."""


class Terminated(BaseException):
    """SIGTERM arrived."""


def run_headless(options: Options, *, loop: bool = False) -> int:
    """Predict until the source ends or the user stops it; gives the exit status.

    Data goes to stdout only, progress and messages to stderr. A recording is analysed completely, every window in
    order; a live source is followed as well as the machine can.
    """
    messages = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        with _terminated_by_signal():
            HeadlessRun(options, messages, loop=loop).run()
    except (RunFailed, OutputError, ModelError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        print("error: standard output was closed by its reader; nothing more can be shown.", file=sys.stderr)
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 (Python flushes it at the end)
        return 1
    except KeyboardInterrupt:
        return CTRL_C
    except Terminated:
        return TERMINATED
    return 0


@contextmanager
def _terminated_by_signal() -> Iterator[None]:
    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@dataclass
class _Progress:
    """What is known of the stream while it is followed; owned by the main thread."""

    info: SourceInfo | None = None
    last_frame: int | None = None
    """Number of frames that the stream has in all, once it has ended."""
    failure: str = ""
    record_failure: str = ""
    """Why the recording ended by itself; what was written stays."""


class HeadlessRun:
    """One run: a capture process, a model, somewhere to write."""

    def __init__(self, options: Options, messages: Console, *, loop: bool) -> None:
        self._options, self._messages, self._loop = options, messages, loop
        self._statuses: queue.SimpleQueue[Status] = queue.SimpleQueue()
        self._progress = _Progress()
        self._capture = Capture(self._statuses.put, pictures=False)
        self._analysis = isinstance(options.source, RecordingSpec | VideoSpec)
        self._taken = 0

    def run(self) -> None:
        if self._options.output is not None:
            check_output(self._options.output)
        with self._capture, ExitStack() as stack:
            # A stream from the network is not joined before it can be followed; a wrong file is said before the wait.
            load_first = isinstance(self._options.source, NetworkSpec)
            model = self._load_model() if load_first else None
            self._open()
            if model is None:
                model = self._load_model()
            recogniser = self._recogniser(model)
            labels = recogniser.labels
            writer = self._open_writer(stack, model, labels)
            view = (
                None
                if writer
                else stack.enter_context(prediction_view(Console(highlight=False), trained=model.trained))
            )
            self._follow(recogniser, writer, view)

    # --- setting up ---

    def _say(self, text: str) -> None:
        self._messages.print(text, markup=False)

    def _open(self) -> None:
        options = self._options
        self._capture.open(
            Open(
                spec=options.source,
                framer=options.framer,
                speed=None if self._analysis else 1.0,
                loop=self._loop and self._analysis,
                record_to=options.record_to,
                camera=options.camera_config,
            )
        )
        deadline = time.monotonic() + OPENING_S
        while self._progress.info is None:
            try:
                status = self._statuses.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise RunFailed(
                    f"The source did not open within {OPENING_S:.0f} s: try again, or another one."
                ) from None
            self._handle(status)
            if self._progress.failure:
                raise RunFailed(self._progress.failure)

    def _load_model(self) -> ClipModel:
        options = self._options
        with self._messages.status(f"Loading {options.model}") as status:
            model = load_model(
                options.model,
                options.pretrained,
                device=options.device,
                precision=options.precision,
                deterministic=self._analysis,
                on_progress=lambda text, share: status.update(text),
            )
        self._say(f"Model: {model.name} ({model.tag}) on {model.device}, {model.precision}")
        if not model.trained:
            self._say("The model is untrained: its labels and percentages mean nothing.")
        return model

    def _recogniser(self, model: ClipModel) -> Recogniser:
        options = self._options
        recogniser = Recogniser(
            model,
            timesteps=options.framer.timesteps,
            normalisation=options.normalisation,
            view=options.view,
            something_else=options.something_else,
        )
        prompts = PromptList.of(options.prompts, Template.named_or_text(options.template))
        with self._messages.status("Reading the classes"):
            recogniser.set_prompts(prompts)
            recogniser.prepare_bank()
        for row, notice in sorted({**prompts.notices, **recogniser.notices}.items()):
            self._say(f"Prompt {row + 1}: {notice}")
        return recogniser

    def _open_writer(self, stack: ExitStack, model: ClipModel, labels: tuple[str, ...]) -> PredictionWriter | None:
        options, framer = self._options, self._options.framer
        if options.output is None:
            return None
        run = RunDescription(
            version=__version__,
            model=model.name,
            tag=model.tag,
            weights_sha256=model.weights_sha256,
            trained=model.trained,
            device=model.device,
            precision=model.precision,
            timesteps=framer.timesteps,
            timestep_us=None if framer.timestep_events else framer.timestep_us,
            timestep_events=framer.timestep_events,
            threshold=framer.threshold,
            view=options.view,
            normalisation=options.normalisation,
            template=options.template,
            prompts=options.prompts,
            adapter=None,
            source=source_text(options),
            something_else=options.something_else,
        )
        return stack.enter_context(open_output(options.output, labels, run))

    # --- following the stream ---

    def _follow(self, recogniser: Recogniser, writer: PredictionWriter | None, view: PredictionView | None) -> None:
        pace = _Pace(self._options.speed if self._analysis else None)
        while True:
            while not self._statuses.empty():
                self._handle(self._statuses.get())
            if self._finished():
                break
            if not self._capture.feed.wait(PATIENCE_S):
                continue
            for frames in self._frames(pace, recogniser.timesteps):
                self._give(self._predictions(recogniser, frames), writer, view)
        self._give(recogniser.finish(), writer, view)
        if writer is not None:
            self._say(f"{writer.windows} windows written to {self._options.output}")
        if failure := self._progress.failure or self._progress.record_failure:
            raise RunFailed(failure)

    def _predictions(self, recogniser: Recogniser, frames: list[EventFrame]) -> list[Prediction]:
        if self._analysis:
            return recogniser.analyse(frames)
        predictions = (recogniser.push([frame]) for frame in frames)
        return [prediction for prediction in predictions if prediction is not None]

    def _frames(self, pace: _Pace, timesteps: int) -> Iterator[list[EventFrame]]:
        frames = self._capture.feed.take(None if self._analysis else timesteps)
        if not frames:
            return
        self._taken = frames[-1].index + 1
        if not pace.waits:
            yield frames
            return
        for frame in frames:
            pace.wait_for(frame)
            yield [frame]

    def _finished(self) -> bool:
        end = self._progress.last_frame
        return end is not None and self._taken >= end

    def _give(
        self, predictions: list[Prediction], writer: PredictionWriter | None, view: PredictionView | None
    ) -> None:
        for prediction in predictions:
            if writer is not None:
                writer.write(prediction)
        if view is not None and predictions:
            view.show(predictions[-1], self._line())

    def _line(self) -> str:
        numbers, info = self._capture.numbers(), self._progress.info
        name = info.name if info else ""
        return f"{name}   {numbers.event_rate / 1e6:.2f} Mev/s   Ctrl-C ends"

    def _handle(self, status: Status) -> None:
        match status:
            case Opened(info):
                if self._progress.info is not None:
                    self._say(f"{info.name} is back.")
                self._progress.info = info
            case Failed(message, _) | Crashed(message):
                self._progress.failure = message
                self._progress.last_frame = self._capture.numbers().frames_put
            case Lost(message):
                if self._progress.info is None and isinstance(
                    self._options.source, CameraSpec | NetworkSpec | WebcamSpec
                ):
                    self._progress.failure = message
                self._say(message)
            case Notice(message):
                self._say(message)
            case Ended(frames):
                self._progress.last_frame = frames
            case RecordingState(_, events, _, message) if message:
                if events == 0:
                    raise RunFailed(message)
                self._say(message)
                self._progress.record_failure = message


class _Pace:
    """Holds a recording's windows back until their time has come; None: as fast as possible."""

    def __init__(self, speed: float | None) -> None:
        self._speed = speed
        self._segment: int | None = None
        self._from_us = 0
        self._from_s = 0.0

    @property
    def waits(self) -> bool:
        return self._speed is not None

    def wait_for(self, frame: EventFrame) -> None:
        if self._speed is None:
            return
        if frame.segment != self._segment:
            self._segment, self._from_us, self._from_s = frame.segment, frame.start_us, time.monotonic()
        due = self._from_s + (frame.end_us - self._from_us) / 1e6 / self._speed
        time.sleep(max(0.0, due - time.monotonic()))


def source_text(options: Options) -> str:
    """Say in words where the events come from, for the description of a run."""
    spec = options.source
    match spec:
        case RecordingSpec(path, stream):
            return Path(path).name if stream is None else f"{Path(path).name}:{stream}"
        case CameraSpec(serial):
            return f"camera {serial}" if serial else "camera"
        case NetworkSpec():
            return str(spec)
        case VideoSpec(path):
            return path.name
        case WebcamSpec(number):
            return f"webcam {number}"
        case _:
            return "simulation"
