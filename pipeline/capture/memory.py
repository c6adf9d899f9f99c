"""The block of memory that the application and its capture process share: what lies where in it.

An anonymous block, handed over by descriptor when the process starts: whoever is killed when, nothing is left
behind. Each word has one writer. Data is written first, then the counter that announces it.
"""

from __future__ import annotations

import ctypes
import threading
from enum import IntEnum, auto
from typing import Any

import numpy as np

from pipeline.events import Resolution

RING_BYTES = 48 << 20
MAX_SLOTS = 256
MAX_PICTURE = Resolution(1920, 1200)
PICTURES = 3
"""One that is drawn, one that is complete, one that is still being copied."""


class Word(IntEnum):
    """Words of 64 bits at the beginning. The capture process writes them where nothing else is said."""

    HEARTBEAT = 0
    PHASE = auto()
    PATIENCE_S = auto()
    """So long, in s, may the heart stand still in what is going on."""
    COMMANDS_TAKEN = auto()
    """From the control pipe, since the process started."""
    GENERATION = auto()
    """Number of the `Open` that is being carried out."""

    FRAMES_STARTED = auto()
    """Frames begun to be written, ever: frame i is overwritten once i + slots + 1 are begun."""
    FRAMES_PUT = auto()
    """Frames completely written, ever: the next frame's index."""
    FRAMES_FIRST = auto()
    """Frames before this index belong to another stream and are gone."""
    NEXT_SEGMENT = auto()
    FRAMES_TAKEN = auto()
    """By the application."""
    FRAME_BELL_RUNG = auto()
    FRAME_BELL_HEARD = auto()
    """By the application."""
    ROOM_BELL_RUNG = auto()
    """By the application."""
    ROOM_BELL_HEARD = auto()

    PICTURES_STARTED = auto()
    PICTURES_PUT = auto()

    WIDTH = auto()
    HEIGHT = auto()
    POSITION_US = auto()
    EVENTS_TOTAL = auto()
    EVENT_RATE = auto()
    DROPPED_EVENTS = auto()
    RECORDED_EVENTS = auto()
    RECORDED_BYTES = auto()
    PLAYING = auto()
    RESIDENT_BYTES = auto()


class FrameField(IntEnum):
    """Words that belong to a slot of the ring."""

    INDEX = 0
    SEGMENT = auto()
    START_US = auto()
    END_US = auto()
    EVENTS = auto()
    COMPLETED_NS = auto()


class PictureField(IntEnum):
    """Words that belong to a picture."""

    WIDTH = 0
    HEIGHT = auto()


class Phase(IntEnum):
    """What the capture process is about."""

    STARTING = 0
    OPENING = auto()
    RUNNING = auto()


_WORD = np.dtype(np.int64).itemsize
_FRAME_FIELDS_AT = len(Word) * _WORD
_PICTURE_FIELDS_AT = _FRAME_FIELDS_AT + MAX_SLOTS * len(FrameField) * _WORD
_RING_AT = 1 << 16
_PICTURE_BYTES = MAX_PICTURE.pixels * 4
_PICTURES_AT = _RING_AT + RING_BYTES
BLOCK_BYTES = _PICTURES_AT + PICTURES * _PICTURE_BYTES
assert _PICTURE_FIELDS_AT + PICTURES * len(PictureField) * _WORD <= _RING_AT


def allocate(context: Any) -> Any:
    """Give a zeroed block from this multiprocessing context, to be passed to the process as it starts.

    It is zeroed at once, so that a small /dev/shm is full now, where that is noticed, and not while running.
    """
    return context.RawArray(ctypes.c_uint8, BLOCK_BYTES)


class SharedMemory:
    """A block as arrays.

    Attributes
    ----------
    words : int64 (len(Word),)
    frame_fields : int64 (MAX_SLOTS, len(FrameField))
    picture_fields : int64 (PICTURES, len(PictureField))
    ring : uint8 (RING_BYTES,)
    pictures : uint8 (PICTURES, bytes of the largest picture)
    """

    def __init__(self, block: Any) -> None:
        self.words = np.frombuffer(block, np.int64, len(Word))
        self.frame_fields = np.frombuffer(
            block, np.int64, MAX_SLOTS * len(FrameField), offset=_FRAME_FIELDS_AT
        ).reshape(MAX_SLOTS, len(FrameField))
        self.picture_fields = np.frombuffer(
            block, np.int64, PICTURES * len(PictureField), offset=_PICTURE_FIELDS_AT
        ).reshape(PICTURES, len(PictureField))
        self.ring = np.frombuffer(block, np.uint8, RING_BYTES, offset=_RING_AT)
        self.pictures = np.frombuffer(block, np.uint8, PICTURES * _PICTURE_BYTES, offset=_PICTURES_AT).reshape(
            PICTURES, _PICTURE_BYTES
        )


_gate = threading.Lock()


def order_memory() -> None:
    """Let what was written before be seen before what is written after; some processors reorder writes.

    Locking and unlocking is the memory barrier that Python has; one alone lets neighbours slip into it.
    """
    with _gate:
        pass
    with _gate:
        pass
