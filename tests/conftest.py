"""Fixtures for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.cache_folder import VARIABLE
from tests.cameras.observer import need_bus
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.sources.made_recordings import moving_square, write_recording


@pytest.fixture(scope="session")
def recording_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording: a square moving over 128 × 96 pixels for 1.2 s, 48,000 events, the same in every run."""
    return write_recording(tmp_path_factory.mktemp("recording") / "square.aedat4", moving_square())


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which the program, and children of the test, keep what they can make again."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv(VARIABLE, str(folder))
    return folder


@pytest.fixture
def bus() -> Iterator[UsbBus]:
    """A make-believe USB bus without devices; skips where there can be none."""
    need_bus()
    with UsbBus() as bus:
        yield bus
