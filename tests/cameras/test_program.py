"""The command line: any program on a bus with cameras, things that happen to them, told beforehand or while it runs."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import pytest

from tests.cameras.actions import ActionError, parse_faults
from tests.cameras.models import MODELS
from tests.cameras.observer import need_bus
from tests.cameras.program import main
from tests.cameras.shown import assert_same, scattered
from tests.pipeline.sources.made_recordings import SMALL, moving_square
from tests.programs import PATIENCE_S, ROOT, wait_until

READER = [sys.executable, "-m", "tests.cameras.reader", "dv"]


@pytest.fixture(autouse=True)
def _a_bus_can_be_had() -> None:
    need_bus()


def run(*words: str | Path) -> "subprocess.CompletedProcess[str]":
    line = [sys.executable, "-m", "tests.cameras", *map(str, words)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)


def test_a_program_reads_given_events(tmp_path: Path) -> None:
    shown = scattered(MODELS["dvs128"].resolution, count=5000)
    np.save(tmp_path / "shown.npy", shown)
    report = tmp_path / "report.json"
    done = run(
        "dvs128:A1", "--events", tmp_path / "shown.npy", "--once", "--report", report, "--",
        *READER, "read", "5000", tmp_path / "read.npy",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert_same(np.load(tmp_path / "read.npy"), shown)
    (told,) = json.loads(report.read_text())
    assert (told["serial"], told["sent"]) == ("A1", 5000)
    assert told["requests"] > 3


def test_a_recording_is_squeezed_to_the_sensor(recording_file: Path, tmp_path: Path) -> None:
    done = run("dvs128", "--events", recording_file, "--once", "--", *READER, "read", "48000", tmp_path / "read.npy")
    assert json.loads(done.stdout)["read"] == 48_000
    read, shown = np.load(tmp_path / "read.npy"), moving_square()
    assert (read["x"] == shown["x"]).all()
    assert (read["y"] == shown["y"].astype(int) * 128 // SMALL.height).all()


def test_the_status_is_the_program_s(tmp_path: Path) -> None:
    assert run("dvs128", "--", sys.executable, "-c", "raise SystemExit(5)").returncode == 5
    assert run("dvs128", "--", "/bin/sh", "-c", "kill -9 $$").returncode == 128 + 9


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["polaroid"], "no camera polaroid"),
        (["evk4:XY"], "hexadecimal"),
        (["evk4", "--fault", "tired=yes"], "no fault tired"),
        (["evk4", "--fault", "refuse=never"], "cannot be never"),
        (["evk4", "--at", "noon", "unplug"], "noon"),
        (["evk4", "--events", "nowhere.aedat4"], "nowhere.aedat4"),
    ],
)
def test_wrong_words_get_a_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words, "--", "/bin/true"]) == 2
    assert said in capsys.readouterr().err


def test_faults_are_read_from_words() -> None:
    assert parse_faults({"still": "yes", "cut-short": "3", "late_answers_s": "0.5", "refuse": "busy"}) == {
        "still": True, "cut_short": 3, "late_answers_s": 0.5, "refuse": "busy",
    }  # fmt: skip
    assert parse_faults({"pulled-out-at-request": "7"}) == {"pulled_out_at_request": 7}
    assert parse_faults({"pulled-out-at-request": "never"}) == {"pulled_out_at_request": None}
    with pytest.raises(ActionError, match="cannot be maybe"):
        parse_faults({"still": "maybe"})


@contextmanager
def controlled(tmp_path: Path) -> "Iterator[tuple[subprocess.Popen[str], socket.socket]]":
    """Run a watching program on a bus whose control socket we hold."""
    path = tmp_path / "control"
    line = [sys.executable, "-m", "tests.cameras", "dvs128:A1", "--control", str(path), "--", *READER, "watch"]
    process = subprocess.Popen(line, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        wait_until(path.exists)
        with closing(socket.socket(socket.AF_UNIX)) as control:
            control.settimeout(PATIENCE_S)
            control.connect(str(path))
            yield process, control
    finally:
        process.communicate(timeout=PATIENCE_S)


def test_actions_are_taken_while_the_program_runs(tmp_path: Path) -> None:
    with controlled(tmp_path) as (process, control), control.makefile("rw", encoding="utf-8") as lines:
        assert process.stdout is not None

        def do(action: str) -> str:
            lines.write(f"{action}\n")
            lines.flush()
            return lines.readline()

        def expect(state: str) -> None:
            assert process.stdout is not None
            while json.loads(process.stdout.readline())["state"] != state:
                pass

        expect("flows")
        assert do("fault still=yes A1") == "ok\n"
        expect("silent")
        assert do("fault still=no") == "ok\n"
        expect("flows")
        assert do("reset-clock A1") == "ok\n"
        assert "no action dance" in do("dance")
        assert "No camera has the serial number Z9" in do("unplug Z9")
        assert "cannot be done" in do("plug-in A1")
        assert do("unplug A1") == "ok\n"
        expect("ended")
