"""The clock of a camera wraps while it is followed and recorded: timesteps and recording go on as if it had not."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.camera_program import same_as_shown
from tests.pipeline.reading_back import timestamps_in
from tests.programs import PATIENCE_S, ROOT, environment

EVENTS_PER_S = 50_000
BEFORE_S, AFTER_S = 1.5, 1.0
"""So long before the wrap the camera begins; so long it is followed after it."""
TIMESTEP_US = 30_000
SLOW = pytest.mark.slow
"""What takes the same way as the other case, or seconds to open."""


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    ("model", "bits"),
    [
        pytest.param("dvs128", 31, marks=SLOW), ("dvxplorer", 31), pytest.param("davis346", 31, marks=SLOW),
        pytest.param("evk4", 24, marks=SLOW),
    ],
)  # fmt: skip
def test_timesteps_and_recording_go_on(bus: UsbBus, tmp_path: Path, model: str, bits: int) -> None:
    if model == "evk4":
        need_driver("nd")
    kind = MODELS[model]
    shown = moving_dot(kind.resolution, events_per_s=EVENTS_PER_S)
    bus.plug_in(kind(scene=Scene(shown, repeat=True), clock_us=2**bits - round(BEFORE_S * 1e6)))
    recorded = tmp_path / "walk.aedat4"
    done = bus.run(
        [sys.executable, "-m", "tests.pipeline.capture.frame_reader", str(recorded), str(BEFORE_S + AFTER_S)],
        env=environment(XDG_CONFIG_HOME=str(tmp_path), XDG_STATE_HOME=str(tmp_path)), cwd=ROOT,
        capture_output=True, text=True, timeout=PATIENCE_S,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert list(tmp_path.glob("*.aedat4")) == [recorded]
    assert same_as_shown(recorded, Scene(shown, repeat=True)) > EVENTS_PER_S * (BEFORE_S + AFTER_S) * 0.9
    times = timestamps_in(recorded)
    begins, ends, segments, events = np.array(told["frames"]).T
    wraps_us = times[0] + BEFORE_S * 1e6
    across = segments == segments[np.searchsorted(ends, wraps_us, "right")]  # a busy machine may begin anew
    begins, ends, events = begins[across], ends[across], events[across]
    assert begins[0] < wraps_us - 3 * TIMESTEP_US
    assert ends[-1] > wraps_us + 3 * TIMESTEP_US
    assert (ends - begins == TIMESTEP_US).all()
    assert (begins[1:] == ends[:-1]).all()
    edges = np.searchsorted(times, [*begins, ends[-1]])
    np.testing.assert_array_equal(events, np.diff(edges), "each event lies in its timestep")
