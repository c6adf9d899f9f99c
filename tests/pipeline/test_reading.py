"""Whole recordings in memory, as a notebook reads them."""

import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

import pipeline as nc
from pipeline.reading import DamagedRecordingWarning, read_recording
from pipeline.sources.base import SourceError
from tests.pipeline.sources.contract import check_message
from tests.pipeline.sources.damage import damaged_copies, table_start
from tests.pipeline.sources.made_recordings import SMALL, made_events, moving_square, packets_of, write_packets
from tests.programs import PERSON, ROOT

WITHIN_S = 10.0
BUSY_MACHINE = 6
"""The limit is ten seconds on an idle machine; here other programs may run beside the tests."""


def test_a_recording_is_read(recording_file: Path) -> None:
    recording = nc.read_recording(str(recording_file))
    assert recording.events.dtype == nc.EVENT_DTYPE
    assert (recording.events == moving_square()).all()
    assert recording.resolution == SMALL
    assert recording.name == "square.aedat4"
    assert recording.events.flags.writeable


@pytest.mark.skipif(not PERSON.exists(), reason="the real recording beside the repository is absent")
def test_a_real_recording_is_read() -> None:
    recording = read_recording(PERSON)
    assert (len(recording.events), recording.resolution) == (111_954, (320, 240))
    assert recording.duration_us == 589_917


def test_one_stream_of_several_is_read(tmp_path: Path) -> None:
    first, second = made_events(range(1000, 90_000, 1000)), made_events(range(500, 30_000, 500), x=60)
    path = write_packets(tmp_path / "two.aedat4", {"events": packets_of(first), "filtered": packets_of(second)})
    assert (read_recording(path).events == first).all()
    assert (read_recording(path, stream="filtered").events == second).all()
    with pytest.raises(SourceError, match="no event stream frames"):
        read_recording(path, stream="frames")


def test_more_events_than_fit_at_first_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.reading._FIRST_EVENTS", 7)
    events = moving_square(200_000)
    path = write_packets(tmp_path / "large.aedat4", {"events": packets_of(events, 50_000)})
    assert (read_recording(path).events == events).all()


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    for name in ("missing.aedat4", "folder.aedat4"):
        (tmp_path / "folder.aedat4").mkdir(exist_ok=True)
        with pytest.raises(SourceError, match=name) as error:
            read_recording(tmp_path / name)
        check_message(str(error.value))


def test_a_relative_path_is_that_of_the_caller(
    recording_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recording_file.parent)
    assert len(read_recording(recording_file.name).events) == len(moving_square())


def test_a_program_without_a_main_guard_can_read(recording_file: Path, tmp_path: Path) -> None:
    """As in a notebook: the process that reads does not run the caller's program anew."""
    program = tmp_path / "program.py"
    program.write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        f"import pipeline as nc\nprint(len(nc.read_recording({str(recording_file)!r}).events))\n",
        encoding="utf-8",
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout.split() == [str(len(moving_square()))]
    assert done.stderr == ""


def test_a_packet_that_cannot_be_unpacked_costs_only_what_is_behind_it(
    recording_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = bytearray(recording_file.read_bytes())
    middle = table_start(raw) // 2
    raw[middle : middle + 2000] = bytes(2000)
    path = tmp_path / "hole.aedat4"
    path.write_bytes(raw)
    with pytest.warns(DamagedRecordingWarning) as told:
        recording = read_recording(path)
    check_message(str(told[0].message))
    assert told[0].filename == __file__, "the warning points at the caller"
    assert 10_000 < len(recording.events) < len(moving_square())
    assert (recording.events == moving_square()[: len(recording.events)]).all()


@pytest.mark.parametrize("count", [12, pytest.param(120, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
def test_damaged_copies_end_in_one_message_or_in_what_can_be_read(
    recording_file: Path, tmp_path: Path, count: int
) -> None:
    ways: dict[str, int] = {}
    for name, path in damaged_copies(recording_file, tmp_path, count, seed=5):
        start = time.monotonic()
        message, events = "", 0
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                events = len(read_recording(path).events)
            except SourceError as error:
                message = str(error)
        assert time.monotonic() - start < BUSY_MACHINE * WITHIN_S, name
        messages = [message] * bool(message) + [str(warning.message) for warning in told]
        assert len(messages) <= 1, name
        for said in messages:
            check_message(said)
            assert path.name in said, name
        assert bool(events) != bool(message), name
        way = "whole" if not messages else "error" if message else "partial"
        ways[way] = ways.get(way, 0) + 1
    assert {"error", "partial"} <= set(ways), ways
