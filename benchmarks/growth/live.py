"""The whole program with its window, live: with the rate of events, and with the rate of windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.display import virtual_display
from benchmarks.growth.curve import Curve, Line, some
from benchmarks.measuring import NOT_INSTALLED
from benchmarks.processes import probe

RATES = (100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 200_000_000)
TIMESTEPS_US = (200_000, 100_000, 50_000, 30_000, 20_000, 10_000, 5_000)
RATE = 1_000_000
SECONDS = 10.0
QUICK_SECONDS = 1.0


def by_rate(repeats: int, quick: bool) -> Curve:
    """How late labels are, 0.1 to 200 million events/s at 640 × 480."""
    del repeats  # a run holds hundreds of labels
    seen = [(rate, _seen(rate, 30_000, quick)) for rate in some(RATES, quick)]
    thinned = [f"{rate / 1e6:g} Mev/s (1 of {each['thinning']})" for rate, each in seen if each["thinning"] > 1]
    return Curve(
        "From a timestep's end to its label on the screen, bundled model, 640 × 480", "events/s", "ms", _late(seen),
        remark=f"Not all events were judged at {', '.join(thinned)}." if thinned else "All events were judged.",
    )  # fmt: skip


def by_window_rate(repeats: int, quick: bool) -> Curve:
    """Windows judged a second, and how late, with timesteps of 200 to 5 ms."""
    del repeats
    seen = [(1e6 / length_us, _seen(RATE, length_us, quick)) for length_us in some(TIMESTEPS_US, quick)]
    judged = tuple((rate, each["predictions"] / each["seconds"]) for rate, each in seen)
    return Curve(
        "Windows at a million events/s, bundled model, 640 × 480", "timesteps/s", "windows judged a second; ms",
        (Line("windows judged a second", judged), *_late(seen)),
    )  # fmt: skip


def _late(seen: list[tuple[float, Any]]) -> tuple[Line, ...]:
    lines = []
    for name, share in (("label late by, median (ms)", 50), ("label late by, 99 % (ms)", 99)):
        points = [
            (float(rate), float(np.percentile(np.array(each["labels"])[:, 1] * 1e3, share))) for rate, each in seen
        ]
        lines.append(Line(name, tuple(points)))
    return tuple(lines)


def _seen(rate: int, timestep_us: int, quick: bool) -> Any:
    with virtual_display() as environment:
        if environment is None:
            raise RuntimeError(f"Xvfb is {NOT_INSTALLED}")
        return probe(
            "benchmarks.window_probe", "--rate", rate, "--timestep-us", timestep_us, "--resolution", 640, 480,
            environment=environment, seconds=QUICK_SECONDS if quick else SECONDS,
        )  # fmt: skip
