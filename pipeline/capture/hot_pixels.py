"""Finds pixels that send without reason, while the lens is covered."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.events import EventArray, Resolution

SEARCH_S = 3.0
LEAST_HZ = 5.0
"""A pixel that sends less than this disturbs nobody."""
FAR_ABOVE = 10.0
"""Times the mean of the rest."""
MOST_SHARE = 0.01
"""Of a sensor's pixels: where more stand out, the camera sees something."""


class HotPixelCount:
    """Counts each pixel's events for a while.

    Parameters
    ----------
    resolution : Resolution, px
    started_s : float
        Time of a clock that never jumps.
    """

    def __init__(self, resolution: Resolution, started_s: float) -> None:
        self._resolution = resolution
        self._started_s = started_s
        self._counts = np.zeros(resolution.pixels, np.int64)

    def add(self, events: EventArray) -> None:
        """Count these; they lie inside the sensor."""
        if len(events):
            places = events["y"].astype(np.intp) * self._resolution.width + events["x"]
            self._counts += np.bincount(places, minlength=self._resolution.pixels)

    def is_over(self, now_s: float) -> bool:
        """Whether it has counted for long enough."""
        return now_s - self._started_s >= SEARCH_S

    def found(self, now_s: float) -> npt.NDArray[np.int64] | None:
        """Give the pixels far above the rest, int64 (n, 2): x and y. None where the lens cannot be covered."""
        hot = far_above(self._counts, LEAST_HZ * max(now_s - self._started_s, SEARCH_S))
        if hot is None:
            return None
        y, x = np.divmod(hot, self._resolution.width)
        return np.stack([x, y], axis=1)


def far_above(counts: npt.NDArray[np.int64], least: float) -> npt.NDArray[np.int64] | None:
    """Give the places of counts that are at least `least` and `FAR_ABOVE` the mean of all others.

    The mean is taken without those found, until no more are found.

    Returns
    -------
    int64 (n,) or None
        None: they are more than `MOST_SHARE`.
    """
    hot = np.zeros(len(counts), bool)
    while True:
        rest = counts[~hot]
        above = counts >= max(least, FAR_ABOVE * float(rest.mean()) if len(rest) else 0.0)
        if above.sum() > MOST_SHARE * len(counts):
            return None
        if (above == hot).all():
            return np.flatnonzero(hot)
        hot |= above
