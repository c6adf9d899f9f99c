"""The inference thread: the newest window wins.

One thread owns model and recogniser. Whatever other threads want is left as a wish under a lock, and the thread is
woken; it takes the wishes between two predictions. Where the encoder does not keep up with the stream, windows are
sampled (`pipeline.encoder_pace`); while no frames come, the last one is completed. Importing this module does not
import torch.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from pipeline.clip import ClipModel
from pipeline.encoder_pace import EncoderPace
from pipeline.feed import FrameFeed
from pipeline.few_shot.shown import RowTexts, ShownWindow
from pipeline.few_shot.taught import TaughtClasses
from pipeline.model_errors import ModelError, first_line
from pipeline.model_loader import ModelLoader, ModelRequest
from pipeline.prediction import EventFrame, ModelState, Prediction
from pipeline.preprocessing import known_normalisation, known_view
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from pipeline.threads import give_way

__all__ = ["ModelRequest", "RecognitionWorker", "WorkerState"]

logger = logging.getLogger(__name__)

IDLE_S = 60.0
"""Longest sleep; frames and wishes end it."""
TEXTS_A_TURN = 16
"""New texts encoded between two predictions, so that a long list of prompts does not stop them."""
BANK_S = 0.010
"""Texts for "something else" are encoded between two predictions for about this long: nobody waits for them."""
MOST_BANK_TEXTS = 32
"""Encoded in one call."""
QUIET_S = 0.2
"""After so long without a frame the stream is held, and there is time for timesteps that were left out."""
STOP_S = 5.0


class WorkerState(Enum):
    """What the thread is doing."""

    STOPPED = "stopped"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    FAULTED = "faulted"
    """The feed failed: no more predictions."""


@dataclass(frozen=True)
class _Settings:
    """What a recogniser needs besides its model."""

    timesteps: int
    view: str
    normalisation: str
    something_else: bool


class RecognitionWorker:
    """Predicts from a feed of event frames until it is stopped.

    All methods may be called from any thread and return at once (`stop` waits). Callbacks run on the worker's
    threads and must return soon.

    Parameters
    ----------
    feed : FrameFeed
        Read by this worker only.
    on_prediction : callable
        Given each `Prediction`.
    on_model_state : callable
        Given each `ModelState`: loading with progress, ready, failed; after `cancel_loading` what is in use.
    on_notice : callable
        Given sentences for the user.
    on_prompt_notices : callable, optional
        Given, after each change of prompts, what is to be said of rows, by their ids (a text too long for the model).
        None: such sentences go to `on_notice`, each once.
    timesteps : int
        T, frames a window.
    view, normalisation : str
        See `ClipModel.encode_frames`.
    something_else : bool
        Judge the row "something else" as well. It counts as soon as its texts are encoded, in the background.
    """

    def __init__(
        self,
        feed: FrameFeed,
        *,
        on_prediction: Callable[[Prediction], None],
        on_model_state: Callable[[ModelState], None],
        on_notice: Callable[[str], None],
        on_prompt_notices: Callable[[Mapping[int, str]], None] | None = None,
        timesteps: int = 10,
        view: str = "crop",
        normalisation: str = "clip",
        something_else: bool = False,
    ) -> None:
        self._feed = feed
        self._on_prediction, self._on_model_state, self._on_notice = on_prediction, on_model_state, on_notice
        self._on_prompt_notices = on_prompt_notices
        self._lock = threading.RLock()
        self._state = WorkerState.STOPPED
        self._thread: threading.Thread | None = None
        self._loader = ModelLoader(self._lock, on_model_state, self._model_loaded, self._model_is_faster)
        # Wishes, under the lock.
        self._wanted = _Settings(
            _positive(timesteps), known_view(view), known_normalisation(normalisation), something_else
        )
        self._wanted_prompts = PromptList((), PRESETS["plain"])
        self._loaded: ClipModel | None = None
        self._giving_up = False
        self._stream_ended = False
        self._wanted_taught: TaughtClasses | None = None
        self._watcher: Callable[[ShownWindow], None] | None = None
        self._asked_texts: list[Callable[[RowTexts | None], None]] = []
        self._ready = ModelState("none")
        # Owned by the worker's thread.
        self._settings, self._prompts = self._wanted, self._wanted_prompts
        self._recogniser: Recogniser | None = None
        self._candidate: Recogniser | None = None
        self._taught: TaughtClasses | None = None
        self._early: deque[EventFrame] = deque(maxlen=timesteps)
        self._ended = False
        self._quiet_at = math.inf
        """When the stream counts as held, by time.monotonic()."""
        self._bank_came = False
        self._bank_texts = 4
        self._told: set[str] = set()
        self._failure = ""

    # --- from any thread ---

    @property
    def state(self) -> WorkerState:
        with self._lock:
            return self._state

    def start(self) -> None:
        """Begin. A worker is started once."""
        with self._lock:
            if self._thread is not None:
                raise RuntimeError("This worker was started before: make another one.")
            self._state = WorkerState.STARTING
            self._thread = threading.Thread(target=self._run, name="inference", daemon=True)
            self._thread.start()

    def stop(self, timeout: float = STOP_S) -> bool:
        """End both threads, and what is being loaded; False when one of them has not ended in time."""
        with self._lock:
            if self._state in (WorkerState.STARTING, WorkerState.RUNNING):
                self._state = WorkerState.STOPPING
        deadline = time.monotonic() + timeout
        self._loader.stop()
        self._feed.wake()
        ended = True
        if self._thread is not None:
            self._thread.join(timeout)
            ended = not self._thread.is_alive()
        return self._loader.join(max(0.0, deadline - time.monotonic())) and ended

    def load_model(self, request: ModelRequest) -> None:
        """Load a model in the background; predictions go on with the one there is until it is ready."""
        with self._lock:
            self._give_up_candidate()
            self._loader.load(request)

    def cancel_loading(self) -> None:
        """Keep the model there is."""
        with self._lock:
            loading = self._loader.cancel()
            if self._give_up_candidate() or loading:
                self._on_model_state(self._ready)

    def set_prompts(self, prompts: PromptList) -> None:
        """Judge these rows from the next prediction on; with a window already there, that one is judged again."""
        with self._lock:
            self._wanted_prompts = prompts
        self._feed.wake()

    def set_timesteps(self, timesteps: int) -> None:
        """Make a window this many frames."""
        self._change(timesteps=_positive(timesteps))

    def set_view(self, view: str) -> None:
        """Fill the model's square by "crop", "stretch" or "fit"."""
        self._change(view=known_view(view))

    def set_normalisation(self, normalisation: str) -> None:
        """Normalise by the model's own numbers, "clip", or E/255 - 0.5, "reference"."""
        self._change(normalisation=known_normalisation(normalisation))

    def set_something_else(self, wanted: bool) -> None:
        """Judge the row "something else" too, or leave it out."""
        self._change(something_else=wanted)

    def set_taught(self, taught: TaughtClasses | None) -> None:
        """Judge by what was taught, or by the texts alone, from now on; a window already there is judged again."""
        with self._lock:
            self._wanted_taught = taught
        self._feed.wake()

    def watch_windows(self, watcher: Callable[[ShownWindow], None] | None) -> None:
        """Give every complete window that is judged from now on to this callable, on the worker's thread."""
        with self._lock:
            self._watcher = watcher

    def ask_row_texts(self, answer: Callable[[RowTexts | None], None]) -> None:
        """Give the rows with their texts' features, once those of the newest rows are known; on the worker's thread.

        None: there is no model, or no row.
        """
        with self._lock:
            self._asked_texts.append(answer)
        self._feed.wake()

    def stream_ended(self) -> None:
        """Say that no more frames come for now: a recording shorter than a window is judged as it is."""
        with self._lock:
            self._stream_ended = True
        self._feed.wake()

    def _change(self, **changes: int | str) -> None:
        with self._lock:
            self._wanted = replace(self._wanted, **changes)  # type: ignore[arg-type]
        self._feed.wake()

    def _give_up_candidate(self) -> bool:
        """Under the lock: forget a model that is loaded but not in use yet; False when there is none."""
        waiting = self._loaded is not None or (self._candidate is not None and not self._giving_up)
        self._loaded = None
        self._giving_up = self._candidate is not None
        return waiting

    # --- from the loader's thread ---

    def _model_loaded(self, request: ModelRequest, model: ClipModel) -> None:
        with self._lock:
            self._loaded = model
        self._feed.wake()

    def _model_is_faster(self, model: ClipModel) -> None:
        with self._lock:
            if self._recogniser is not None and self._recogniser.model is model:
                self._ready = replace(self._ready, precision=model.precision)
                self._on_model_state(self._ready)

    # --- the worker's thread ---

    def _run(self) -> None:
        give_way()
        with self._lock:
            if self._state is WorkerState.STARTING:
                self._state = WorkerState.RUNNING
        try:
            self._work()
        # The feed itself failed; without it there is nothing left to do.
        except Exception as error:
            logger.exception("the inference thread ends")
            with self._lock:
                self._state = WorkerState.FAULTED
            self._on_notice(f"Recognition has stopped ({first_line(error)}): start the program again.")
            return
        with self._lock:
            self._state = WorkerState.STOPPED

    def _work(self) -> None:
        busy = False
        while True:
            if not busy:
                self._feed.wait(self._patience_s())
            if self.state is WorkerState.STOPPING:
                return
            with self._lock:
                wanted = self._wanted
                # Read before the frames are taken: what was there when the stream ended is then among them.
                ended, self._stream_ended = self._stream_ended, False
            frames = self._feed.take(wanted.timesteps)
            try:
                busy = self._turn(wanted, frames, ended=ended)
                self._failure = ""
                if frames or ended:
                    self._quiet_at = time.monotonic() + (0.0 if self._ended else QUIET_S)
            # One prediction failed: the next one may not (memory was short, a driver hiccuped).
            except Exception as error:
                busy = False
                self._quiet_at = math.inf
                self._tell_failure(error)

    def _patience_s(self) -> float:
        """Give how long to wait for frames and wishes."""
        if self._recogniser is None or not self._recogniser.unencoded:
            return IDLE_S
        return min(IDLE_S, max(0.0, self._quiet_at - time.monotonic()))

    def _tell_failure(self, error: Exception) -> None:
        if isinstance(error, ModelError):
            text = str(error)
        else:
            text = f"A prediction failed ({first_line(error)}); recognition goes on."
        # The same failure at every frame is said once, until something works again.
        if text != self._failure:
            self._failure = text
            logger.error("a prediction failed", exc_info=error)
            self._on_notice(text)

    def _turn(self, wanted: _Settings, frames: list[EventFrame], *, ended: bool) -> bool:
        """Do what was wished, then predict once from what is there; True when something is left to be encoded."""
        changed = self._apply(wanted)
        more, new_rows = self._use_prompts()
        changed |= new_rows | self._bank_came | self._use_taught()
        if not more:
            self._answer_texts()
        self._bank_came = False
        self._ended = ended or (self._ended and not frames)
        recogniser = self._recogniser
        if recogniser is None:
            self._early.extend(frames)
            return more
        prediction = recogniser.push(frames) if frames else recogniser.repeat() if changed else None
        if prediction is None and self._ended and (ended or changed):
            prediction = recogniser.repeat(partial=True)
        if prediction is not None:
            self._on_prediction(replace(prediction, latency_ms=_latency_ms(frames)))
            if frames:
                self._show_window(recogniser)
        return more or (prediction is None and self._complete(recogniser)) or self._use_bank(recogniser)

    def _complete(self, recogniser: Recogniser) -> bool:
        """Encode a timestep that was left out of the last window while the stream is held; True when there are more.

        With the last one the window is judged again, as if all had been encoded at once.
        """
        if not recogniser.unencoded or time.monotonic() < self._quiet_at:
            return False
        prediction = recogniser.encode_another()
        if prediction is not None:
            self._on_prediction(prediction)
        return prediction is None

    def _apply(self, wanted: _Settings) -> bool:
        """Bring recognisers to the wanted settings, and a new model to its place beside them; True for a change."""
        changed = wanted != self._settings
        if changed:
            self._settings = wanted
            self._early = deque(self._early, maxlen=wanted.timesteps)
        with self._lock:
            model, self._loaded = self._loaded, None
            if self._giving_up or model is not None:
                self._candidate = None
                self._giving_up = False
            if model is not None:
                self._candidate = Recogniser(
                    model,
                    timesteps=wanted.timesteps,
                    view=wanted.view,
                    normalisation=wanted.normalisation,
                    something_else=wanted.something_else,
                    pace=EncoderPace(),
                )
        for recogniser in (self._recogniser, self._candidate):
            if recogniser is not None and changed:
                recogniser.set_timesteps(wanted.timesteps)
                recogniser.set_view(wanted.view)
                recogniser.set_normalisation(wanted.normalisation)
                recogniser.set_something_else(wanted.something_else)
        return changed

    def _use_prompts(self) -> tuple[bool, bool]:
        """Encode a portion of what is new; gives whether some is left, and whether the rows judged have changed.

        A new model takes over once it knows all texts; new rows are judged once all their texts are encoded.
        """
        with self._lock:
            prompts = self._wanted_prompts
        recogniser = self._candidate or self._recogniser
        if recogniser is None or (recogniser is self._recogniser and prompts == self._prompts):
            return False, False
        if recogniser.prepare(prompts, TEXTS_A_TURN):
            return True, False
        if recogniser is self._candidate and not self._take_over(recogniser):
            return True, False
        self._prompts = prompts
        self._tell_rows(prompts, recogniser.set_prompts(prompts))
        return False, True

    def _use_taught(self) -> bool:
        """Judge by what is wanted now; True for a change."""
        with self._lock:
            wanted = self._wanted_taught
        recogniser = self._recogniser
        if recogniser is None:
            return False
        changed = wanted is not self._taught
        self._taught = wanted
        recogniser.set_taught(wanted)
        return changed

    def _answer_texts(self) -> None:
        with self._lock:
            asked, self._asked_texts = self._asked_texts, []
        for answer in asked:
            answer(None if self._recogniser is None else self._recogniser.row_texts())

    def _show_window(self, recogniser: Recogniser) -> None:
        with self._lock:
            watcher = self._watcher
        window = recogniser.shown_window() if watcher is not None else None
        if watcher is not None and window is not None:
            watcher(window)

    def _use_bank(self, recogniser: Recogniser) -> bool:
        """Encode a portion of the texts for "something else" after a prediction; True when there is more to do."""
        if not recogniser.bank_waits:
            return False
        began = time.monotonic()
        left = recogniser.prepare_bank(self._bank_texts)
        slow = time.monotonic() - began > BANK_S
        self._bank_texts = max(1, self._bank_texts // 2) if slow else min(MOST_BANK_TEXTS, self._bank_texts * 2)
        if not left:
            self._bank_came = True
            self._tell_rows(self._prompts, recogniser.notices)
        return True

    def _take_over(self, candidate: Recogniser) -> bool:
        """Put the new model in the place of the old one; False when it is not wanted any more."""
        if self._recogniser is not None:
            candidate.go_on_from(self._recogniser)
        elif self._early:
            candidate.follow(list(self._early))
        with self._lock:
            if self._giving_up or self._loaded is not None:
                return False
            self._candidate = None
            self._recogniser = candidate
            self._early.clear()
            model = candidate.model
            self._ready = ModelState(
                "ready",
                name=model.name,
                tag=model.tag,
                device=model.device,
                precision=model.precision,
                trained=model.trained,
                message=model.notice,
            )
            self._on_model_state(self._ready)
        return True

    def _tell_rows(self, prompts: PromptList, notices: Mapping[int, str]) -> None:
        if self._on_prompt_notices is not None:
            self._on_prompt_notices(notices)
            return
        labels = {row.id: row.label for row in prompts.active}
        sentences = {f"“{_short(labels[row])}”: {notice}" for row, notice in notices.items()}
        for sentence in sorted(sentences - self._told):
            self._on_notice(sentence)
        self._told = sentences


def _short(label: str) -> str:
    return label if len(label) <= 40 else f"{label[:39]}…"


def _latency_ms(frames: list[EventFrame]) -> float:
    """Give the time since the newest frame was complete; 0 where that is not known, or an old window was judged."""
    if not frames or not frames[-1].completed_ns:
        return 0.0
    return max(0.0, (time.monotonic_ns() - frames[-1].completed_ns) / 1e6)


def _positive(timesteps: int) -> int:
    if timesteps < 1:
        raise ValueError(f"timesteps={timesteps}: a window has at least one.")
    return timesteps
