"""How numeric libraries are told to behave before they are loaded."""

import os
import sys
import threading
from pathlib import Path

import pytest

from pipeline import threads
from pipeline.threads import NICENESS, PASSIVE, allowed_cores, give_way, prepare_threads, usable_cores


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set meanwhile is taken back."""
    for name in (*PASSIVE, "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_idle_threads_sleep_soon_unless_the_user_wants_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    prepare_threads()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    assert 0 < int(os.environ["GOMP_SPINCOUNT"]) < 10_000  # GCC's own choice, 300,000, is many milliseconds


@pytest.mark.parametrize(
    ("written", "cores"),
    [("200000 100000\n", 2), ("150000 100000\n", 2), ("5000 100000\n", 1), ("max 100000\n", None), ("", None)],
)
def test_what_a_container_may_use(tmp_path: Path, written: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(written)
    assert allowed_cores(tmp_path / "cpu.max") == cores


def test_without_a_limit_all_cores_are_used(tmp_path: Path) -> None:
    assert allowed_cores(tmp_path / "cpu.max") is None


@pytest.mark.parametrize(("limit", "users", "set_to"), [(1, None, "1"), (1, "3", "3"), (None, None, None)])
def test_threads_are_as_many_as_may_run_unless_the_user_wants_otherwise(
    monkeypatch: pytest.MonkeyPatch, limit: int | None, users: str | None, set_to: str | None
) -> None:
    monkeypatch.setattr(threads, "allowed_cores", lambda: limit)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    if users is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", users)
    prepare_threads()
    assert os.environ.get("OMP_NUM_THREADS") == set_to


@pytest.mark.parametrize(
    ("usable", "processors", "users", "set_to"),
    [(2, 2, None, "1"), (1, 1, None, "1"), (8, 8, None, "7"), (2, 4, None, "2"), (8, 8, "8", "8")],
)
def test_beside_a_window_a_core_is_left_unless_the_user_wants_otherwise(
    monkeypatch: pytest.MonkeyPatch, usable: int, processors: int, users: str | None, set_to: str
) -> None:
    """Where a core has two threads there is room as it is."""
    monkeypatch.setattr(threads, "allowed_cores", lambda: None)
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: processors if logical else usable)
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(processors)), raising=False)
    if users is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", users)
    prepare_threads(for_window=True)
    assert os.environ["OMP_NUM_THREADS"] == set_to


def test_cores_that_are_usable_are_real_and_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two threads of a core count as one; a process that is bound to fewer takes fewer."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "allowed_cores", lambda: None)
    monkeypatch.setattr("psutil.cpu_count", lambda logical=True: 8 if logical else 4)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert usable_cores() == 4
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {5, 7})
    assert usable_cores() == 2
    monkeypatch.setattr(threads, "allowed_cores", lambda: 1)
    assert usable_cores() == 1
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert usable_cores() == 6


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere all threads of a process have one priority")
def test_a_thread_gives_way_and_those_it_starts_but_no_others() -> None:
    found: list[int] = []

    def niceness() -> None:
        found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    def work() -> None:
        give_way()
        niceness()
        child = threading.Thread(target=niceness)
        child.start()
        child.join()

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    expected = max(before, NICENESS)
    assert found == [expected, expected]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before
