"""Hot pixels are found among what a covered sensor sends."""

import numpy as np
import pytest

from pipeline.capture.hot_pixels import SEARCH_S, HotPixelCount, far_above
from pipeline.events import Resolution
from pipeline.simulation.pixel_model import DARKNESS, PixelModel
from pipeline.simulation.scene import Region

RESOLUTION = Resolution(320, 240)
STEP_US = 10_000


@pytest.mark.parametrize("seed", [1, 2])
def test_those_of_the_simulated_sensor_in_the_dark_are_found_and_no_others(seed: int) -> None:
    """Among noise that grows in the dark, and comes anywhere."""
    sensor = PixelModel(RESOLUTION, DARKNESS, seed)
    dark = np.full((RESOLUTION.height, RESOLUTION.width), -4.0, np.float32)
    nothing = Region(0, 0, 0, 0)
    sensor.start(dark, 0)
    count = HotPixelCount(RESOLUTION, 0.0)
    for time_us in range(STEP_US, round(SEARCH_S * 1e6) + 1, STEP_US):
        assert not count.is_over(time_us / 1e6 - 0.011)
        count.add(sensor.show(dark, time_us, nothing))
    assert count.is_over(SEARCH_S)
    found = count.found(SEARCH_S)
    assert found is not None
    expected = {(place % RESOLUTION.width, place // RESOLUTION.width) for place in sensor._hot.tolist()}
    assert len(expected) == round(DARKNESS.hot_pixels * RESOLUTION.pixels)
    assert set(map(tuple, found.tolist())) == expected


def test_a_few_that_send_very_much_do_not_hide_others() -> None:
    counts = np.ones(10_000, np.int64)
    counts[[3, 4]] = 10_000_000, 300
    assert far_above(counts, 15).tolist() == [3, 4]  # type: ignore[union-attr]


def test_a_scene_is_told_from_hot_pixels() -> None:
    counts = np.zeros(10_000, np.int64)
    counts[:200] = 500
    assert far_above(counts, 15) is None


def test_a_silent_sensor_has_none() -> None:
    found = far_above(np.zeros(10_000, np.int64), 15)
    assert found is not None
    assert len(found) == 0
