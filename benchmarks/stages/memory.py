"""What both processes hold in memory while ten million events a second come in for a long time."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.display import virtual_display
from benchmarks.measuring import NOT_INSTALLED, OWN, Effort, Figure, StageResult
from benchmarks.processes import PATIENCE_S, python
from benchmarks.random_models import random_folder
from pipeline.bundled import ROOT
from pipeline.model_choice import BUNDLED

TITLE = "Resident memory of both processes, window open"
SAMPLE_S = 1.0
PEER = "python with torch imported"


def measure(effort: Effort) -> StageResult:
    """Watch the program with the bundled model and, unless quick, ViT-B-32: ten minutes each."""
    seconds, rate = effort.size(600, 4), effort.size(10_000_000, 200_000)
    figures: list[Figure] = []
    remarks: list[str] = []
    torch_alone = tuple(_torch_alone() for _ in range(effort.repeats))
    with tempfile.TemporaryDirectory() as folder, virtual_display() as environment:
        for name in (BUNDLED.name,) if effort.quick else (BUNDLED.name, "ViT-B-32"):
            case = f"{name}, {seconds} s at {rate / 1e6:g} Mev/s"
            if environment is None:
                figures.append(Figure(case, OWN, "MB", (), False, f"Xvfb is {NOT_INSTALLED}"))
                continue
            place = BUNDLED.name if name == BUNDLED.name else f"local-dir:{random_folder(name, Path(folder) / name)}"
            samples = _watch(place, rate, seconds, environment)
            figures.append(Figure(case, OWN, "MB", tuple(samples), False))
            figures.append(Figure(case, PEER, "MB", torch_alone, False))
            remarks.append(f"{name}: {_growth(samples)}")
    return StageResult(TITLE, tuple(figures), tuple(remarks))


def _watch(model: str, rate: int, seconds: float, environment: dict[str, str]) -> list[float]:
    """Give the memory of the program and its capture process, MB, once a second after the first prediction."""
    with tempfile.TemporaryDirectory() as folder:
        seen = Path(folder) / "seen.json"
        command = python(
            "-m", "benchmarks.window_probe", "--to", seen, "--seconds", str(seconds), "--rate", str(rate),
            "--resolution", "640", "480", "--model", model,
        )  # fmt: skip
        samples: list[tuple[float, float]] = []
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + PATIENCE_S + seconds
        while process.poll() is None and time.monotonic() < deadline:
            samples.append((time.monotonic(), _resident_mb(process.pid)))
            time.sleep(SAMPLE_S)
        if process.poll() is None:
            process.kill()
        if process.wait() or not seen.is_file():
            raise RuntimeError(f"The program ended with status {process.returncode}.")
    ended = samples[-1][0]
    return [held for at, held in samples if ended - seconds < at < ended - SAMPLE_S / 2 and held > 0] or [
        samples[-1][1]
    ]


def _resident_mb(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(each.memory_info().rss for each in family) / 1e6
    except psutil.Error:
        return 0.0


def _torch_alone() -> float:
    code = "import torch, psutil; print(psutil.Process().memory_info().rss)"
    done = subprocess.run(python("-c", code), capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return int(done.stdout) / 1e6


def _growth(samples: list[float]) -> str:
    """Compare the second tenth of the time with the last one."""
    tenth = max(1, len(samples) // 10)
    early, late = samples[tenth : 2 * tenth] or samples[:1], samples[-tenth:]
    grown = sum(late) / len(late) - sum(early) / len(early)
    return f"from the second tenth of the time to the last it changed by {grown:+.1f} MB."
