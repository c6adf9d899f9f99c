"""How smoothly the window shows events while the recogniser takes what it can get."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.display import virtual_display
from benchmarks.measuring import NOT_INSTALLED, OWN, Effort, Figure, StageResult
from benchmarks.processes import probe

TITLE = "The window at 1280 x 720 while recognition runs flat out"
RATE = 10_000_000
TIMESTEP_US = 5_000
"""So short that the recogniser never waits for one."""
PEER = "pyqtgraph ImageView"
CASES = (
    ("pictures a second", "1/s", True),
    ("interval, 99 %", "ms", False),
    ("Qt thread", "% of a core", False),
)


def measure(effort: Effort) -> StageResult:
    """Watch this program's window and pyqtgraph's ImageView in turn."""
    seconds = float(effort.size(10, 3))
    with virtual_display() as environment:
        if environment is None:
            missing = [Figure(case, OWN, unit, (), more, f"Xvfb is {NOT_INSTALLED}") for case, unit, more in CASES]
            return StageResult(TITLE, tuple(missing))
        size = ("--resolution", 1280, 720)
        live = (*size, "--rate", effort.size(RATE, 200_000), "--timestep-us", TIMESTEP_US)
        ways: dict[str, Callable[[], Any]] = {
            OWN: lambda: probe("benchmarks.window_probe", *live, environment=environment, seconds=seconds),
            PEER: lambda: probe("benchmarks.image_view_probe", *size, environment=environment, seconds=seconds),
        }
        rounds: dict[str, list[tuple[float, float, float]]] = {name: [] for name in ways}
        for _ in range(effort.repeats):
            for name, watch in ways.items():
                rounds[name].append(_smoothness(watch()))
    figures = [
        Figure(case, name, unit, tuple(each[place] for each in rounds[name]), more)
        for place, (case, unit, more) in enumerate(CASES)
        for name in ways
    ]
    remark = "The peer is given ready pictures 60 times a second; this program draws them from millions of events/s."
    return StageResult(TITLE, tuple(figures), (remark,))


def _smoothness(seen: Any) -> tuple[float, float, float]:
    """Give pictures a second, the 99th percentile of their interval in ms, and the Qt thread's share of a core."""
    painted = np.array(seen["pictures"], np.float64)
    if len(painted) < 2:
        raise RuntimeError("Fewer than two pictures were painted.")
    intervals = np.diff(painted) * 1e3
    return (
        float((len(painted) - 1) / (painted[-1] - painted[0])),
        float(np.percentile(intervals, 99)),
        float(100 * seen["thread_s"] / seen["seconds"]),
    )
