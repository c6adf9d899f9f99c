"""The command: see `experiments.teaching`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import platformdirs

import experiments.teaching
from experiments.teaching import figures
from experiments.teaching.features import Encoder, FeatureCache
from experiments.teaching.rounds import DIRECTIONS, Rounds, digits, directions, pictograms
from experiments.teaching.variants import VARIANTS
from pipeline.few_shot.training import FEATURE_LENGTH
from pipeline.model_errors import ModelError

LENGTHS: tuple[float | None, ...] = (None, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0)
VALIDATION_SEEDS = 3
FEATURES = platformdirs.user_cache_path("neuroclip-live") / "teaching"


class _Run:
    """One command."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        encoder = Encoder(options.model, options.pretrained)
        self.cache = FeatureCache(options.cache, encoder, options.processes, self.say)
        self.settings = {"feature_length": FEATURE_LENGTH}
        if options.epochs is not None:
            self.settings["epochs"] = options.epochs

    def say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    def few_shot(self, rounds: Rounds) -> None:
        """Every method with every number of examples."""
        features, model = self.cache.of(rounds), self.cache.model
        methods = (figures.ZERO_SHOT, *reversed(figures.METHODS))
        rows = figures.measured(rounds, features, model, methods, figures.SHOTS, self.say, self.settings)
        figures.write(self.options.output, rounds.name, rounds.title, rows, model, settings=self.settings)
        print(f"{rounds.title}\n\n{figures.table(rows)}")

    def order(self, every: Sequence[Rounds]) -> None:
        """The adapter and its variants with 16 examples."""
        methods = (figures.ZERO_SHOT, "mean", "probe", *(kind.name for kind in VARIANTS))
        for rounds in every:
            features, model = self.cache.of(rounds), self.cache.model
            rows = figures.measured(rounds, features, model, methods, (16,), self.say, self.settings)
            name = f"ablation-{rounds.name}"
            figures.write(self.options.output, name, rounds.title, rows, model, settings=self.settings)
            print(f"{rounds.title}\n\n{figures.table(rows)}")

    def length(self, every: Sequence[Rounds]) -> None:
        """The adapter with features scaled to different lengths."""
        for rounds in every:
            features, model = self.cache.of(rounds), self.cache.model
            rows = []
            for length in LENGTHS:
                settings = {**self.settings, "feature_length": length}
                for row in figures.measured(rounds, features, model, ("adapter",), (4, 16), self.say, settings):
                    rows.append(figures.Row(f"length {length or 'as it is'}", row.shots, row.top1))
            figures.write(self.options.output, f"length-{rounds.name}", rounds.title, rows, model)
            print(f"{rounds.title}\n\n{figures.table(rows)}")


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command; gives its exit status."""
    options = _options(arguments)
    needs_pictures = options.what in ("pictograms", "one-picture")
    if needs_pictures and options.pictures is None:
        print(
            "error: --pictures is missing: give the folder of pictures that experiments.pretrain_mini has drawn "
            "(they come from icon sets that it fetches).",
            file=sys.stderr,
        )
        return 2
    try:
        _carry_out(_Run(options), options)
    except ModelError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: pictures, features or figures cannot be read or written ({error}).", file=sys.stderr)
        return 1
    return 0


def _carry_out(command: _Run, options: argparse.Namespace) -> None:
    seeds, share = options.seeds, options.share
    match options.what:
        case "digits":
            command.few_shot(digits(seeds, share=share))
        case "pictograms":
            command.few_shot(pictograms(options.pictures, seeds))
        case "one-picture":
            command.few_shot(pictograms(options.pictures, seeds, one_picture=True))
        case "order":
            command.order([*(directions(pair, seeds) for pair in DIRECTIONS), digits(seeds, share=share)])
        case _:
            few = min(seeds, VALIDATION_SEEDS)
            every = [digits(few, validation=True, share=share)]
            if options.pictures is not None:
                every.append(pictograms(options.pictures, few, validation=True))
            command.length(every)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m experiments.teaching",
        description=experiments.teaching.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("what", choices=("digits", "pictograms", "one-picture", "order", "length"))
    parser.add_argument("--pictures", type=Path, help="the folder of pictures that experiments.pretrain_mini has drawn")
    parser.add_argument("--model", default="neuroclip-mini")
    parser.add_argument("--pretrained")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--share", type=float, default=1.0, help="of the judged digits, for a quick look")
    parser.add_argument("--epochs", type=int, help="of the adapter (250)")
    parser.add_argument("--cache", type=Path, default=FEATURES)
    parser.add_argument("--output", type=Path, default=Path("results") / "teaching")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1), help="that make windows")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    raise SystemExit(run())
