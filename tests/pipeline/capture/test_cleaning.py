"""What is left out of a camera's events: pixels, and noise as dv-processing's own filters see it."""

from datetime import timedelta
from typing import Any

import dv_processing as dv
import numpy as np
import pytest

from pipeline.capture.cleaning import BACKGROUND_US, DECAY_US, Cleaning
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.sources.base import EventBatch
from tests.cameras.scene import moving_dot

RESOLUTION = Resolution(64, 48)
BATCH = 500


def noisy(seed: int = 0) -> EventArray:
    """A dot that goes round, and as many events anywhere."""
    random = np.random.default_rng(seed)
    dot = moving_dot(RESOLUTION, events_per_s=20_000, seconds=0.5, seed=seed)
    noise = np.zeros(len(dot), EVENT_DTYPE)
    noise["timestamp"] = random.integers(0, 500_000, len(dot))
    noise["x"], noise["y"] = (random.integers(0, side, len(dot)) for side in RESOLUTION)
    events = np.concatenate([dot, noise], dtype=EVENT_DTYPE)
    events["timestamp"] += 1_000_000_000
    return events[np.argsort(events["timestamp"], kind="stable")]


def store_of(events: EventArray) -> dv.EventStore:
    store = dv.EventStore()
    for timestamp, x, y, polarity in events.tolist():
        store.push_back(timestamp, x, y, bool(polarity))
    return store


def batches(events: EventArray, *, with_store: bool) -> list[EventBatch]:
    parts = [events[start : start + BATCH] for start in range(0, len(events), BATCH)]
    return [EventBatch(part, int(part[-1]["timestamp"]) + 1, store_of(part) if with_store else None) for part in parts]


def cleaned(cleaning: Cleaning, given: list[EventBatch]) -> list[tuple[int, ...]]:
    left: list[tuple[int, ...]] = []
    for batch in given:
        after = cleaning.clean(batch)
        assert after.until_us == batch.until_us
        left += after.events.tolist()
    return left


@pytest.mark.parametrize("with_store", [True, False])
@pytest.mark.parametrize(
    ("key", "library"),
    [
        (
            "background",
            lambda: dv.noise.BackgroundActivityNoiseFilter(RESOLUTION, timedelta(microseconds=BACKGROUND_US)),
        ),
        ("fast_decay", lambda: dv.noise.FastDecayNoiseFilter(RESOLUTION, timedelta(microseconds=DECAY_US))),
    ],
)
def test_noise_is_what_the_library_takes_for_it(key: str, library: Any, with_store: bool) -> None:
    events = noisy()
    cleaning = Cleaning("Toy", RESOLUTION)
    cleaning.controls.set("noise_filter", key)
    left = cleaned(cleaning, batches(events, with_store=with_store))
    whole = library()
    whole.accept(store_of(events))
    assert left == whole.generateEvents().numpy().tolist()
    assert 0 < len(left) < len(events)


def test_nothing_is_left_out_at_first() -> None:
    (batch,) = batches(noisy()[:BATCH], with_store=True)
    assert Cleaning("Toy", RESOLUTION).clean(batch) is batch


def test_a_longer_duration_leaves_more() -> None:
    cleaning, events = Cleaning("Toy", RESOLUTION), noisy()
    cleaning.controls.set("noise_filter", "background")
    few = cleaned(cleaning, batches(events, with_store=True))
    again = Cleaning("Toy", RESOLUTION)
    again.controls.set("noise_filter", "background")
    again.controls.set("background_duration", 20_000)
    assert len(cleaned(again, batches(events, with_store=True))) > len(few)


def test_a_clock_that_is_set_back_is_survived() -> None:
    cleaning, events = Cleaning("Toy", RESOLUTION), noisy()
    cleaning.controls.set("noise_filter", "background")
    first = cleaned(cleaning, batches(events, with_store=True))
    assert cleaned(cleaning, batches(events, with_store=True)) == first


@pytest.mark.parametrize("across", [False, True])
@pytest.mark.parametrize("upside_down", [False, True])
def test_pixels_are_left_out_wherever_they_are_flipped_to(across: bool, upside_down: bool) -> None:
    cleaning, events = Cleaning("Toy", RESOLUTION), noisy()
    cleaning.set_hot_pixels([(3, 4), (63, 0), (64, 0)], flip_horizontal=across, flip_vertical=upside_down)
    gone = {(63 - x if across else x, 47 - y if upside_down else y) for x, y in ((3, 4), (63, 0))}
    left = cleaned(cleaning, batches(events, with_store=True))
    expected = [event for event in events.tolist() if (event[1], event[2]) not in gone]
    assert left == expected
    assert len(left) < len(events)
    cleaning.set_hot_pixels([], flip_horizontal=across, flip_vertical=upside_down)
    assert len(cleaned(cleaning, batches(events, with_store=True))) == len(events)
