"""Counts what Python does: each call and return is a place where a thread may have to wait for Python's lock."""

import sys
from collections.abc import Callable


def python_steps(work: Callable[[], object]) -> int:
    """Do this and count the calls and returns, of C functions too, in this thread."""
    steps, before = 0, sys.getprofile()

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return steps
