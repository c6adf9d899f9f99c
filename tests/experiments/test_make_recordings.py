"""The bundled recordings, and how they are made."""

import json
from itertools import pairwise
from pathlib import Path

import dv_processing as dv
import numpy as np
import numpy.typing as npt
import pytest

from experiments.make_recordings import (
    CHUNK_US,
    CROWD_THINGS,
    RECIPES,
    TOUR_STYLE,
    TOUR_THINGS,
    Recipe,
    noise_hz,
    true_labels,
    write_aedat4,
    write_labels,
)
from pipeline import bundled
from pipeline.bundled import BUNDLED_RECORDINGS, TrueLabel
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.simulation.pixel_model import PixelModel
from pipeline.simulation.shapes import label as label_of
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.waving import CrowdedScene, WavingScene

NAMES = [recipe.name for recipe in RECIPES]
WITHOUT_DIGITS = [recipe for recipe in RECIPES if recipe.name != "digits"]
SIZE = Resolution(640, 480)


def read(path: Path) -> EventArray:
    recording = dv.io.MonoCameraRecording(str(path))
    parts = []
    while (store := recording.getNextEventBatch()) is not None:
        parts.append(store.numpy().copy())
    return np.concatenate(parts, dtype=EVENT_DTYPE)


def recording(name: str) -> Path:
    return BUNDLED_RECORDINGS / f"{name}.aedat4"


def events_a_pixel(events: EventArray, size: Resolution) -> npt.NDArray[np.int64]:
    return np.bincount(events["y"].astype(int) * size.width + events["x"], minlength=size.pixels)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    events = Simulation(WavingScene(Resolution(64, 48), ("key",)), PixelModel(Resolution(64, 48))).up_to(300_000)
    assert len(events) > 100
    path = tmp_path / "some.aedat4"
    assert write_aedat4(path, Resolution(64, 48), iter([events[:50], events[50:50], events[50:]])) == len(events)
    np.testing.assert_array_equal(read(path), events)


def test_title_and_labels_are_written_and_read_again(tmp_path: Path) -> None:
    labels = [TrueLabel(5, 20, "a star"), TrueLabel(30, 40, "a cup")]
    write_labels(tmp_path / "some.json", "Two things", labels)
    assert bundled.true_labels(tmp_path / "some.aedat4") == tuple(labels)
    written = json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))
    assert written["title"] == "Two things"
    assert written["labels"][1]["label"] == "a cup"


def test_labels_are_those_of_the_scene() -> None:
    labels = true_labels(WavingScene(SIZE, TOUR_THINGS, 7, TOUR_STYLE), 2 * TOUR_STYLE.period_us)
    assert [label.label for label in labels] == ["a star", "a heart"]
    assert labels[0].start_us == TOUR_STYLE.enter_us // 2
    assert labels[0].end_us == TOUR_STYLE.period_us - TOUR_STYLE.leave_us // 2


def test_things_shown_at_once_have_labels_that_overlap() -> None:
    labels = true_labels(CrowdedScene(SIZE, ("star", "cup")), 50_000)
    assert labels == [TrueLabel(0, 50_000, "a star"), TrueLabel(0, 50_000, "a cup")]


def test_all_recordings_that_come_with_the_program_are_made_here_and_small_together() -> None:
    files = sorted(BUNDLED_RECORDINGS.glob("*.aedat4"))
    assert [path.stem for path in files] == sorted(NAMES)
    assert sum(path.stat().st_size for path in files) <= 8_000_000


def test_the_tour_is_offered_first_each_with_its_title() -> None:
    offered = bundled.bundled_recordings()
    assert offered[0].path == bundled.TOUR
    assert {(each.path.stem, each.title) for each in offered} == {(recipe.name, recipe.title) for recipe in RECIPES}
    assert [each.things for each in offered if each.path.stem in ("tour", "digits")] == [12, 10]


def test_the_tour_shows_twelve_things_in_twenty_seconds_before_a_vga_sensor() -> None:
    assert dv.io.MonoCameraRecording(str(bundled.TOUR)).getEventResolution() == SIZE
    assert 19_900_000 < read(bundled.TOUR)["timestamp"][-1] < 20_100_000
    assert bundled.default_prompts(bundled.TOUR) == tuple(label_of(name) for name in TOUR_THINGS)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_recording_is_in_order_and_has_events_wherever_it_has_a_label(name: str) -> None:
    events, labels = read(recording(name)), bundled.true_labels(recording(name))
    assert np.all(np.diff(events["timestamp"]) >= 0)
    for label in labels:
        inside = np.count_nonzero((events["timestamp"] >= label.start_us) & (events["timestamp"] < label.end_us))
        assert inside > 0.02 * (label.end_us - label.start_us)
    assert bundled.default_prompts(recording(name)) == tuple(dict.fromkeys(label.label for label in labels))


def test_one_thing_at_a_time_but_for_the_crowd() -> None:
    for recipe in RECIPES:
        labels = bundled.true_labels(recording(recipe.name))
        apart = all(before.end_us <= after.start_us for before, after in pairwise(labels))
        assert apart == (recipe.name != "crowd")
    assert len(bundled.true_labels(recording("crowd"))) == len(CROWD_THINGS)


@pytest.mark.parametrize("recipe", WITHOUT_DIGITS, ids=lambda each: each.name)
def test_a_bundled_recording_is_what_the_simulation_gives(recipe: Recipe) -> None:
    scene = recipe.scene()
    simulation = recipe.simulation(scene)
    simulated = np.concatenate([simulation.up_to(k * CHUNK_US) for k in (1, 2, 3)], dtype=EVENT_DTYPE)
    recorded = read(recording(recipe.name))
    simulated, recorded = (events[events["timestamp"] < 280_000] for events in (simulated, recorded))
    # The last bit of a sine differs between processors: the same scene, but not to the event.
    assert len(recorded) == pytest.approx(len(simulated), rel=0.01)
    places = [events_a_pixel(events, scene.resolution) for events in (simulated, recorded)]
    assert np.abs(places[0] - places[1]).sum() < 0.02 * len(simulated)


def test_the_noise_that_is_told_is_that_of_the_recording() -> None:
    (recipe,) = (recipe for recipe in RECIPES if recipe.name == "dark")
    events = read(recording("dark"))
    size = recipe.scene().resolution
    counts = events_a_pixel(events, size).reshape(size.height, size.width)
    edge = np.ones(counts.shape, bool)
    edge[10:-10, 10:-10] = False  # no thing comes there
    seconds = (int(events["timestamp"][-1]) - int(events["timestamp"][0])) / 1e6
    assert noise_hz(recipe, 5_000_000) == pytest.approx(counts[edge].mean() / seconds, rel=0.05)


def test_times_are_those_of_a_slow_clock() -> None:
    for recipe in RECIPES:
        assert recipe.sensor.clock_us == 500
        assert np.mean(read(recording(recipe.name))["timestamp"] % 500 == 0) > 0.9
