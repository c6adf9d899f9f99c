"""Reduced motion."""

import pytest

from app import motion


@pytest.mark.parametrize("asked", ["1", "true", "YES"])
def test_the_variable_stops_all_motion(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(motion.VARIABLE, asked)
    assert motion.reduced()
    assert motion.duration(160) == 0


@pytest.mark.parametrize("asked", ["0", "false", "off"])
def test_the_variable_allows_motion(monkeypatch: pytest.MonkeyPatch, asked: str) -> None:
    monkeypatch.setenv(motion.VARIABLE, asked)
    assert motion.duration(160) == 160
