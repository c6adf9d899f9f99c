"""The pixel model: light over time to events."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.simulation.pixel_model import PixelModel, PixelSettings
from pipeline.simulation.scene import Region

RESOLUTION = Resolution(20, 10)
IDEAL = PixelSettings(
    threshold_on=0.2, threshold_off=0.2, mismatch=0.0, refractory_us=0, noise_hz=0.0, hot_pixels=0.0, hot_hz=0.0
)


def even(log_light: float, resolution: Resolution = RESOLUTION) -> npt.NDArray[np.float32]:
    return np.full((resolution.height, resolution.width), log_light, np.float32)


def looking_at(log_light: float, settings: PixelSettings = IDEAL, seed: int = 0) -> PixelModel:
    model = PixelModel(RESOLUTION, settings, seed)
    model.start(even(log_light), 0)
    return model


def counts(events: EventArray) -> npt.NDArray[np.int64]:
    result = np.zeros((RESOLUTION.height, RESOLUTION.width), np.int64)
    np.add.at(result, (events["y"], events["x"]), 1)
    return result


def test_light_that_does_not_change_makes_no_events() -> None:
    model = looking_at(-1.0)
    assert len(model.show(even(-1.0), 10_000)) == 0


@pytest.mark.parametrize(("change", "polarity"), [(1.0, 1), (-1.0, 0)])
def test_a_change_makes_one_event_for_each_threshold(change: float, polarity: int) -> None:
    events = looking_at(-1.0).show(even(-1.0 + change), 10_000)
    assert set(events["polarity"]) == {polarity}
    assert set(np.unique(counts(events))) <= {4, 5, 6}
    # Before, a pixel's memory lies anywhere up to a threshold away on either side: half an event less on average.
    assert counts(events).mean() == pytest.approx(1.0 / 0.2 - 0.5, abs=0.15)


def test_a_change_too_small_for_a_pixel_is_remembered() -> None:
    model = looking_at(0.0)
    few = counts(model.show(even(0.05), 1000)) + counts(model.show(even(0.2), 2000))
    assert 0.3 < few.mean() < 0.7
    assert counts(looking_at(0.0).show(even(0.2), 2000)).tolist() == few.tolist()


def test_times_are_those_of_the_crossings_not_of_the_pictures() -> None:
    events = looking_at(0.0).show(even(1.0), 10_000)
    one = events[(events["x"] == 3) & (events["y"] == 4)]
    assert np.all(np.abs(np.diff(one["timestamp"]) - 2000) <= 1)
    assert len(np.unique(events["timestamp"])) > 0.7 * len(events)


def test_events_are_in_order_and_between_the_two_pictures() -> None:
    model = looking_at(0.0, PixelSettings(noise_hz=50.0))
    model.show(even(0.4), 700)
    events = model.show(even(-0.9), 12_000)
    assert events.dtype == EVENT_DTYPE
    assert np.all(np.diff(events["timestamp"]) >= 0)
    assert events["timestamp"][0] >= 700
    assert events["timestamp"][-1] < 12_000
    assert events["x"].min() >= 0
    assert events["x"].max() < RESOLUTION.width
    assert events["y"].max() < RESOLUTION.height


def test_how_often_an_even_change_is_looked_at_makes_no_difference() -> None:
    settings = replace(IDEAL, mismatch=0.03)
    at_once = looking_at(0.0, settings).show(even(1.0), 10_000)
    model = looking_at(0.0, settings)
    often = np.concatenate([model.show(even(0.1 * k), 1000 * k) for k in range(1, 11)], dtype=EVENT_DTYPE)
    assert len(often) == pytest.approx(len(at_once), abs=2)
    a, b = (np.sort(events, order=["y", "x", "timestamp"]) for events in (at_once, often))
    if len(a) == len(b):
        assert np.abs(a["timestamp"] - b["timestamp"]).max() <= 2


def test_only_the_region_is_looked_at() -> None:
    model = looking_at(0.0)
    changed = even(0.0)
    changed[2:5, 3:9] = 1.0
    events = model.show(changed, 1000, Region(2, 3, 5, 9))
    assert (counts(events) > 0).sum() == 3 * 6
    assert len(model.show(changed, 2000)) == 0


def test_a_pixel_rests_after_an_event() -> None:
    model = looking_at(0.0, replace(IDEAL, refractory_us=1500, noise_hz=300.0))
    events = np.concatenate([model.show(even(1.0), 4000), model.show(even(-2.0), 8000)], dtype=EVENT_DTYPE)
    ordered = np.sort(events, order=["y", "x", "timestamp"])
    same = (np.diff(ordered["x"]) == 0) & (np.diff(ordered["y"]) == 0)
    assert same.sum() > 100
    assert np.diff(ordered["timestamp"])[same].min() >= 1500


def test_thresholds_differ_from_pixel_to_pixel() -> None:
    assert np.ptp(counts(looking_at(0.0, replace(IDEAL, mismatch=0.05)).show(even(4.0), 10_000))) > 4
    assert np.ptp(counts(looking_at(0.0).show(even(4.0), 10_000))) <= 1


def test_no_event_is_lost_however_many_there_are() -> None:
    resolution = Resolution(320, 240)
    model = PixelModel(resolution, IDEAL)
    model.start(even(-3.0, resolution), 0)
    events = model.show(even(0.0, resolution), 10_000)
    assert len(events) == pytest.approx(resolution.pixels * (3.0 / 0.2 - 0.5), rel=0.01)


def test_noise_comes_at_its_rate_without_any_change_of_light() -> None:
    model = looking_at(0.0, replace(IDEAL, noise_hz=20.0, noise_on=0.75))
    events = model.show(even(0.0), 5_000_000)
    assert len(events) == pytest.approx(20.0 * RESOLUTION.pixels * 5, rel=0.05)
    assert events["polarity"].mean() == pytest.approx(0.75, abs=0.05)


def test_hot_pixels_are_few_and_send_much() -> None:
    model = looking_at(0.0, replace(IDEAL, hot_pixels=0.01, hot_hz=100.0))
    sent = counts(model.show(even(0.0), 1_000_000))
    assert (sent > 0).sum() == 2
    assert sent[sent > 0].min() > 50


def test_the_clock_may_be_coarse() -> None:
    model = looking_at(0.0, replace(IDEAL, clock_us=250, noise_hz=10.0))
    events = np.concatenate([model.show(even(0.5), 10_000), model.show(even(0.0), 20_000)], dtype=EVENT_DTYPE)
    assert np.all(events["timestamp"] % 250 == 0)


def test_the_seed_decides_everything() -> None:
    settings = PixelSettings(noise_hz=9.0)
    first, again, other = (looking_at(0.0, settings, seed).show(even(0.7), 10_000) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
