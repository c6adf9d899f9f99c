"""From the last event of a timestep to the label on the screen, live."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.display import virtual_display
from benchmarks.measuring import NOT_INSTALLED, OWN, Effort, Figure, StageResult
from benchmarks.processes import probe
from benchmarks.random_models import random_folder
from pipeline.model_choice import BUNDLED

TITLE = "From a timestep's end to its label on the screen, live"
RATES = (5_000_000, 30_000_000)
QUICK_RATES = (200_000,)
SPAN_S = 10.0


def measure(effort: Effort) -> StageResult:
    """Watch the window at 5 and 30 million events/s; a round is ten seconds of one run."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as folder, virtual_display() as environment:
        for name in (BUNDLED.name,) if effort.quick else (BUNDLED.name, "ViT-B-32"):
            place = BUNDLED.name if name == BUNDLED.name else f"local-dir:{random_folder(name, Path(folder) / name)}"
            for rate in QUICK_RATES if effort.quick else RATES:
                case = f"{name}, 640 × 480, {rate / 1e6:g} Mev/s"
                if environment is None:
                    figures.append(Figure(case, OWN, "ms", (), False, f"Xvfb is {NOT_INSTALLED}"))
                    continue
                seconds = 3.0 if effort.quick else SPAN_S * effort.repeats
                figures += _figures(case, _seen(place, rate, seconds, environment), effort)
    remark = "Without the timestep's own length: the clock starts at its end. No peer shows labels live."
    return StageResult(TITLE, tuple(figures), (remark,))


def _seen(model: str, rate: int, seconds: float, environment: dict[str, str]) -> Any:
    arguments = ("--rate", rate, "--resolution", 640, 480, "--model", model)
    return probe("benchmarks.window_probe", *arguments, environment=environment, seconds=seconds)


def _figures(case: str, seen: Any, effort: Effort) -> list[Figure]:
    labels = np.array(seen["labels"], np.float64).reshape(-1, 2)
    spans = [part[:, 1] * 1e3 for part in np.array_split(labels, effort.repeats) if len(part)]
    return [
        Figure(f"{case}: {text}", OWN, "ms", tuple(float(np.percentile(part, share)) for part in spans), False)
        for text, share in (("median", 50), ("99 %", 99))
    ]
