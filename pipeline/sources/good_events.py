"""Whether events can be drawn as they are: one look at each."""

from __future__ import annotations

import numpy as np

from pipeline.compiled import Words, compiled, plain, words_of
from pipeline.events import NO_EVENTS


@compiled
def are_good(words: Words, width: int, height: int) -> bool:
    """Say whether all events are inside the sensor, of polarity 0 or 1, and in order of time.

    Without a branch: the compiler looks at several at once.

    Parameters
    ----------
    words : Words, shape (2n,)
    width, height : int
        px
    """
    if not words.size:
        return True
    wrong, before = 0, words[0]
    columns, rows = np.uint64(width), np.uint64(height)
    for i in range(np.uint64(0), np.uint64(words.size), np.uint64(2)):
        time, word = words[i], np.uint64(words[i + np.uint64(1)])
        x, y = word & np.uint64(0xFFFF), (word >> np.uint64(16)) & np.uint64(0xFFFF)  # what is negative becomes large
        polarity = (word >> np.uint64(32)) & np.uint64(0xFF)
        wrong |= (time < before) | (x >= columns) | (y >= rows) | (polarity > np.uint64(1))
        before = time
    return not wrong


def prepare_checks() -> None:
    """Compile the loop, or load it: before a camera is opened, as its events pile up from then on."""
    are_good(words_of(plain(NO_EVENTS)), 1, 1)
