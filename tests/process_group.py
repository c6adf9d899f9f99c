"""Programs in a process group of their own, as a terminal starts them: Ctrl-C reaches the whole group."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.programs import PATIENCE_S


@contextmanager
def ended_with_its_group(process: "subprocess.Popen[str]") -> Iterator["subprocess.Popen[str]"]:
    """Give a process that was started with ``start_new_session=True``; what is left of its group is killed."""
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ctrl_c(process: "subprocess.Popen[str]") -> str:
    """End it as a user does; gives what it said on standard error."""
    os.killpg(process.pid, signal.SIGINT)
    return process.communicate(timeout=PATIENCE_S)[1]
