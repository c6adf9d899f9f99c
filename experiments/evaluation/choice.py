"""Which samples are examples and which are judged, for each seed; the same choice on every machine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from experiments.datasets.dataset import EventDataset, Part

Numbers = npt.NDArray[np.int64]

SEARCHED_SAMPLES = 64
"""Training samples of each class that the post-search looks at."""


@dataclass(frozen=True)
class FewShotChoice:
    """Examples and test of one seed.

    Attributes
    ----------
    train, test : Part
        Where they are taken from; the same part where a data set has only one.
    examples : int64 (n,)
        Numbers of the chosen samples in `train`, in the order of their classes.
    judged : int64 (m,)
        Numbers of the samples in `test`, none of them an example.
    """

    train: Part
    test: Part
    examples: Numbers
    judged: Numbers


def judged_samples(dataset: EventDataset, per_class: int | None = None) -> Numbers:
    """Give the numbers of the samples of the test part that are judged.

    Parameters
    ----------
    dataset : EventDataset
    per_class : int, optional
        At most so many of each class, drawn at random with a fixed seed.
    """
    part = dataset.test
    if per_class is None:
        return np.arange(len(part), dtype=np.int64)
    return _in_order([_drawn(part, label, 0)[:per_class] for label in range(len(dataset.classes))])


def choose_examples(dataset: EventDataset, shots: int, seed: int, per_class: int | None = None) -> FewShotChoice:
    """Draw `shots` examples of each class; those of fewer shots are among those of more."""
    train = dataset.train or dataset.test
    examples = np.concatenate([_drawn(train, label, seed)[:shots] for label in range(len(dataset.classes))])
    judged = judged_samples(dataset, per_class)
    if dataset.train is None:
        judged = np.setdiff1d(judged, examples)
    return FewShotChoice(train, dataset.test, examples, judged)


def searched_samples(dataset: EventDataset) -> Numbers:
    """Give the numbers of the training samples that the post-search looks at."""
    return np.sort(choose_examples(dataset, SEARCHED_SAMPLES, 0).examples)


def fewest_examples(dataset: EventDataset) -> int:
    """Give how many samples the smallest class has to draw examples from; one is left to be judged."""
    train = dataset.train or dataset.test
    counts = np.bincount(train.labels, minlength=len(dataset.classes))
    return int(counts.min()) - (dataset.train is None)


def _drawn(part: Part, label: int, seed: int) -> Numbers:
    places = np.flatnonzero(part.labels == label)
    return np.random.default_rng([seed, label]).permutation(places)


def _in_order(parts: list[Numbers]) -> Numbers:
    return np.sort(np.concatenate(parts))
