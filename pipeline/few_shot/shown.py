"""What the inference thread hands out for teaching. No torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.taught import FeatureSetting
from pipeline.prediction import Floats
from pipeline.prompts import ActiveRow


@dataclass(frozen=True)
class ShownWindow:
    """A complete window of the stream, with the features by which the recogniser has judged it.

    Attributes
    ----------
    features : float32 (T, C)
        Not normalised. Where the encoder does not keep up with the stream, timesteps that it has left out have the
        feature of the nearest one.
    frame : uint8 (H, W)
        Event frame of the timestep with the most events.
    start_us, end_us : int
        [start, end) in the stream's own µs.
    events : int
    segment : int
    first_index : int
        Number of the first timestep's event frame.
    empty : bool
        Too few events to show anything.
    setting : FeatureSetting
        What the features are, but for the framer's part.
    """

    features: Floats
    frame: npt.NDArray[np.uint8]
    start_us: int
    end_us: int
    events: int
    segment: int
    empty: bool
    setting: FeatureSetting
    first_index: int = 0


@dataclass(frozen=True)
class RowTexts:
    """The rows that are judged, and what the text encoder makes of them.

    Attributes
    ----------
    rows : tuple of ActiveRow, length K
    features : float32 (K, C)
    scale : float
        s = exp(logit_scale).
    setting : FeatureSetting
        What the features of windows are, but for the framer's part.
    """

    rows: tuple[ActiveRow, ...]
    features: Floats
    scale: float
    setting: FeatureSetting
