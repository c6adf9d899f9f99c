"""The page of figures says what was measured, of whom, and on what machine."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.growth.curve import Curve, Line
from benchmarks.measuring import OWN, Figure, StageResult
from benchmarks.page import main
from benchmarks.report import as_json, write_json

MACHINE = {"processor": "Z80", "load": "0.1"}


def measured(values: tuple[float, ...], title: str = "Framing") -> dict[str, StageResult]:
    figures = (
        Figure("640 × 480", OWN, "Mev/s", values, remark="one core"),
        Figure("640 × 480", "a peer", "Mev/s", (100.0, 110.0, 120.0)),
        Figure("640 × 480", "another", "Mev/s", (), remark="not installed"),
    )
    return {"framer": StageResult(title, figures, ("A remark.",))}


def written(tmp_path: Path, *files: Path) -> str:
    page = tmp_path / "docs" / "speed.md"
    assert main([*map(str, files), "--growth", str(tmp_path / "docs" / "growth"), "--to", str(page)]) == 0
    return page.read_text(encoding="utf-8")


def saved(path: Path, results: dict[str, StageResult], machine: dict[str, str], *, quick: bool = False) -> Path:
    write_json(path, as_json(results, machine, quick=quick))
    return path


def test_each_contender_has_its_row_and_the_machine_is_named(tmp_path: Path) -> None:
    page = written(tmp_path, saved(tmp_path / "a.json", measured((210.0, 220.0, 230.0)), MACHINE))
    assert f"| **{OWN}**, one core, 2.00 × the best peer | 220 | 210 | 230 |" in page
    assert "| a peer | 110 | 100 | 120 |" in page
    assert "| another | not installed | | |" in page
    assert "A remark." in page
    assert "- processor: Z80" in page
    assert "mean nothing" not in page


def test_a_later_file_wins_and_another_machine_is_told(tmp_path: Path) -> None:
    first = saved(tmp_path / "a.json", {**measured((1.0,)), "start": measured((5.0,), "Start")["framer"]}, MACHINE)
    second = saved(tmp_path / "b.json", measured((330.0,)), {"processor": "6502", "load": "9"})
    page = written(tmp_path, first, second)
    assert "3.00 × the best peer" in page
    assert "Machine 2" in page
    assert page.index("## Framing") < page.index("## Start")


def test_a_stage_that_was_skipped_has_its_line_and_takes_no_figures_away(tmp_path: Path) -> None:
    skipped = {"framer": StageResult("Framing", (), skipped="No such device.")}
    without = saved(tmp_path / "a.json", skipped, {"processor": "6502"})
    page = written(tmp_path, without)
    assert "## Framing\n\nNo such device.\n" in page
    assert "|" not in page
    for files in ((without,), ()):
        measured_there = saved(tmp_path / "b.json", measured((210.0,)), MACHINE)
        page = written(tmp_path, *files, measured_there, without)
        assert "No such device." not in page
        assert "| a peer | 110 | 100 | 120 |" in page
        assert "6502" not in page


def test_a_quick_run_is_called_so(tmp_path: Path) -> None:
    assert "mean nothing" in written(tmp_path, saved(tmp_path / "a.json", measured((1.0,)), MACHINE, quick=True))


def test_curves_are_shown_by_links_that_lead_there(tmp_path: Path) -> None:
    curve = Curve("Prompts", "prompts", "ms", (Line("one", ((1.0, 2.0),)),), remark="Flat.")
    for name, processor in (("prompts", "Z80"), ("windows", "6502")):
        machine = {"processor": processor, "load": "3"}
        write_json(tmp_path / "docs" / "growth" / f"{name}.json", {"machine": machine, "curve": curve.as_json()})
    page = written(tmp_path, saved(tmp_path / "a.json", measured((1.0,)), MACHINE))
    prompts, windows = page[page.index("growth/prompts.png") :].split("growth/windows.png")
    assert "![Prompts: ms against prompts](growth/prompts.png)" in page
    assert "Flat." in prompts
    assert "On machine" not in prompts
    assert "On machine 2." in windows
    assert "- processor: 6502" in windows


def test_a_file_of_another_kind_is_not_taken(tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"stages": {}}), encoding="utf-8")
    with pytest.raises(SystemExit) as ended:
        written(tmp_path, other, tmp_path / "missing.json")
    assert ended.value.code == 2
