"""The machine that is measured: what it is, and how fast its memory is, which bounds every stage."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psutil

from benchmarks.peers import versions
from pipeline.compiled import compiled

PACKAGES = (
    "torch", "numpy", "numba", "dv-processing", "open-clip-torch", "pyqt6", "pyqtgraph", "spikingjelly", "tonic",
    "faery", "evlib", "aedat", "transformers", "onnxruntime", "openvino", "nncf",
)  # fmt: skip


def describe() -> dict[str, str]:
    """Say which machine this is, what else it was doing, and with which packages it was measured."""
    load = ", ".join(f"{number:.2f}" for number in os.getloadavg()) if hasattr(os, "getloadavg") else "not known"
    return {
        "processor": _processor(),
        "cores": str(psutil.cpu_count()),
        "instructions": _instructions(),
        "memory": f"{psutil.virtual_memory().total / 1e9:.1f} GB",
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": load,
        "packages": ", ".join(f"{name} {version}" for name, version in versions(*PACKAGES).items()),
    }


def _cpuinfo(key: str) -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")


def _processor() -> str:
    return _cpuinfo("model name") or platform.processor() or platform.machine()


def _instructions() -> str:
    flags = set(_cpuinfo("flags").split())
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_bf16", "amx_int8")
    return ", ".join(flag for flag in wanted if flag in flags) or "not known"


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process, and the threads it starts meanwhile, on one core where the system can do that."""
    process = psutil.Process()
    if not hasattr(process, "cpu_affinity"):
        yield
        return
    before = process.cpu_affinity()
    process.cpu_affinity(before[-1:])
    try:
        yield
    finally:
        process.cpu_affinity(before)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Let torch compute on one thread meanwhile."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@compiled
def _sum(numbers: npt.NDArray[np.int64]) -> np.int64:
    total = np.int64(0)
    for i in range(numbers.size):
        total += numbers[i]
    return total


def read_bandwidth(quick: bool, times: int = 5) -> float:
    """Give how fast one core reads memory, bytes/s: the best of a few, far beyond every cache."""
    numbers = np.ones((1 << 20) if quick else (1 << 26), np.int64)
    _sum(numbers[:1])
    durations = []
    for _ in range(times):
        start = time.perf_counter()
        _sum(numbers)
        durations.append(time.perf_counter() - start)
    return float(numbers.nbytes / min(durations))
