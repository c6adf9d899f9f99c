"""Pictures of the figures, by matplotlib, without a window."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure

NAMED_CLASSES = 40
"""With more, the classes' names could not be read."""
_DPI = 150
_COLOUR = "#2f6fab"


def plot_confusion(path: Path, confusion: npt.NDArray[np.int64], classes: Sequence[str], title: str) -> None:
    """Draw which classes are taken for which, as shares of each true class."""
    count = len(classes)
    named = count <= NAMED_CLASSES
    side = 3.0 + 0.28 * count if named else 9.0
    figure = Figure(figsize=(side + 1, side), layout="constrained")
    axes = figure.add_subplot()
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    picture = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    figure.colorbar(picture, ax=axes, shrink=0.8, label="share of the class's samples")
    if named:
        axes.set_xticks(range(count), [_plain(name) for name in classes], rotation=90)
        axes.set_yticks(range(count), [_plain(name) for name in classes])
    axes.set_xlabel("named")
    axes.set_ylabel("shown")
    axes.set_title(_plain(title))
    figure.savefig(path, dpi=_DPI)


def plot_per_class(path: Path, shares: npt.NDArray[np.float64], classes: Sequence[str], title: str) -> None:
    """Draw the accuracy of each class, the best first; a class without samples is left out."""
    order = [place for place in np.argsort(-shares, kind="stable") if not np.isnan(shares[place])]
    named = len(order) <= NAMED_CLASSES
    figure = Figure(figsize=(7, 1.5 + 0.25 * len(order)) if named else (9, 4), layout="constrained")
    axes = figure.add_subplot()
    values = shares[order]
    if named:
        axes.barh(range(len(order)), values, color=_COLOUR)
        axes.set_yticks(range(len(order)), [_plain(classes[place]) for place in order])
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("accuracy")
    else:
        axes.fill_between(range(len(order)), values, color=_COLOUR, step="mid")
        axes.set_ylim(0, 1)
        axes.set_xlabel("classes, the best first")
        axes.set_ylabel("accuracy")
    axes.set_title(_plain(title))
    figure.savefig(path, dpi=_DPI)


def plot_shots(
    path: Path,
    curves: Mapping[str, tuple[Sequence[int], Sequence[float], Sequence[float]]],
    zero_shot: float,
    title: str,
) -> None:
    """Draw accuracy against the number of examples, a line for each method.

    Parameters
    ----------
    curves : dict
        Numbers of examples, means and standard deviations, by method.
    """
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    for method, (shots, means, deviations) in curves.items():
        axes.errorbar(shots, means, yerr=deviations, marker="o", capsize=3, label=method)
    axes.axhline(zero_shot, color="grey", linestyle="--", label="zero-shot")
    every = sorted({count for shots, _, _ in curves.values() for count in shots})
    axes.set_xscale("log", base=2)
    axes.set_xticks(every, [str(count) for count in every])
    least = min(
        [zero_shot, *(mean - deviation for _, *two in curves.values() for mean, deviation in zip(*two, strict=True))]
    )
    axes.set_ylim(
        max(0.0, math.floor(least * 10 - 0.5) / 10), 1
    )  # a tenth, so that lines close together are told apart
    axes.set_xlabel("examples of each class")
    axes.set_ylabel("top-1 accuracy")
    axes.set_title(_plain(title))
    axes.legend()
    figure.savefig(path, dpi=_DPI)


def _plain(text: str) -> str:
    """Keep matplotlib from reading formulas into a name."""
    return text.replace("$", r"\$")
