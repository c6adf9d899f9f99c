"""The pixel model: light over time to events."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.simulation.pixel_model import DARKNESS, DAYLIGHT, PixelModel, PixelSettings
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


def last_event_us(cutoff_hz: float, log_light: float) -> int:
    """When the last event comes after a sudden change to this light."""
    model = looking_at(log_light - 1.0, replace(IDEAL, bandwidth_hz=cutoff_hz))
    parts = [model.show(even(log_light), 100)]
    parts += [model.show(even(log_light), k * 1000) for k in range(1, 400)]
    return int(np.concatenate(parts, dtype=EVENT_DTYPE)["timestamp"].max())


def test_limited_bandwidth_delays_events_and_loses_none() -> None:
    assert last_event_us(0.0, -1.0) < 100
    fast, slow = last_event_us(100.0, -1.0), last_event_us(10.0, -1.0)
    assert 1_000 < fast < slow
    assert slow == pytest.approx(10 * fast, rel=0.2)
    model = looking_at(-2.0, replace(IDEAL, bandwidth_hz=10.0))
    slow_events = [model.show(even(-1.0), k * 1000) for k in range(1, 1000)]
    assert sum(map(len, slow_events)) == len(looking_at(-2.0).show(even(-1.0), 1000))


def test_a_dark_pixel_is_slower_than_a_light_one() -> None:
    assert last_event_us(50.0, np.log(0.05)) > 3 * last_event_us(50.0, np.log(0.9))


def test_light_that_flickers_faster_than_the_bandwidth_makes_few_events() -> None:
    counted = []
    for bandwidth_hz in (0.0, 2.0):
        model = looking_at(-1.0, replace(IDEAL, bandwidth_hz=bandwidth_hz))
        flicker = [model.show(even(-1.0 + 0.8 * (k % 2)), k * 5000) for k in range(1, 40)]
        counted.append(sum(map(len, flicker)))
    assert counted[1] < 0.1 * counted[0]


def test_the_low_pass_goes_on_outside_the_region_that_changes() -> None:
    model = looking_at(-1.0, replace(IDEAL, bandwidth_hz=10.0))
    changed = even(-1.0)
    changed[2:5, 3:9] = 0.0
    first = model.show(changed, 1000, Region(2, 3, 5, 9))
    later = [model.show(changed, k * 1000, Region(8, 0, 9, 1)) for k in range(2, 300)]
    everything = np.concatenate([first, *later], dtype=EVENT_DTYPE)
    assert counts(everything)[2:5, 3:9].mean() == pytest.approx(1.0 / 0.2 - 0.5, abs=0.3)
    assert counts(everything).sum() == counts(everything)[2:5, 3:9].sum()


def test_how_long_the_steps_are_hardly_changes_the_low_pass() -> None:
    settings = replace(IDEAL, bandwidth_hz=20.0)
    few, many = looking_at(-1.0, settings), looking_at(-1.0, settings)
    seldom = [few.show(even(-1.0 + 0.1 * k), 8000 * k) for k in range(1, 11)]
    often = [many.show(even(-1.0 + 0.025 * k), 2000 * k) for k in range(1, 41)]
    a, b = (np.concatenate(parts, dtype=EVENT_DTYPE)["timestamp"] for parts in (seldom, often))
    assert len(a) == pytest.approx(len(b), abs=3)
    assert np.abs(np.sort(a)[: min(len(a), len(b))] - np.sort(b)[: min(len(a), len(b))]).mean() < 500


def test_noise_grows_in_the_dark() -> None:
    settings = replace(IDEAL, noise_hz=10.0, noise_dark=4.0)
    light, dark = (len(looking_at(at, settings).show(even(at), 5_000_000)) for at in (0.0, -4.6))
    assert light == pytest.approx(10.0 * RESOLUTION.pixels * 5, rel=0.05)
    assert dark == pytest.approx(40.0 * RESOLUTION.pixels * 5, rel=0.05)
    dim = looking_at(0.0, replace(settings, illumination=0.0))
    assert len(dim.show(even(0.0), 5_000_000)) == pytest.approx(dark, rel=0.05)


def test_leakage_makes_on_events_and_sets_the_memory_anew() -> None:
    model = looking_at(0.0, replace(IDEAL, leak_hz=20.0))
    events = model.show(even(0.0), 1_000_000)
    assert len(events) == pytest.approx(20 * RESOLUTION.pixels, rel=0.1)
    assert set(events["polarity"]) == {1}
    before = looking_at(0.0).show(even(0.19), 1000)
    assert 0.4 < counts(before).mean() < 0.6
    quiet = model.show(even(0.19), 1_000_100)  # each memory is what the pixel sees: nobody is near a threshold
    assert len(quiet) < 0.05 * RESOLUTION.pixels


@pytest.mark.parametrize("settings", [DAYLIGHT, DARKNESS])
def test_the_sensors_that_are_offered_see(settings: PixelSettings) -> None:
    model = looking_at(-2.0, settings)
    events = [model.show(even(-1.0), k * 2000) for k in range(1, 50)]
    assert 1.0 < sum(map(len, events)) / RESOLUTION.pixels < 8.0
