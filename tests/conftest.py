"""Fixtures for all tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cameras.observer import need_bus
from tests.cameras.usb_bus import UsbBus
from tests.pipeline.sources.made_recordings import moving_square, write_recording


@pytest.fixture(scope="session")
def recording_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording: a square moving over 128 × 96 pixels for 1.2 s, 48,000 events, the same in every run."""
    return write_recording(tmp_path_factory.mktemp("recording") / "square.aedat4", moving_square())


@pytest.fixture
def bus() -> Iterator[UsbBus]:
    """A make-believe USB bus without devices; skips where there can be none."""
    need_bus()
    with UsbBus() as bus:
        yield bus
