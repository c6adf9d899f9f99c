"""How many threads numeric libraries start, and how these wait for one another."""

from __future__ import annotations

import math
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psutil

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "5000", "KMP_BLOCKTIME": "1"}
"""For the OpenMP of GCC, which torch brings on Linux, and of LLVM and Intel, elsewhere (ms).

A fraction of a millisecond, about what lies between two products of a frame: woken for each of them, two threads take
half as long again.
"""
NICENESS = 10
"""Of a thread that gives way to others, as ``nice`` counts it: enough to let a window's next picture go first."""
CPU_LIMIT = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use, on Linux: µs of processor time a period, or "max", and the period, µs."""

Result = TypeVar("Result")


def prepare_threads(*, for_window: bool = False) -> None:
    """Make idle OpenMP threads sleep soon, and start no more than the container may run; call before torch is imported.

    Spinning threads of the recogniser take the cores from capture and from one another: with a camera's driver
    beside them on two cores, an encoder call took many times as long. In a container that may use two of the 64 cores
    it sees, 64 threads would wait for one another. What the user has set stays.

    Parameters
    ----------
    for_window : bool
        Leave a core to what draws and captures, see `cores_beside_a_window`.
    """
    for name, value in PASSIVE.items():
        os.environ.setdefault(name, value)
    cores = allowed_cores()
    if for_window:
        os.environ.setdefault("OMP_NUM_THREADS", str(cores_beside_a_window()))
    elif cores is not None and cores < (os.cpu_count() or 1):
        os.environ.setdefault("OMP_NUM_THREADS", str(cores))


def allowed_cores(file: Path = CPU_LIMIT) -> int | None:
    """Give how many cores a container may keep busy, 1 at least; None: as many as it sees."""
    try:
        quota, period = file.read_text(encoding="ascii").split()
        return max(1, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):  # no such file, or "max"
        return None


def usable_cores() -> int:
    """Give how many cores numeric work may keep busy.

    What OMP_NUM_THREADS says, or all real cores that the system, a container and the process's own limit leave.
    """
    said = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if said.isdecimal() and int(said):
        return int(said)
    seen = psutil.cpu_count(logical=False) or os.cpu_count() or 1  # two threads of one core hinder each other
    with suppress(AttributeError):  # only some systems bind a process to cores
        seen = min(seen, len(os.sched_getaffinity(0)))
    return min(allowed_cores() or seen, seen)


def cores_beside_a_window() -> int:
    """Give how many cores numeric work may keep busy while a window draws and a process captures, 1 at least.

    Threads that share one piece of work wait for the last of them: of two busy cores the recogniser judges more windows
    a second on one that it has than on two that it shares. Where cores have two threads each there is room beside it.
    """
    cores = usable_cores()
    return max(1, cores if _processors() > cores else cores - 1)


def _processors() -> int:
    """Count what the system may run at once, as far as this process may use it."""
    seen = os.cpu_count() or 1
    with suppress(AttributeError):
        seen = len(os.sched_getaffinity(0))
    return min(allowed_cores() or seen, seen)


def give_way() -> None:
    """Let this thread, and those it starts from now on, work in the time that others leave; on Linux alone.

    The recogniser takes all the time it can get. What must not wait for it is short: events that are to be taken in,
    pictures that are due.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            thread = threading.get_native_id()
            os.setpriority(os.PRIO_PROCESS, thread, max(NICENESS, os.getpriority(os.PRIO_PROCESS, thread)))


def giving_way(work: Callable[[], Result]) -> Result:
    """Do this on a thread that gives way, and wait for it: threads that it starts give way too."""
    with ThreadPoolExecutor(1, initializer=give_way) as threads:
        return threads.submit(work).result()
