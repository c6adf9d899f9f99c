"""Simulated scenes, on one core."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from benchmarks.machine import one_core
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from pipeline.events import Resolution
from pipeline.simulation.pixel_model import DAYLIGHT, PixelModel
from pipeline.simulation.saccades import SaccadeScene
from pipeline.simulation.scene import PaintedScene
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.waving import CrowdedScene, WavingScene

TITLE = "Ten seconds of a simulated scene at 640 × 480, one core"
VGA = Resolution(640, 480)
READ_US = 20_000
"""Simulated time that is asked for at once, as a live stream asks for it."""
SCENES: dict[str, Callable[[], PaintedScene]] = {
    "one moving object": lambda: WavingScene(VGA, ["star"], 0),
    "saccades over one object": lambda: SaccadeScene(VGA, ["star"], 0),
    "a crowd of four": lambda: CrowdedScene(VGA, ["star", "heart", "fish", "key"], 0),
}


def measure(effort: Effort) -> StageResult:
    """Measure each of the scenes; no peer makes events of things that are drawn while it runs."""
    seconds = effort.size(10, 1)
    figures: list[Figure] = []
    rates = []
    with one_core():
        for name, scene in SCENES.items():
            figures += compare(
                f"{name}, {seconds} s",
                [Contender(OWN, partial(_play, scene, seconds))],
                effort,
                unit="s",
                of_seconds=lambda passed: passed,
                more_is_better=False,
            )
            rates.append(f"{name} {_events(scene, seconds) / seconds / 1e6:.2f}")
    return StageResult(TITLE, tuple(figures), (f"Million events a second: {', '.join(rates)}.",))


def _play(scene: Callable[[], PaintedScene], seconds: int) -> None:
    _events(scene, seconds)


def _events(scene: Callable[[], PaintedScene], seconds: int) -> int:
    simulation = Simulation(scene(), PixelModel(VGA, DAYLIGHT, 0))
    return sum(len(simulation.up_to(until)) for until in range(READ_US, seconds * 1_000_000 + 1, READ_US))
