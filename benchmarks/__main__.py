"""Measures the stages of the program beside their peers and prints one table.

uv run --group bench python -m benchmarks                     all stages
uv run --group bench python -m benchmarks framer reading      some of them
uv run python -m benchmarks --quick                           does everything once, small; its figures mean nothing
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from benchmarks.measuring import Effort, StageResult
from benchmarks.stages import STAGES
from pipeline.threads import prepare_threads

FEWEST_REPEATS = 7


def repeats(text: str) -> int:
    """Read the number of rounds, 7 at least."""
    number = int(text)
    if number < FEWEST_REPEATS:
        raise argparse.ArgumentTypeError(f"{text}: a median needs {FEWEST_REPEATS} rounds at least")
    return number


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, print and write; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("stages", nargs="*", metavar="STAGE", help=f"some of: {', '.join(STAGES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="the smallest size, one round")
    parser.add_argument("--repeats", type=repeats, default=FEWEST_REPEATS, metavar="N", help="rounds (default: 7)")
    parser.add_argument("--json", type=Path, default=Path("results/benchmarks.json"), metavar="FILE")
    parser.add_argument("--picture", type=Path, default=Path("results/benchmarks.png"), metavar="FILE")
    given = parser.parse_args(argv)
    unknown = [name for name in given.stages if name not in STAGES]
    if unknown:
        parser.error(f"there is no stage {unknown[0]}: choose from {', '.join(STAGES)}")
    prepare_threads()
    os.environ.setdefault("POLARS_MAX_THREADS", "1")  # of evlib; everybody has one core where one core is compared
    return run([name for name in STAGES if not given.stages or name in given.stages], given)


def run(names: Sequence[str], given: argparse.Namespace) -> int:
    """Measure these stages one after the other."""
    from benchmarks.machine import describe
    from benchmarks.report import as_json, draw, print_result, write_json
    from benchmarks.stages import measure

    effort = Effort(1 if given.quick else given.repeats, given.quick)
    console, messages = Console(highlight=False), Console(stderr=True, highlight=False)
    machine = describe()
    results: dict[str, StageResult] = {}
    for name in names:
        with messages.status(f"Measuring {name}"):
            results[name] = measure(name, effort)
        messages.print(f"{name}: {'skipped' if results[name].skipped else 'measured'}", markup=False)
        # Written after each stage: a run takes long, and what it has is not lost when it is ended.
        write_json(given.json, as_json(results, machine, quick=given.quick))
    print_result(console, results, machine)
    if given.quick:
        console.print("--quick: these figures mean nothing.")
    if text := draw(given.picture, results):
        console.print(text, markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
