"""Names of the files of one recording."""

from __future__ import annotations

import itertools
from pathlib import Path


def free_part(path: Path) -> Path:
    """Give the name under which a recording goes on: `walk-2.aedat4` after `walk.aedat4`, or a later number."""
    stem, dash, number = path.stem.rpartition("-")
    if not (dash and number.isdigit() and path.with_stem(stem).exists()):
        stem = path.stem
    return next(part for count in itertools.count(2) if not (part := path.with_stem(f"{stem}-{count}")).exists())
