"""What is left out of a camera's events before they are judged and drawn: hot pixels, noise. Recordings keep all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipeline.events import EventArray, Resolution, chosen
from pipeline.sources.base import EventBatch
from pipeline.sources.camera_controls import Controls, choice, number
from pipeline.sources.camera_settings import Pixel

if TYPE_CHECKING:
    import dv_processing as dv

NOISE = "Noise"
OFF, BACKGROUND, DECAY = "off", "background", "fast_decay"
BACKGROUND_US, DECAY_US = 2_000, 10_000
MOST_US = 1_000_000


class Cleaning:
    """Filters batch by batch, in order of time.

    Parameters
    ----------
    camera : str
        Its name, for people.
    resolution : Resolution, px
    """

    def __init__(self, camera: str, resolution: Resolution) -> None:
        self._resolution = resolution
        self._good: npt.NDArray[np.bool_] | None = None
        """For each pixel (H, W) whether its events count; None: all do."""
        self._kind = OFF
        self._background_us, self._decay_us = BACKGROUND_US, DECAY_US
        self._noise: Any = None
        self._newest_us: int | None = None
        self.controls = Controls(camera, [
            choice(
                "noise_filter", "Noise filter", NOISE, OFF,
                [(OFF, "Off"), (BACKGROUND, "Background activity"), (DECAY, "Fast decay")], self._set_kind,
                explanation="Leaves out events without others nearby. Recordings keep them.",
            ),
            number(
                "background_duration", "Neighbour within", NOISE, BACKGROUND_US, (100, MOST_US),
                self._set_background, step=100, unit="µs", explanation="Shorter leaves out more.",
                only_if=("noise_filter", BACKGROUND),
            ),
            number(
                "decay_half_life", "Half-life of the activity", NOISE, DECAY_US, (100, MOST_US),
                self._set_decay, step=100, unit="µs", explanation="Shorter leaves out more.",
                only_if=("noise_filter", DECAY),
            ),
        ])  # fmt: skip

    def set_hot_pixels(self, pixels: Sequence[Pixel], *, flip_horizontal: bool, flip_vertical: bool) -> None:
        """Leave out the events of these pixels.

        Parameters
        ----------
        pixels : sequence of (x, y)
            As the sensor counts them; those outside it are passed over.
        flip_horizontal, flip_vertical : bool
            The camera's events come flipped.
        """
        width, height = self._resolution
        good = np.ones((height, width), bool)
        for x, y in pixels:
            if 0 <= x < width and 0 <= y < height:
                good[height - 1 - y if flip_vertical else y, width - 1 - x if flip_horizontal else x] = False
        self._good = None if good.all() else good

    def clean(self, batch: EventBatch) -> EventBatch:
        """Give what is left of a batch; its time goes on as far."""
        events, store = batch.events, batch.store
        if self._good is not None and len(events):
            keep = self._good[events["y"], events["x"]]
            if not keep.all():
                events, store = chosen(events, keep), None
        if self._noise is not None and len(events):
            events, store = self._without_noise(events, store), None
        return batch if events is batch.events else EventBatch(events, batch.until_us, store)

    def _without_noise(self, events: EventArray, store: dv.EventStore | None) -> EventArray:
        if self._newest_us is not None and events[0]["timestamp"] < self._newest_us:
            self._make_filter()  # a clock that was set back: the library takes nothing older
        self._newest_us = int(events[-1]["timestamp"])
        self._noise.accept(_store_of(events) if store is None else store)
        left: EventArray = self._noise.generateEvents().numpy()
        return left

    # --- settings ---

    def _set_kind(self, kind: str) -> None:
        self._kind = kind
        self._make_filter()

    def _set_background(self, microseconds: int) -> None:
        self._background_us = microseconds
        if self._kind == BACKGROUND:
            self._noise.setBackgroundActivityDuration(timedelta(microseconds=microseconds))

    def _set_decay(self, microseconds: int) -> None:
        self._decay_us = microseconds
        if self._kind == DECAY:
            self._noise.setHalfLife(timedelta(microseconds=microseconds))

    def _make_filter(self) -> None:
        self._newest_us = None
        if self._kind == OFF:
            self._noise = None
            return
        import dv_processing as dv

        if self._kind == BACKGROUND:
            self._noise = dv.noise.BackgroundActivityNoiseFilter(
                self._resolution, backgroundActivityDuration=timedelta(microseconds=self._background_us)
            )
        else:
            self._noise = dv.noise.FastDecayNoiseFilter(
                self._resolution, halfLife=timedelta(microseconds=self._decay_us)
            )


def _store_of(events: EventArray) -> dv.EventStore:
    """Build what the library filters, event by event: it has no faster way in."""
    import dv_processing as dv

    store = dv.EventStore()
    columns = (events[name].tolist() for name in ("timestamp", "x", "y", "polarity"))
    for timestamp, x, y, polarity in zip(*columns, strict=True):
        store.push_back(timestamp, x, y, polarity != 0)
    return store
