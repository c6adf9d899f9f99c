"""The list of cameras: event cameras in one part, webcams in another."""

import pytest

from pipeline import listing_tables
from pipeline.sources.webcam_discovery import WebcamFound


def test_webcams_have_a_part_of_their_own(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(listing_tables, "ask_for_cameras", lambda closely: [])
    monkeypatch.setattr(listing_tables, "find_webcams", lambda: (WebcamFound(0, "Front [bold]", "/dev/video0"),))
    assert listing_tables.print_cameras() == 1
    said = capsys.readouterr()
    assert "No event camera was found" in said.err
    heading, *rows = [line.split() for line in said.out.splitlines() if line.strip()]
    assert heading[:2] == ["Ordinary", "cameras,"]
    assert rows[0] == ["Webcam", "Name", "Device"]
    assert rows[-1] == ["0", "Front", "[bold]", "/dev/video0"]


def test_without_webcams_nothing_is_said_of_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(listing_tables, "ask_for_cameras", lambda closely: [])
    monkeypatch.setattr(listing_tables, "find_webcams", tuple)
    assert listing_tables.print_cameras() == 1
    assert capsys.readouterr().out == ""
