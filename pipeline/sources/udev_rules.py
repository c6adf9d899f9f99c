"""The udev rules that let ordinary users of Linux open event cameras."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from pipeline.sources.usb_cameras import LINUX

RULES_FILE = Path("/etc/udev/rules.d/65-event-cameras.rules")
COMMANDS = ("sudo udevadm control --reload-rules", "sudo udevadm trigger")
"""They make udev read its rules again, and apply them to what is plugged in."""
INSTALL = "main.py --install-udev-rules"
_PRODUCTS = {0x152A: "84*", 0x04B4: "00f[45]", 0x31F7: "000[34]", 0x1409: "8e00"}
_MAKERS = {
    0x152A: "iniVation",
    0x04B4: "Prophesee EVK3, EVK4",
    0x31F7: "CenturyArks SilkyEvCam",
    0x1409: "IDS uEye EVS",
}


def rule(vendor: int) -> str:
    """Give the rule for the cameras of this vendor (its number on the USB)."""
    return f'SUBSYSTEM=="usb", ATTR{{idVendor}}=="{vendor:04x}", ATTR{{idProduct}}=="{_PRODUCTS[vendor]}", MODE="0666"'


def rules_text() -> str:
    """Give the whole file."""
    lines = ["# Event cameras may be opened by every user."]
    for vendor, maker in _MAKERS.items():
        lines += [f"# {maker}", rule(vendor)]
    return "\n".join(lines) + "\n"


def install_rules(
    ask: Callable[[str], str],
    say: Callable[[str], None],
    *,
    path: Path = RULES_FILE,
    run: Callable[[Sequence[str]], int] | None = None,
    superuser: bool | None = None,
) -> int:
    """Show the rules, ask, and write them; gives the exit status.

    Parameters
    ----------
    ask : callable
        Takes a question, gives the answer; may raise EOFError where nobody answers.
    say : callable
        Takes a line for the user.
    path : Path
    run : callable, optional
        Runs a command, gives its exit status.
    superuser : bool, optional
        Whether `path` can be written without sudo; that of this process by default.
    """
    run = run or _run
    if not LINUX:
        say("Only Linux needs udev rules: there is nothing to install on this system.")
        return 0
    text = rules_text()
    if _read(path) == text:
        say(f"{path} is up to date. If a camera still may not be opened, plug it in again.")
        return 0
    verb = "is there already and would be replaced by" if path.exists() else "would be"
    say(f"{path} {verb}:\n\n{text}\nThen these commands are run:\n  " + "\n  ".join(COMMANDS) + "\n")
    try:
        answer = ask("Write this file? [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() not in ("y", "yes"):
        say("Nothing was written.")
        return 1
    root = superuser if superuser is not None else _is_root()
    if not _write(path, text, run, root=root):
        say(f"error: {path} could not be written: copy the lines above into it as root, then run the commands.")
        return 1
    for command in COMMANDS:
        words = command.split()
        if run(words[1:] if root else words) != 0:
            say(f"error: «{command}» failed: run it yourself, or start the computer again.")
            return 1
    say(f"{path} was written. Plug your camera in again.")
    return 0


def _write(path: Path, text: str, run: Callable[[Sequence[str]], int], *, root: bool) -> bool:
    if root:
        try:
            path.write_text(text, encoding="utf-8")
        except OSError:
            return False
        return True
    if shutil.which("sudo") is None:
        return False
    with tempfile.NamedTemporaryFile("w", suffix=".rules", encoding="utf-8") as draft:
        draft.write(text)
        draft.flush()
        return run(["sudo", "install", "-m", "644", draft.name, str(path)]) == 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


def _run(command: Sequence[str]) -> int:
    try:
        return subprocess.run(command, check=False).returncode
    except OSError:
        return 127


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
