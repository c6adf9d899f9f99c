"""The block of memory that the application and its capture process share: what lies where in it.

An anonymous block, handed over by descriptor when the process starts: whoever is killed when, nothing is left
behind. Each word has one writer. Data is written first, then the counter that announces it.
"""

from __future__ import annotations

import ctypes
import threading
from dataclasses import dataclass
from enum import IntEnum, auto
from typing import Any

import numpy as np
import numpy.typing as npt

from pipeline.events import Resolution

RING_BYTES = 48 << 20
MAX_SLOTS = 256
MAX_PICTURE = Resolution(1920, 1200)
MAX_CAMERA_FRAME = Resolution(640, 480)
PICTURES = 3
"""One that is drawn, one that is complete, one that is still being copied."""
A_PICTURE = -1


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
    CAMERA_FRAMES_STARTED = auto()
    CAMERA_FRAMES_PUT = auto()

    WIDTH = auto()
    HEIGHT = auto()
    SLOTS = auto()
    """Frames that the ring holds now."""
    POSITION_US = auto()
    EVENTS_TOTAL = auto()
    EVENT_RATE = auto()
    DROPPED_EVENTS = auto()
    """Neither judged nor drawn."""
    THINNING = auto()
    """k: every k-th event is judged and drawn."""
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
    OFF = auto()
    """Of a frame that is a list: places of events of polarity 0, at its beginning; `A_PICTURE`: it is none."""
    ON = auto()
    """Those of polarity 1, behind them."""


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
_PICTURE_FIELDS_BYTES = PICTURES * len(PictureField) * _WORD
_CAMERA_FIELDS_AT = _PICTURE_FIELDS_AT + _PICTURE_FIELDS_BYTES
_RING_AT = 1 << 16
_PICTURES_AT = _RING_AT + RING_BYTES
_CAMERA_FRAMES_AT = _PICTURES_AT + PICTURES * MAX_PICTURE.pixels * 4
BLOCK_BYTES = _CAMERA_FRAMES_AT + PICTURES * MAX_CAMERA_FRAME.pixels * 4
assert _CAMERA_FIELDS_AT + _PICTURE_FIELDS_BYTES <= _RING_AT


def allocate(context: Any) -> Any:
    """Give a zeroed block from this multiprocessing context, to be passed to the process as it starts.

    It is zeroed at once, so that a small /dev/shm is full now, where that is noticed, and not while running.
    """
    return context.RawArray(ctypes.c_uint8, BLOCK_BYTES)


@dataclass(frozen=True)
class PictureTrack:
    """Where pictures of one kind lie, of which only the latest counts.

    Attributes
    ----------
    started, put : Word
        Pictures begun, and completely written, ever.
    most : Resolution
    fields : int64 (PICTURES, len(PictureField))
    pixels : uint8 (PICTURES, bytes of the largest picture)
    """

    started: Word
    put: Word
    most: Resolution
    fields: npt.NDArray[np.int64]
    pixels: npt.NDArray[np.uint8]


class SharedMemory:
    """A block as arrays.

    Attributes
    ----------
    words : int64 (len(Word),)
    frame_fields : int64 (MAX_SLOTS, len(FrameField))
    ring : uint8 (RING_BYTES,)
    pictures : PictureTrack
        What the events look like.
    camera_frames : PictureTrack
        What the camera's other sensor sees, of cameras that have one.
    """

    def __init__(self, block: Any) -> None:
        self.words = np.frombuffer(block, np.int64, len(Word))
        self.frame_fields = np.frombuffer(
            block, np.int64, MAX_SLOTS * len(FrameField), offset=_FRAME_FIELDS_AT
        ).reshape(MAX_SLOTS, len(FrameField))
        self.ring = np.frombuffer(block, np.uint8, RING_BYTES, offset=_RING_AT)
        self.pictures = PictureTrack(
            Word.PICTURES_STARTED, Word.PICTURES_PUT, MAX_PICTURE,
            *_pictures(block, _PICTURE_FIELDS_AT, _PICTURES_AT, MAX_PICTURE),
        )  # fmt: skip
        self.camera_frames = PictureTrack(
            Word.CAMERA_FRAMES_STARTED, Word.CAMERA_FRAMES_PUT, MAX_CAMERA_FRAME,
            *_pictures(block, _CAMERA_FIELDS_AT, _CAMERA_FRAMES_AT, MAX_CAMERA_FRAME),
        )  # fmt: skip


def _pictures(
    block: Any, fields_at: int, pixels_at: int, most: Resolution
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
    count = PICTURES * len(PictureField)
    fields = np.frombuffer(block, np.int64, count, offset=fields_at).reshape(PICTURES, len(PictureField))
    pixels = np.frombuffer(block, np.uint8, PICTURES * most.pixels * 4, offset=pixels_at).reshape(PICTURES, -1)
    return fields, pixels


_gate = threading.Lock()


def order_memory() -> None:
    """Let what was written before be seen before what is written after; some processors reorder writes.

    Locking and unlocking is the memory barrier that Python has; one alone lets neighbours slip into it.
    """
    with _gate:
        pass
    with _gate:
        pass
