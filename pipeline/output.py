"""Predictions as CSV or JSON lines, in the form that other programs may rely on.

CSV: one row a window, ``start_us,end_us,events,state,label,probability``, then ``p:<label>`` for each
prompt in the order given, ``p:something else`` last where it was asked for. JSON lines: first
``{"run": {...}}``, then one object a window. Times are the recording's own µs; a window is [start, end).
"""

from __future__ import annotations

import csv
import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TextIO

from pipeline.prediction import Prediction

STDOUT = "-"


class OutputError(Exception):
    """The output cannot be opened or written. One sentence for the user."""


@dataclass(frozen=True)
class RunDescription:
    """What made these predictions; the first line of JSON lines."""

    version: str
    model: str
    tag: str
    weights_sha256: str
    trained: bool
    device: str
    precision: str
    timesteps: int
    timestep_us: int | None
    timestep_events: int | None
    threshold: int
    view: str
    normalisation: str
    template: str
    prompts: tuple[str, ...]
    adapter: str | None
    source: str
    something_else: bool = False


def unique_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """Labels made different from one another, so that each has a column: a second "cup" becomes "cup (2)"."""
    taken: set[str] = set()
    result = []
    for label in labels:
        name, number = label, 1
        while name in taken:
            number += 1
            name = f"{label} ({number})"
        taken.add(name)
        result.append(name)
    return tuple(result)


class PredictionWriter(ABC):
    """Writes one window after another; every line is whole and flushed when `write` returns."""

    def __init__(self, stream: TextIO, labels: Sequence[str], *, name: str, owned: bool) -> None:
        self._stream, self._name, self._owned = stream, name, owned
        self._labels = unique_labels(labels)
        self.windows = 0
        self._failed = False

    def write(self, prediction: Prediction) -> None:
        """Write one window.

        Raises
        ------
        OutputError
            The disk is full, or the reader of a pipe has gone.
        """
        with self._told():
            self._write(prediction)
            self._stream.flush()
        self.windows += 1

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._failed = True
            raise OutputError(
                f"Could not write to {self._name}: {error.strerror}; {self.windows} windows are written."
            ) from error

    @abstractmethod
    def _write(self, prediction: Prediction) -> None: ...

    def close(self) -> None:
        """Close the file; raises OutputError where the rest does not fit on the disk, unless `write` said so."""
        if not self._owned:
            return
        if self._failed:
            with suppress(OSError):
                self._stream.close()
            return
        with self._told():
            self._stream.close()

    def __enter__(self) -> PredictionWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class CsvWriter(PredictionWriter):
    """One row a window, probabilities with 6 decimals."""

    def __init__(self, stream: TextIO, labels: Sequence[str], *, name: str, owned: bool) -> None:
        super().__init__(stream, labels, name=name, owned=owned)
        self._csv = csv.writer(stream, lineterminator="\n")
        self._csv.writerow(
            ["start_us", "end_us", "events", "state", "label", "probability", *(f"p:{label}" for label in self._labels)]
        )

    def _write(self, prediction: Prediction) -> None:
        row: list[object] = [prediction.start_us, prediction.end_us, prediction.events, prediction.state]
        best = prediction.best
        if best is None:
            row += [""] * (2 + len(self._labels))
        else:
            row += [self._labels[best], f"{prediction.probabilities[best]:.6f}"]
            row += [f"{probability:.6f}" for probability in prediction.probabilities]
        self._csv.writerow(row)


class JsonLinesWriter(PredictionWriter):
    """A line that describes the run, then an object a window."""

    def __init__(self, stream: TextIO, labels: Sequence[str], run: RunDescription, *, name: str, owned: bool) -> None:
        super().__init__(stream, labels, name=name, owned=owned)
        self._line({"run": asdict(run)})

    def _line(self, item: dict[str, object]) -> None:
        self._stream.write(json.dumps(item, ensure_ascii=False, allow_nan=False) + "\n")

    def _write(self, prediction: Prediction) -> None:
        best = prediction.best
        seen = best is not None
        self._line(
            {
                "start_us": prediction.start_us,
                "end_us": prediction.end_us,
                "events": prediction.events,
                "state": prediction.state,
                "label": self._labels[best] if best is not None else None,
                "probabilities": self._by_label(prediction.probabilities.tolist()) if seen else {},
                "cosines": self._by_label(prediction.cosines.tolist()) if seen else {},
            }
        )

    def _by_label(self, numbers: list[float]) -> dict[str, float]:
        return {label: round(number, 6) for label, number in zip(self._labels, numbers, strict=True)}


def open_output(target: str, labels: Sequence[str], run: RunDescription) -> PredictionWriter:
    """Open ``F.csv``, ``F.jsonl`` or ``-`` (stdout, CSV) for writing.

    Parameters
    ----------
    target : str
        A file name ending in .csv or .jsonl; ``-`` (or ``-.csv``) and ``-.jsonl`` are standard output.
    labels : sequence of str
        In the order of the predictions' arrays.
    run : RunDescription

    Raises
    ------
    OutputError
        Another ending, a missing folder, no permission, a full disk.
    """
    kind = output_kind(target)
    on_stdout = target == STDOUT or Path(target).stem == STDOUT
    name = "standard output" if on_stdout else target
    if on_stdout and sys.stdout is None:
        raise OutputError("Cannot write to standard output: it is closed; give --output a file.")
    try:
        stream = sys.stdout if on_stdout else open(target, "w", encoding="utf-8", newline="")  # noqa: SIM115
        if kind == "jsonl":
            return JsonLinesWriter(stream, labels, run, name=name, owned=not on_stdout)
        return CsvWriter(stream, labels, name=name, owned=not on_stdout)
    except OSError as error:
        raise OutputError(
            f"Cannot write {name}: {error.strerror}; choose a file in a folder that exists and is yours."
        ) from error


def output_kind(target: str) -> str:
    """``csv`` or ``jsonl`` for this ``--output``; raises OutputError for anything else."""
    if target == STDOUT:
        return "csv"
    kind = Path(target).suffix.lower().lstrip(".")
    if kind not in ("csv", "jsonl"):
        raise OutputError(
            f"--output {target}: the name must end in .csv or .jsonl, or be - for CSV on standard output."
        )
    return kind


def check_output(target: str) -> None:
    """See that this ``--output`` can be written, before anything that takes long; leaves an existing file as it is.

    Raises
    ------
    OutputError
        Another ending, a missing folder, no permission.
    """
    output_kind(target)
    path = Path(target)
    if path.stem == STDOUT:
        return
    existed = path.exists()
    try:
        with path.open("a", encoding="utf-8"):
            pass
        if not existed:
            path.unlink()
    except OSError as error:
        raise OutputError(
            f"Cannot write {target}: {error.strerror}; choose a file in a folder that exists and is yours."
        ) from error
