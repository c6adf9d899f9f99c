"""What a camera sends is recorded, all of it; where the machine is too slow for that, the user is told."""

import json
import queue
import sys
from pathlib import Path

import numpy as np
import pytest

from pipeline.capture.messages import FramerSettings, Lost, Notice, Open, Record, RecordingState, Status
from pipeline.capture.supervisor import Capture
from pipeline.sources.base import CameraSpec
from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.fast_camera import INTERVAL_US, KEPT, made_events, open_fast, write_events
from tests.pipeline.reading_back import events_in
from tests.programs import PATIENCE_S, ROOT

SLOW = pytest.mark.slow

pytestmark = pytest.mark.timeout(300)


@SLOW
@pytest.mark.parametrize(
    ("model", "held_up_s", "loses", "restarts"),
    [
        ("dvs128", 1.5, False, {0}),
        ("dvs128", 6, True, {0}),
        ("evk4", 3, False, {0}),
        ("evk4", 22, True, {0, 1}),  # as many as its 4096 packets last
        ("evk4", 35, True, {1}),
    ],
)
def test_a_reader_that_is_held_up_for_too_long_tells_so(
    bus: UsbBus, model: str, held_up_s: float, loses: bool, restarts: set[int]
) -> None:
    """Drivers keep what comes for 2.5 s (dv-processing) and for 4096 packets (the other one, on this bus 10 to 15 s).

    Of the second one's losses, those that last longer than half of the time in which the camera's clock wraps (16.8 s)
    have it started again, as its driver has lost track of the time.
    """
    if model == "evk4":
        need_driver("nd")
    kind = MODELS[model]
    bus.plug_in(kind(scene=Scene(moving_dot(kind.resolution, events_per_s=50_000), repeat=True)))
    done = bus.run(
        [sys.executable, "-m", "tests.pipeline.capture.late_reader", str(held_up_s)],
        cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    before, after = answer["told"]
    assert before == []
    assert (answer["gap_s"] > 0.1) == loses
    assert all("lost, in a recording too" in notice for notice in after)
    started_again = [notice for notice in after if "started again" in notice]
    assert len(after) - len(started_again) == loses
    assert len(started_again) in restarts
    assert abs(answer["ago_s"]) < 1


@SLOW
@pytest.mark.parametrize(
    ("events_per_s", "seconds", "kept"),
    [(1_000_000, 2.0, KEPT), (50_000_000, 1.2, 30)],
    ids=["one million", "fifty million"],
)
def test_all_is_recorded_or_the_loss_is_told(tmp_path: Path, events_per_s: int, seconds: float, kept: int) -> None:
    """A camera that sends so many a second; the driver's patience is short where it sends more than can be written."""
    sent, recorded = tmp_path / "sent.aedat4", tmp_path / "walk.aedat4"
    shown = made_events(events_per_s * INTERVAL_US // 1_000_000)
    intervals = round(seconds * 1e6) // INTERVAL_US
    begin_us = write_events(sent, shown, intervals)
    said = record_all(CameraSpec(f"{kept}:{sent}"), recorded)
    events = events_in(recorded).reshape(-1, len(shown))
    offsets_us = events["timestamp"] - shown["timestamp"] - begin_us
    assert (offsets_us == offsets_us[:, :1]).all()
    assert (np.diff(offsets_us[:, 0]) >= INTERVAL_US).all()
    for name in ("x", "y", "polarity"):
        assert (events[name] == shown[name]).all(), name
    missing = intervals - len(events)
    told = [
        status.message for status in said if isinstance(status, Notice) and "lost, in a recording too" in status.message
    ]
    print(f"{events_per_s:,} a second: {missing} of {intervals} intervals missing; {told}")
    assert (missing > 0) == bool(told)


def record_all(spec: CameraSpec, recorded: Path) -> list[Status]:
    """Record a camera that is gone when it has sent all; gives what was said. Nobody reads the frames."""
    heard: queue.SimpleQueue[Status] = queue.SimpleQueue()
    said: list[Status] = []

    def until_gone() -> bool:
        said.append(heard.get(timeout=PATIENCE_S))
        return isinstance(said[-1], Lost)

    def until_finished() -> bool:
        said.append(heard.get(timeout=PATIENCE_S))
        return isinstance(said[-1], RecordingState) and said[-1].path is None

    with Capture(heard.put, opener=open_fast) as capture:
        capture.open(Open(spec, FramerSettings(), record_to=recorded))
        while not until_gone():
            pass
        capture.send(Record(None))
        while not until_finished():
            pass
    return said
