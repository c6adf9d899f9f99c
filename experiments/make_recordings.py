"""Makes the bundled recordings from nothing: `python -m experiments.make_recordings [FOLDER]`.

Seeded: every run gives the same events. Each recording gets a .json of the same name beside it with its title and what
it shows when. The handwritten digits are those of the UCI set that scikit-learn carries, so that one recording needs
it: `uv run --group pretrain python -m experiments.make_recordings`. With `--sensors` it says what sensors these are.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dv_processing as dv
import numpy as np
from rich.console import Console
from rich.progress import track
from rich.table import Table

from pipeline.bundled import BUNDLED_RECORDINGS, TrueLabel
from pipeline.events import EventArray, Resolution
from pipeline.simulation.ground import Ground
from pipeline.simulation.pixel_model import DARKNESS, PixelModel, PixelSettings
from pipeline.simulation.saccades import SaccadeScene, SaccadeStyle
from pipeline.simulation.scene import Scene
from pipeline.simulation.simulation import Simulation
from pipeline.simulation.things import Thing
from pipeline.simulation.waving import CrowdedScene, WavingScene, WavingStyle

CAMERA = "NeuroCLIP simulation"
SEED = 7
CALM = PixelSettings(
    threshold_on=0.8, threshold_off=0.8, mismatch=0.06, refractory_us=15_000, noise_hz=0.015, clock_us=500
)
"""A sensor of low sensitivity that tells the time in half milliseconds: its recordings stay small enough to come with
the program."""
CHUNK_US = 100_000
LABEL_STEP_US = 1_000


@dataclass(frozen=True)
class Recipe:
    """What is recorded, by what sensor, and for how long."""

    name: str
    title: str
    scene: Callable[[], Scene]
    sensor: PixelSettings
    duration_us: int
    ground: Ground
    """What is behind the things."""

    def simulation(self, scene: Scene) -> Simulation:
        """Begin to record the scene."""
        return Simulation(scene, PixelModel(scene.resolution, self.sensor, SEED))


TOUR_STYLE = WavingStyle(period_us=1_670_000, enter_us=200_000, leave_us=150_000, size=0.53, pace=0.25, background=0.16)
TOUR_THINGS = (
    "star",
    "heart",
    "cup",
    "umbrella",
    "arrow",
    "house",
    "fish",
    "tree",
    "key",
    "crown",
    "face",
    "flower",
)
CROWD_THINGS = ("heart", "umbrella", "fish", "key", "cup", "star")
CROWD_STYLE = WavingStyle(size=0.9, pace=0.4, background=0.16)
DARK_THINGS = ("house", "fish", "star", "umbrella")
DARK_STYLE = WavingStyle(period_us=1_300_000, enter_us=150_000, leave_us=100_000, size=0.6, pace=0.35)
DIGITS_STYLE = SaccadeStyle(rounds=2, size=0.85, amplitude=0.1, background=0.35)


def digits() -> list[Thing]:
    """Give one handwritten digit of each kind, of writers that the bundled model has not seen.

    Raises
    ------
    SystemExit
        scikit-learn, which carries the set, is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise SystemExit(
            "error: the handwritten digits come with scikit-learn: start this with "
            "`uv run --group pretrain python -m experiments.make_recordings`."
        ) from error
    from experiments.pretrain_mini.pictures import DIGIT_WRITERS_END

    written = load_digits()
    unseen = np.arange(len(written.target)) >= DIGIT_WRITERS_END
    chosen = [int(np.flatnonzero(unseen & (written.target == digit))[SEED]) for digit in range(10)]
    return [Thing(f"the digit {digit}", written.images[place] / 16) for digit, place in enumerate(chosen)]


RECIPES = (
    Recipe(
        "tour",
        "Tour of twelve things",
        lambda: WavingScene(Resolution(640, 480), TOUR_THINGS, SEED, TOUR_STYLE),
        CALM,
        len(TOUR_THINGS) * TOUR_STYLE.period_us,
        TOUR_STYLE.background,
    ),
    Recipe(
        "digits",
        "Handwritten digits",
        lambda: SaccadeScene(Resolution(240, 180), digits(), SEED, DIGITS_STYLE),
        replace(CALM, threshold_on=0.45, threshold_off=0.45),
        10 * DIGITS_STYLE.period_us,
        DIGITS_STYLE.background,
    ),
    Recipe(
        "crowd",
        "A crowd",
        lambda: CrowdedScene(Resolution(240, 180), CROWD_THINGS, SEED, CROWD_STYLE),
        CALM,
        4_200_000,
        CROWD_STYLE.background,
    ),
    Recipe(
        "dark",
        "In the dark",
        lambda: WavingScene(Resolution(240, 180), DARK_THINGS, SEED, DARK_STYLE),
        replace(DARKNESS, threshold_on=0.5, threshold_off=0.55, noise_hz=0.12, clock_us=500),
        len(DARK_THINGS) * DARK_STYLE.period_us,
        DARK_STYLE.background,
    ),
)


def main(folder: Path, names: list[str]) -> None:
    """Write recordings and their .json files into the folder; all of them where none is named."""
    folder.mkdir(parents=True, exist_ok=True)
    for recipe in RECIPES:
        if names and recipe.name not in names:
            continue
        path = folder / f"{recipe.name}.aedat4"
        scene = recipe.scene()
        count = write_aedat4(path, scene.resolution, _parts(recipe.simulation(scene), recipe))
        write_labels(path.with_suffix(".json"), recipe.title, true_labels(scene, recipe.duration_us))
        print(f"{path}: {count:,} events, {path.stat().st_size / 1e6:.2f} MB")


def noise_hz(recipe: Recipe, duration_us: int = 20_000_000) -> float:
    """Events a second and pixel of the recipe's sensor in front of its empty ground, where nothing moves.

    Parameters
    ----------
    recipe : Recipe
    duration_us : int
        For so long it is counted.
    """
    scene = recipe.scene()
    picture = np.empty((scene.resolution.height, scene.resolution.width), np.float32)
    picture[:] = np.log(recipe.ground)
    pixels = PixelModel(scene.resolution, recipe.sensor, SEED)
    pixels.start(picture, 0)
    ends_us = range(CHUNK_US, duration_us + 1, CHUNK_US)
    count = sum(len(pixels.show(picture, end_us)) for end_us in ends_us)
    return count / scene.resolution.pixels / (duration_us / 1e6)


def print_sensors() -> None:
    """Print what sensor made each recording, its noise counted."""
    table = Table(box=None, pad_edge=False)
    for title in ("Recording", "Threshold ON", "OFF", "Clock, µs", "Noise, events/s a pixel"):
        table.add_column(title, justify="left" if title == "Recording" else "right")
    for recipe in RECIPES:
        sensor = recipe.sensor
        table.add_row(
            recipe.name,
            f"{sensor.threshold_on:g}",
            f"{sensor.threshold_off:g}",
            str(sensor.clock_us),
            f"{noise_hz(recipe):.3f}",
        )
    Console(highlight=False).print(table)


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
    """What the scene shows over time, to the millisecond, by start; the labels of several things at once overlap."""
    finished: list[TrueLabel] = []
    seen: dict[str, int] = {}
    for now_us in range(0, duration_us + LABEL_STEP_US, LABEL_STEP_US):
        labels = scene.labels(now_us) if now_us < duration_us else ()
        for label in [label for label in seen if label not in labels]:
            finished.append(TrueLabel(seen.pop(label), now_us, label))
        for label in labels:
            seen.setdefault(label, now_us)
    return sorted(finished, key=lambda label: label.start_us)


def write_labels(path: Path, title: str, labels: list[TrueLabel]) -> None:
    """Write title and labels as JSON; times are the recording's own µs, [start_us, end_us)."""
    rows = [json.dumps(vars(label), ensure_ascii=False) for label in labels]
    head = json.dumps(title, ensure_ascii=False)
    path.write_text(f'{{"title": {head}, "labels": [\n  ' + ",\n  ".join(rows) + "\n]}\n", encoding="utf-8")


def _parts(simulation: Simulation, recipe: Recipe) -> Iterator[EventArray]:
    """In the order of a sensor that is read out column by column, which also takes less room."""
    for end_us in track(range(CHUNK_US, recipe.duration_us + 1, CHUNK_US), recipe.title):
        events = simulation.up_to(end_us)
        yield events[np.lexsort((events["y"], events["x"], events["timestamp"]))]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the bundled recordings; every run gives the same events.")
    parser.add_argument("folder", nargs="?", type=Path, default=BUNDLED_RECORDINGS, help="where to write them")
    parser.add_argument("--only", nargs="+", default=[], choices=[recipe.name for recipe in RECIPES], metavar="NAME")
    parser.add_argument("--sensors", action="store_true", help="say what sensors these are and how noisy, and end")
    given = parser.parse_args()
    if given.sensors:
        print_sensors()
    else:
        main(given.folder, given.only)
