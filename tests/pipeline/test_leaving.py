"""How the program's process ends: everything is said, and nothing is taken apart."""

import os
import subprocess
import sys

PROGRAM = """
import atexit, sys, threading, time
from pipeline.leaving import leave
atexit.register(lambda: print("taken apart"))
threading.Thread(target=time.sleep, args=(3600,), daemon={daemon}).start()
class Watched:
    def __del__(self):
        print("taken apart")
kept = Watched()
print("written")
leave({status})
"""


def ended(status: int = 0, *, daemon: bool = True) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM.format(status=status, daemon=daemon)], capture_output=True, text=True, timeout=60
    )


def test_what_was_written_is_read_and_nothing_is_taken_apart() -> None:
    assert ended().stdout == "written\n"


def test_the_status_is_given_on() -> None:
    assert [ended(status).returncode for status in (0, 130)] == [0, 130]


def test_no_thread_holds_it_up() -> None:
    assert ended(daemon=False).returncode == 0


def test_words_that_nobody_reads_are_told_by_the_status() -> None:
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    command = [sys.executable, "-c", PROGRAM.format(status=0, daemon=True)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=buffered) as run:
        assert run.stdout is not None
        run.stdout.close()
        assert run.wait(60) == 120
