"""What was measured, as a table in the terminal, as JSON, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks.measuring import Figure, StageResult, is_own, own_against_peers
from benchmarks.peers import peer
from pipeline.version import __version__


def print_result(console: Console, results: Mapping[str, StageResult], machine: Mapping[str, str]) -> None:
    """Print one table of all stages, then their remarks and the machine."""
    table = Table(title="NeuroCLIP Live: every stage beside its peers", title_justify="left")
    table.add_column("stage, case, who", overflow="fold")
    for heading in ("median", "least", "greatest"):
        table.add_column(heading, justify="right")
    table.add_column("unit")
    table.add_column("to best peer", justify="right")
    for name, result in results.items():
        for case, figures in by_case(result.figures):
            table.add_row(f"[bold]{name}[/]: {escape(case)}")
            for figure in figures:
                own, who = is_own(figure.contender), escape(figure.contender)
                ratio = own_against_peers(figures, figure.contender) if own else None
                table.add_row(
                    f"  [bold yellow]{who}[/]" if own else f"  {who}",
                    *_cells(figure),
                    f"{ratio:.2f} x" if ratio is not None else "",
                )
            table.add_section()
    if table.row_count:
        console.print(table)
    for name, result in results.items():
        if result.skipped:
            # In one line, however narrow the terminal: it has a command to be copied.
            console.print(f"{name}: {result.skipped}", markup=False, soft_wrap=True)
        for remark in result.remarks:
            console.print(f"{name}: {remark}", markup=False)
    for key, value in machine.items():
        console.print(f"{key}: {value}", markup=False)


def by_case(figures: Sequence[Figure]) -> list[tuple[str, list[Figure]]]:
    """Give the figures of each case and unit together, in their order."""
    cases: dict[tuple[str, str], list[Figure]] = {}
    for figure in figures:
        cases.setdefault((figure.case, figure.unit), []).append(figure)
    return [(case, together) for (case, _), together in cases.items()]


def _cells(figure: Figure) -> list[str]:
    if figure.median is None:
        return ["", "", "", escape(figure.remark) or "nothing measured"]
    return [number_text(figure.median), number_text(figure.least), number_text(figure.greatest), figure.unit]


def number_text(value: float | None) -> str:
    """Give a figure with as many digits as mean something."""
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def as_json(results: Mapping[str, StageResult], machine: Mapping[str, str], *, quick: bool) -> dict[str, Any]:
    """Give everything that was measured, each round's value included."""
    return {
        "version": __version__,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": dict(machine),
        "stages": {
            name: {
                "title": result.title,
                "skipped": result.skipped,
                "remarks": list(result.remarks),
                "figures": [
                    {
                        "case": figure.case,
                        "contender": figure.contender,
                        "unit": figure.unit,
                        "median": figure.median,
                        "least": figure.least,
                        "greatest": figure.greatest,
                        "values": list(figure.values),
                        "more_is_better": figure.more_is_better,
                        "remark": figure.remark,
                    }
                    for figure in result.figures
                ],
            }
            for name, result in results.items()
        },
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write it, readable for people."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def draw(path: Path, results: Mapping[str, StageResult]) -> str:
    """Draw the medians as bars, one field a case; gives what is to be said if that cannot be done."""
    matplotlib = peer("matplotlib")
    if matplotlib is None:
        return "No picture: matplotlib is not installed."
    matplotlib.use("Agg")
    plt = peer("matplotlib.pyplot")
    assert plt is not None
    fields = [(name, case, figures) for name, each in results.items() for case, figures in by_case(each.figures)]
    fields = [(name, case, [f for f in figures if f.values]) for name, case, figures in fields]
    fields = [each for each in fields if each[2]]
    if not fields:
        return "No picture: nothing was measured."
    rows = [max(1.2, 0.35 * len(figures) + 0.7) for *_, figures in fields]
    figure, axes = plt.subplots(
        len(fields), 1, figsize=(9, sum(rows)), squeeze=False, height_ratios=rows, layout="constrained"
    )
    for axis, (name, case, figures) in zip(axes[:, 0], fields, strict=True):
        _draw_field(axis, f"{name}: {case}", figures)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return ""


def _draw_field(axis: Any, title: str, figures: Sequence[Figure]) -> None:
    names = [figure.contender for figure in figures]
    medians = [figure.median or 0.0 for figure in figures]
    reach = [
        [median - (figure.least or 0.0) for median, figure in zip(medians, figures, strict=True)],
        [(figure.greatest or 0.0) - median for median, figure in zip(medians, figures, strict=True)],
    ]
    colours = ["#c26a00" if is_own(name) else "#8a93a3" for name in names]
    axis.barh(names, medians, xerr=reach, color=colours, error_kw={"lw": 1})
    axis.invert_yaxis()
    direction = "more" if figures[0].more_is_better else "less"
    axis.set_title(f"{title} ({figures[0].unit}, {direction} is better)", fontsize=9, loc="left")
    axis.tick_params(labelsize=8)
