"""Is there a screen, and all that Qt needs to use it? Asked before Qt starts, which would abort the process."""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

LIBRARIES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libdbus-1.so.3": "libdbus-1-3",
    "libfontconfig.so.1": "libfontconfig1",
}
"""Shared libraries of Qt's xcb platform, and Debian's package for each."""


def missing_display() -> str | None:
    """Say why no window can be shown here; None when it can, as far as one can tell."""
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return None
    wayland, x11 = os.environ.get("WAYLAND_DISPLAY"), os.environ.get("DISPLAY")
    if not wayland and not x11:
        return "neither DISPLAY nor WAYLAND_DISPLAY is set"
    if wayland and (Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / wayland).exists():
        return None
    if x11 and not _x_server_answers():
        return f"no X server answers at {x11}"
    return None if x11 else f"no Wayland compositor answers at {wayland}"


def _x_server_answers() -> bool:
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True  # cannot ask; what is missing is said by missing_libraries
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    broken = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not broken


def missing_libraries() -> str | None:
    """Name the system packages without which Qt cannot open a window; None when all are there."""
    if not sys.platform.startswith("linux"):
        return None
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    needed = LIBRARIES if platform in ("", "xcb") else {name: LIBRARIES[name] for name in ("libEGL.so.1", "libGL.so.1")}
    packages = [package for library, package in needed.items() if not _loads(library)]
    if not packages:
        return None
    return (
        f"the window needs system packages that are missing: install them (on Debian and Ubuntu: "
        f"apt-get install {' '.join(packages)}), or run with --headless."
    )


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
