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
MOST_ARRAYS = 32
LINE_BYTES = 64
"""Of a processor's cache."""

Pixels = npt.NDArray[np.uint8]


class FrameArrays:
    """Gives arrays that nobody else holds, nor any view of them. In one thread."""

    def __init__(self) -> None:
        self._size = 0
        self._most = 0
        self._given: deque[Pixels] = deque()
        """The oldest first."""
        self._unheld = _holders(deque([np.empty(0, np.uint8)]))

    def take(self, size: int) -> Pixels:
        """Give an array of so many bytes, its content arbitrary; its holders may keep it as long as they like."""
        if size != self._size:
            self._size, self._most = size, min(MOST_ARRAYS, max(1, MOST_BYTES // size))
            self._given.clear()
        if self._given and _holders(self._given) == self._unheld:
            self._given.rotate(-1)
            return _aligned(self._given[-1], size)
        if len(self._given) >= self._most:
            self._given.popleft()  # somebody keeps it, and may do so for long
        self._given.append(np.empty(size + LINE_BYTES, np.uint8))
        return _aligned(self._given[-1], size)


def _aligned(array: Pixels, size: int) -> Pixels:
    """Give so many bytes of the array, from the beginning of a line of the cache on."""
    begin = -array.ctypes.data % LINE_BYTES
    return array[begin : begin + size]


def _holders(arrays: deque[Pixels]) -> int:
    """Count the references to the first array: each view of it is one, also a view of a view."""
    return sys.getrefcount(arrays[0])
