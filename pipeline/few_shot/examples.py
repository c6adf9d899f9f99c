"""The examples that the user has shown: an immutable set, and its history. No torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from pipeline.few_shot.taught import FeatureSetting, TaughtClasses
from pipeline.prediction import Floats

THUMBNAIL = 72
"""Longer side, px."""
MOST_UNDO = 100


@dataclass(frozen=True, eq=False)
class Example:
    """One shot: a window of a class.

    Attributes
    ----------
    id : int
        Stable, never given again in a set's history.
    row : int
        The class, by its row's stable number.
    features : float32 (T, C)
        As the recogniser computed them.
    start_us, end_us : int
        [start, end) in the stream's own µs.
    events : int
    thumbnail : uint8 (h, w)
        Of its fullest event frame, at most `THUMBNAIL` px long.
    setting : FeatureSetting
        What the features are.
    source : str
        The recording's or film's path; empty for a live stream.
    events_file : Path or None
        Where its events lie while the program runs, for `pipeline.capture.kept_events.read_window`.
    """

    id: int
    row: int
    features: Floats
    start_us: int
    end_us: int
    events: int
    thumbnail: npt.NDArray[np.uint8]
    setting: FeatureSetting
    source: str = ""
    events_file: Path | None = None


@dataclass(frozen=True)
class Examples:
    """All examples, in the order in which they were shown."""

    all: tuple[Example, ...] = ()

    def __len__(self) -> int:
        return len(self.all)

    def of(self, row: int) -> tuple[Example, ...]:
        """Those of a class."""
        return tuple(example for example in self.all if example.row == row)

    def counts(self) -> dict[int, int]:
        """How many each class has, by row."""
        counts: dict[int, int] = {}
        for example in self.all:
            counts[example.row] = counts.get(example.row, 0) + 1
        return counts

    def with_more(self, more: Iterable[Example]) -> Examples:
        """Give the set with these added; their ids are set."""
        first = max((example.id for example in self.all), default=0) + 1
        return Examples((*self.all, *(replace(each, id=number) for number, each in enumerate(more, first))))

    def without(self, ids: Iterable[int]) -> Examples:
        """Give the set without these."""
        gone = set(ids)
        return Examples(tuple(example for example in self.all if example.id not in gone))


@dataclass(frozen=True)
class Step:
    """A set of examples that another one has followed, and what had been taught and was forgotten with it."""

    examples: Examples
    lost: TaughtClasses | None = None


@dataclass(frozen=True)
class ExampleHistory:
    """A set of examples and those before it."""

    now: Examples = field(default_factory=Examples)
    before: tuple[Step, ...] = ()

    @property
    def lost(self) -> TaughtClasses | None:
        """What comes back when the last step is taken back."""
        return self.before[-1].lost if self.before else None

    def then(self, after: Examples, lost: TaughtClasses | None = None) -> ExampleHistory:
        """Give the history after a step; `lost`: what had been taught and is forgotten with it."""
        return ExampleHistory(after, (*self.before, Step(self.now, lost))[-MOST_UNDO:])

    def undone(self) -> ExampleHistory:
        """Give the history with the last step taken back; itself where there is none."""
        return ExampleHistory(self.before[-1].examples, self.before[:-1]) if self.before else self


def thumbnail(frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Make an event frame small: the mean over squares of pixels, uint8 (h, w)."""
    block = max(1, -(-max(frame.shape) // THUMBNAIL))
    height, width = frame.shape[0] // block, frame.shape[1] // block
    if not height or not width:
        return frame[:THUMBNAIL, :THUMBNAIL].copy()
    squares = frame[: height * block, : width * block].reshape(height, block, width, block)
    small: npt.NDArray[np.uint8] = squares.mean(axis=(1, 3)).astype(np.uint8)
    return small
