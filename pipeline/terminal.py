"""Predictions for people, in a terminal: live bars where it can redraw, one line a change where it cannot."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.prediction import Prediction

MOST_ROWS = 12
"""Rows shown at once; the most probable ones when there are more."""
NOT_SURE_BELOW = 0.4
REDRAWS_PER_SECOND = 10


class PredictionView(Protocol):
    """Somewhere to show predictions while they come."""

    def show(self, prediction: Prediction, line: str) -> None:
        """Show this prediction; `line` says how the stream is doing."""

    def __enter__(self) -> PredictionView: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def prediction_view(console: Console, *, trained: bool) -> PredictionView:
    """Give bars for a terminal, lines for a pipe or a file."""
    return BarsView(console, trained=trained) if console.is_terminal else LinesView(console)


class BarsView:
    """Every class with its bar, redrawn in place."""

    def __init__(self, console: Console, *, trained: bool) -> None:
        self._trained = trained
        self._live = Live(console=console, refresh_per_second=REDRAWS_PER_SECOND, transient=False)

    def show(self, prediction: Prediction, line: str) -> None:
        self._live.update(Group(self._headline(prediction), self._bars(prediction), Text(line, style="dim")))

    def _headline(self, prediction: Prediction) -> Text:
        best = prediction.best
        if best is None:
            return Text("no motion", style="dim bold")
        probability = float(prediction.probabilities[best])
        if not self._trained:
            return Text(f"{prediction.labels[best]}  (untrained: means nothing)", style="dim")
        style = "bold" if probability >= NOT_SURE_BELOW else "dim"
        return Text(f"{prediction.labels[best]}  {probability:.0%}", style=style)

    def _bars(self, prediction: Prediction) -> Table:
        table = Table.grid(padding=(0, 1))
        order = range(len(prediction.labels))
        if len(prediction.labels) > MOST_ROWS and prediction.state == "ok":
            order = sorted(order, key=lambda row: -prediction.probabilities[row])[:MOST_ROWS]  # type: ignore[assignment]
        for row in list(order)[:MOST_ROWS]:
            seen = prediction.state == "ok"
            share = float(prediction.probabilities[row]) if seen else 0.0
            bar = ProgressBar(total=1.0, completed=share, width=40)
            table.add_row(Text(prediction.labels[row]), bar, f"{share:4.0%}" if seen else "–")
        return table

    def __enter__(self) -> BarsView:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class LinesView:
    """A line when the label changes, and at least one a second."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._label: str | None = None
        self._said = 0.0
        self._first_us: int | None = None

    def show(self, prediction: Prediction, line: str) -> None:
        if self._first_us is None:
            self._first_us = prediction.start_us
        best = prediction.best
        label = "no motion" if best is None else prediction.labels[best]
        now = time.monotonic()
        if label == self._label and now - self._said < 1.0:
            return
        self._label, self._said = label, now
        probability = "" if best is None else f"  {prediction.probabilities[best]:.0%}"
        seconds = (prediction.end_us - self._first_us) / 1e6
        self._console.print(f"{seconds:8.2f} s  {label}{probability}", markup=False, highlight=False)

    def __enter__(self) -> LinesView:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
