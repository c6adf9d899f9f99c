"""Data sets that exist in memory only: a sample's frames are made from its number."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from experiments.datasets.dataset import EventDataset, Frames, Framing, Part, frames_of_events
from experiments.datasets.errors import SampleError
from pipeline.events import Resolution
from tests.experiments.datasets.made_datasets import made_events

RESOLUTION = Resolution(34, 34)


class MadePart:
    """Makes a part, counts how often each sample is read, and fails for some."""

    def __init__(self, labels: Sequence[int], name: str = "test", unreadable: Sequence[int] = ()) -> None:
        self.labels, self.unreadable = np.array(labels, np.int64), set(unreadable)
        self.read_times: dict[int, int] = {}
        self._lock = threading.Lock()
        self.part = Part(name, tuple(f"{name}/{n}" for n in range(len(labels))), self.labels, self._read)

    def _read(self, index: int, framing: Framing) -> Frames:
        with self._lock:
            self.read_times[index] = self.read_times.get(index, 0) + 1
        if index in self.unreadable:
            raise SampleError(f"{self.part.samples[index]} cannot be read (made so).")
        return frames_of_events(made_events(int(self.labels[index]), index, 34, 300), RESOLUTION, framing)


def made_dataset(counts: Sequence[int], train_counts: Sequence[int] | None = None) -> EventDataset:
    """A data set with so many samples of each class."""

    def part(name: str, numbers: Sequence[int]) -> Part:
        return MadePart([label for label, count in enumerate(numbers) for _ in range(count)], name).part

    classes = tuple(f"thing {label}" for label in range(len(counts)))
    train = None if train_counts is None else part("train", train_counts)
    return EventDataset("made", classes, part("test" if train else "all", counts), train)
