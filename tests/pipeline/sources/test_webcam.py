"""An ordinary camera as a live source: through FFmpeg's own made-up camera, and a file in a camera's place."""

import time
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest

from pipeline.sources.base import SourceLost, WebcamSpec
from pipeline.sources.webcam import Device, WebcamSource, webcam_device
from pipeline.sources.webcam_discovery import WebcamFound
from tests.pipeline.sources.contract import check_closing, check_message, check_seeking, error_of, read_until
from tests.pipeline.sources.made_films import make_film, make_sound

MADE_UP = Device("testsrc=size=800x600:rate=25,realtime", "lavfi")
"""A clock that runs on a test card, at the pace of a camera."""


def refusal(number: int, device: Device | None = None) -> str:
    message = error_of(lambda: WebcamSource(WebcamSpec(number), device))
    check_message(message)
    return message


def test_it_gives_events_as_time_goes_by() -> None:
    source = WebcamSource(WebcamSpec(1), MADE_UP)
    assert source.info.kind == "webcam"
    assert source.info.name == "Webcam 1"
    assert source.info.resolution == (640, 480)
    began = time.monotonic()
    events = read_until(source, lambda batch, count: batch.until_us > 500_000)
    assert (time.monotonic() - began) > 0.45
    assert len(events) > 1_000
    assert len(np.unique(events["timestamp"])) > 0.2 * len(events)
    source.close()


def test_without_a_picture_it_answers_empty_after_a_moment() -> None:
    source = WebcamSource(WebcamSpec(), Device("testsrc=size=64x48:rate=1/3,realtime", "lavfi"))
    began = time.monotonic()
    assert len(source.read().events) == 0
    assert time.monotonic() - began < 2.0
    source.close()


def test_it_is_live_and_closed_twice() -> None:
    source = WebcamSource(WebcamSpec(), MADE_UP)
    check_seeking(source)
    check_closing(source)


def test_a_camera_that_ends_is_lost_and_may_come_back(tmp_path: Path) -> None:
    stand_in = Device(str(make_film(tmp_path / "camera.mkv", 10)), None)
    source = WebcamSource(WebcamSpec(2), stand_in)
    with pytest.raises(SourceLost, match=r"Webcam 2 .* gives no more pictures: plug it in again"):
        list(iter(source.read, None))
    source.close()
    WebcamSource(WebcamSpec(2), stand_in).close()


def test_options_that_a_camera_refuses_are_left_out() -> None:
    device = Device(MADE_UP.address, MADE_UP.format, {"graph": "no such graph"})
    WebcamSource(WebcamSpec(), device).close()


def test_a_number_without_a_webcam_is_told() -> None:
    assert refusal(99).startswith("There is no webcam 99 (")
    assert "There is no webcam 4" in refusal(4, Device("/no/such/device", None))


def test_what_gives_no_pictures_is_told(tmp_path: Path) -> None:
    assert "gives no pictures" in refusal(0, Device(str(make_sound(tmp_path / "microphone.mp4")), None))
    (tmp_path / "broken").write_bytes(b"\0" * 5000)
    assert "cannot be opened" in refusal(0, Device(str(tmp_path / "broken"), None))


def test_a_device_that_may_not_be_opened_is_told(tmp_path: Path) -> None:
    path = make_film(tmp_path / "camera.mkv", 5)
    path.chmod(0)
    try:
        path.read_bytes()
    except PermissionError:
        assert "may not be opened: allow cameras" in refusal(0, Device(str(path), None))
    else:
        pytest.skip("this user may read everything")
    finally:
        path.chmod(0o600)


def test_each_system_has_its_own_way_to_a_camera() -> None:
    assert webcam_device(1, platform="darwin", found=()) == Device("1:none", "avfoundation", ANY)
    webcam = WebcamFound(0, "Front", "video=Front")
    assert webcam_device(0, platform="win32", found=(webcam,)) == Device("video=Front", "dshow", ANY, "Front")
    assert "no webcam 5" in error_of(lambda: webcam_device(5, platform="win32", found=(webcam,)))


def test_a_camera_goes_by_its_own_name() -> None:
    source = WebcamSource(WebcamSpec(), Device(MADE_UP.address, MADE_UP.format, name="Test card"))
    assert (source.info.name, source.info.camera) == ("Test card", "Test card")
    source.close()
