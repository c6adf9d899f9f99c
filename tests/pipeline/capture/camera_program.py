"""The program without a window, recording a camera on the make-believe bus; and what it has recorded, compared."""

import math
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dv_processing as dv
import numpy as np

from pipeline.events import EventArray
from tests.cameras.scene import Scene
from tests.cameras.usb_bus import UsbBus
from tests.process_group import ended_with_its_group
from tests.programs import command, environment, rows


@contextmanager
def program(bus: UsbBus, home: Path, *arguments: str | Path) -> Iterator["subprocess.Popen[str]"]:
    """Run it with a user's folders of its own, in a process group of its own, as a terminal does."""
    process: subprocess.Popen[str] = bus.popen(
        command("--camera", "--headless", "--prompts", "a cup, a star", *arguments),
        env=environment(XDG_CONFIG_HOME=str(home), XDG_STATE_HOME=str(home)),
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    with ended_with_its_group(process):
        yield process


def windows_in(labels: Path) -> list[tuple[int, int]]:
    """Give the beginning and end of each window that has been written by now, µs."""
    if not labels.is_file():
        return []
    whole = [row for row in rows(labels) if row["end_us"] and row["events"]]
    return [(int(row["start_us"]), int(row["end_us"])) for row in whole]


def batches_in(recording: Path) -> Iterator[EventArray]:
    reader = dv.io.MonoCameraRecording(str(recording))
    while (batch := reader.getNextEventBatch()) is not None:
        yield batch.numpy()


def same_as_shown(recording: Path, shown: Scene) -> int:
    """Compare a recording, event for event, with what was shown from the beginning; gives its number of events.

    The times differ by what the clocks differ.
    """
    count, ahead_us = 0, None
    for read in batches_in(recording):
        expected = shown.take(math.inf, len(read))
        if ahead_us is None:
            ahead_us = int(read["timestamp"][0]) - int(expected["timestamp"][0])
        expected["timestamp"] += ahead_us
        for field in ("timestamp", "x", "y", "polarity"):
            np.testing.assert_array_equal(read[field], expected[field], f"{field} after {count} events")
        count += len(read)
    return count
