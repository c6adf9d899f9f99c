"""A screen for windows that are measured: a virtual one of its own, so that nothing else is drawn on it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

WINDOW_WAIT_S = 300


@contextmanager
def virtual_display(width: int = 1920, height: int = 1200) -> Iterator[dict[str, str] | None]:
    """Start Xvfb; gives the environment for programs that are to draw there, None where it is not installed."""
    if shutil.which("Xvfb") is None:
        yield None
        return
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
        pass_fds=(writing,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    try:
        with os.fdopen(reading) as answer:
            display = answer.readline().strip()
        kept = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
        yield kept | {"DISPLAY": f":{display}"} if display else None
    finally:
        server.terminate()
        server.wait()


def wait_for_window(title: str, environment: dict[str, str]) -> None:
    """Return once a window with this title is visible.

    Raises
    ------
    RuntimeError
        xdotool is not installed, or there is no such window for five minutes.
    """
    if shutil.which("xdotool") is None:
        raise RuntimeError("xdotool is not installed")
    search = ["xdotool", "search", "--sync", "--onlyvisible", "--name", title]
    try:
        subprocess.run(search, env=environment, capture_output=True, timeout=WINDOW_WAIT_S, check=True)
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        raise RuntimeError("the window did not appear") from error
