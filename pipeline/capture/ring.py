"""Event frames and pictures through shared memory: a ring of frames, and the latest picture only."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from pipeline.capture.bell import Bell, Listener, WakePipe
from pipeline.capture.memory import (
    A_PICTURE,
    MAX_PICTURE,
    MAX_SLOTS,
    PICTURES,
    RING_BYTES,
    FrameField,
    PictureField,
    PictureTrack,
    SharedMemory,
    Word,
    order_memory,
)
from pipeline.events import Resolution
from pipeline.frame_arrays import LINE_BYTES, FrameArrays
from pipeline.prediction import NO_EVENT, EventFrame

Pixels = npt.NDArray[np.uint8]
Places = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.int64]

WAITING_SLOTS = 24
"""Where the writer waits for the reader: what is written again and again stays in the processor's cache."""
RING_EVERY = 8
"""Frames taken: a writer that waits is woken for so many at once, as waking takes as long as a frame of few events."""
WAIT_AT_MOST_S = 0.05
"""A waiting reader looks by itself this often, should a process have died just before it rang."""
COPY_TRIES = 3


def slots_for(resolution: Resolution, *, waits: bool = False) -> int:
    """Frames of this size that the ring holds; where the writer `waits` for the reader, a few will do."""
    return min(WAITING_SLOTS if waits else MAX_SLOTS, RING_BYTES // max(_slot_bytes(resolution), 1))


def why_too_large(resolution: Resolution, timesteps: int, *, waits: bool) -> str | None:
    """Say why frames of this size, `timesteps` a window, cannot be passed on; None where they can.

    Where the writer `waits` for the reader, the ring need not hold a window.
    """
    if resolution.pixels > MAX_PICTURE.pixels:
        return f"The sensor has {resolution} pixels, more than the {MAX_PICTURE} that can be shown."
    slots = slots_for(resolution, waits=waits)
    if not waits and slots < 2 * timesteps + 2:
        return (
            f"A window of {timesteps} timesteps of {resolution} pixels is too large: "
            f"choose at most {(slots - 2) // 2} timesteps."
        )
    return None


def _slot_bytes(resolution: Resolution) -> int:
    """Give the room for a frame: each begins where a line of the cache does."""
    return -(-resolution.pixels // LINE_BYTES) * LINE_BYTES


class FrameWriter:
    """The capture process's end of the ring.

    Parameters
    ----------
    memory : SharedMemory
    bell : Bell
        Rung for each frame.
    """

    def __init__(self, memory: SharedMemory, bell: Bell) -> None:
        self._memory = memory
        self._words = memory.words
        self._bell = bell
        self._resolution = Resolution(0, 0)
        self._slots = 0
        self._places = np.empty((0, 0), np.uint32)
        self._canvas: Pixels | None = None
        """Where the next frame is being drawn."""

    @property
    def places(self) -> Places:
        """Room for each frame as a list of places (y * width + x), (slots, n); only while there is `room`."""
        return self._places

    @property
    def put(self) -> int:
        """Frames written ever: the index of the next one."""
        return int(self._words[Word.FRAMES_PUT])

    @property
    def next_segment(self) -> int:
        """Larger than that of any frame written."""
        return int(self._words[Word.NEXT_SEGMENT])

    def begin(self, resolution: Resolution, *, waits: bool = False) -> None:
        """Drop what was not taken, and go on with frames of this size; `waits`: only while there is `room`."""
        words = self._words
        words[Word.FRAMES_FIRST] = words[Word.FRAMES_PUT]
        order_memory()
        self._resolution, self._slots = resolution, slots_for(resolution, waits=waits)
        words[Word.WIDTH], words[Word.HEIGHT] = resolution
        words[Word.SLOTS] = self._slots
        self._canvas = None
        size = self._slots * _slot_bytes(resolution)
        self._places = self._memory.ring[:size].view(np.uint32).reshape(self._slots, -1)

    def room(self) -> int:
        """Give how many frames can be written without overwriting one that was not taken; 0 or less: none."""
        words = self._words
        gone = max(int(words[Word.FRAMES_TAKEN]), int(words[Word.FRAMES_FIRST]))
        return gone + self._slots - int(words[Word.FRAMES_PUT])

    def announce(self, table: Numbers, index: int, segment: int) -> None:
        """Put frames that were written into `places` where there was room; the first one's index must be `put`.

        Parameters
        ----------
        table : int64 (n, 4)
            Of each its start and end in µs, and how many places of polarity 0 and of polarity 1 it lists.
        index, segment : int
        """
        self._check_turn(index)
        words, stop = self._words, index + len(table)
        rows = np.empty((len(table), len(FrameField)), np.int64)
        indices = np.arange(index, stop)
        rows[:, FrameField.INDEX] = indices
        rows[:, FrameField.SEGMENT] = segment
        rows[:, FrameField.START_US : FrameField.END_US + 1] = table[:, :2]
        rows[:, FrameField.OFF : FrameField.ON + 1] = table[:, 2:]
        rows[:, FrameField.EVENTS] = table[:, 2] + table[:, 3]
        rows[:, FrameField.COMPLETED_NS] = time.monotonic_ns()
        self._memory.frame_fields[indices % self._slots] = rows
        words[Word.NEXT_SEGMENT] = segment + 1
        words[Word.FRAMES_STARTED] = stop
        order_memory()
        words[Word.FRAMES_PUT] = stop
        self._bell.ring()

    def canvas(self) -> Pixels:
        """Give the place of the next frame, (H, W): what is drawn here need not be copied.

        From now on the oldest frame, which lies there, is lost to a reader who has not taken it.
        """
        if self._canvas is None:
            put = self.put
            self._words[Word.FRAMES_STARTED] = put + 1
            order_memory()
            self._canvas = self._pixels(put % self._slots)
        return self._canvas

    def write(self, frame: EventFrame) -> None:
        """Put a frame, over the oldest one if need be. Its index must be `put`."""
        words = self._words
        self._check_turn(frame.index)
        slot = frame.index % self._slots
        canvas = self.canvas()
        if frame.pixels is not canvas:
            canvas[:] = frame.pixels
        self._canvas = None
        fields = self._memory.frame_fields[slot]
        fields[FrameField.INDEX] = frame.index
        fields[FrameField.SEGMENT] = frame.segment
        fields[FrameField.START_US] = frame.start_us
        fields[FrameField.END_US] = frame.end_us
        fields[FrameField.EVENTS] = frame.events
        fields[FrameField.COMPLETED_NS] = frame.completed_ns
        fields[FrameField.OFF] = A_PICTURE
        words[Word.NEXT_SEGMENT] = frame.segment + 1
        order_memory()
        words[Word.FRAMES_PUT] = frame.index + 1
        self._bell.ring()

    def newest(self) -> Pixels | None:
        """The last frame's pixels where they lie, (H, W); None before there is one of this stream."""
        put = self.put
        if put <= self._words[Word.FRAMES_FIRST]:
            return None
        return self._pixels((put - 1) % self._slots)

    def _check_turn(self, index: int) -> None:
        if index != self.put:
            raise ValueError(f"frame {index} written where frame {self.put} belongs")

    def _pixels(self, slot: int) -> Pixels:
        begin = slot * _slot_bytes(self._resolution)
        return self._memory.ring[begin : begin + self._resolution.pixels].reshape(
            self._resolution.height, self._resolution.width
        )


class RingFeed:
    """The application's end of the ring: a FrameFeed.

    Parameters
    ----------
    memory : SharedMemory
    frames : Bell
        Heard: there is a frame.
    room : Bell
        Rung: frames were taken.
    wake_pipe : WakePipe
    """

    def __init__(self, memory: SharedMemory, frames: Bell, room: Bell, wake_pipe: WakePipe) -> None:
        self._memory = memory
        self._words = memory.words
        self._frames = frames
        self._room = room
        self._wake_pipe = wake_pipe
        self._listener = Listener(frames.end, wake_pipe.reader)
        self._arrays = FrameArrays()
        self._resolution = Resolution(0, 0)
        self._slots: Pixels = np.empty((0, 0), np.uint8)
        """The ring as it is laid out now, (slots, bytes)."""
        self._places: Places = np.empty((0, 0), np.uint32)
        self._taken = 0

    def wait(self, timeout_s: float) -> bool:
        """Sleep until a frame is there, `wake` was called, or the time is over; True when a frame is there."""
        deadline = time.monotonic() + timeout_s
        while not (self._is_frame_there() or self._wake_pipe.take()):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            self._frames.hear()  # then look once more: what is put from now on rings
            if not self._is_frame_there():
                self._listener.wait(min(left, WAIT_AT_MOST_S))
        return self._is_frame_there()

    def wake(self) -> None:
        """End a `wait` that is going on, or the next one; from any thread."""
        self._wake_pipe.wake()

    def take(self, newest: int | None = None) -> list[EventFrame]:
        """Give all frames not taken before, in order, or only the newest so many; the pixels are the caller's own.

        What is left out, or was overwritten meanwhile, counts as taken: gaps show in `EventFrame.index`.
        """
        words = self._words
        put = int(words[Word.FRAMES_PUT])
        order_memory()
        first = max(self._taken, int(words[Word.FRAMES_FIRST]))
        if newest is not None:
            first = max(first, put - newest)
        frames = []
        readable = self._look_at_layout()
        for index in range(max(first, put - MAX_SLOTS), put):
            frame = self._copy(index) if readable else None
            if frame is not None:
                frames.append(frame)
            words[Word.FRAMES_TAKEN] = index + 1
            if index % RING_EVERY == 0:
                self._room.ring()
        self._taken = put
        words[Word.FRAMES_TAKEN] = put
        self._room.ring()
        return frames

    def _is_frame_there(self) -> bool:
        return bool(self._words[Word.FRAMES_PUT] > max(self._taken, int(self._words[Word.FRAMES_FIRST])))

    def _look_at_layout(self) -> bool:
        """See how the ring is laid out; after `FRAMES_PUT`, as frames of another layout are announced later."""
        words = self._words
        resolution = Resolution(int(words[Word.WIDTH]), int(words[Word.HEIGHT]))
        slots, size = int(words[Word.SLOTS]), _slot_bytes(resolution)
        if not (0 < slots <= MAX_SLOTS and 0 < slots * size <= RING_BYTES):
            return False
        if resolution != self._resolution or slots != len(self._slots):
            self._resolution = resolution
            self._slots = self._memory.ring[: slots * size].reshape(slots, size)
            self._places = self._slots.view(np.uint32)
        return True

    def _copy(self, index: int) -> EventFrame | None:
        """Copy or draw a frame; None where it was overwritten before it was copied."""
        words, resolution, slots = self._words, self._resolution, len(self._slots)
        slot = index % slots
        number, segment, start_us, end_us, events, completed_ns, off, _ = self._memory.frame_fields[slot].tolist()
        pixels = self._arrays.take(resolution.pixels)
        places: npt.NDArray[np.intp] | None = None
        if 0 <= off <= events <= self._places.shape[1]:
            places = self._places[slot, :events].astype(np.intp)
        else:
            pixels[:] = self._slots[slot, : resolution.pixels]
        order_memory()
        overwritten = words[Word.FRAMES_STARTED] > index + slots or words[Word.FRAMES_FIRST] > index
        if overwritten or number != index:
            return None
        if places is not None:
            pixels.fill(NO_EVENT)
            pixels[places[:off]] = 255
            pixels[places[off:]] = 0
        pixels = pixels.reshape(resolution.height, resolution.width)
        return EventFrame(index, segment, start_us, end_us, events, pixels, completed_ns)


class PictureWriter:
    """The capture process's end: pictures are drawn where they are read, three in turn."""

    def __init__(self, memory: SharedMemory, track: PictureTrack) -> None:
        self._words, self._track = memory.words, track

    def begin(self, resolution: Resolution) -> Pixels:
        """Give the array to draw the next picture into, uint8 (H, W, 4)."""
        track = self._track
        number = int(self._words[track.put]) + 1
        self._words[track.started] = number
        order_memory()
        place = number % PICTURES
        fields = track.fields[place]
        fields[PictureField.WIDTH], fields[PictureField.HEIGHT] = resolution
        return _picture(track, place, resolution)

    def finish(self) -> None:
        """Announce the picture begun."""
        order_memory()
        self._words[self._track.put] = self._words[self._track.started]


def latest_picture(memory: SharedMemory, track: PictureTrack, newer_than: int) -> tuple[int, Pixels] | None:
    """Copy the latest picture, uint8 (H, W, 4), with its number; None when there is none newer."""
    words = memory.words
    for _ in range(COPY_TRIES):
        number = int(words[track.put])
        if number <= newer_than:
            return None
        order_memory()
        place = number % PICTURES
        resolution = Resolution(*track.fields[place].tolist())
        if not 0 < resolution.pixels <= track.most.pixels:
            continue
        pixels = _picture(track, place, resolution).copy()
        order_memory()
        if words[track.started] < number + PICTURES:
            return number, pixels
    return None


def _picture(track: PictureTrack, place: int, resolution: Resolution) -> Pixels:
    return track.pixels[place, : resolution.pixels * 4].reshape(resolution.height, resolution.width, 4)
