"""Measures how the cost of each stage grows, and draws a curve of each.

uv run --group bench python -m benchmarks.growth                          all of them, about ten minutes
uv run --group bench python -m benchmarks.growth rate prompts             some of them
uv run --group bench python -m benchmarks.growth --quick                  two points each; they mean nothing
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.growth import framing, judging, length, live
from benchmarks.growth.curve import Curve
from benchmarks.growth.drawing import draw
from benchmarks.machine import describe
from benchmarks.report import write_json
from pipeline.threads import prepare_threads

CURVES: dict[str, Callable[[int, bool], Curve]] = {
    "rate": framing.by_rate,
    "size": framing.by_size,
    "timesteps": judging.by_timesteps,
    "prompts": judging.by_prompts,
    "length": length.by_length,
    "live-rate": live.by_rate,
    "windows": live.by_window_rate,
}
REPEATS = 7


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and draw; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.growth", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("curves", nargs="*", metavar="CURVE", help=f"some of: {', '.join(CURVES)} (default: all)")
    parser.add_argument("--quick", action="store_true", help="two points each, once")
    parser.add_argument("--pictures", type=Path, default=Path("results/growth"), metavar="DIR")
    given = parser.parse_args(argv)
    unknown = [name for name in given.curves if name not in CURVES]
    if unknown:
        parser.error(f"there is no curve {unknown[0]}: choose from {', '.join(CURVES)}")
    prepare_threads()
    machine = describe()
    for name in given.curves or CURVES:
        curve = CURVES[name](1 if given.quick else REPEATS, given.quick)
        file = given.pictures / f"{name}.png"
        draw(curve, file)
        write_json(file.with_suffix(".json"), {"quick": given.quick, "machine": machine, "curve": curve.as_json()})
        print(f"{name}: {file}")
        for line in curve.lines:
            print(f"  {line.name}: " + ", ".join(f"{across:g} → {up:.3g}" for across, up in line.points))
        if curve.remark:
            print(f"  {curve.remark}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
