"""Curves of what grows: measured at the smallest sizes, drawn, written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from benchmarks.growth.__main__ import CURVES, main
from benchmarks.growth.curve import Curve, Line
from benchmarks.growth.drawing import draw

QUICK = ("rate", "size")
WITHOUT_WINDOW = [name for name in CURVES if name not in ("live-rate", "windows")]


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in CURVES]
)
def test_a_curve_is_measured_drawn_and_written(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if name not in WITHOUT_WINDOW and shutil.which("Xvfb") is None:
        pytest.skip("needs the system package xvfb")
    assert main([name, "--quick", "--pictures", str(tmp_path)]) == 0
    assert (tmp_path / f"{name}.png").read_bytes().startswith(b"\x89PNG")
    written = json.loads((tmp_path / f"{name}.json").read_text(encoding="utf-8"))
    assert written["quick"] is True
    assert written["machine"]["cores"]
    told = capsys.readouterr().out
    for line in written["curve"]["lines"]:
        assert f"  {line['name']}: " in told
        across, up = zip(*line["points"], strict=True)
        assert list(across) == sorted(across)
        assert all(value > 0 for value in up)


def test_an_unknown_curve_is_answered_with_those_there(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["height"])
    assert ended.value.code == 2
    assert ", ".join(CURVES) in capsys.readouterr().err


def test_a_curve_may_have_one_line_and_a_limit(tmp_path: Path) -> None:
    curve = Curve("Title", "events/s", "ms", (Line("one", ((1.0, 2.0), (10.0, 3.0))),), limit=30.0, remark="A remark.")
    draw(curve, tmp_path / "new" / "curve.png")
    assert (tmp_path / "new" / "curve.png").stat().st_size > 5_000
