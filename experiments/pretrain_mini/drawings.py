"""Icons and emoji as bitmaps: coverage and lightness, cut to the drawing, all of one size."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from scipy import ndimage

from experiments.pretrain_mini.hands import look, plain_name

SIDE = 128
MARGIN = 6
_DRAWN_AT = 256
_FAINT = 24

Bitmap = npt.NDArray[np.uint8]
"""Planes coverage, lightness and distance to the nearest edge (px), uint8 (3, SIDE, SIDE)."""


@dataclass(frozen=True)
class Icon:
    """A picture of a set: what it is called there, and how it looks."""

    hand: str
    name: str
    plain: tuple[str, ...]
    look: int
    body: str
    box: tuple[float, float, float, float]


def icons_of(folder: Path, hand: str) -> Iterator[Icon]:
    """Give the icons of one set, its aliases as further names."""
    described = json.loads((folder / "icons.json").read_text())
    width, height = described.get("width", 16), described.get("height", 16)
    names = frozenset(described["icons"])
    others: dict[str, list[str]] = {}
    for alias, meant in described.get("aliases", {}).items():
        if not {"hFlip", "vFlip", "rotate"} & set(meant):
            others.setdefault(meant["parent"], []).append(plain_name(alias, hand))
    for name, icon in described["icons"].items():
        box = (icon.get("left", 0), icon.get("top", 0), icon.get("width", width), icon.get("height", height))
        plain = dict.fromkeys((plain_name(name, hand), *others.get(name, ())))
        yield Icon(hand, name, tuple(plain), look(name, names), icon["body"], box)


def draw_icon(icon: Icon) -> Bitmap | None:
    """Draw it; nothing when it is empty."""
    import resvg_py

    left, top, width, height = icon.box
    scale = _DRAWN_AT / max(width, height)
    body = icon.body.replace("currentColor", "#000")
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width * scale}" height="{height * scale}" viewBox="{left} {top} {width} {height}">{body}</svg>'
    )
    drawn = Image.open(io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg)))).convert("RGBA")
    return bitmap(np.asarray(drawn))


def bitmap(drawn: npt.NDArray[np.uint8]) -> Bitmap | None:
    """Cut RGBA (H, W, 4) to what is drawn and fit it into the square."""
    covered = np.argwhere(drawn[..., 3] > _FAINT)
    if len(covered) < 20:
        return None
    (top, left), (bottom, right) = covered.min(0), covered.max(0) + 1
    if max(bottom - top, right - left) < 24:
        return None
    cut = drawn[top:bottom, left:right].astype(np.float32)
    alpha = cut[..., 3] / 255
    light = (cut[..., :3] @ np.array([0.30, 0.59, 0.11], np.float32)) * alpha
    space = SIDE - 2 * MARGIN
    scale = space / max(alpha.shape)
    size = (max(1, round(alpha.shape[1] * scale)), max(1, round(alpha.shape[0] * scale)))
    planes = [
        np.asarray(Image.fromarray(p).resize(size, Image.Resampling.BOX if scale < 1 else Image.Resampling.BILINEAR))
        for p in (alpha, light)
    ]
    whole = np.zeros((2, SIDE, SIDE), np.float32)
    y, x = (SIDE - size[1]) // 2, (SIDE - size[0]) // 2
    for plane, target in zip(planes, whole, strict=True):
        target[y : y + size[1], x : x + size[0]] = plane
    coverage = whole[0].clip(0, 1)
    lightness = np.where(coverage > 0.02, whole[1] / np.maximum(coverage, 0.02), 0)
    return finished((coverage * 255).round().astype(np.uint8), lightness.clip(0, 255).round().astype(np.uint8))


def finished(coverage: npt.NDArray[np.uint8], lightness: npt.NDArray[np.uint8]) -> Bitmap:
    """Add the distance of each pixel to the nearest change of light."""
    seen = coverage.astype(np.int32) * 256 + lightness.astype(np.int32) * coverage // 255 * 3
    flat = ndimage.grey_dilation(seen, 3) - ndimage.grey_erosion(seen, 3) < 256 * 12
    distance = ndimage.distance_transform_edt(flat)
    return np.stack([coverage, lightness, distance.clip(0, 255).astype(np.uint8)])
