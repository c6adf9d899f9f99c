"""What was measured as a page for people: tables beside the peers, remarks, the machine, curves of growth.

uv run python -m benchmarks.page docs/speed/*.json --growth docs/pictures/growth --to docs/speed.md
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measuring import Figure, is_own, own_against_peers
from benchmarks.report import by_case, number_text
from benchmarks.stages import STAGES

HEAD = """# How fast it is

Every stage from an event to its label, each beside its peers in the same run, in turns: median of the rounds, with the
least and the greatest. `uv run --group bench python -m benchmarks` measures it on your machine,
`uv run --group bench python -m benchmarks.growth` draws the curves at the end; `python -m benchmarks.page` made this
page of their files, which lie in `docs/speed` and `docs/pictures/growth`.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page; gives the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.page", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="FILE", help="JSON of benchmarks; later files win")
    parser.add_argument("--growth", type=Path, metavar="DIR", help="pictures and JSON of benchmarks.growth")
    parser.add_argument("--to", type=Path, required=True, metavar="FILE")
    given = parser.parse_args(argv)
    try:
        runs = [json.loads(path.read_text(encoding="utf-8")) for path in given.runs]
    except (OSError, ValueError) as error:
        parser.error(f"the figures cannot be read ({error}): give files that `python -m benchmarks` has written")
    curves = sorted(given.growth.glob("*.json")) if given.growth is not None else []
    given.to.parent.mkdir(parents=True, exist_ok=True)
    given.to.write_text(page(runs, curves, given.to.parent), encoding="utf-8")
    return 0


def page(runs: Sequence[Mapping[str, Any]], curves: Sequence[Path], folder: Path) -> str:
    """Give the page, Markdown; links are seen from `folder`."""
    stages: dict[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for run in runs:
        for name, stage in run["stages"].items():
            # What one machine had to leave out takes no other machine's figures away.
            if name not in stages or not stage.get("skipped"):
                stages[name] = stage, run
    parts = [HEAD]
    machines: list[dict[str, str]] = []
    for name in [*(name for name in STAGES if name in stages), *(name for name in stages if name not in STAGES)]:
        stage, run = stages[name]
        if stage.get("skipped"):
            parts.append(f"## {stage['title']}\n\n{stage['skipped']}\n")
            continue
        parts.append(_stage(stage, _number(run["machine"], machines), quick=run["quick"]))
    if curves:
        parts.append("## How the cost grows\n")
        parts += [_curve(path, folder, machines) for path in curves]
    parts.append("## The machine\n")
    parts += [_machine(number, machine, len(machines)) for number, machine in enumerate(machines)]
    return "\n".join(parts)


def _number(described: Mapping[str, str], machines: list[dict[str, str]]) -> int:
    """Give the place of a machine among those of this page, where it is put if need be."""
    machine = {key: value for key, value in described.items() if key != "load"}
    if machine not in machines:
        machines.append(machine)
    return machines.index(machine)


def _stage(stage: Mapping[str, Any], machine: int, *, quick: bool) -> str:
    figures = [
        Figure(
            each["case"], each["contender"], each["unit"], tuple(each["values"]), each["more_is_better"], each["remark"]
        )
        for each in stage["figures"]
    ]
    lines = [f"## {stage['title']}\n"]
    if quick:
        lines.append("**A quick run: these figures mean nothing.**\n")
    if machine:
        lines.append(f"On machine {machine + 1}.\n")
    for case, together in by_case(figures):
        lines += _table(case, together)
    lines += [f"{remark}\n" for remark in stage["remarks"]]
    return "\n".join(lines)


def _table(case: str, figures: Sequence[Figure]) -> list[str]:
    better = "more" if figures[0].more_is_better else "less"
    rows = [
        f"| {case} ({figures[0].unit}, {better} is better) | median | least | greatest |",
        "| --- | --- | --- | --- |",
    ]
    for figure in figures:
        if figure.median is None:
            rows.append(f"| {figure.contender} | {figure.remark or 'nothing measured'} | | |")
            continue
        name = figure.contender
        if is_own(name):
            ratio = own_against_peers(figures, name)
            told = f", {figure.remark}" if figure.remark else ""
            against = f", {ratio:.2f} × the best peer" if ratio is not None else ""
            name = f"**{name}**{told}{against}"
        rows.append("| " + " | ".join([name, *map(number_text, (figure.median, figure.least, figure.greatest))]) + " |")
    return [*rows, ""]


def _curve(path: Path, folder: Path, machines: list[dict[str, str]]) -> str:
    measured = json.loads(path.read_text(encoding="utf-8"))
    curve, number = measured["curve"], _number(measured["machine"], machines)
    picture = Path(os.path.relpath(path.with_suffix(".png"), folder)).as_posix()
    text = f"![{curve['title']}: {curve['up']} against {curve['across']}]({picture})\n"
    remarks = [*([f"On machine {number + 1}."] if number else []), *([curve["remark"]] if curve["remark"] else [])]
    return "\n".join([text, *(f"{remark}\n" for remark in remarks)])


def _machine(number: int, machine: Mapping[str, str], count: int) -> str:
    lines = [f"Machine {number + 1}\n"] if count > 1 else []
    lines += [f"- {key}: {value}" for key, value in machine.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
