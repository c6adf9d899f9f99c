"""A virtual screen with a window manager, a keyboard, a mouse, and a look at its pixels."""

from __future__ import annotations

import math
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.needs import need_program
from tests.programs import wait_until

Pixels = npt.NDArray[np.uint8]
ASK_AGAIN_S = 5.0


@dataclass(frozen=True)
class Screen:
    """An X server of its own."""

    display: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "WAYLAND_DISPLAY")}
        return kept | {"DISPLAY": self.display}

    def _do(self, *command: str) -> bytes:
        return subprocess.run(command, env=self.environment, capture_output=True, check=True).stdout

    def press(self, *keys: str) -> None:
        """Press keys by their X names, e.g. ``ctrl+n``, in the window that has the keyboard."""
        self._wait_for_focus()
        self._do("xdotool", "key", *keys)

    def type(self, text: str) -> None:
        self._wait_for_focus()
        self._do("xdotool", "type", "--delay", "20", "--", text)

    def click(self, x: int, y: int) -> None:
        self._do("xdotool", "mousemove", str(x), str(y), "click", "1")

    def windows(self, title: str) -> list[str]:
        return self._asked("xdotool", "search", "--onlyvisible", "--name", title).split()

    def wait_for_window(self, title: str) -> str:
        """Wait until the window is there and keys go to it."""
        wait_until(lambda: bool(self.windows(title)))
        window = self.windows(title)[-1]
        wait_until(lambda: self._has_keys(window))
        return window

    def _wait_for_focus(self) -> None:
        wait_until(lambda: bool(self._asked("xdotool", "getactivewindow")))

    def _has_keys(self, window: str) -> bool:
        """Ask for the keyboard where another window has it; whether this one has it."""
        if self._asked("xdotool", "getactivewindow") == window:
            return True
        self._asked("xdotool", "windowactivate", window)
        return False

    def _asked(self, *command: str) -> str:
        """Give what a command prints; nothing where it fails, as while no window has the keyboard."""
        return subprocess.run(command, env=self.environment, capture_output=True, text=True).stdout.strip()

    def close_window(self) -> None:
        """Ask the active window to close, by the window manager's key for its ×; again where that was not heard."""
        title = self._asked("xdotool", "getactivewindow", "getwindowname")
        asked_at = -math.inf

        def closed() -> bool:
            nonlocal asked_at
            if self.windows(title) and time.monotonic() - asked_at > ASK_AGAIN_S:
                asked_at = time.monotonic()
                self._asked("xdotool", "key", "alt+F4")
            return not self.windows(title)

        wait_until(closed)

    def picture(self) -> Pixels:
        """Give the whole screen, uint8 (H, W, 3)."""
        raw = self._do("import", "-window", "root", "-depth", "8", "ppm:-")
        _, size, _, body = raw.split(b"\n", 3)
        width, height = map(int, size.split())
        return np.frombuffer(body, np.uint8, height * width * 3).reshape(height, width, 3)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._do("import", "-window", "root", str(path))

    def pixels_of(self, colour: str) -> npt.NDArray[np.intp]:
        """Find the pixels of exactly this colour, ``#RRGGBB``; (n, 2) of y, x."""
        wanted = np.frombuffer(bytes.fromhex(colour.removeprefix("#")), np.uint8)
        return np.argwhere((self.picture() == wanted).all(axis=2))


@contextmanager
def virtual_screen(width: int = 1600, height: int = 1000) -> Iterator[Screen]:
    """Start Xvfb and openbox; skips where they are not installed."""
    for program, package in (
        ("Xvfb", "xvfb"),
        ("openbox", "openbox"),
        ("xdotool", "xdotool"),
        ("import", "imagemagick"),
    ):
        need_program(program, package)
    reading, writing = os.pipe()
    with ExitStack() as stack:
        server = stack.enter_context(
            _running(
                ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"],
                writing,
            )
        )
        os.close(writing)
        with os.fdopen(reading) as answer:
            display = f":{answer.readline().strip()}"
        assert server.poll() is None
        screen = Screen(display)
        # Debian's openbox crashes now and then, and every key would be lost from then on.
        again = "while :; do openbox; sleep 0.1; done"
        stack.enter_context(_running(["sh", "-c", again], env=screen.environment))
        wait_until(lambda: bool(screen._asked("xdotool", "get_num_desktops")))  # only a window manager tells
        yield screen
        assert server.poll() is None, "the screen ended"


@contextmanager
def _running(
    command: list[str], *pass_fds: int, env: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command, pass_fds=pass_fds, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
