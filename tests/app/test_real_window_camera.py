"""``main.py --camera`` in a real window, its camera on a make-believe bus: what the README shows of it."""

import signal
import time

import pytest

from app.theme import DARK
from pipeline.bundled import TOUR, true_labels
from pipeline.events import EventArray, Resolution
from pipeline.reading import read_recording
from tests.app.real_window import answers, keep_picture, program
from tests.cameras.dvs128 import Dvs128
from tests.cameras.scene import Scene, fitted
from tests.cameras.usb_bus import UsbBus
from tests.programs import PATIENCE_S, wait_until
from tests.screen import virtual_screen

SHOWN = "an umbrella"
PROMPTS = ("a star", "a cup", SHOWN, "a key")
COLOUR = DARK.classes[PROMPTS.index(SHOWN)]


def umbrella() -> EventArray:
    """What a DVS128 sees of the bundled tour while the umbrella is waved."""
    (shown,) = (each for each in true_labels(TOUR) if each.label == SHOWN)
    events = read_recording(TOUR).events
    times = events["timestamp"]
    part = events[(times >= shown.start_us) & (times < shown.end_us)]
    return fitted(part, Resolution(640, 480), Dvs128.resolution)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_the_camera_sees_is_named_and_again_after_it_was_unplugged(bus: UsbBus) -> None:
    camera = Dvs128(scene=Scene(umbrella(), repeat=True))
    place = bus.plug_in(camera)
    arguments = ("--camera", "--prompts", ", ".join(PROMPTS))
    with virtual_screen() as screen, program(screen, *arguments, popen=bus.popen) as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: answers(screen, COLOUR))
        keep_picture(screen, "camera", after_s=12)
        bus.unplug(camera)
        keep_picture(screen, "unplugged", after_s=4)
        wait_until(lambda: not answers(screen, COLOUR))
        back_at = time.monotonic()
        bus.plug_in(camera, address=place.address + 1)
        wait_until(lambda: answers(screen, COLOUR))
        print(f"named again {time.monotonic() - back_at:.1f} s after it was plugged in")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        assert "Traceback" not in err
