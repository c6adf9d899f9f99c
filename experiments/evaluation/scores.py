"""Top-1, top-5, per class, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipeline.prediction import Floats

TOP = 5


@dataclass(frozen=True)
class Scores:
    """How well labels were told from logits.

    Attributes
    ----------
    top1, top5 : float
        Share of samples whose class has the greatest logit; is among the five greatest.
    confusion : int64 (K, K)
        Samples of class i taken for class j.
    """

    top1: float
    top5: float
    confusion: npt.NDArray[np.int64]

    @property
    def per_class(self) -> npt.NDArray[np.float64]:
        """Share of each class's samples that are right, float64 (K,); NaN for a class without samples."""
        counts = self.confusion.sum(axis=1)
        shares = np.full(len(counts), np.nan)
        np.divide(np.diag(self.confusion), counts, out=shares, where=counts > 0)
        return shares


@dataclass(frozen=True)
class Spread:
    """A figure over several seeds: mean and standard deviation (of the sample; 0 for a single seed)."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def deviation(self) -> float:
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0


def score(logits: Floats, labels: npt.NDArray[np.int64]) -> Scores:
    """Judge logits (n, K) by the labels (n,); of equal logits the first class goes first.

    Raises
    ------
    ValueError
        No samples.
    """
    if not len(labels):
        raise ValueError("There are no samples to judge.")
    classes = logits.shape[1]
    order = np.argsort(-logits, axis=1, kind="stable")
    found = order == labels[:, None]
    confusion = np.zeros((classes, classes), np.int64)
    np.add.at(confusion, (labels, order[:, 0]), 1)
    return Scores(float(found[:, 0].mean()), float(found[:, :TOP].any(axis=1).mean()), confusion)


def together(scores: Sequence[Scores]) -> npt.NDArray[np.int64]:
    """Give the confusions of several seeds added up."""
    total: npt.NDArray[np.int64] = np.sum([one.confusion for one in scores], axis=0)
    return total
