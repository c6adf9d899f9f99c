"""One contract for every source. The camera keeps it too: test_camera.py looks at it on the make-believe bus."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from pipeline.sources.base import NetworkSpec, RecordingSpec, SimulationSpec, Source, VideoSpec, WebcamSpec
from pipeline.sources.opening import open_source
from pipeline.sources.webcam import WebcamSource
from tests.pipeline.sources.contract import check_closing, check_info, check_seeking, read_until
from tests.pipeline.sources.made_films import RATE, make_film
from tests.pipeline.sources.sending import Sender
from tests.pipeline.sources.test_webcam import MADE_UP

Opening = Callable[[], AbstractContextManager[Source]]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_film(tmp_path_factory.mktemp("films") / "square.mkv", 3 * RATE)


@pytest.fixture(params=["recording", "network", "simulation", "video", "webcam"])
def opening(request: pytest.FixtureRequest, recording_file: Path, film: Path) -> Opening:
    @contextmanager
    def opened() -> Iterator[Source]:
        match request.param:
            case "recording":
                yield open_source(RecordingSpec(recording_file))
            case "simulation":
                yield open_source(SimulationSpec())
            case "video":
                yield open_source(VideoSpec(film))
            case "webcam":
                yield WebcamSource(WebcamSpec(), MADE_UP)
            case "network":
                with Sender() as sender:
                    source = open_source(NetworkSpec("127.0.0.1", sender.port))
                    sender.send_square()
                    yield source

    return opened


def test_it_says_what_it_is(opening: Opening) -> None:
    with opening() as source:
        check_info(source)
        source.close()


def test_its_batches_are_in_order_and_inside_the_sensor(opening: Opening) -> None:
    with opening() as source:
        events = read_until(source, lambda batch, count: count >= 2000)
        assert len(events) >= 2000
        source.close()


def test_time_goes_on(opening: Opening) -> None:
    with opening() as source:
        first = read_until(source, lambda batch, count: count > 0)
        goal_us = int(first["timestamp"][0]) + 1_000_000
        read_until(source, lambda batch, count: batch.until_us > goal_us)
        source.close()


def test_it_is_wound_or_says_why_not(opening: Opening) -> None:
    with opening() as source:
        check_seeking(source)
        source.close()


def test_it_can_be_closed_twice(opening: Opening) -> None:
    with opening() as source:
        check_closing(source)


def test_it_can_be_opened_again(opening: Opening) -> None:
    for _ in range(2):
        with opening() as source:
            assert len(read_until(source, lambda batch, count: count > 0))
            source.close()
