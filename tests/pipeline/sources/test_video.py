"""A film as a recording of events."""

from pathlib import Path

import numpy as np
import pytest

from pipeline.bundled import TOUR
from pipeline.events import EventArray, Resolution
from pipeline.sources.base import EventBatch, SourceError, VideoSpec
from pipeline.sources.video import SEGMENT_US, VideoSource
from tests.pipeline.sources.contract import check_message, error_of, read_all
from tests.pipeline.sources.made_films import HEIGHT, RATE, WIDTH, Frame, make_film, make_sound


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six seconds: several segments."""
    return make_film(tmp_path_factory.mktemp("films") / "square.mkv", 6 * RATE)


def events_of(path: Path) -> EventArray:
    source = VideoSource(VideoSpec(path))
    events = read_all(source)
    source.close()
    return events


def refusal(path: Path) -> str:
    message = error_of(lambda: VideoSource(VideoSpec(path)))
    check_message(message)
    return message


def test_it_is_a_recording_that_begins_at_zero(film: Path) -> None:
    info = VideoSource(VideoSpec(film)).info
    assert info.kind == "video"
    assert info.name == "square.mkv"
    assert info.seekable
    assert info.resolution == (WIDTH, HEIGHT)
    assert info.start_us == 0
    assert info.end_us == pytest.approx(6_000_000, abs=50_000)


def test_events_are_where_the_square_moves(tmp_path: Path) -> None:
    events = events_of(make_film(tmp_path / "short.mp4", 20))
    rows = events["y"]
    assert len(events) > 5_000
    assert np.mean((rows >= HEIGHT // 3 - 2) & (rows < 2 * HEIGHT // 3 + 2)) > 0.97
    front = events["x"] > np.median(events["x"])
    assert events["polarity"][front].mean() > 0.9
    assert events["polarity"][~front].mean() < 0.1


def test_times_are_spread_between_the_pictures(film: Path) -> None:
    times = events_of(film)["timestamp"]
    assert np.all(np.diff(times) >= 0)
    within = times % round(1e6 / RATE)
    assert np.histogram(within, bins=10, range=(0, 1e6 / RATE))[0].min() > 0.02 * len(times)
    assert len(np.unique(times)) > 0.2 * len(times)


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mpeg4"), ("a.avi", "mjpeg"), ("a.mov", "mpeg4")])
def test_the_usual_kinds_of_films_are_read(tmp_path: Path, name: str, codec: str) -> None:
    assert len(events_of(make_film(tmp_path / name, 15, codec=codec))) > 2_000


def test_every_reading_gives_the_same_events(film: Path) -> None:
    np.testing.assert_array_equal(events_of(film), events_of(film))


@pytest.mark.parametrize(
    "time_us", [0, 1, 40_000, SEGMENT_US - 1, SEGMENT_US, SEGMENT_US + 15_000, 3_999_999, 5_000_000, 9_000_000, -3]
)
def test_from_anywhere_it_gives_the_same_events_as_from_the_beginning(film: Path, time_us: int) -> None:
    whole = events_of(film)
    source = VideoSource(VideoSpec(film))
    source.seek(time_us)
    np.testing.assert_array_equal(read_all(source), whole[whole["timestamp"] >= time_us])


def test_a_large_film_is_scaled_down_and_keeps_its_shape(tmp_path: Path) -> None:
    path = make_film(tmp_path / "large.mp4", 5, size=(1280, 540))
    assert VideoSource(VideoSpec(path)).info.resolution == (640, 270)
    assert VideoSource(VideoSpec(path, Resolution(300, 90))).info.resolution == (213, 90)


def test_a_still_film_gives_next_to_nothing(tmp_path: Path) -> None:
    def still(number: int, width: int, height: int) -> Frame:
        return np.tile(np.linspace(0, 255, width, dtype=np.uint8)[None, :, None], (height, 1, 3))

    assert len(events_of(make_film(tmp_path / "still.mp4", 60, picture=still))) < 0.03 * WIDTH * HEIGHT


def test_its_name_may_hold_anything(tmp_path: Path) -> None:
    assert len(events_of(make_film(tmp_path / "http: 50 % für & #1.mkv", 10))) > 1_000


def test_what_is_no_film_is_told(tmp_path: Path) -> None:
    for name, content in (("noise.mp4", np.random.default_rng(1).bytes(9000)), ("words.mp4", b"no film\n" * 300)):
        (tmp_path / name).write_bytes(content)
        assert refusal(tmp_path / name).startswith(f"{name} is not a film that can be read")
    (tmp_path / "words.txt").write_text("no film\n" * 300, encoding="utf-8")
    assert refusal(tmp_path / "words.txt").startswith("words.txt ")
    (tmp_path / "nothing.mp4").touch()
    assert "empty" in refusal(tmp_path / "nothing.mp4")
    assert "folder" in refusal(tmp_path)
    assert "There is no file" in refusal(tmp_path / "missing.mp4")
    assert "recording of events" in refusal(TOUR)


def test_sound_alone_and_a_single_picture_are_told(tmp_path: Path) -> None:
    assert "sound but no pictures" in refusal(make_sound(tmp_path / "song.mp4"))
    assert "a single picture" in refusal(make_film(tmp_path / "photo.mkv", 1))


def test_a_film_that_was_cut_off_plays_up_to_there_and_says_so(film: Path, tmp_path: Path) -> None:
    content = film.read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) // 2])
    source = VideoSource(VideoSpec(tmp_path / "cut.mkv"))
    played: list[EventBatch] = []
    with pytest.raises(SourceError, match=r"cut\.mkv was cut off: it ends after \d\.\d of 6\.0 s"):
        played.extend(iter(source.read, None))
    assert sum(len(batch.events) for batch in played) > 10_000
    assert 1_500_000 < played[-1].until_us < 4_500_000
    assert source.read() is None
    source.seek(5_900_000)
    assert source.read() is None


def test_a_damaged_film_plays_what_can_be_read(film: Path, tmp_path: Path) -> None:
    original = film.read_bytes()
    random = np.random.default_rng(5)
    for number in range(6):
        content = bytearray(original)
        for place in random.integers(1500, len(content), 40 * (number + 1)).tolist():
            content[place] ^= 1 << int(random.integers(8))
        path = tmp_path / f"damaged{number}.mkv"
        path.write_bytes(content)
        try:
            source = VideoSource(VideoSpec(path))
            count = len(read_all(source))
            assert count > 0
        except SourceError as error:
            check_message(str(error))


def test_closed_it_is_not_read_on(film: Path) -> None:
    source = VideoSource(VideoSpec(film))
    source.close()
    with pytest.raises(SourceError, match="closed"):
        source.seek(0)
