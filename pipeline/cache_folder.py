"""Where the program keeps what it can make again."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "NEUROCLIP_CACHE"


def cache_folder() -> Path:
    """Give the folder, which need not exist: the user's cache, or what the variable ``NEUROCLIP_CACHE`` says."""
    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else platformdirs.user_cache_path("neuroclip-live", appauthor=False)
