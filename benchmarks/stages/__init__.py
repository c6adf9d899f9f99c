"""The stages, in the order in which an event passes them; each module has a title and ``measure``."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import cast

from benchmarks.measuring import Effort, StageResult

STAGES = {
    "framer": "benchmarks.stages.framer",
    "reading": "benchmarks.stages.reading",
    "hand-over": "benchmarks.stages.hand_over",
    "simulation": "benchmarks.stages.simulation",
    "encoder": "benchmarks.stages.encoder",
    "recognition": "benchmarks.stages.recognition",
    "gpu": "benchmarks.stages.gpu",
    "prompts": "benchmarks.stages.prompts",
    "start": "benchmarks.stages.start",
    "memory": "benchmarks.stages.memory",
    "latency": "benchmarks.stages.latency",
    "window": "benchmarks.stages.window",
}


def measure(name: str, effort: Effort) -> StageResult:
    """Measure one stage; its module, and what that imports, is loaded only now."""
    function = cast("Callable[[Effort], StageResult]", importlib.import_module(STAGES[name]).measure)
    return function(effort)
