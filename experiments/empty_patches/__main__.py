"""Tries whether a Vision Transformer may leave out the patches of an event frame in which nothing happened.

uv run python -m experiments.empty_patches train                  distils a small one from the bundled model
uv run python -m experiments.empty_patches measure --json FILE    what leaving out changes, and what it saves

The training fetches and draws pictures as `experiments.pretrain_mini` does, makes event frames of them, and goes on
where it was left. The bundled recordings are not among what it learns from, but things of the same names are;
settings were chosen by the training's loss alone.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from platformdirs import user_cache_path
from rich.console import Console
from rich.progress import Progress

from experiments.pretrain_mini.wordings import NUMERALS
from pipeline.threads import prepare_threads

TEACHER = "neuroclip-mini"
LEARNT = (
    "star", "heart", "cup", "umbrella", "arrow", "house", "fish", "tree", "key", "crown", "flower", "smiling face",
    *(f"digit {numeral}" for numeral in NUMERALS),
)  # fmt: skip
"""Concepts whose pictures the tower learns from: what the program's own simulation shows, drawn by other hands."""
FRAMES, STEPS = 24_000, 2_200
"""Event frames that the tower learns from, and its steps."""


def main(argv: Sequence[str] | None = None) -> int:
    """Train or measure; gives the exit status."""
    cache = user_cache_path("neuroclip-live")
    parser = argparse.ArgumentParser(
        prog="python -m experiments.empty_patches",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--folder", type=Path, default=cache / "experiments" / "empty-patches", help="frames and the distilled tower"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    train = commands.add_parser("train", parents=[folder], help="distil the small tower")
    train.add_argument("--data", type=Path, default=cache / "pretraining", help="where fetched pictures lie")
    train.add_argument("--frames", type=int, default=FRAMES)
    train.add_argument("--steps", type=int, default=STEPS)
    measure = commands.add_parser("measure", parents=[folder], help="compare with and without empty patches")
    measure.add_argument("--json", type=Path, metavar="FILE", help="write the figures as benchmarks do")
    given = parser.parse_args(argv)
    prepare_threads()
    from experiments.empty_patches.training import TrialError
    from experiments.pretrain_mini.fetch import FetchError

    try:
        return _train(given) if given.command == "train" else _measure(given)
    except (TrialError, FetchError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _train(given: argparse.Namespace) -> int:
    from experiments.empty_patches.tower import TowerSizes
    from experiments.empty_patches.training import Distillation, event_frames_of, prepare
    from experiments.pretrain_mini import pictures
    from experiments.pretrain_mini.concepts import read_concepts
    from experiments.pretrain_mini.fetch import fetch
    from pipeline.clip import load_model
    from pipeline.precision import matrices_gain_from_bf16
    from pipeline.preprocessing import Frames
    from pipeline.threads import usable_cores

    drawn: Path = given.data / "run" / "pictures"
    sizes = TowerSizes()
    model = load_model(TEACHER, device="cpu")

    def frames() -> Frames:
        if not (drawn / "pictures.json").exists():
            fetch(given.data)
            pictures.build(given.data, read_concepts(), drawn, usable_cores())
        shown = [number for number, concept in enumerate(read_concepts()) if not set(LEARNT).isdisjoint(concept.words)]
        return event_frames_of(pictures.load(drawn), shown, given.frames, sizes.side)

    learnt, features = prepare(given.folder, frames, lambda: model)
    distillation = Distillation(
        given.folder,
        learnt,
        features,
        lambda some: model.preprocessing.pictures(some, normalisation="clip", view="crop"),
        sizes,
        steps=given.steps,
        rough=matrices_gain_from_bf16(),
    )
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("distilling", total=given.steps, completed=distillation.step)

        def told(step: int, loss: float) -> None:
            bar.update(task, completed=step, description=f"distilling, loss {loss:.3f}")
            if step % 50 == 0:
                bar.console.print(f"step {step}: loss {loss:.4f}")

        distillation.run(told)
    print(f"trained, {distillation.step} steps: {given.folder}")
    return 0


def _measure(given: argparse.Namespace) -> int:
    from experiments.empty_patches.tower import TowerSizes
    from experiments.empty_patches.training import distilled

    tower = distilled(given.folder, TowerSizes())
    from benchmarks.machine import describe
    from benchmarks.measuring import Effort
    from benchmarks.report import as_json, print_result, write_json
    from experiments.empty_patches.comparing import compared, table
    from experiments.empty_patches.speed import measure_speed
    from pipeline.bf16_tower import may_pack

    console = Console(highlight=False)
    comparison = compared(tower, TEACHER)
    console.print(table(comparison))
    speed = measure_speed(comparison.recordings, Effort()) if may_pack() else []
    result = comparison.result(speed)
    machine = describe()
    print_result(console, {"empty-patches": result}, machine)
    if given.json is not None:
        write_json(given.json, as_json({"empty-patches": result}, machine, quick=False))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
