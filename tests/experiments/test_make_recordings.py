"""The bundled recording, and how it is made."""

import json
from itertools import pairwise
from pathlib import Path

import dv_processing as dv
import numpy as np
import numpy.typing as npt
import pytest

from experiments.make_recordings import RESOLUTION, SEED, SENSOR, STYLE, TOUR, true_labels, write_aedat4, write_labels
from pipeline import bundled
from pipeline.bundled import TrueLabel
from pipeline.events import EVENT_DTYPE, EventArray, Resolution
from pipeline.simulation.pixel_model import PixelModel
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.waving import WavingScene


def read(path: Path) -> EventArray:
    recording = dv.io.MonoCameraRecording(str(path))
    parts = []
    while (store := recording.getNextEventBatch()) is not None:
        parts.append(store.numpy().copy())
    return np.concatenate(parts, dtype=EVENT_DTYPE)


def events_a_pixel(events: EventArray) -> npt.NDArray[np.int64]:
    return np.bincount(events["y"].astype(int) * RESOLUTION.width + events["x"], minlength=RESOLUTION.pixels)


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    events = Simulation(WavingScene(Resolution(64, 48), ("key",)), PixelModel(Resolution(64, 48))).up_to(300_000)
    assert len(events) > 100
    path = tmp_path / "some.aedat4"
    assert write_aedat4(path, Resolution(64, 48), iter([events[:50], events[50:50], events[50:]])) == len(events)
    np.testing.assert_array_equal(read(path), events)


def test_labels_are_written_and_read_again(tmp_path: Path) -> None:
    labels = [TrueLabel(5, 20, "a star"), TrueLabel(30, 40, "a cup")]
    write_labels(tmp_path / "some.json", labels)
    assert bundled.true_labels(tmp_path / "some.aedat4") == tuple(labels)
    assert json.loads((tmp_path / "some.json").read_text(encoding="utf-8"))["labels"][1]["label"] == "a cup"


def test_labels_are_those_of_the_scene() -> None:
    labels = true_labels(WavingScene(RESOLUTION, TOUR, SEED, STYLE), 2 * STYLE.period_us)
    assert [label.label for label in labels] == ["a star", "a heart"]
    assert labels[0].start_us == STYLE.enter_us // 2
    assert labels[0].end_us == STYLE.period_us - STYLE.leave_us // 2


def test_the_bundled_tour_is_small_and_whole() -> None:
    assert bundled.TOUR.stat().st_size < 3_000_000
    events = read(bundled.TOUR)
    assert np.all(np.diff(events["timestamp"]) >= 0)
    assert 12_000_000 < events["timestamp"][-1] < 20_000_000
    assert dv.io.MonoCameraRecording(str(bundled.TOUR)).getEventResolution() == tuple(RESOLUTION)


def test_the_bundled_tour_has_its_labels_and_they_are_its_prompts() -> None:
    labels = bundled.true_labels(bundled.TOUR)
    events = read(bundled.TOUR)
    assert bundled.default_prompts(bundled.TOUR) == tuple(label.label for label in labels)
    assert len(labels) == len(TOUR)
    assert all(before.end_us <= after.start_us for before, after in pairwise(labels))
    for label in labels:
        inside = (events["timestamp"] >= label.start_us) & (events["timestamp"] < label.end_us)
        assert np.count_nonzero(inside) > 20_000


def test_the_bundled_tour_is_what_the_simulation_gives() -> None:
    simulated = Simulation(WavingScene(RESOLUTION, TOUR, SEED, STYLE), PixelModel(RESOLUTION, SENSOR, SEED)).up_to(
        500_000
    )
    recorded = read(bundled.TOUR)[: len(simulated)]
    # The last bit of a sine differs between processors: the same scene, but not to the event.
    assert recorded["timestamp"][-1] == pytest.approx(500_000, abs=5_000)
    places = [events_a_pixel(events) for events in (simulated, recorded)]
    assert np.abs(places[0] - places[1]).sum() < 0.02 * len(simulated)
