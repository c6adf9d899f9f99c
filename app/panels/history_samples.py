"""What the history remembers: a few numbers for each prediction, however many classes there are."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.theme import CLASS_COLOURS

KEPT_S = 60.0
"""Predictions older than this are forgotten (or than the span shown, where that is longer)."""
MOST_SAMPLES = 12_000
"""Never more than these, whatever the rate."""
BREAK_S = 2.0
"""No line is drawn across a longer silence (paused, no model)."""
OTHERS = CLASS_COLOURS
"""Place of all classes without a colour of their own, summed."""
ELSE = CLASS_COLOURS + 1
"""Place of the row "something else", at the top of the stack."""
BANDS = CLASS_COLOURS + 2
LABEL_FROM = 0.5
"""A class is named where it has more than this."""


@dataclass(frozen=True)
class Sample:
    """One prediction."""

    time: float
    bands: tuple[float, ...] | None
    """Probability by colour 0 to 7, then the sum of all others, then something else; None: no motion."""
    best_other: float
    """The largest of those others, for the lines."""
    owners: tuple[int, ...]
    """Which class each colour stood for; shared by the samples of one list of classes."""

    @property
    def winner(self) -> int | None:
        """The colour with more than half, `OTHERS` and `ELSE` included."""
        if self.bands is None:
            return None
        return next((band for band, value in enumerate(self.bands) if value > LABEL_FROM), None)


@dataclass
class Run:
    """A stretch of time in which one class had more than half, or in which nothing moved."""

    band: int | None
    """None: no motion."""
    owner: int
    start: float
    end: float
    middle_sum: float = 0.0
    """Sum over its samples of the height at which its band's middle lies, for the stacked label."""
    value_sum: float = 0.0
    samples: int = 0

    def take(self, sample: Sample, order: Sequence[int]) -> None:
        """Go on with one more sample; `order` is that of the stack."""
        self.end = sample.time
        if self.band is None or sample.bands is None:
            return
        below = sum(sample.bands[band] for band in order[: order.index(self.band)])
        value = sample.bands[self.band]
        self.middle_sum += below + value / 2
        self.value_sum += value
        self.samples += 1

    @property
    def middle(self) -> float:
        """Mean height of the band's middle, 0 to 1."""
        return self.middle_sum / max(1, self.samples)

    @property
    def value(self) -> float:
        """Mean probability."""
        return self.value_sum / max(1, self.samples)


class Samples:
    """The last minute of predictions, in time order."""

    def __init__(self) -> None:
        self.kept_s = KEPT_S
        self._samples: list[Sample] = []
        self._times: list[float] = []
        self.runs: list[Run] = []
        self.labels: dict[int, str] = {}
        self.order: tuple[int, ...] = tuple(range(BANDS))
        """Colours from the bottom of the stack to its top: as the user's rows."""
        self._numbers: dict[int, int] = {}
        self.owners: tuple[int, ...] = (-1,) * CLASS_COLOURS

    def __len__(self) -> int:
        return len(self._samples)

    def set_rows(self, rows: Sequence[tuple[int, str, int]]) -> bool:
        """Take the classes: (id, label, colour, or `ELSE`). Whether what was drawn before looks different now."""
        numbers = {row_id: number for row_id, _, number in rows}
        owners = [-1] * CLASS_COLOURS
        for row_id, number in numbers.items():
            if number < CLASS_COLOURS:
                owners[number] = row_id
        coloured = [number for number in numbers.values() if number < CLASS_COLOURS]
        unused = [number for number in range(CLASS_COLOURS) if number not in coloured]
        order = (*dict.fromkeys(coloured), *unused, OTHERS, ELSE)
        labels = {row_id: label for row_id, label, _ in rows}
        known = {owner for sample in self._samples[-1:] for owner in sample.owners} | set(self.owners)
        changed = (known - {-1}) - set(owners) != set() or order != self.order
        self._numbers, self.owners, self.labels, self.order = numbers, tuple(owners), labels, order
        if changed:
            self.runs.clear()
            before = None
            for sample in self._samples:
                self._follow(self.current(sample), before)
                before = sample
        return changed and bool(self._samples)

    def add(self, time: float, probabilities: Mapping[int, float] | None) -> bool:
        """Remember a prediction; False where time went back and all before was forgotten."""
        in_order = not self._times or time >= self._times[-1]
        if not in_order:
            self.clear()
        sample = self._sample(time, probabilities)
        self._follow(sample, self._samples[-1] if self._samples else None)
        self._samples.append(sample)
        self._times.append(time)
        self._forget()
        return in_order

    def clear(self) -> None:
        """Forget all."""
        self._samples.clear()
        self._times.clear()
        self.runs.clear()

    def _sample(self, time: float, probabilities: Mapping[int, float] | None) -> Sample:
        if probabilities is None:
            return Sample(time, None, 0.0, self.owners)
        bands, best = [0.0] * BANDS, 0.0
        for row_id, value in probabilities.items():
            number = self._numbers.get(row_id, OTHERS)
            bands[number] += value
            if number == OTHERS:
                best = max(best, value)
        return Sample(time, tuple(bands), best, self.owners)

    def _follow(self, sample: Sample, before: Sample | None) -> None:
        """Go on with the last run, or begin one."""
        winner = sample.winner
        owner = sample.owners[winner] if winner is not None and winner < CLASS_COLOURS else -1
        runs = self.runs
        if sample.bands is not None and winner is None:
            return
        # A run goes on where the sample just before belonged to it, and is not long ago.
        last = before.time if before is not None else float("-inf")
        going_on = bool(runs) and runs[-1].end == last and sample.time - last <= BREAK_S
        if not going_on or (runs[-1].band, runs[-1].owner) != (winner, owner):
            runs.append(Run(winner, owner, sample.time, sample.time))
        runs[-1].take(sample, self.order)

    def _forget(self) -> None:
        # In lumps: deleting from the front of a list each time would move all of it each time.
        oldest = self._times[-1] - self.kept_s
        gone = max(bisect_left(self._times, oldest) - 1, len(self._times) - MOST_SAMPLES)
        if gone > 256:
            del self._samples[:gone], self._times[:gone]
        if self.runs and self.runs[0].end < oldest:
            self.runs = [run for run in self.runs if run.end >= oldest]

    @property
    def last_time(self) -> float | None:
        """Time of the last sample."""
        return self._times[-1] if self._times else None

    def between(self, start: float, end: float) -> list[Sample]:
        """Samples of this stretch of time, and the nearest one at each side."""
        first = max(0, bisect_left(self._times, start) - 1)
        return self._samples[first : bisect_right(self._times, end) + 1]

    def current(self, sample: Sample) -> Sample:
        """The sample, with the classes that have lost their colour since counted among the others."""
        if sample.owners is self.owners or sample.bands is None:
            return sample
        bands, best = list(sample.bands), sample.best_other
        for number, (then, now) in enumerate(zip(sample.owners, self.owners, strict=True)):
            if then != now and bands[number]:
                bands[OTHERS] += bands[number]
                best = max(best, bands[number])
                bands[number] = 0.0
        return Sample(sample.time, tuple(bands), best, self.owners)

    def label(self, run: Run) -> str:
        """What a run is called; empty where its class is gone."""
        if run.band is None:
            return "no motion"
        names = {OTHERS: "others", ELSE: "something else"}
        return names.get(run.band) or self.labels.get(run.owner, "")
