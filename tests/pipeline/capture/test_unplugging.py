"""A camera that is pulled out and plugged in again and again, at any moment: nothing hangs, leaks or is lost."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from pipeline.reading import read_recording
from tests.cameras.models import MODELS
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.test_camera_tuning import Setter
from tests.programs import wait_until

CYCLES = int(os.environ.get("NEUROCLIP_CYCLES", "12"))
"""Of unplugging: more of them for a long look."""
LEAST = 6
"""Before what is held is looked at for the first time: libraries load what they need when they first need it."""
MOST_GROWTH = 24 << 20
"""Of memory, bytes, over all cycles: a stream that is not let go of would cost as much in a few."""


@pytest.mark.slow
@pytest.mark.timeout(60 + 30 * CYCLES)
@pytest.mark.parametrize("model", ["dvs128", "dvxplorer"])
def test_unplugged_at_any_moment(bus: UsbBus, tmp_path: Path, model: str) -> None:
    """While it is looked for, opened, set, read, recorded, or its recording is ended; under other addresses too."""
    random = np.random.default_rng(2306_12073)
    camera = MODELS[model](scene=Scene(moving_dot(MODELS[model].resolution), repeat=True))
    recordings = []
    bus.plug_in(camera)
    with Setter(bus, tmp_path / "home") as setter:
        setter.next("Opened")
        before = None
        for cycle in range(CYCLES):
            if random.random() < 0.5:
                recordings.append(tmp_path / f"{cycle}.aedat4")
                setter.order("record", recordings[-1])
            time.sleep(random.uniform(0, 0.6))  # this is when it happens, nothing is waited for
            if recordings and random.random() < 0.5:
                setter.order("record", "-")
            bus.unplug(camera)
            time.sleep(random.uniform(0, 0.8))
            bus.plug_in(camera, address=int(random.integers(20, 120)))
            if random.random() < 0.4:
                continue  # pulled out again while it is looked for or opened
            wait_until(lambda: sees(setter))
            if before is None and cycle >= LEAST:
                before = held(setter)
        wait_until(lambda: sees(setter))
        after = held(setter)
    assert before is not None
    print(model, CYCLES, before, after)
    assert after["threads"] <= before["threads"] + 1
    assert after["files"] <= before["files"] + 2
    assert after["bytes"] <= before["bytes"] + MOST_GROWTH
    written = [path for path in recordings if path.exists()]
    assert written
    assert sum(len(read_recording(path).events) for path in written) > 10_000


def sees(setter: Setter) -> bool:
    """Whether events are in the next few frames; the first ones after opening may have none."""
    setter.order("pixels", 3)
    return bool(setter.next("pixels"))


def held(setter: Setter) -> dict[str, int]:
    """Give what the program holds once no recording is written any more: orders are carried out before frames come."""
    setter.order("record", "-")
    setter.order("pixels", 3)
    setter.next("pixels")
    setter.order("spent")
    found: dict[str, int] = setter.next("spent")
    return found
