"""Fixtures for all tests."""

from pathlib import Path

import pytest

from tests.pipeline.sources.made_recordings import moving_square, write_recording


@pytest.fixture(scope="session")
def recording_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small recording: a square moving over 128 × 96 pixels for 1.2 s, 48,000 events, the same in every run."""
    return write_recording(tmp_path_factory.mktemp("recording") / "square.aedat4", moving_square())
