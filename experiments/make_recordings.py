"""Makes the bundled recordings from nothing: `python -m experiments.make_recordings [FOLDER]`.

Seeded: every run gives the same events. Each recording gets a .json of the same name beside it with what it shows when.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import dv_processing as dv
from rich.progress import track

from pipeline.bundled import BUNDLED_RECORDINGS, TrueLabel
from pipeline.events import EventArray, Resolution
from pipeline.simulation.pixel_model import PixelModel, PixelSettings
from pipeline.simulation.scene import Scene
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.waving import WavingScene, WavingStyle

CAMERA = "NeuroCLIP simulation"
SEED = 7
RESOLUTION = Resolution(320, 240)
TOUR = ("star", "heart", "cup", "umbrella", "arrow", "house", "fish")
STYLE = WavingStyle(period_us=1_900_000, size=0.7, pace=0.35)
SENSOR = PixelSettings(threshold_on=0.55, threshold_off=0.55, mismatch=0.06, noise_hz=0.02, clock_us=250)
"""A calm hand and a sensor of low sensitivity: the recording stays small enough to come with the program."""
CHUNK_US = 100_000
LABEL_STEP_US = 1_000


def main(folder: Path) -> None:
    """Write tour.aedat4 and tour.json into the folder."""
    scene = WavingScene(RESOLUTION, TOUR, SEED, STYLE)
    duration_us = len(TOUR) * STYLE.period_us
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "tour.aedat4"
    count = write_aedat4(
        path, RESOLUTION, _chunks(Simulation(scene, PixelModel(RESOLUTION, SENSOR, SEED)), duration_us)
    )
    write_labels(path.with_suffix(".json"), true_labels(scene, duration_us))
    print(f"{path}: {count:,} events, {path.stat().st_size / 1e6:.2f} MB")


def write_aedat4(path: Path, resolution: Resolution, parts: Iterator[EventArray]) -> int:
    """Write events, in order of time over all parts, and give their number."""
    config = dv.io.MonoCameraWriter.EventOnlyConfig(CAMERA, tuple(resolution), dv.CompressionType.ZSTD_HIGH)
    writer = dv.io.MonoCameraWriter(str(path), config)
    count = 0
    for part in parts:
        store = dv.EventStore()
        for timestamp, x, y, polarity in part.tolist():
            store.push_back(timestamp, x, y, bool(polarity))
        if len(part):
            writer.writeEventPacket(store.toPacket())
        count += len(part)
    return count


def true_labels(scene: Scene, duration_us: int) -> list[TrueLabel]:
    """What the scene shows over time, to the millisecond; the times between two things are left out."""
    labels: list[TrueLabel] = []
    for start_us in range(0, duration_us, LABEL_STEP_US):
        label = scene.truth(start_us)
        if not label:
            continue
        end_us = start_us + LABEL_STEP_US
        if labels and labels[-1].end_us == start_us and labels[-1].label == label:
            labels[-1] = TrueLabel(labels[-1].start_us, end_us, label)
        else:
            labels.append(TrueLabel(start_us, end_us, label))
    return labels


def write_labels(path: Path, labels: list[TrueLabel]) -> None:
    """Write labels as JSON; times are the recording's own µs, [start_us, end_us)."""
    rows = [json.dumps(vars(label), ensure_ascii=False) for label in labels]
    path.write_text('{"labels": [\n  ' + ",\n  ".join(rows) + "\n]}\n", encoding="utf-8")


def _chunks(simulation: Simulation, duration_us: int) -> Iterator[EventArray]:
    for end_us in track(range(CHUNK_US, duration_us + 1, CHUNK_US), "Simulating"):
        yield simulation.up_to(end_us)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the bundled recordings; every run gives the same events.")
    parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED_RECORDINGS, help="where to write them")
    main(parser.parse_args().folder)
