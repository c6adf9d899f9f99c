"""``main.py --camera`` on a make-believe USB bus: the real driver, a camera that is unplugged and plugged in again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dv_processing as dv
import pytest

from tests.needs import need_program
from tests.programs import PATIENCE_S, ROOT, command, environment, rows, wait_until

RIGS = ROOT.parent / "shared" / "virtual_camera"
PROMPTS = ("--prompts", "a cup, a star", "--model", "untrained")

pytestmark = [
    pytest.mark.skipif(not RIGS.is_dir(), reason="the make-believe cameras are not here"),
    pytest.mark.timeout(200),
]


@contextmanager
def camera(rig: str, options: tuple[str, ...], *arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """Run the program with a camera, in a process group of its own, as a terminal does."""
    need_program("umockdev-wrapper", "umockdev")
    process = subprocess.Popen(
        [str(RIGS / f"{rig}.py"), *options, "--", *command("--camera", *arguments, *PROMPTS)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(), start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ctrl_c(process: "subprocess.Popen[str]") -> str:
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    return err


def windows(target: Path) -> int:
    return len(rows(target)) if target.is_file() else 0


def events_of(path: Path) -> int:
    recording, count = dv.io.MonoCameraRecording(str(path)), 0
    while (batch := recording.getNextEventBatch()) is not None:
        count += batch.size()
    return count


@pytest.mark.parametrize("rig", ["dvs128", "dvxplorer"])
def test_labels_come_and_ctrl_c_ends_it(rig: str, tmp_path: Path) -> None:
    target, record = tmp_path / "labels.csv", tmp_path / "camera.aedat4"
    with camera(rig, (), "--headless", "--output", target, "--record", record) as process:
        wait_until(lambda: windows(target) > 5)
        err = ctrl_c(process)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert events_of(record) > 50_000


def test_unplugging_is_survived(tmp_path: Path) -> None:
    """The camera is away for two seconds in the middle; the same run goes on with it."""
    target = tmp_path / "labels.csv"
    unplugged = ("--unplug-at", "14", "--replug-at", "16")
    with camera("dvs128", unplugged, "--headless", "--output", target) as process:
        assert process.stderr is not None
        said = ""
        while "is back" not in said:
            line = process.stderr.readline()
            assert line, said
            said += line
        assert "check its cable" in said
        back_us = time.time_ns() // 1000
        wait_until(lambda: windows(target) > 0 and int(rows(target)[-1]["start_us"]) > back_us)
        ctrl_c(process)
    assert process.returncode == 130
