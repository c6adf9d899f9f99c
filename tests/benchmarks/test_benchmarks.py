"""The benchmark measures what it says, lists who is missing, and runs every stage at its smallest size."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmarks.__main__ import main
from benchmarks.made_events import made_events, real_events
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare, own_against_peers
from benchmarks.peers import contender
from benchmarks.report import as_json, draw, print_result
from benchmarks.stages import STAGES, measure
from benchmarks.steady_source import SteadySource, open_steady
from pipeline.events import Resolution
from pipeline.sources.base import RecordingSpec, SimulationSpec, SourceError

SMALL = Resolution(128, 96)
QUICK = Effort(1, quick=True)
WHOLE_PROGRAM = {"start", "memory", "latency", "window"}
"""They start it, with a window."""
LONG = {*WHOLE_PROGRAM, "framer", "reading", "simulation"}


def per_second(seconds: float) -> float:
    return 1 / seconds


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    order: list[str] = []

    def turn(name: str, seconds: float) -> float:
        order.append(name)
        return seconds

    contenders = [Contender(OWN, lambda: turn("own", 0.5)), Contender("peer", lambda: turn("peer", 1.0))]
    figures = compare("case", contenders, Effort(3), unit="1/s", of_seconds=per_second)
    assert order == ["own", "peer"] * 4
    assert [figure.values for figure in figures] == [(2.0,) * 3, (1.0,) * 3]
    assert own_against_peers(figures) == 2.0


def test_a_contender_without_a_clock_of_its_own_is_timed() -> None:
    (figure,) = compare(
        "case", [Contender(OWN, lambda: time.sleep(0.02))], Effort(1), unit="s", of_seconds=lambda seconds: seconds
    )
    assert figure.median is not None
    assert figure.median >= 0.02


def test_median_least_and_greatest() -> None:
    figure = Figure("case", OWN, "ms", (3.0, 1.0, 2.0), more_is_better=False)
    assert (figure.median, figure.least, figure.greatest) == (2.0, 1.0, 3.0)
    faster = [figure, Figure("case", "peer", "ms", (1.0,), more_is_better=False)]
    assert own_against_peers(faster) == 0.5


def test_a_missing_peer_and_a_failing_one_cost_their_row_only() -> None:
    def fail() -> None:
        raise OSError("no such thing")

    contenders = [
        Contender(OWN, lambda: 1.0),
        contender("absent", "no_such_package_anywhere", lambda module: fail),
        contender("cannot be prepared", "json", lambda module: module.nothing),
        Contender("fails", fail),
    ]
    figures = compare("case", contenders, Effort(2), unit="1/s", of_seconds=per_second)
    remarks = {figure.contender: figure.remark for figure in figures}
    assert remarks["absent"] == "not installed"
    assert remarks["cannot be prepared"].startswith("failed: AttributeError")
    assert remarks["fails"] == "failed: OSError: no such thing"
    assert [figure.values for figure in figures] == [(1.0, 1.0), (), (), ()]
    assert own_against_peers(figures) is None


def test_a_fault_of_this_program_is_not_hidden() -> None:
    def fail() -> None:
        raise RuntimeError("wrong frames")

    with pytest.raises(RuntimeError, match="wrong frames"):
        compare("case", [Contender(OWN, fail)], Effort(1), unit="1/s", of_seconds=per_second)


def test_table_json_and_picture(tmp_path: Path) -> None:
    figures = (
        Figure("[case]", OWN, "Mev/s", (600.0, 610.0)),
        Figure("[case]", "peer", "Mev/s", (), remark="not installed"),
        Figure("second", OWN, "Mev/s", (500.0,)),
    )
    results = {"framer": StageResult("Framer", figures, ("The floor is 1,000.",))}
    console = Console(record=True, width=120)
    print_result(console, results, {"cores": "2"})
    text = console.export_text()
    for expected in (
        "framer: [case]",
        "framer: second",
        OWN,
        "605",
        "not installed",
        "The floor is 1,000.",
        "cores: 2",
    ):
        assert expected in text
    content = json.loads(json.dumps(as_json(results, {"cores": "2"}, quick=False)))
    assert content["stages"]["framer"]["figures"][0]["values"] == [600.0, 610.0]
    pytest.importorskip("matplotlib")
    assert draw(tmp_path / "b.png", results) == ""
    assert (tmp_path / "b.png").stat().st_size > 5000
    assert "nothing was measured" in draw(tmp_path / "c.png", {})


@pytest.mark.parametrize("spread", ["uniform", "clustered"])
def test_made_events_are_events(spread: str) -> None:
    events = made_events(5000, SMALL, spread, rate=1e6)  # type: ignore[arg-type]
    assert len(events) == 5000
    assert (np.diff(events["timestamp"]) >= 0).all()
    assert events["timestamp"][-1] - events["timestamp"][0] == 4999
    for name, size in (("x", 128), ("y", 96), ("polarity", 2)):
        assert events[name].min() >= 0
        assert events[name].max() < size
        assert len(np.unique(events[name])) > size // 3


def test_the_tour_is_repeated_with_time_going_on() -> None:
    whole = len(real_events(1).events), real_events(3_000_000).events
    assert whole[0] == 1
    assert len(whole[1]) == 3_000_000
    assert (np.diff(whole[1]["timestamp"]) >= 0).all()


def test_a_steady_source_gives_its_rate_in_order() -> None:
    source = SteadySource(SimulationSpec(SMALL, seed=1_000_000))
    began_us = time.monotonic_ns() // 1000
    batches = [source.read() for _ in range(30)]
    assert all(batch is not None for batch in batches)
    events = np.concatenate([batch.events for batch in batches])
    times = events["timestamp"]
    assert (np.diff(times) >= 0).all()
    assert abs(int(times[0]) - began_us) < 1_000_000
    span_us = batches[-1].until_us - int(times[0])
    assert len(events) == pytest.approx(span_us, rel=0.05)
    assert times[-1] < batches[-1].until_us
    with pytest.raises(SourceError):
        open_steady(RecordingSpec(Path("x.aedat4")))


@pytest.mark.parametrize("name", [name for name in STAGES if name not in LONG])
def test_a_stage_runs(name: str) -> None:
    result = measure(name, QUICK)
    assert not result.skipped or name == "gpu"
    check(result)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", sorted(LONG))
def test_a_long_stage_runs(name: str) -> None:
    if name in WHOLE_PROGRAM - {"start"} and shutil.which("Xvfb") is None:
        pytest.skip("needs the system package xvfb")
    check(measure(name, QUICK))


def check(result: StageResult) -> None:
    assert result.title
    if result.skipped:
        assert not result.figures
        assert "\n" not in result.skipped
        return
    own = [figure for figure in result.figures if figure.contender == OWN]
    assert own
    for figure in own:
        assert figure.median is not None, figure
        assert figure.median > 0
    for figure in result.figures:
        assert figure.values or figure.remark, f"{figure} was neither measured nor explained"


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, picture = tmp_path / "b.json", tmp_path / "b.png"
    assert main(["hand-over", "--quick", "--json", str(file), "--picture", str(picture)]) == 0
    assert "hand-over" in capsys.readouterr().out
    content = json.loads(file.read_text(encoding="utf-8"))
    assert list(content["stages"]) == ["hand-over"]
    assert content["quick"]
    assert content["machine"]["cores"]


@pytest.mark.parametrize(("arguments", "said"), [(["nothing"], "there is no stage nothing"), (["--repeats", "3"], "7")])
def test_wrong_usage(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
