"""Webcams of Linux, described by a made-up sysfs folder; the other systems' by the names that FFmpeg gives."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.sources import webcam_discovery
from pipeline.sources.webcam import webcam_device
from pipeline.sources.webcam_discovery import WebcamFound, list_webcams
from tests.pipeline.sources.contract import check_message, error_of

Plug = Callable[..., None]


@pytest.fixture
def plug(tmp_path: Path) -> Plug:
    """Give what describes a video device as Linux does."""
    (tmp_path / "sys").mkdir()
    (tmp_path / "dev").mkdir()

    def add(node: int, name: str, index: int = 0, *, with_device: bool = True) -> None:
        described = tmp_path / "sys" / f"video{node}"
        described.mkdir()
        (described / "name").write_text(f"{name}\n", encoding="utf-8")
        (described / "index").write_text(f"{index}\n", encoding="ascii")
        if with_device:
            (tmp_path / "dev" / f"video{node}").touch()

    return add


def found(tmp_path: Path) -> list[tuple[int, str, str]]:
    webcams = list_webcams("linux", tmp_path / "sys", tmp_path / "dev")
    return [(each.number, each.name, Path(each.address).name) for each in webcams]


def test_nodes_of_descriptions_are_no_cameras_and_numbers_count_cameras(plug: Plug, tmp_path: Path) -> None:
    plug(0, "Integrated Camera: Integrated C")
    plug(1, "Integrated Camera: Integrated C", 1)
    plug(10, "HD Pro Webcam C920")
    plug(2, "Integrated IR Camera")
    plug(3, "Integrated IR Camera", 1)
    plug(11, "HD Pro Webcam C920", 1)
    assert found(tmp_path) == [
        (0, "Integrated Camera: Integrated C", "video0"),
        (1, "Integrated IR Camera", "video2"),
        (2, "HD Pro Webcam C920", "video10"),
    ]


def test_a_device_that_is_not_in_reach_is_left_out(plug: Plug, tmp_path: Path) -> None:
    plug(0, "Camera of the host", with_device=False)
    plug(4, "Loopback")
    assert found(tmp_path) == [(0, "Loopback", "video4")]


def test_without_descriptions_every_device_counts(tmp_path: Path) -> None:
    for name in ("video0", "video2", "videodisk", "null"):
        (tmp_path / name).touch()
    webcams = list_webcams("linux", tmp_path / "nowhere", tmp_path)
    assert [(each.name, Path(each.address).name) for each in webcams] == [("", "video0"), ("", "video2")]
    assert str(webcams[0]) == f"0 ({tmp_path / 'video0'})"


def test_without_any_device_there_is_none(tmp_path: Path) -> None:
    assert list_webcams("linux", tmp_path / "nowhere", tmp_path / "neither") == ()


def test_other_systems_tell_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webcam_discovery, "_told_by", lambda system: [f"{system} one", f"{system} two"])
    assert list_webcams("win32")[1] == WebcamFound(1, "dshow two", "video=dshow two")
    assert list_webcams("darwin")[1] == WebcamFound(1, "avfoundation two", "1:none")


FRONT, BACK = WebcamFound(0, "Front", "/dev/video0"), WebcamFound(1, "Back", "/dev/video2")


@pytest.mark.parametrize(
    ("number", "name", "address"),
    [(0, "", "/dev/video0"), (1, "", "/dev/video2"), (1, "Back", "/dev/video2"), (0, "Back", "/dev/video2")],
)
def test_a_webcam_is_opened_by_its_number_or_wherever_the_one_of_that_name_is(
    number: int, name: str, address: str
) -> None:
    device = webcam_device(number, name, "linux", (FRONT, BACK))
    assert (device.address, device.format) == (address, "v4l2")
    assert device.name == ("Front" if address == FRONT.address else "Back")


def test_two_of_one_name_are_told_apart_by_their_number() -> None:
    twins = (WebcamFound(0, "Twin", "/dev/video0"), WebcamFound(1, "Twin", "/dev/video2"))
    assert webcam_device(1, "Twin", "linux", twins).address == "/dev/video2"


def test_a_webcam_that_went_away_is_not_taken_for_another() -> None:
    message = error_of(lambda: webcam_device(0, "Front", "linux", (WebcamFound(0, "Back", "/dev/video2"),)))
    check_message(message)
    assert message == "There is no webcam Front (there is 0 (Back)): plug it in, or choose another one."


def test_a_number_too_high_is_told_with_what_there_is() -> None:
    message = error_of(lambda: webcam_device(2, "", "linux", (FRONT, BACK)))
    check_message(message)
    assert "There is no webcam 2 (there is 0 (Front), 1 (Back))" in message
    assert "none is found at all" in error_of(lambda: webcam_device(0, "", "linux", ()))
