"""The end of the program's process."""

from __future__ import annotations

import atexit
import os
import sys
from typing import NoReturn

UNWRITTEN = 120
"""What Python itself ends with when its last words could not be written."""


def leave(status: int) -> NoReturn:
    """End the process once all that is to be done at its end is done, without taking the interpreter apart.

    Native threads of libraries (a model's loading, Qt, FFmpeg) may still run, and what they use would be freed under
    them: of forty windows that were closed while a model was loading, one ended in a segmentation fault.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            status = status or UNWRITTEN
    os._exit(status)
