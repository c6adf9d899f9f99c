"""How the threads of numeric libraries wait for one another."""

from __future__ import annotations

import os

PASSIVE = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "0", "KMP_BLOCKTIME": "0"}
"""For the OpenMP of GCC, which torch brings on Linux, and of LLVM and Intel, elsewhere."""


def let_threads_sleep() -> None:
    """Make idle OpenMP threads sleep instead of spinning; call before torch is imported.

    Spinning threads of the recogniser take the cores from capture and from one another: with a camera's driver
    beside them on two cores, an encoder call took many times as long. What the user has set stays.
    """
    for name, value in PASSIVE.items():
        os.environ.setdefault(name, value)
