"""Curves as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.growth.curve import Curve
from benchmarks.peers import peer

COLOURS = ("#c26a00", "#2b6cb0", "#2f855a", "#8a93a3")


def draw(curve: Curve, file: Path) -> None:
    """Draw a curve into a picture file.

    Raises
    ------
    RuntimeError
        matplotlib is not installed.
    """
    matplotlib = peer("matplotlib")
    if matplotlib is None:
        raise RuntimeError("matplotlib is not installed: start this with `uv run --group bench`")
    matplotlib.use("Agg")
    plt = peer("matplotlib.pyplot")
    assert plt is not None
    figure, axis = plt.subplots(figsize=(6.4, 4.0), layout="constrained")
    _draw_lines(axis, curve)
    if curve.remark:
        figure.text(0.01, -0.02, curve.remark, fontsize=8, va="top", wrap=True)
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110, bbox_inches="tight")
    plt.close(figure)


def _draw_lines(axis: Any, curve: Curve) -> None:
    for line, colour in zip(curve.lines, COLOURS, strict=False):
        across, up = zip(*line.points, strict=True)
        axis.plot(across, up, "o-", color=colour, label=line.name, linewidth=1.6, markersize=4)
    axis.set_xscale("log")
    if curve.logarithmic:
        axis.set_yscale("log")
    if curve.limit is not None:
        axis.axhline(curve.limit, color="#555555", linestyle=":", linewidth=1)
    axis.set_title(curve.title, fontsize=10, loc="left")
    axis.set_xlabel(curve.across, fontsize=9)
    axis.set_ylabel(curve.up, fontsize=9)
    axis.tick_params(labelsize=8)
    axis.grid(True, which="major", color="#dddddd", linewidth=0.6)
    axis.legend(fontsize=8, frameon=False)
