"""Settings of cameras through the real drivers: what is offered, set, refused, kept, and reset."""

import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dv_processing as dv
import numpy as np
import pytest

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.camera_config import read_config
from tests.cameras.davis346 import Davis346
from tests.cameras.dvxplorer import Dvxplorer
from tests.cameras.event_camera import EventCamera
from tests.cameras.models import MODELS
from tests.cameras.observer import need_driver
from tests.cameras.scene import Scene
from tests.cameras.usb_bus import UsbBus
from tests.programs import PATIENCE_S, ROOT, environment, wait_until

pytestmark = pytest.mark.timeout(300)

HOT = [(3, 4), (100, 90), (127, 0)]


class Setter:
    """A capture in a process on the bus."""

    def __init__(self, bus: UsbBus, home: Path, *config: Path) -> None:
        self._process: subprocess.Popen[str] = bus.popen(
            [sys.executable, "-m", "tests.pipeline.capture.camera_setter", *map(str, config)],
            env=environment(XDG_CONFIG_HOME=str(home), XDG_STATE_HOME=str(home)), cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self._said: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()

    def order(self, *words: object) -> None:
        assert self._process.stdin is not None
        print(*words, file=self._process.stdin, flush=True)

    def next(self, kind: str) -> Any:
        """Wait for the next thing said of a kind; what is said before it is passed over."""
        passed: list[dict[str, Any]] = []
        while True:
            said = self._said.get(timeout=PATIENCE_S)
            assert said is not None, f"it ended after {passed}"
            if said["kind"] == kind:
                return said["content"]
            passed.append(said)

    def set(self, key: str, value: object) -> Any:
        self.order("set", key, json.dumps(value))
        return self.next("CameraState")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S)
        finally:
            self._process.kill()
            self._thread.join()
            self._process.stdout.close()

    def __enter__(self) -> "Setter":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                self._said.put(json.loads(line))
        self._said.put(None)


def covered(resolution: Resolution, hot: list[tuple[int, int]], seconds: float = 2.0) -> EventArray:
    """Events of a covered sensor: a little noise everywhere, and pixels that send 200 times a second each."""
    random = np.random.default_rng(5)
    noise = round(2_000 * seconds)
    count = noise + round(200 * seconds) * len(hot)
    events = np.zeros(count, EVENT_DTYPE)
    events["timestamp"] = np.sort(random.integers(0, round(seconds * 1e6), count))
    places = np.stack([random.integers(0, side, count) for side in resolution], axis=1)
    which = random.permutation(count)[noise:]
    places[which] = np.array(hot)[np.arange(len(which)) % len(hot)]
    events["x"], events["y"] = places.T
    events["polarity"] = random.integers(0, 2, count)
    return events


def in_the_dark(model: str, hot: list[tuple[int, int]]) -> EventCamera:
    kind = MODELS[model]
    return kind(scene=Scene(covered(kind.resolution, hot), repeat=True))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def test_a_setting_reaches_the_camera_and_is_kept_for_it(bus: UsbBus, home: Path) -> None:
    """Also where the camera is unplugged, and when the program is started anew."""
    camera = Dvxplorer()
    bus.plug_in(camera)
    with Setter(bus, home) as setter:
        begun = setter.next("CameraState")
        assert begun["settings"]["contrast_on"] == begun["defaults"]["contrast_on"] == 9
        before = dict(camera.registers.values)
        assert setter.set("contrast_on", 3)["settings"]["contrast_on"] == 3
        changed = {register for register, value in camera.registers.values.items() if before.get(register) != value}
        assert len(changed) > 0
        set_so = dict(camera.registers.values)
        bus.unplug(camera)
        setter.next("Lost")
        bus.plug_in(camera)
        setter.next("Opened")
        assert setter.next("CameraState")["settings"]["contrast_on"] == 3
        assert all(camera.registers.values[register] == set_so[register] for register in changed)
    (kept,) = (home / "neuroclip-live" / "cameras").iterdir()
    assert read_config(kept).values == {"contrast_on": 3}
    with Setter(bus, home) as setter:
        assert setter.next("CameraState")["settings"]["contrast_on"] == 3
        setter.order("reset")
        assert setter.next("CameraState")["settings"]["contrast_on"] == 9
        assert all(camera.registers.values[register] == before[register] for register in changed)
    assert not kept.exists()


def test_what_is_not_offered_is_said_with_what_is(bus: UsbBus, home: Path) -> None:
    bus.plug_in(Dvxplorer())
    with Setter(bus, home) as setter:
        setter.next("CameraState")
        for key, value, told in (
            ("contrast_on", 18, "contrast_on = 18 cannot be: it is a whole number from 0 to 17."),
            ("readout_rate", "fast", 'readout_rate = "fast" cannot be: it is one of "constant_100"'),
            ("region", [600, 400, 100, 100], "within 640 × 480 pixels"),
            ("sensitivity", 1, "DVXplorer DXA00000 has no setting sensitivity: it offers contrast_on"),
            ("decay_half_life", 500, 'no effect unless noise_filter = "fast_decay"'),
        ):
            state = setter.set(key, value)
            assert state["failed"]
            assert told in state["message"]
            assert state["settings"] == state["defaults"]


def test_what_the_camera_refuses_stays(bus: UsbBus, home: Path) -> None:
    camera = Dvxplorer()
    bus.plug_in(camera)
    with Setter(bus, home) as setter:
        setter.next("CameraState")
        bus.set_faults(camera, refuses_requests=True)
        state = setter.set("contrast_off", 2)
        assert (state["failed"], state["settings"]["contrast_off"]) == (True, 9)
        assert state["message"] == "DVXplorer DXA00000 refused contrast_off = 2: it stays 9."
        bus.set_faults(camera, refuses_requests=False)
        assert setter.set("contrast_off", 2)["settings"]["contrast_off"] == 2


def test_hot_pixels_are_found_left_out_and_counted_again(bus: UsbBus, home: Path, tmp_path: Path) -> None:
    """A recording has them all the same."""
    camera = in_the_dark("dvs128", HOT)
    bus.plug_in(camera)
    recorded = tmp_path / "dark.aedat4"
    with Setter(bus, home) as setter:
        setter.next("CameraState")
        setter.order("pixels", 20)
        assert {(x, y) for x, y, frames in setter.next("pixels") if frames > 10} == set(HOT)
        setter.order("find")
        assert setter.next("CameraState")["searching"]
        found = setter.next("CameraState")
        assert sorted(map(tuple, found["hot_pixels"])) == HOT
        assert found["message"] == "3 hot pixels are left out."
        setter.order("record", recorded)
        setter.next("RecordingState")
        setter.order("pixels", 20)
        assert not {(x, y) for x, y, _ in setter.next("pixels")} & set(HOT)
        setter.order("record", "-")
        setter.next("RecordingState")
        setter.set("flip_horizontal", True)
        setter.order("pixels", 20)
        flipped = {(127 - x, y) for x, y in HOT}
        assert not {(x, y) for x, y, _ in setter.next("pixels")} & flipped
    events = dv.io.MonoCameraRecording(str(recorded))
    batch = events.getNextEventBatch()
    assert batch is not None
    assert set(HOT) <= set(map(tuple, batch.coordinates().tolist()))
    with Setter(bus, home) as setter:
        assert sorted(map(tuple, setter.next("CameraState")["hot_pixels"])) == HOT
        setter.order("forget")
        assert setter.next("CameraState")["hot_pixels"] == []
        setter.order("pixels", 20)
        lit = {(x, y) for x, y, frames in setter.next("pixels") if frames > 10}
        assert lit == flipped


def test_a_file_sets_it_and_nothing_is_kept(bus: UsbBus, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "night.toml"
    file.write_text('contrast_on = 4\nreadout_rate = "constant_500"\nregion = [10, 20, 300, 200]\n', encoding="utf-8")
    bus.plug_in(Dvxplorer())
    with Setter(bus, home, file) as setter:
        settings = setter.next("CameraState")["settings"]
        assert settings["contrast_on"] == 4
        assert settings["readout_rate"] == "constant_500"
        assert settings["region"] == [10, 20, 300, 200]
        setter.set("contrast_on", 5)
    assert not (home / "neuroclip-live" / "cameras").exists()
    file.write_text("contrast_on = 40\n", encoding="utf-8")
    with Setter(bus, home, file) as setter:
        failed = setter.next("Failed")
        assert failed["message"].startswith("night.toml: contrast_on = 40 cannot be: it is a whole number from 0 to 17")
        assert failed["in_vain"]


@pytest.mark.parametrize("model", ["dvs128", "davis346", "evk4"])
def test_every_setting_of_a_camera_can_be_changed_and_reset(bus: UsbBus, home: Path, model: str) -> None:
    if model == "evk4":
        need_driver("nd")
    camera = MODELS[model]()
    bus.plug_in(camera)
    with Setter(bus, home) as setter:
        begun = setter.next("CameraState")
        offered = set(begun["settings"])
        assert {"region", "flip_horizontal", "flip_vertical", "noise_filter"} <= offered
        own = {
            "dvs128": {"bias_pr", "bias_diff_on", "polarity"},
            "davis346": {"frames", "exposure", "bias_on_threshold", "chip_background_filter", "skip_every"},
            "evk4": {"contrast_on", "contrast_off", "bias_fo", "rate_limit"},
        }[model]
        assert own <= offered
        for key, value in (("flip_vertical", True), *((key, 1) for key in own if key.startswith("bias_"))):
            state = setter.set(key, value)
            assert (state["failed"], state["settings"][key]) == (False, value), state["message"]
        setter.order("reset")
        state = setter.next("CameraState")
        assert state["settings"] == begun["defaults"]


def test_frames_of_a_davis_come_beside_its_events_while_they_are_switched_on(bus: UsbBus, home: Path) -> None:
    grey = [40]
    shape = tuple(reversed(Davis346.resolution))
    camera = Davis346(
        scene=Scene(covered(Davis346.resolution, HOT), repeat=True),
        picture=lambda time_us: np.full(shape, grey[0], np.uint8),
    )
    bus.plug_in(camera)
    with Setter(bus, home) as setter:
        assert "frames" in setter.next("CameraState")["settings"]
        setter.set("frames", True)
        setter.order("camera_frame")
        assert setter.next("camera_frame") == {"shape": [*shape, 4], "middle": [40, 40, 40, 255]}
        grey[0] = 200

        def middle() -> int:
            setter.order("camera_frame")
            return int(setter.next("camera_frame")["middle"][0])

        wait_until(lambda: middle() == 200)
