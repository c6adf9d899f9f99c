"""Loads models on a thread of its own, one at a time; the newest wish wins. No torch until something is loaded."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass

from pipeline.clip import ClipModel, load_model
from pipeline.model_errors import Following, LoadingCancelled, ModelError, first_line
from pipeline.openvino_store import find_out, may_gain, use_best
from pipeline.prediction import ModelState

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ModelRequest:
    """Arguments of `pipeline.load_model`, as the user gave them."""

    name: str = "auto"
    pretrained: str | None = None
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True)
class _Wish:
    """A request, and the way to give it up."""

    request: ModelRequest
    cancel: threading.Event


class ModelLoader:
    """Takes wishes from any thread. Its callbacks run on its thread and only for the newest wish.

    Parameters
    ----------
    lock : threading.RLock
        Held while a callback runs: with the caller's own lock a wish and its outcome cannot cross.
    on_state : callable
        Told "loading", with progress, and "failed".
    on_loaded : callable
        Given the request and the model.
    on_faster : callable
        Told that a model that was loaded is computed in bf16, or by OpenVINO, from now on: what serves better is found
        out after the model is in use.
    """

    def __init__(
        self,
        lock: threading.RLock,
        on_state: Callable[[ModelState], None],
        on_loaded: Callable[[ModelRequest, ClipModel], None],
        on_faster: Callable[[ClipModel], None],
    ) -> None:
        self._on_state, self._on_loaded, self._on_faster = on_state, on_loaded, on_faster
        self._changed = threading.Condition(lock)
        self._newest: _Wish | None = None
        self._begun: _Wish | None = None
        self._leave_trial = threading.Event()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def load(self, request: ModelRequest) -> None:
        """Load this; what was being loaded is given up."""
        with self._changed:
            self._give_up()
            self._leave_trial.set()
            self._newest = _Wish(request, threading.Event())
            if self._thread is None:
                # A daemon: an import or a read that hangs must not keep the program from ending.
                self._thread = threading.Thread(target=self._run, name="model loader", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def cancel(self) -> bool:
        """Give up what is being loaded; False when nothing is. Nothing more is said of it."""
        with self._changed:
            return self._give_up()

    def stop(self) -> None:
        """Give up, and end the thread as soon as it can."""
        with self._changed:
            self._stopping = True
            self._leave_trial.set()
            self._give_up()
            self._changed.notify_all()

    def join(self, timeout_s: float) -> bool:
        """Wait for the thread; False when it has not ended in time."""
        if self._thread is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _give_up(self) -> bool:
        wish, self._newest = self._newest, None
        if wish is None:
            return False
        wish.cancel.set()
        return True

    def _run(self) -> None:
        while (wish := self._next()) is not None:
            self._load(wish)

    def _next(self) -> _Wish | None:
        with self._changed:
            while not self._stopping and (self._newest is None or self._newest is self._begun):
                self._changed.wait()
            self._begun = self._newest
            self._leave_trial = threading.Event()
            return None if self._stopping else self._newest

    def _load(self, wish: _Wish) -> None:
        request = wish.request
        try:
            model = load_model(
                request.name,
                request.pretrained,
                request.device,
                request.precision,
                deterministic=False,
                soon=True,
                on_progress=lambda text, share: self._say(wish, "loading", text, share),
                cancel=wish.cancel,
            )
        except LoadingCancelled:
            return
        except ModelError as error:
            self._fail(wish, str(error))
        # A bug, in here or in a library: the user keeps the model that there is, the log gets the traceback.
        except Exception as error:
            logger.exception("loading %s", request)
            self._fail(wish, f"The model {request.name} could not be loaded ({first_line(error)}): choose another one.")
        else:
            with self._changed:
                wanted = self._newest is wish
                if wanted:
                    self._newest = None
                    self._on_loaded(request, model)
                leave_trial = self._leave_trial
            if wanted:
                self._make_faster(model, leave_trial, may_change=request.precision == "auto")

    def _make_faster(self, model: ClipModel, leave: threading.Event, *, may_change: bool) -> None:
        """Make a model faster that is in use by now; where its precision may change, also by bf16 or OpenVINO."""
        try:
            following = Following(cancel=leave)
            model.use_one_call(following)
            if not may_change:
                return
            from pipeline.bf16_tower import use_bf16

            if use_bf16(model, following):
                self._on_faster(model)
            if leave.is_set() or not may_gain(model):
                return
            outcome = find_out(model.plan, leave, in_background=True)
            if not leave.is_set() and use_best(model, outcome):
                self._on_faster(model)
        except LoadingCancelled:
            pass
        # The user has asked for nothing here, and keeps what there is.
        except Exception as error:
            logger.warning("%s goes on in %s: %s", model.name, model.precision, first_line(error))

    def _fail(self, wish: _Wish, text: str) -> None:
        with self._changed:
            self._say(wish, "failed", text, None)
            if self._newest is wish:
                self._newest = None

    def _say(self, wish: _Wish, status: str, text: str, share: float | None) -> None:
        with self._changed:
            if self._newest is not wish:
                return
            self._on_state(
                ModelState(
                    "failed" if status == "failed" else "loading",
                    name=wish.request.name,
                    tag=wish.request.pretrained or "",
                    message=text,
                    progress=share,
                )
            )
