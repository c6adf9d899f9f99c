"""Figures, and how they are taken: all contenders in turn, again and again, so that a busy moment hits all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

OWN = "this program"
"""Its name as a contender; further ways of its own begin with this and a comma."""
NOT_INSTALLED = "not installed"


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    Attributes
    ----------
    repeats : int
        Rounds; a figure is the median of so many, with the least and the greatest.
    quick : bool
        The smallest size that still runs everything; its figures mean nothing.
    """

    repeats: int = 7
    quick: bool = False

    def size(self, full: int, quick: int) -> int:
        """Give the one that fits."""
        return quick if self.quick else full


@dataclass(frozen=True)
class Figure:
    """What one contender achieved in one case.

    Attributes
    ----------
    case : str
        What was measured: ``640 × 480, uniform``.
    contender : str
        Who: `OWN` or a peer's name.
    unit : str
    values : tuple of float
        One a round; empty where nothing was measured, and `remark` says why.
    more_is_better : bool
    """

    case: str
    contender: str
    unit: str
    values: tuple[float, ...] = ()
    more_is_better: bool = True
    remark: str = ""

    @property
    def median(self) -> float | None:
        return statistics.median(self.values) if self.values else None

    @property
    def least(self) -> float | None:
        return min(self.values, default=None)

    @property
    def greatest(self) -> float | None:
        return max(self.values, default=None)


@dataclass(frozen=True)
class StageResult:
    """A stage's figures.

    Attributes
    ----------
    title : str
    figures : tuple of Figure
    remarks : tuple of str
        Sentences for below its table: floors, what is not comparable, what failed.
    skipped : str
        Where this machine cannot be measured so: a line that says why, and how it is done elsewhere.
    """

    title: str
    figures: tuple[Figure, ...]
    remarks: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Contender:
    """Somebody who does the same work.

    Attributes
    ----------
    name : str
    run : callable or None
        Does the work once; may return the seconds it took where it knows better than the clock around it.
        None: it cannot, and `remark` says why.
    """

    name: str
    run: Callable[[], float | None] | None
    remark: str = ""


@dataclass
class _Running:
    contender: Contender
    values: list[float] = field(default_factory=list)
    failure: str = ""


def compare(
    case: str,
    contenders: Sequence[Contender],
    effort: Effort,
    *,
    unit: str,
    of_seconds: Callable[[float], float],
    more_is_better: bool = True,
) -> list[Figure]:
    """Let all contenders do their work in turn, `effort.repeats` times after one round that does not count.

    Parameters
    ----------
    case : str
    contenders : sequence of Contender
    effort : Effort
    unit : str
        Of what `of_seconds` gives.
    of_seconds : callable
        From a round's seconds to the figure.
    more_is_better : bool
    """
    running = [
        _Running(contender, failure=contender.remark if contender.run is None else "") for contender in contenders
    ]
    for number in range(effort.repeats + 1):
        for each in running:
            if each.contender.run is None or each.failure:
                continue
            try:
                seconds = _seconds(each.contender.run)
            # A peer is somebody else's code and may fail in any way; that is said in its row.
            except Exception as error:
                if is_own(each.contender.name):
                    raise
                each.failure = failure(error)
                continue
            if number:
                each.values.append(of_seconds(seconds))
    return [
        Figure(
            case,
            each.contender.name,
            unit,
            () if each.failure else tuple(each.values),
            more_is_better,
            each.failure or each.contender.remark,
        )
        for each in running
    ]


def failure(error: Exception) -> str:
    """Say in a few words that a peer failed."""
    lines = str(error).splitlines()
    return f"failed: {type(error).__name__}: {lines[0][:100]}" if lines else f"failed: {type(error).__name__}"


def _seconds(run: Callable[[], float | None]) -> float:
    gc.collect()
    start = time.perf_counter()
    own = run()
    passed = time.perf_counter() - start
    return max(passed if own is None else own, 1e-9)


def is_own(contender: str) -> bool:
    """Tell whether this is this program, in one of its ways."""
    return contender == OWN or contender.startswith(f"{OWN},")


def own_against_peers(figures: Sequence[Figure], way: str = OWN) -> float | None:
    """Give how many times better this program's median is than the best peer's; None where there is none of both."""
    own = [figure.median for figure in figures if figure.contender == way and figure.median]
    peers = [figure.median for figure in figures if not is_own(figure.contender) and figure.median]
    if not own or not peers:
        return None
    return own[0] / max(peers) if figures[0].more_is_better else min(peers) / own[0]
