"""From samples to features: threads read and frame ahead, one encoder never waits if they are quick enough.

Each sample is encoded by itself, T frames in one call. What comes out therefore depends on nothing else: not on what
else was asked for, on how the work was shared, nor on where a run was interrupted.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import numpy as np

from experiments.datasets.dataset import Frames, Part
from experiments.datasets.errors import SampleError
from experiments.evaluation.feature_store import FeatureStore, shard_of
from experiments.evaluation.ranks import Ranks
from pipeline.clip import ClipModel
from pipeline.few_shot.augmentation import augmented
from pipeline.prediction import Floats

AHEAD = 4
"""Samples read ahead, for each thread."""


@dataclass(frozen=True)
class Job:
    """One sample to encode; `copy` above 0: turned a little, always in the same way."""

    part: Part
    index: int
    copy: int = 0

    @property
    def file(self) -> tuple[str, int, int]:
        """What shares a file of features."""
        return self.part.name, self.copy, shard_of(self.index)


@dataclass
class Throughput:
    """How fast features were made, and what that was limited by.

    Attributes
    ----------
    samples : int
    wall_s : float
        From the first sample to the last.
    encoding_s, waiting_s : float
        Of the encoder: at work, and waiting for frames.
    """

    samples: int = 0
    wall_s: float = 0.0
    encoding_s: float = 0.0
    waiting_s: float = 0.0
    unreadable: list[str] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        return self.samples / self.wall_s if self.wall_s else 0.0

    @property
    def limited_by(self) -> str:
        """Encoder or reading, with the share of time that the encoder worked."""
        busy = self.encoding_s / max(self.encoding_s + self.waiting_s, 1e-9)
        return f"{'the encoder' if busy >= 0.5 else 'reading samples'} (the encoder worked {busy:.0%} of the time)"


def extract(
    model: ClipModel,
    store: FeatureStore,
    wanted: Sequence[tuple[Part, Sequence[int], int]],
    *,
    ranks: Ranks,
    workers: int,
    on_sample: Callable[[int, int], None] | None = None,
) -> Throughput:
    """Encode this process's share of what is not in the store yet.

    Parameters
    ----------
    model : ClipModel
    store : FeatureStore
    wanted : sequence of (part, numbers of samples, copy)
    ranks : Ranks
        Files of features are dealt out in turn to all processes.
    workers : int
        Threads that read.
    on_sample : callable, optional
        Given how many are done and how many there are, of this process.

    Returns
    -------
    Throughput
        Of this process.

    Raises
    ------
    StoreError
        The features cannot be written.
    ModelError
        Not enough memory.
    """
    jobs = _jobs(store, wanted)
    files = list(dict.fromkeys(job.file for job in jobs))
    mine = set(files[ranks.rank :: ranks.world])
    jobs = [job for job in jobs if job.file in mine]
    ranks.wait()  # all have seen the same store before the first one writes
    throughput = Throughput()
    begun = time.perf_counter()
    done: dict[int, Floats | None] = {}
    last: Job | None = None
    try:
        for job, frames in _read_ahead(store, jobs, workers, throughput):
            if last is not None and last.file != job.file:
                store.add(last.part, last.copy, done)
                done = {}
            last = job
            done[job.index] = _encode(model, store, frames, throughput)
            throughput.samples += 1
            if on_sample is not None:
                on_sample(throughput.samples, len(jobs))
    finally:
        # Also after Ctrl-C: what is encoded stays.
        if last is not None:
            store.add(last.part, last.copy, done)
    throughput.wall_s = time.perf_counter() - begun
    return throughput


def _jobs(store: FeatureStore, wanted: Sequence[tuple[Part, Sequence[int], int]]) -> list[Job]:
    """Give what is missing, each once, also where a data set has one part for examples and test."""
    jobs = {
        (part.name, copy, index): Job(part, index, copy)
        for part, indices, copy in wanted
        for index in store.missing(part, indices, copy)
    }
    return [jobs[key] for key in sorted(jobs)]


def _read_ahead(
    store: FeatureStore, jobs: Sequence[Job], workers: int, throughput: Throughput
) -> Iterator[tuple[Job, Frames | None]]:
    """Give the frames of the samples in order, read by threads some way ahead; None for one that cannot be read."""
    with ThreadPoolExecutor(workers, "reader") as pool:
        waiting: deque[tuple[Job, Future[Frames]]] = deque()
        left = iter(jobs)
        try:
            while True:
                for job in left:
                    waiting.append((job, pool.submit(_frames, store, job)))
                    if len(waiting) >= workers * AHEAD:
                        break
                if not waiting:
                    return
                job, future = waiting.popleft()
                before = time.perf_counter()
                frames = None
                try:
                    frames = future.result()
                except SampleError as error:
                    throughput.unreadable.append(str(error))
                throughput.waiting_s += time.perf_counter() - before
                yield job, frames
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _frames(store: FeatureStore, job: Job) -> Frames:
    frames = job.part.read(job.index, store.key.framing)
    if job.copy:
        frames = augmented(frames, np.random.default_rng([job.index, job.copy]))
    return frames


def _encode(model: ClipModel, store: FeatureStore, frames: Frames | None, throughput: Throughput) -> Floats | None:
    if frames is None:
        return None
    before = time.perf_counter()
    features = model.encode_frames(frames, store.key.normalisation, store.key.view).numpy()
    throughput.encoding_s += time.perf_counter() - before
    return np.asarray(features, np.float32)
