"""A reader in a process of its own, watched line by line."""

from __future__ import annotations

import importlib.util
import json
import queue
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, Any, Self

import pytest

from tests.cameras.preload import obstacle
from tests.cameras.usb_bus import UsbBus
from tests.needs import skip_for_package
from tests.programs import PATIENCE_S, ROOT

PACKAGES = {"dv": "dv_processing", "nd": "neuromorphic_drivers"}


def need_bus() -> None:
    """Skip the running test where no make-believe bus can be had."""
    reason = obstacle()
    if reason is not None and "package" in reason:
        skip_for_package("umockdev")
    if reason is not None:
        pytest.skip(reason)


def need_driver(driver: str) -> None:
    """Skip the running test where the driver is not installed."""
    package = PACKAGES[driver]
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"needs the Python package {package.replace('_', '-')}")


def command(driver: str, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "tests.cameras.reader", driver, *map(str, words)]


def ask(bus: UsbBus, driver: str, *words: str | Path, privileged: bool = True) -> dict[str, Any]:
    """Run a reader to its end and give what it told last."""
    done = bus.run(
        command(driver, *words), privileged=privileged, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    assert lines, done.stderr
    answer: dict[str, Any] = json.loads(lines[-1])
    return {**answer, "stderr": done.stderr}


class Observer:
    """A reader that watches a camera; a context that ends it."""

    def __init__(self, bus: UsbBus, driver: str, *serial: str, privileged: bool = True) -> None:
        self._process: subprocess.Popen[str] = bus.popen(
            command(driver, "watch", *serial), privileged=privileged, cwd=ROOT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._told: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._errors: list[str] = []
        self._threads = [
            threading.Thread(target=self._listen, args=(self._process.stdout,)),
            threading.Thread(target=self._gather, args=(self._process.stderr,)),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def stderr(self) -> str:
        return "".join(self._errors)

    def expect(self, state: str) -> dict[str, Any]:
        """Wait until it tells of this state, whatever it tells of before; give what it said."""
        before: list[dict[str, Any]] = []
        while True:
            told = self._told.get(timeout=PATIENCE_S)
            assert told is not None, f"it ended after {before}: {self.stderr}"
            if told["state"] == state:
                return told
            before.append(told)

    def expect_end(self) -> dict[str, Any]:
        """Wait until the driver gives up, or did so while opening; give what it said."""
        told: dict[str, Any] | None = {"state": ""}
        while told is not None and told["state"] not in ("ended", "failed"):
            told = self._told.get(timeout=PATIENCE_S)
        assert told is not None, self.stderr
        return told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(PATIENCE_S if kind is None else 1)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            if kind is None:
                raise
        finally:
            for thread in self._threads:
                thread.join()
            for pipe in (self._process.stdout, self._process.stderr):
                assert pipe is not None
                pipe.close()

    def _listen(self, output: IO[str]) -> None:
        for line in output:
            if line.startswith("{"):
                self._told.put(json.loads(line))
        self._told.put(None)

    def _gather(self, errors: IO[str]) -> None:
        self._errors.extend(errors)
