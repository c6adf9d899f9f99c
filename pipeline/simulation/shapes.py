"""The things that the simulated scene shows: drawn for this program, one function each.

Light on a darker ground, with a few dark details inside, as one would draw them on a card to wave before a camera.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from pipeline.simulation.drawing import (
    Drawing,
    Points,
    arc,
    area,
    curve,
    drawing,
    ellipse,
    joined,
    mirrored,
    polygon,
    rounded,
    stroke,
    texture,
)

__all__ = ["SHAPES", "label", "texture"]

WHITE = 0.92
LIGHT = 0.62
DARK = 0.12


def star() -> Drawing:
    return drawing(area(WHITE, rounded(_star(0.95, 0.42), 0.05)), area(LIGHT, rounded(_star(0.60, 0.26), 0.03)))


def heart() -> Drawing:
    turn = np.linspace(0.0, 2 * np.pi, 160, endpoint=False)
    outline = np.stack(
        [
            16 * np.sin(turn) ** 3,
            -(13 * np.cos(turn) - 5 * np.cos(2 * turn) - 2 * np.cos(3 * turn) - np.cos(4 * turn)),
        ],
        axis=-1,
    )
    outline = outline / 17.5 - np.array([0.0, 0.12])
    shine = curve((-0.62, -0.18), (-0.62, -0.52), (-0.32, -0.56), corners=20)
    return drawing(area(WHITE, outline), stroke(DARK, shine, 0.09))


def cup() -> Drawing:
    handle = arc(0.50, 0.12, 0.34, 0.28, -75, 80)
    body = joined(
        polygon((-0.62, -0.28), (0.56, -0.28)),
        curve((0.54, 0.20), (0.50, 0.66), (0.18, 0.68), corners=20),
        curve((-0.24, 0.68), (-0.56, 0.66), (-0.60, 0.20), corners=20),
    )
    steam = [curve((x, -0.48), (x - 0.16, -0.62), (x + 0.16, -0.76), (x, -0.92)) for x in (-0.26, 0.0, 0.26)]
    return drawing(
        area(LIGHT, ellipse(-0.03, 0.76, 0.82, 0.13)),
        stroke(WHITE, handle, 0.14),
        area(WHITE, body),
        area(WHITE, ellipse(-0.03, -0.28, 0.59, 0.15)),
        area(DARK, ellipse(-0.03, -0.27, 0.49, 0.10)),
        *(stroke(LIGHT, line, 0.07) for line in steam),
    )


def umbrella() -> Drawing:
    edge = [arc(x, 0.08, 0.235, 0.13, 0, -180, corners=24) for x in (0.705, 0.235, -0.235, -0.705)]
    canopy = joined(arc(0.0, 0.08, 0.94, 0.86, -180, 0, corners=72), *edge)
    ribs = [curve((0.0, -0.78), (0.62 * side, -0.62), (0.47 * side, 0.08), corners=20) for side in (-1, 1)]
    hook = joined(polygon((0.0, 0.0), (0.0, 0.70)), arc(0.15, 0.70, 0.15, 0.17, 180, 0, corners=24))
    return drawing(
        stroke(LIGHT, polygon((0.0, -0.95), (0.0, -0.70)), 0.07),
        stroke(WHITE, hook, 0.085),
        area(WHITE, canopy),
        *(stroke(DARK, line, 0.035) for line in ribs),
        stroke(DARK, polygon((0.0, -0.76), (0.0, -0.06)), 0.035),
    )


def arrow() -> Drawing:
    outline = polygon(
        (-0.92, -0.24), (0.10, -0.24), (0.10, -0.64), (0.94, 0.0), (0.10, 0.64), (0.10, 0.24), (-0.92, 0.24)
    )
    return drawing(area(WHITE, rounded(outline, 0.08)))


def house() -> Drawing:
    return drawing(
        area(LIGHT, polygon((0.36, -0.84), (0.58, -0.84), (0.58, -0.30), (0.36, -0.50))),
        area(WHITE, polygon((-0.68, -0.12), (0.68, -0.12), (0.68, 0.84), (-0.68, 0.84))),
        area(LIGHT, rounded(polygon((-0.94, -0.08), (0.0, -0.92), (0.94, -0.08)), 0.06)),
        area(DARK, polygon((-0.16, 0.30), (0.16, 0.30), (0.16, 0.84), (-0.16, 0.84))),
        *(area(DARK, polygon((x, 0.10), (x + 0.26, 0.10), (x + 0.26, 0.38), (x, 0.38))) for x in (-0.54, 0.28)),
        *(stroke(WHITE, polygon((x + 0.13, 0.10), (x + 0.13, 0.38)), 0.04) for x in (-0.54, 0.28)),
        *(stroke(WHITE, polygon((x, 0.24), (x + 0.26, 0.24)), 0.04) for x in (-0.54, 0.28)),
    )


def fish() -> Drawing:
    body = joined(
        curve((-0.94, 0.02), (-0.66, -0.62), (0.12, -0.66), (0.50, 0.0), corners=40),
        curve((0.50, 0.0), (0.12, 0.68), (-0.66, 0.64), (-0.94, 0.02), corners=40),
    )
    tail = joined(
        curve((0.34, 0.0), (0.62, -0.12), (0.86, -0.52), corners=16),
        curve((0.96, -0.50), (0.74, 0.0), (0.96, 0.50), corners=16),
        curve((0.86, 0.52), (0.62, 0.12), (0.34, 0.0), corners=16),
    )
    fin = joined(curve((-0.44, -0.40), (-0.20, -0.86), (0.18, -0.70), corners=16), polygon((0.16, -0.30)))
    below = joined(curve((-0.30, 0.42), (-0.14, 0.78), (0.12, 0.70), corners=16), polygon((0.08, 0.34)))
    scales = [arc(x, y, 0.13, 0.15, -70, 70, corners=16) for x, y in ((-0.10, -0.14), (-0.10, 0.16), (0.14, 0.0))]
    return drawing(
        area(LIGHT, fin),
        area(LIGHT, below),
        area(LIGHT, tail),
        area(WHITE, body),
        area(DARK, ellipse(-0.62, -0.08, 0.09)),
        stroke(DARK, arc(-0.62, 0.02, 0.30, 0.34, -50, 50, corners=20), 0.04),
        *(stroke(DARK, line, 0.035) for line in scales),
    )


def tree() -> Drawing:
    tiers = [(-0.95, -0.25, 0.42), (-0.58, 0.16, 0.60), (-0.20, 0.62, 0.78)]
    return drawing(
        area(DARK, polygon((-0.13, 0.55), (0.13, 0.55), (0.15, 0.95), (-0.15, 0.95))),
        *(
            area(shade, rounded(polygon((0.0, top), (half, bottom), (-half, bottom)), 0.07))
            for (top, bottom, half), shade in zip(reversed(tiers), (LIGHT, WHITE, LIGHT), strict=True)
        ),
    )


def key() -> Drawing:
    return drawing(
        area(WHITE, ellipse(-0.56, 0.0, 0.38), ellipse(-0.60, 0.0, 0.20)),
        area(WHITE, polygon((-0.24, -0.09), (0.94, -0.09), (0.94, 0.09), (-0.24, 0.09))),
        area(WHITE, polygon((0.76, 0.0), (0.92, 0.0), (0.92, 0.40), (0.76, 0.40))),
        area(WHITE, polygon((0.46, 0.0), (0.62, 0.0), (0.62, 0.32), (0.46, 0.32))),
    )


def crown() -> Drawing:
    points = ((-0.88, -0.42), (-0.44, 0.12), (0.0, -0.66), (0.44, 0.12), (0.88, -0.42))
    return drawing(
        area(WHITE, polygon((-0.66, 0.66), *points, (0.66, 0.66))),
        *(area(LIGHT, ellipse(x, y, 0.11)) for x, y in (points[0], points[2], points[4])),
        stroke(DARK, polygon((-0.64, 0.44), (0.64, 0.44)), 0.06),
        *(area(DARK, ellipse(x, 0.55, 0.05)) for x in (-0.36, 0.0, 0.36)),
    )


def face() -> Drawing:
    smile = arc(0.0, 0.10, 0.52, 0.46, 15, 165)
    return drawing(
        area(WHITE, ellipse(0.0, 0.0, 0.92)),
        *(area(DARK, ellipse(x, -0.26, 0.11, 0.17)) for x in (-0.32, 0.32)),
        stroke(DARK, smile, 0.11),
    )


def flower() -> Drawing:
    turns = np.radians(np.arange(6) * 60 + 30)
    petals = [ellipse(0.46 * float(np.cos(t)), -0.20 + 0.46 * float(np.sin(t)), 0.27) for t in turns]
    leaf = joined(
        curve((0.0, 0.86), (0.10, 0.50), (0.52, 0.46), corners=16), curve((0.52, 0.46), (0.46, 0.84), (0.0, 0.86))
    )
    return drawing(
        stroke(LIGHT, curve((0.0, 0.0), (0.06, 0.5), (0.0, 0.95), corners=20), 0.10),
        area(LIGHT, leaf),
        area(LIGHT, mirrored(leaf)),
        *(area(WHITE, petal) for petal in petals),
        area(DARK, ellipse(0.0, -0.20, 0.26)),
    )


SHAPES: dict[str, Callable[[], Drawing]] = {
    shape.__name__: shape for shape in (star, heart, cup, umbrella, arrow, house, fish, tree, key, crown, face, flower)
}
"""Every drawing by its name."""


def label(name: str) -> str:
    """Give the name as a person would type it: with its article."""
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _star(outer: float, inner: float) -> Points:
    turns = np.radians(np.arange(10) * 36 - 90)
    radii = np.where(np.arange(10) % 2 == 0, outer, inner)
    return np.stack([radii * np.cos(turns), radii * np.sin(turns) + 0.05], axis=-1)
