"""A recording holds what the camera has sent, event for event, however far the recogniser falls behind."""

import os
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene, moving_dot
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.capture.camera_program import program, same_as_shown, windows_in
from tests.pipeline.tiny_clip import save_folder
from tests.process_group import ctrl_c
from tests.programs import PATIENCE_S, wait_until

SECONDS = float(os.environ.get("NEUROCLIP_OVERLOAD_S", "20"))
"""Of recording: more of them for a long look."""
EVENTS_PER_S = int(os.environ.get("NEUROCLIP_OVERLOAD_EVENTS_PER_S", "100_000"))
"""The make-believe bus manages three times as many where it has a core for itself."""
TIMESTEP_S = 0.03
OWN_TIME = "recordings keep the camera's own time"
"""Told of the make-believe camera where the machine is too busy for it."""
UNDER_WAY_S = 3.0
"""Events of so much time may be in the driver when the program is ended."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 10 * SECONDS)]


@pytest.fixture(scope="module")
def slow_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that takes many timesteps to encode the frame of one."""
    config: dict[str, Any] = {
        "embed_dim": 64,
        "vision_cfg": {"image_size": 448, "patch_size": 16, "width": 384, "layers": 12, "head_width": 64},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
    }
    return save_folder(tmp_path_factory.mktemp("model") / "slow", config)


@pytest.mark.parametrize("model", MODELS)
def test_every_event_of_a_camera_is_recorded(bus: UsbBus, tmp_path: Path, slow_model: Path, model: str) -> None:
    if model == "evk4":
        need_driver("nd")
    recorded, labels = tmp_path / "walk.aedat4", tmp_path / "labels.csv"
    events = moving_dot(MODELS[model].resolution, events_per_s=EVENTS_PER_S)
    camera = MODELS[model](scene=Scene(events, repeat=True))
    bus.plug_in(camera)
    words = ("--model", f"local-dir:{slow_model}", "--precision", "fp32", "--record", recorded, "--output", labels)
    with program(bus, tmp_path / "home", *words) as process:
        wait_until(lambda: camera.sent > 0)
        began_s = time.monotonic()
        wait_until(lambda: camera.sent >= SECONDS * EVENTS_PER_S, PATIENCE_S + 3 * SECONDS)
        wait_until(lambda: len(windows_in(labels)) > 0)
        took_s, sent = time.monotonic() - began_s, camera.sent
        err = ctrl_c(process)
    assert process.returncode == 130, err
    told = [line for line in err.splitlines() if camera.serial in line]
    assert all(OWN_TIME in line for line in told), "the camera was never lost"
    assert list(tmp_path.glob("*.aedat4")) == [recorded]
    count, judged = same_as_shown(recorded, Scene(events, repeat=True)), len(windows_in(labels))
    print(f"{model}: {count:,} of {sent:,} events in {took_s:.1f} s, {judged} windows judged")
    assert count >= sent - UNDER_WAY_S * EVENTS_PER_S
    assert judged * TIMESTEP_S < took_s / 3, "the recogniser is overloaded"
