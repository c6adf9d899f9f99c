"""Arrays for the pixels of event frames, used again once nobody holds them.

Memory fresh from the system is handed out page by page as it is first written to, which costs several times as much
as the copying itself. And some processors copy ten times as slowly to a place that lies, within its page, a few bytes
behind where they copy from, as numpy's large arrays do: these here begin, as the ring's frames, where a line of the
cache begins.
"""

from __future__ import annotations

import sys
from collections import deque

import numpy as np
import numpy.typing as npt

MOST_BYTES = 32 << 20
MOST_ARRAYS = 64
LINE_BYTES = 64
"""Of a processor's cache."""

Pixels = npt.NDArray[np.uint8]


class FrameArrays:
    """Gives arrays that nobody else holds, nor any view of them. In one thread."""

    def __init__(self) -> None:
        self._size = 0
        self._most = 0
        self._given: deque[Pixels] = deque()
        """The oldest first; of each a part was given."""
        self._begins: deque[int] = deque()
        """Of those parts."""
        self._unheld = _holders(deque([np.empty(0, np.uint8)]))

    def take(self, size: int) -> Pixels:
        """Give an array of so many bytes, its content arbitrary; its holders may keep it as long as they like."""
        if size != self._size:
            self._size, self._most = size, min(MOST_ARRAYS, max(1, MOST_BYTES // size))
            self._given.clear()
            self._begins.clear()
        if self._given and _holders(self._given) == self._unheld:
            self._given.rotate(-1)
            self._begins.rotate(-1)
        else:
            self._make(size)
        begin = self._begins[-1]
        return self._given[-1][begin : begin + size]

    def _make(self, size: int) -> None:
        if len(self._given) >= self._most:
            self._given.popleft()  # somebody keeps it, and may do so for long
            self._begins.popleft()
        array = np.empty(size + LINE_BYTES, np.uint8)
        self._given.append(array)
        self._begins.append(-array.ctypes.data % LINE_BYTES)


def _holders(arrays: deque[Pixels]) -> int:
    """Count the references to the first array: each view of it is one, also a view of a view."""
    return sys.getrefcount(arrays[0])
