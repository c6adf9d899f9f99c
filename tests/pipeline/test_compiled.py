"""Compiled loops and the one form of events that they take."""

import subprocess
import sys
from pathlib import Path

import numpy as np

from pipeline.compiled import plain
from pipeline.events import EVENT_DTYPE

NOWHERE_TO_CACHE = """
import numpy
from pipeline.compiled import compiled
made = {}
exec(compile("def twice(values):\\n    return 2 * values.sum()\\n", "no file of any folder", "exec"), made)
print(compiled(made["twice"])(numpy.arange(5)))
"""


def test_where_no_cache_can_be_written_a_loop_is_compiled_all_the_same() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", NOWHERE_TO_CACHE], cwd=root, capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.split() == ["20"]


def test_events_in_the_right_form_are_not_copied() -> None:
    events = np.zeros(3, EVENT_DTYPE)
    assert plain(events) is events


def test_fields_are_taken_by_their_names() -> None:
    other = np.array([(1, 2, 3, 400)], [("polarity", "i1"), ("y", "i2"), ("x", "i2"), ("timestamp", "i8")])
    assert plain(other).tolist() == [(400, 3, 2, 1)]
    assert plain(other).dtype == EVENT_DTYPE
