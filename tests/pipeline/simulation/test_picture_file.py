"""Pictures of one's own, made by the test, as things to show."""

import contextlib
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from pipeline.simulation.drawing import Texture
from pipeline.simulation.picture_file import PictureError, picture_names, read_thing

Picture = npt.NDArray[np.uint8]


def write(path: Path, picture: Picture) -> Path:
    """Write a picture (h, w, 4) or (h, w, 3) as FFmpeg does."""
    codec, kept = (
        ("mjpeg", "yuvj444p") if path.suffix == ".jpg" else ("png", "rgba" if picture.shape[2] == 4 else "rgb24")
    )
    frame = av.VideoFrame.from_ndarray(picture, format="rgba" if picture.shape[2] == 4 else "rgb24")
    with av.open(str(path), "w", format="image2") as container:
        stream = container.add_stream(codec, rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = frame.width, frame.height, kept
        for packet in (*stream.encode(frame), *stream.encode()):
            container.mux(packet)
    return path


def texture(path: Path) -> Texture:
    read = read_thing(path, "mug").picture
    assert isinstance(read, Texture)
    return read


def square(ground: tuple[int, ...], colour: tuple[int, ...]) -> Picture:
    """A square of 40 × 30 px on a ground of 100 × 80, its upper half black."""
    picture = np.empty((80, 100, len(ground)), np.uint8)
    picture[:] = ground
    picture[20:50, 30:70] = colour
    picture[20:35, 30:70, :3] = 0
    return picture


def test_what_is_transparent_is_left_out_and_the_rest_keeps_its_contrasts(tmp_path: Path) -> None:
    read = texture(write(tmp_path / "mug.png", square((255, 255, 255, 0), (120, 120, 120, 255))))
    assert read.cover.shape == (30, 40)
    assert read.cover.min() == 1
    assert read.light[:14].max() < 0.02
    assert read.light[16:].min() == pytest.approx(0.92, abs=0.01)


@pytest.mark.parametrize("name", ["mug.png", "mug.jpg"])
def test_a_light_ground_is_paper(tmp_path: Path, name: str) -> None:
    read = texture(write(tmp_path / name, square((250, 248, 240), (40, 90, 40))))
    assert abs(read.cover.shape[0] - 30) <= 4
    assert abs(read.cover.shape[1] - 40) <= 4
    assert read.cover[5:25, 5:35].min() > 0.95


def test_on_a_dark_ground_the_whole_picture_is_shown(tmp_path: Path) -> None:
    read = texture(write(tmp_path / "mug.png", square((30, 20, 60), (200, 200, 200))))
    assert read.cover.shape == (80, 100)
    assert read.cover.min() == 1


def test_a_black_drawing_stays_black(tmp_path: Path) -> None:
    read = texture(write(tmp_path / "mug.png", square((255, 255, 255, 0), (0, 0, 0, 255))))
    assert read.light.max() < 0.02


def test_a_large_picture_is_made_smaller(tmp_path: Path) -> None:
    large = np.repeat(np.repeat(square((255, 255, 255, 0), (9, 200, 9, 255)), 20, axis=0), 20, axis=1)
    assert max(texture(write(tmp_path / "mug.png", large)).cover.shape) < 512


def test_its_label_is_what_a_person_would_type(tmp_path: Path) -> None:
    path = write(tmp_path / "old_mug.png", square((0, 0, 0, 0), (255, 255, 255, 255)))
    assert read_thing(path, picture_names((path,))[0]).label == "an old mug"


def test_names_are_those_of_the_files_and_differ() -> None:
    paths = (Path("a/coffee-mug.png"), Path("star.png"), Path("b/star.png"), Path("b/coffee_mug.jpg"), Path("x/-.png"))
    assert picture_names(paths) == ("coffee mug", "star.png", "star.png 2", "coffee_mug.jpg", "-.png")


def test_an_svg_file_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("resvg_py")
    path = tmp_path / "dot.svg"
    path.write_text(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8"><circle cx="4" cy="4" r="3"/></svg>',
        encoding="utf-8",
    )
    read = texture(path)
    middle = len(read.cover) // 2
    assert read.cover[middle, middle] == 1
    assert read.cover[1, 1] == 0


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("letter.png", b"Dear reader, this is no picture.\n" * 20, "letter.png is no picture that can be read"),
        ("empty.png", b"", "is no picture that can be read"),
        ("broken.svg", b"<svg", "broken.svg"),
        ("cut.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 40, "is no picture that can be read"),
    ],
)
def test_what_is_no_picture_is_told_in_a_sentence(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(PictureError) as told:
        read_thing(path, "x")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_a_picture_cut_off_is_told_or_shown_but_costs_no_other_fault(tmp_path: Path) -> None:
    path = write(tmp_path / "mug.png", square((255, 255, 255, 0), (120, 30, 120, 255)))
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with contextlib.suppress(PictureError):
            assert read_thing(path, "mug").label == "a mug"


def test_a_picture_of_nothing_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    blank = write(tmp_path / "blank.png", np.full((20, 20, 3), 255, np.uint8))
    with pytest.raises(PictureError, match=r"blank.png shows nothing: choose"):
        read_thing(blank, "blank")
    with pytest.raises(PictureError, match="cannot be read"):
        read_thing(tmp_path / "nowhere.png", "nowhere")
    with pytest.raises(PictureError, match="cannot be read"):
        read_thing(tmp_path, "folder")
