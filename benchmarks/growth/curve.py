"""A curve: what was measured at some places of one axis, for one or several contenders."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Line:
    """One of a curve's lines.

    Attributes
    ----------
    name : str
    points : tuple of (float, float)
    """

    name: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curve:
    """One picture.

    Attributes
    ----------
    title, across, up : str
        Above it, and along its axes, with units.
    lines : tuple of Line
    logarithmic : bool
        Both axes; otherwise only the one across.
    limit : float or None
        A height that must not be passed, drawn as a line.
    remark : str
        One sentence for below it.
    """

    title: str
    across: str
    up: str
    lines: tuple[Line, ...]
    logarithmic: bool = True
    limit: float | None = None
    remark: str = ""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def median_s(work: Callable[[], object], repeats: int) -> float:
    """Give the median time of so many runs, s, after one that does not count."""
    work()
    taken = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def some(values: Sequence[Any], quick: bool) -> Sequence[Any]:
    """Give the first two for a quick run."""
    return values[:2] if quick else values
