"""The event rate over a whole recording, found by a reader of its own in the player's spare moments."""

from __future__ import annotations

import numpy as np

from pipeline.sources.base import Source, SourceError

BINS = 400
MAX_WHOLE_BYTES = 32_000_000
"""A larger file is looked at in one place a bin instead of read whole."""


class OverviewScan:
    """Counts events per bin, one batch a step.

    Parameters
    ----------
    source : Source
        Opened for this alone, seekable; closed at the end.
    file_bytes : int
        Size of the recording.

    Attributes
    ----------
    counts : int64 (BINS,)
        Events per bin; estimated from a sample where the file is large.
    """

    def __init__(self, source: Source, file_bytes: int) -> None:
        self._source = source
        self._start_us = source.info.start_us
        self._span_us = max(source.info.end_us - source.info.start_us, 1)
        self._sampled = file_bytes > MAX_WHOLE_BYTES
        self._bin = 0
        self.counts = np.zeros(BINS, np.int64)

    def step(self) -> bool:
        """Look at a little more; False when all is seen, or the rest cannot be read."""
        try:
            more = self._sample() if self._sampled else self._read_on()
        except SourceError:
            more = False  # the player will come to that place and say so
        if not more:
            self.close()
        return more

    def close(self) -> None:
        """Free the file. May be called twice."""
        self._source.close()

    def _read_on(self) -> bool:
        batch = self._source.read()
        if batch is None:
            return False
        since_us = batch.events["timestamp"] - self._start_us
        inside = since_us[(since_us >= 0) & (since_us < self._span_us)]
        if len(inside):
            # not a product with the number of bins, which could leave 64 bits
            bins = np.minimum((inside // (self._span_us / BINS)).astype(np.int64), BINS - 1)
            self.counts += np.bincount(bins, minlength=BINS)
        return True

    def _sample(self) -> bool:
        """Read one batch at the next bin's beginning, and take the rest of the bin to be like it."""
        width_us = self._span_us / BINS
        from_us = self._start_us + int(self._bin * width_us)
        self._source.seek(from_us)
        batch = self._source.read()
        if batch is not None and len(batch.events):
            times = batch.events["timestamp"]
            inside = int(np.count_nonzero((times >= from_us) & (times < from_us + width_us)))
            seen_us = min(max(batch.until_us - from_us, 1), width_us)
            self.counts[self._bin] = round(inside * width_us / seen_us)
        self._bin += 1
        return self._bin < BINS
