"""What the experiments need to know of a data set."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from pipeline.event_framing import event_frames
from pipeline.events import EVENT_DTYPE, EventArray, Resolution

Frames: TypeAlias = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Framing:
    """How a sample becomes the event frames of one window: T parts of equal event count.

    Attributes
    ----------
    timesteps : int
        T.
    threshold : int
        θ of the event frames.
    """

    timesteps: int = 10
    threshold: int = 0


@dataclass(frozen=True)
class Part:
    """The training or the test part of a data set.

    Attributes
    ----------
    name : str
        ``train``, ``test`` or ``all``.
    samples : tuple of str, length n
        What each sample is, the same on every machine: its path below the data set's folder.
    labels : int64 (n,)
        Its class.
    read : callable
        Gives the frames of a sample by its number, uint8 (T, H, W). From any thread. Raises `SampleError`.
    states : tuple of str
        Of each sample, what changes with its content; empty for data sets that do not change.
    """

    name: str
    samples: tuple[str, ...]
    labels: npt.NDArray[np.int64]
    read: Callable[[int, Framing], Frames]
    states: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.samples)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of what the samples are, and of their states."""
        digest = hashlib.sha256()
        states = self.states or ("",) * len(self)
        for sample, label, state in zip(self.samples, self.labels.tolist(), states, strict=True):
            digest.update(f"{sample}\t{label}\t{state}\n".encode())
        return digest.hexdigest()


@dataclass(frozen=True)
class EventDataset:
    """A data set.

    Attributes
    ----------
    name : str
    classes : tuple of str, length K
        The words for the classes, as they are put into prompts.
    test : Part
    train : Part or None
        None: there is one part only; examples are taken from it, and the rest of it is the test.
    notices : tuple of str
        What the user should know, a sentence each: samples that are missing.
    """

    name: str
    classes: tuple[str, ...]
    test: Part
    train: Part | None
    notices: tuple[str, ...] = ()


def frames_of_events(events: EventArray, resolution: Resolution, framing: Framing) -> Frames:
    """Give the event frames of a whole sample, uint8 (T, H, W), by the application's own framing.

    Raises
    ------
    ValueError
        Events that do not fit the resolution.
    """
    return event_frames(events, resolution, timesteps=framing.timesteps, threshold=framing.threshold)


def frames_of_counts(counts: npt.NDArray[np.floating], threshold: int) -> Frames:
    """Give the event frames for events counted by spikingjelly, (T, 2, H, W) to uint8 (T, H, W)."""
    frames = np.full((len(counts), *counts.shape[2:]), 127, np.uint8)
    frames[counts[:, 0] > threshold] = 255
    frames[counts[:, 1] > threshold] = 0
    return frames


def event_array(t: npt.ArrayLike, x: npt.ArrayLike, y: npt.ArrayLike, p: npt.ArrayLike) -> EventArray:
    """Give columns of numbers as events, in their order."""
    times = np.asarray(t)
    events = np.zeros(len(times), EVENT_DTYPE)
    events["timestamp"], events["x"], events["y"], events["polarity"] = times, x, y, np.asarray(p) != 0
    return events
