"""A picture of the user's own as a thing to show: what of it is paper is left out."""

from __future__ import annotations

import io
from pathlib import Path

import av
import av.error
import numpy as np
import numpy.typing as npt

from pipeline.simulation.drawing import Texture
from pipeline.simulation.shapes import SHAPES, WHITE, label
from pipeline.simulation.things import Thing

LARGEST_FILE = 64_000_000
LARGEST_PICTURE = 100_000_000
"""px"""
_KEPT = 512
"""Larger pictures are scaled down to fit, px."""
_LEAST_COVER = 0.05
_LIGHTEST_GREY = 0.02
"""What is darker throughout is shown as black."""
_PAPER = 0.6
"""A ground at least this light is paper (grey value, of 1)."""
_LIKE_PAPER = 0.7
"""Of the edge that must be about as light as the paper."""
_NEAR_PAPER, _FAR_FROM_PAPER = 0.06, 0.2
"""Difference of a channel from the paper up to which a pixel is paper, and from which on it is not at all."""

Channels = npt.NDArray[np.float32]
"""Red, green, blue, alpha, 0 to 1, float32 (h, w, 4)."""


class PictureError(ValueError):
    """The picture cannot be shown. One sentence for the user."""


def read_thing(path: Path, name: str) -> Thing:
    """Read a picture and make a thing of it.

    What is transparent is left out; of a picture without transparency on a light ground, the ground. Any other is
    shown whole, as a card. It is lit so that its lightest parts are as light as those of the program's own drawings.

    Parameters
    ----------
    path : Path
    name : str
        As `picture_names` gives it.

    Raises
    ------
    PictureError
        It cannot be read, or nothing can be seen in it.
    """
    channels = _read(path)
    cover = channels[..., 3]
    if cover.min() > 1 - _LEAST_COVER:
        cover = _not_paper(channels[..., :3])
    rows, columns = (np.flatnonzero((cover > _LEAST_COVER).any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise PictureError(f"{path.name} shows nothing: choose a picture with something on its ground.")
    cut = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    cover = np.ascontiguousarray(cover[cut])
    return Thing(label(name), Texture(cover, cover * _lit(channels[..., :3][cut], cover)))


def picture_names(pictures: tuple[Path, ...]) -> tuple[str, ...]:
    """Name each picture by its file, without ending; the whole file name, or a number, where that is taken already."""
    names: list[str] = []
    for path in pictures:
        stem = " ".join(path.stem.replace("_", " ").replace("-", " ").split()) or path.name
        name, number = stem, 1
        while name in SHAPES or name in names:
            name = path.name if number == 1 else f"{path.name} {number}"
            number += 1
        names.append(name)
    return tuple(names)


def _read(path: Path) -> Channels:
    """Give the first picture of a file, scaled to fit."""
    data = _bytes_of(path)
    if path.suffix.lower() == ".svg":
        data = _drawn(path, data)
    try:
        with av.open(io.BytesIO(data), "r") as container:
            if not container.streams.video:
                raise PictureError(_unreadable(path))
            shape = container.streams.video[0].codec_context
            if shape.width * shape.height > LARGEST_PICTURE:
                raise PictureError(f"{path.name} has {shape.width} × {shape.height} pixels: make it smaller.")
            frame = next(container.decode(video=0), None)
            if frame is None:
                raise PictureError(_unreadable(path))
            scale = min(1.0, _KEPT / max(frame.width, frame.height))
            width, height = (max(1, round(side * scale)) for side in (frame.width, frame.height))
            scaled = frame.reformat(width=width, height=height, format="rgba", interpolation="AREA")
            turned = np.rot90(scaled.to_ndarray(), round(frame.rotation / 90) % 4)
    except (av.error.FFmpegError, ValueError, OSError) as error:
        if isinstance(error, PictureError):
            raise
        raise PictureError(_unreadable(path)) from error
    return (turned / np.float32(255)).astype(np.float32)


def _bytes_of(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise PictureError(f"{path.name} has more than {LARGEST_FILE // 1_000_000} MB: make it smaller.")
        return path.read_bytes()
    except OSError as error:
        raise PictureError(f"{path} cannot be read ({error.strerror}): choose another picture.") from error


def _drawn(path: Path, data: bytes) -> bytes:
    """Draw an .svg file, where the library for it is at hand; gives a .png file."""
    try:
        import resvg_py
    except ImportError:
        raise PictureError(
            f"{path.name} cannot be read: save it as .png, or install resvg-py, which reads .svg."
        ) from None
    try:
        return bytes(resvg_py.svg_to_bytes(svg_string=data.decode("utf-8-sig"), width=_KEPT))
    except (ValueError, OSError, RuntimeError) as error:
        raise PictureError(_unreadable(path)) from error


def _unreadable(path: Path) -> str:
    return f"{path.name} is no picture that can be read: choose a .png or .jpg file."


def _not_paper(colours: Channels) -> npt.NDArray[np.float32]:
    """How much of each pixel is not the light ground of the picture; all of it where there is no such ground."""
    edge = np.concatenate([colours[0], colours[-1], colours[:, 0], colours[:, -1]])
    paper = np.median(edge, axis=0)
    like_it = np.abs(edge - paper).max(axis=1) < _FAR_FROM_PAPER
    if paper.min() < _PAPER or like_it.mean() < _LIKE_PAPER:
        return np.ones(colours.shape[:2], np.float32)
    away = np.abs(colours - paper).max(axis=2)
    cover = np.clip((away - _NEAR_PAPER) / (_FAR_FROM_PAPER - _NEAR_PAPER), 0, 1)
    return np.asarray(cover, np.float32)


def _lit(colours: Channels, cover: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Share of the light that is thrown back: grey values as light, the lightest as light as the own drawings."""
    grey = colours @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    light = np.where(grey <= 0.04045, grey / 12.92, ((grey + 0.055) / 1.055) ** 2.4)
    lightest = float(np.quantile(light[cover > 0.5], 0.95)) if (cover > 0.5).any() else float(light.max())
    if lightest > _LIGHTEST_GREY:
        light = light * (WHITE / lightest)
    return np.clip(light, 0.01, WHITE).astype(np.float32)
