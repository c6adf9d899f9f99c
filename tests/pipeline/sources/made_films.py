"""Small films, encoded by the tests themselves: a light square that moves to the right over a dark ground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.video.stream import VideoStream

Frame = npt.NDArray[np.uint8]
WIDTH, HEIGHT, RATE = 160, 120, 30


def square(number: int, width: int = WIDTH, height: int = HEIGHT) -> Frame:
    """The film's picture of this number, uint8 (height, width, 3)."""
    picture = np.full((height, width, 3), 60, np.uint8)
    left = 10 + 2 * number % max(1, width - 50)
    picture[height // 3 : 2 * height // 3, left : left + 40] = 230
    return picture


def make_film(
    path: Path,
    frames: int = 90,
    *,
    codec: str = "mpeg4",
    size: tuple[int, int] = (WIDTH, HEIGHT),
    picture: Callable[[int, int, int], Frame] = square,
    gop: int = 12,
) -> Path:
    """Write a film of so many pictures, 30 a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=RATE)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.gop_size = gop
        for number in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number, *size), format="rgb24")))
        container.mux(stream.encode())
    return path


def make_sound(path: Path) -> Path:
    """Write a file that holds sound only."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path
