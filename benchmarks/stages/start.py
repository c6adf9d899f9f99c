"""From the command line to the first true prediction, and to the window, beside the imports that cannot be avoided."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.display import virtual_display, wait_for_window
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from benchmarks.processes import MAIN, PATIENCE_S, python
from benchmarks.random_models import random_folder
from pipeline.bundled import ROOT, TOUR
from pipeline.model_choice import BUNDLED

TITLE = "From the command line to the first prediction, warm disk"


def measure(effort: Effort) -> StageResult:
    """Start the program with the bundled model, with ViT-B-32 unless quick, and with its window."""
    figures: list[Figure] = []
    remarks: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        figures += _compared(
            f"first prediction, {BUNDLED.name}", _first_prediction(BUNDLED.name), "import torch", effort
        )
        if not effort.quick:
            place = random_folder("ViT-B-32", Path(folder) / "ViT-B-32")
            figures += _compared(
                "first prediction, ViT-B-32", _first_prediction(f"local-dir:{place}"), "import torch, open_clip", effort
            )
    with virtual_display() as environment:
        if environment is None:
            remarks.append("The window was not measured: Xvfb is not installed.")
        else:
            figures += _compared(
                "window visible", _window_visible(environment), "import PyQt6.QtWidgets, pyqtgraph", effort
            )
    return StageResult(TITLE, tuple(figures), tuple(remarks))


def _compared(case: str, own: Callable[[], float], imports: str, effort: Effort) -> list[Figure]:
    contenders = [Contender(OWN, own), Contender(f"{imports} alone", lambda: _imports(imports))]
    return compare(case, contenders, effort, unit="s", of_seconds=lambda seconds: seconds, more_is_better=False)


def _imports(statement: str) -> float:
    start = time.perf_counter()
    subprocess.run(python("-c", statement), check=True, timeout=PATIENCE_S, capture_output=True)
    return time.perf_counter() - start


def _first_prediction(model: str) -> Callable[[], float]:
    command = python(
        MAIN, TOUR, "--headless", "--model", model, "--device", "cpu", "--prompts", "a person, a cup, a star",
        "--output", "-",
    )  # fmt: skip

    def run() -> float:
        start = time.perf_counter()
        with subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            try:
                assert process.stdout is not None
                header, first = process.stdout.readline(), process.stdout.readline()
                seconds = time.perf_counter() - start
            finally:
                process.terminate()
        if not header.startswith("start_us") or not first:
            raise RuntimeError("no prediction came")
        return seconds

    return run


def _window_visible(environment: dict[str, str]) -> Callable[[], float]:
    command = python(MAIN, TOUR, "--model", BUNDLED.name, "--device", "cpu")

    def run() -> float:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            wait_for_window("NeuroCLIP Live", environment)
            return time.perf_counter() - start
        finally:
            process.terminate()
            process.wait(PATIENCE_S)

    return run
