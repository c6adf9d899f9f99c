"""Ordinary pictures, of a film or a webcam, as the light that the pixel model of the simulation looks at.

The same idea as in v2e (Hu, Liu, Delbruck 2021): pictures give the logarithm of light at each pixel, in between it is
taken to change evenly. v2e can also invent pictures in between; here something fast is seen at a few places only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.events import NO_EVENTS, EventArray, Resolution, first_at
from pipeline.simulation.pixel_model import PixelModel, PixelSettings
from pipeline.sources.intake import MAX_BATCH_EVENTS

if TYPE_CHECKING:
    import av

Grey = npt.NDArray[np.uint8]
"""Grey values as a film stores them, uint8 (H, W)."""

SENSOR = PixelSettings(
    threshold_on=0.25, threshold_off=0.25, mismatch=0.02, refractory_us=0, noise_hz=0.002, noise_on=0.5, hot_pixels=0.0
)
"""Pictures have been through a slow, noisy sensor already: bandwidth and noise come with them."""
SMALLEST = 16
_SPREAD = 0.5
"""Pictures of a still scene tremble (noise, compression), which is less than half a threshold."""
_GAMMA = 2.2
_DARK_LIGHT = 0.02
"""Added to the light, of 1: noise in the shadows of a picture is no motion (v2e: linear instead of logarithmic)."""
_LOG_OF_GREY = np.log(((np.arange(256) / 255) ** _GAMMA + _DARK_LIGHT) / (1 + _DARK_LIGHT)).astype(np.float32)


def sensor_size(width: int, height: int, most: Resolution) -> Resolution:
    """Fit a picture's size into the largest sensor: never enlarged, and of the same shape."""
    scale = min(1.0, most.width / width, most.height / height)
    return Resolution(max(SMALLEST, round(width * scale)), max(SMALLEST, round(height * scale)))


def turned_size(frame: av.VideoFrame) -> tuple[int, int]:
    """Width and height of a frame as it is to be seen: telephones note how they were held."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def grey_of(frame: av.VideoFrame, resolution: Resolution) -> Grey:
    """Give a frame in grey, as it is to be seen, scaled to the sensor."""
    quarters = round(frame.rotation / 90) % 4
    width, height = resolution if quarters % 2 == 0 else (resolution.height, resolution.width)
    scaled = frame.reformat(width=width, height=height, format="gray", interpolation="AREA")
    grey: Grey = np.ascontiguousarray(np.rot90(scaled.to_ndarray(), quarters))
    return grey


class PictureEvents:
    """Events from one picture after another.

    Parameters
    ----------
    resolution : Resolution
        Of the pictures.
    seed : int
    """

    def __init__(self, resolution: Resolution, seed: int = 0) -> None:
        self._model = PixelModel(resolution, SENSOR, seed)
        self._log = np.zeros((resolution.height, resolution.width), np.float32)
        self._model.start(self._log, 0)
        self._model.show(self._log, 1000)  # compiles or loads the loops now rather than while the stream waits
        self.time_us: int | None = None
        """Of the last picture."""

    def begin(self, grey: Grey, time_us: int) -> None:
        """Look at this picture as if for a long time already."""
        np.take(_LOG_OF_GREY, grey, out=self._log)
        self._model.start(self._log, time_us, _SPREAD)
        self.time_us = time_us

    def show(self, grey: Grey, time_us: int) -> EventArray:
        """Go on to this picture, and give the events since the last one; none for the first.

        The events of a picture of another time than after the last one's are none either.
        """
        if self.time_us is None:
            self.begin(grey, time_us)
            return NO_EVENTS
        if time_us <= self.time_us:
            return NO_EVENTS
        np.take(_LOG_OF_GREY, grey, out=self._log)
        self.time_us = time_us
        return self._model.show(self._log, time_us)


def portions(events: EventArray) -> list[EventArray]:
    """Part events where there are more than a batch holds, never among those of one time."""
    parts = []
    while len(events) > MAX_BATCH_EVENTS:
        times = events["timestamp"]
        cut = first_at(events, int(times[MAX_BATCH_EVENTS]))
        if cut == 0:
            cut = first_at(events, int(times[0]) + 1)
        parts.append(events[:cut])
        events = events[cut:]
    return [*parts, events]
