"""What crosses from the inference thread to the window: frozen data classes, no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
NO_EVENT = 127
"""Of a pixel of an event frame that has seen none."""
SOMETHING_ELSE, SOMETHING_ELSE_ID = "something else", -1
"""Label and id of the row that stands for all that was not typed."""


@dataclass(frozen=True)
class EventFrame:
    """One timestep.

    Attributes
    ----------
    index : int
        Counts the frames of a stream from 0, through segments and settings.
    segment : int
        Grows when time jumps (seek, loop, clock reset) or the framer's settings change: a window never spans two.
    start_us, end_us : int
        [start, end) in the stream's own µs.
    events : int
        Events in this timestep.
    pixels : uint8 array, shape (H, W)
        127, 255 where polarity 0 was seen, 0 where polarity 1 was (NeuroCLIP's event-frame module).
    completed_ns : int
        When it was complete, by ``time.monotonic_ns()``, which all processes of a machine share.
    """

    index: int
    segment: int
    start_us: int
    end_us: int
    events: int
    pixels: npt.NDArray[np.uint8]
    completed_ns: int = 0


PredictionState: TypeAlias = Literal["ok", "no_motion"]


@dataclass(frozen=True)
class Prediction:
    """What the recogniser thinks of one window.

    Attributes
    ----------
    start_us, end_us : int
        The window, [start, end), in the stream's own µs.
    events : int
        Events in the window.
    state : "ok" or "no_motion"
        On ``no_motion`` the arrays hold NaN: the window is almost empty and a probability would be made up.
    row_ids : tuple of int, length N
        The prompt rows judged, by their stable numbers, in the user's order; where "something else" is judged as
        well, it is the last, `SOMETHING_ELSE_ID`.
    labels : tuple of str, length N
    cosines : float32 (N,)
        Mean over the timesteps of the cosine between frame and text feature, before scale and softmax; of
        "something else" that of the nearest other text.
    probabilities : float32 (N,)
        Sums to 1.
    timesteps : int
        Frames in the window: T, or fewer at the end of a recording shorter than a window.
    skipped_windows : int
        Windows since the start that were never predicted, because a newer one was there.
    latency_ms : float
        From the moment the window's last frame was complete to this prediction.
    taught : bool
        The probabilities are those of taught classes; the cosines stay the model's own.
    encoded : int
        Timesteps of the window that were encoded themselves; the others have the feature of the nearest one. Made
        without it: all of them.
    """

    start_us: int
    end_us: int
    events: int
    state: PredictionState
    row_ids: tuple[int, ...]
    labels: tuple[str, ...]
    cosines: Floats
    probabilities: Floats
    timesteps: int
    segment: int
    skipped_windows: int = 0
    latency_ms: float = 0.0
    taught: bool = False
    encoded: int = -1

    def __post_init__(self) -> None:
        """Fill in what was left out."""
        if self.encoded < 0:
            object.__setattr__(self, "encoded", self.timesteps)

    @property
    def best(self) -> int | None:
        """Index of the most probable row; None without motion or rows."""
        if self.state != "ok" or not len(self.probabilities):
            return None
        return int(np.argmax(self.probabilities))


ModelStatus: TypeAlias = Literal["none", "loading", "ready", "failed"]


@dataclass(frozen=True)
class ModelState:
    """The recogniser's model, as the window shows it."""

    status: ModelStatus
    name: str = ""
    tag: str = ""
    """The pretrained tag, the weights' file name, ``bundled``, or ``untrained``."""
    device: str = ""
    precision: str = ""
    trained: bool = True
    """False: random weights, so that labels mean nothing; window and terminal say so."""
    message: str = ""
    """Progress while loading; the reason, one sentence, when it failed (the model before it goes on)."""
    progress: float | None = None
    """0 to 1 while it is known."""
