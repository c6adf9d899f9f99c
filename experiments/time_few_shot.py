"""How long teaching takes, features excluded: every method, on made features of a CLIP's width.

uv run python -m experiments.time_few_shot --classes 10 --shots 16 --timesteps 10 --width 512 --threads 2
"""

from __future__ import annotations

import argparse
from dataclasses import asdict, dataclass

import numpy as np


@dataclass(frozen=True)
class Size:
    """What is taught."""

    classes: int = 10
    shots: int = 16
    timesteps: int = 10
    width: int = 512


def measure(size: Size, threads: int, repeats: int) -> dict[str, float]:
    """Give the shortest time of a training by method, in s."""
    import torch

    from pipeline.few_shot.methods import METHODS, make_classifier

    torch.set_num_threads(threads)
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(size.classes), size.shots)
    centres = random.normal(size=(size.classes, 1, size.width))
    features = 0.5 * (centres[labels] + random.normal(size=(len(labels), size.timesteps, size.width)))
    prompts = random.normal(size=(size.classes, size.width))
    # What is loaded at first use is not the training's.
    for name in METHODS:
        settings = {"epochs": 1} if name == "adapter" else {}
        make_classifier(name, 100.0, **settings).fit(features, labels, prompts)
    return {
        name: min(make_classifier(name, 100.0).fit(features, labels, prompts).figures.seconds for _ in range(repeats))
        for name in METHODS
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, value in asdict(Size()).items():
        parser.add_argument(f"--{name}", type=int, default=value)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    size = Size(given.classes, given.shots, given.timesteps, given.width)
    print(f"{size.classes} classes x {size.shots} shots, T = {size.timesteps}, width {size.width}")
    print(f"{given.threads} threads; the shortest of {given.repeats}")
    for name, seconds in measure(size, given.threads, given.repeats).items():
        print(f"{name:10} {seconds:8.3f} s")


if __name__ == "__main__":
    main()
