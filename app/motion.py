"""How long things move: not at all where the system or the user asks for reduced motion."""

from __future__ import annotations

import os
import sys
from functools import lru_cache

VARIABLE = "NEUROCLIP_REDUCED_MOTION"
"""Environment variable: 1 stops all motion, 0 allows it whatever the system says."""
_OFF = ("0", "false", "no", "off")


def reduced() -> bool:
    """Whether nothing may move."""
    asked = os.environ.get(VARIABLE, "").strip().lower()
    return asked not in _OFF if asked else _system_reduces()


def duration(milliseconds: int) -> int:
    """Give the time an animation takes, ms: what is asked for, or 0 with reduced motion."""
    return 0 if reduced() else milliseconds


@lru_cache(maxsize=1)
def _system_reduces() -> bool:
    if sys.platform == "win32":
        return not _windows_animates()
    return sys.platform == "darwin" and _mac_reduces()


def _windows_animates() -> bool:
    import ctypes

    animates = ctypes.c_int(1)
    get_client_area_animation = 0x1042  # SPI_GETCLIENTAREAANIMATION
    user32 = ctypes.WinDLL("user32")  # type: ignore[attr-defined,unused-ignore]
    user32.SystemParametersInfoW(get_client_area_animation, 0, ctypes.byref(animates), 0)
    return bool(animates.value)


def _mac_reduces() -> bool:
    from PyQt6.QtCore import QSettings

    settings = QSettings("com.apple.universalaccess", "")
    return bool(settings.value("reduceMotion", False))
