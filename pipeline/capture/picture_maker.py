"""Draws pictures into shared memory: not more often than a screen shows them, and only where there is news."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from pipeline.capture.messages import Rendering, SetRendering
from pipeline.capture.ring import PictureWriter
from pipeline.events import EventArray, Resolution
from pipeline.picture import PictureRenderer

INTERVAL_S = 1 / 60


class PictureMaker:
    """The view of one stream.

    Parameters
    ----------
    writer : PictureWriter
    resolution : Resolution
    order : SetRendering
    """

    def __init__(self, writer: PictureWriter, resolution: Resolution, order: SetRendering) -> None:
        self._writer = writer
        self._resolution = resolution
        self._rendering = order.rendering
        self._renderer = PictureRenderer(resolution, order.rendering, order.palette)
        self._due_at = -math.inf
        self._news = True

    @property
    def shows_model_frame(self) -> bool:
        return self._rendering is Rendering.MODEL_FRAME

    def push(self, events: EventArray) -> None:
        """Take the next events."""
        self._renderer.push(events)
        self._news = True

    def refresh(self) -> None:
        """Something else has changed: draw at the next opportunity."""
        self._news = True

    def set_rendering(self, order: SetRendering) -> None:
        """Draw so from now on, a stream that stands still too."""
        self._rendering = order.rendering
        self._renderer.set_rendering(order.rendering, order.palette)
        self._news = True

    def clear(self) -> None:
        """Forget what was seen."""
        self._renderer.clear()
        self._news = True

    def draw(self, now_us: int, model_frame: npt.NDArray[np.uint8] | None, now_s: float) -> float:
        """Draw if there is news and a screen is ready for it; give the seconds until it wants to be called again.

        Parameters
        ----------
        now_us : int
            The stream's time.
        model_frame : uint8 (H, W) or None
            The newest event frame.
        now_s : float
            The wall's time.
        """
        if not self._news:
            return math.inf
        early_s = self._due_at - now_s
        if early_s > 0:
            return early_s
        if model_frame is not None and self.shows_model_frame:
            self._renderer.set_model_frame(model_frame)
        self._renderer.render(now_us, self._writer.begin(self._resolution))
        self._writer.finish()
        self._due_at = max(self._due_at + INTERVAL_S, now_s)  # turns are not in step with the screen
        self._news = False
        return math.inf
