"""The program in a real window, and where on the screen its answer is."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.programs import command
from tests.screen import Screen

PICTURES = os.environ.get("NEUROCLIP_PICTURES")
"""A folder for pictures of the window; those of the README come from here."""
PANEL = 1160
"""Where the column of answer, classes and examples begins, px of a screen that is 1600 wide."""
ANSWER = 300
"""Where its first card, the answer, has ended for sure."""


@contextmanager
def program(
    screen: Screen, *arguments: str | Path, popen: Callable[..., Any] = subprocess.Popen
) -> Iterator["subprocess.Popen[str]"]:
    """Start the program on this screen, perhaps by `UsbBus.popen`; where the test fails, tell what it was doing."""
    environment = screen.environment | {"PYTHONFAULTHANDLER": "1"}
    process = popen(command(*arguments), env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        yield process
    except BaseException as error:
        process.send_signal(signal.SIGABRT)  # where each of its threads is
        error.add_note(f"the program said: {process.communicate()[1]}")
        raise
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def keep_picture(screen: Screen, name: str, after_s: float = 0) -> None:
    """Take a picture, if pictures are wanted; after a while, so that there is something to see."""
    if PICTURES:
        time.sleep(after_s)
        screen.save(Path(PICTURES) / f"{name}.png")


def answers(screen: Screen, colour: str) -> bool:
    """Whether the answer's bar has this colour."""
    found = screen.pixels_of(colour)
    return bool(((found[:, 0] < ANSWER) & (found[:, 1] > PANEL)).sum() > 50)
