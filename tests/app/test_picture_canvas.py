"""Where the picture stands and how it is drawn."""

from itertools import pairwise

import numpy as np
import pytest
from PyQt6.QtCore import QPointF, QRectF, QSizeF
from PyQt6.QtGui import QColor, QImage, QPainter

from app.panels.picture_canvas import STEPS, CrispPicture, Placement


@pytest.fixture
def place() -> Placement:
    made = Placement()
    made.set_sizes(QSizeF(1000, 600), QSizeF(320, 240))
    return made


def test_at_first_the_picture_fits_and_stands_in_the_middle(place: Placement) -> None:
    assert place.scale == 2.5
    assert place.box == QRectF(100, 0, 800, 600)


def test_zooming_keeps_what_is_under_the_pointer(place: Placement) -> None:
    pointer = QPointF(400, 300)
    before = (pointer - place.box.topLeft()) / place.scale
    place.zoom_to(6.0, pointer)
    after = (pointer - place.box.topLeft()) / place.scale
    assert (after - before).manhattanLength() < 0.5


def test_an_enlarged_picture_always_covers_the_view(place: Placement) -> None:
    place.zoom_to(8.0)
    place.pan(QPointF(10_000, 10_000))
    assert place.box.topLeft() == QPointF(0, 0)
    place.pan(QPointF(-20_000, -20_000))
    assert place.box.bottomRight() == QPointF(1000, 600)


def test_a_fitted_picture_does_not_move(place: Placement) -> None:
    assert not place.can_pan()
    assert not place.pan(QPointF(50, 50))


def test_steps_go_to_the_next_round_enlargement(place: Placement) -> None:
    place.step(1)
    assert place.scale == 3.0
    place.step(-1)
    place.step(-1)
    assert place.scale == 1.5


def test_steps_end_at_the_largest_enlargement(place: Placement) -> None:
    for _ in range(len(STEPS) + 3):
        place.step(1)
    assert place.scale == STEPS[-1]


def test_another_picture_size_fits_anew(place: Placement) -> None:
    place.zoom_to(8.0)
    place.set_sizes(QSizeF(1000, 600), QSizeF(640, 480))
    assert place.fitted


def test_a_larger_view_keeps_the_enlargement(place: Placement) -> None:
    place.zoom_to(8.0)
    place.set_sizes(QSizeF(1200, 700), QSizeF(320, 240))
    assert place.scale == 8.0


def test_crop_is_the_centre_square_of_the_picture(place: Placement) -> None:
    assert place.model_square("crop") == QRectF(200, 0, 600, 600)


def test_fit_is_the_square_around_the_picture(place: Placement) -> None:
    assert place.model_square("fit") == QRectF(100, -100, 800, 800)


def test_stretch_is_the_whole_picture(place: Placement) -> None:
    assert place.model_square("stretch") == place.box


def drawn(pixels: np.ndarray, box: QRectF, size: tuple[int, int]) -> np.ndarray:
    """What `CrispPicture` makes of grey levels; returns the grey levels on screen."""
    grey = np.ascontiguousarray(np.repeat(pixels[..., None], 4, axis=2).astype(np.uint8))
    image = QImage(grey.tobytes(), grey.shape[1], grey.shape[0], QImage.Format.Format_RGB32)
    target = QImage(*size, QImage.Format.Format_RGB32)
    target.fill(QColor("black"))
    painter = QPainter(target)
    CrispPicture().draw(painter, image, box, QRectF(0, 0, *size), 1.0)
    painter.end()
    bits = target.constBits()
    assert bits is not None
    return np.frombuffer(bits.asstring(size[0] * size[1] * 4), np.uint8).reshape(size[1], size[0], 4)[..., 0]


def test_a_whole_factor_repeats_every_pixel_exactly() -> None:
    pixels = np.random.default_rng(3).integers(0, 255, (12, 16))
    assert np.array_equal(drawn(pixels, QRectF(0, 0, 64, 48), (64, 48)), np.kron(pixels, np.ones((4, 4))))


def test_pixels_are_even_and_crisp_at_a_broken_factor() -> None:
    pixels = np.zeros((20, 20), int)
    pixels[::2, :] = 255
    lines = drawn(pixels, QRectF(0, 0, 54, 54), (54, 54))[:, 27].astype(int)  # 2.7 px a pixel
    full = (lines > 230).sum() + (lines < 25).sum()
    assert full >= 54 * 0.5  # plain interpolation leaves hardly any full level
    starts = [y for y in range(1, 54) if lines[y] > 127 >= lines[y - 1]]
    assert {b - a for a, b in pairwise(starts)} <= {5, 6}


def test_only_what_is_in_sight_is_drawn_and_at_its_place() -> None:
    pixels = np.arange(100).reshape(10, 10)
    shown = drawn(pixels, QRectF(-40, -40, 100, 100), (20, 20))
    assert np.array_equal(shown, np.kron(pixels[4:6, 4:6], np.ones((10, 10))))


def test_a_reduced_picture_averages() -> None:
    pixels = np.indices((40, 40)).sum(0) % 2 * 255
    assert np.abs(drawn(pixels, QRectF(0, 0, 10, 10), (10, 10)).astype(int) - 127).max() < 20
