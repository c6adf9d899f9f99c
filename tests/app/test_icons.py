"""Icons and logo."""

import pytest
from PyQt6.QtCore import QRectF
from PyQt6.QtGui import QColor, QImage, QPainter

from app.icons import icon, paint_icon, paint_logo, window_icon


def canvas(side: int = 40, ratio: float = 1.0) -> QImage:
    image = QImage(round(side * ratio), round(side * ratio), QImage.Format.Format_RGB32)
    image.setDevicePixelRatio(ratio)
    image.fill(QColor("black"))
    return image


def painted(image: QImage) -> list[tuple[int, int]]:
    black = QColor("black").rgb()
    return [(x, y) for x in range(image.width()) for y in range(image.height()) if image.pixel(x, y) != black]


@pytest.mark.parametrize("ratio", [1.0, 2.0])
def test_an_icon_is_drawn_in_its_colour_in_the_middle_of_the_box(ratio: float) -> None:
    image = canvas(ratio=ratio)
    painter = QPainter(image)
    paint_icon(painter, "play-fill", QRectF(0, 0, 40, 40), QColor("#FF0000"), 20)
    painter.end()
    pixels = painted(image)
    assert len(pixels) > 50 * ratio**2
    assert all(QColor(image.pixel(x, y)).green() == 0 for x, y in pixels)
    xs, ys = [x for x, _ in pixels], [y for _, y in pixels]
    assert abs((min(ys) + max(ys)) / 2 - 20 * ratio) <= 2 * ratio
    assert min(xs) >= 9 * ratio
    assert max(xs) <= 31 * ratio


def test_an_icon_is_made_once() -> None:
    assert icon("gear-six", QColor("#123456")) is icon("gear-six", QColor("#123456"))


def test_a_name_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(Exception, match="no-such-thing"):
        icon("no-such-thing", QColor("red"))


def test_the_logo_shows_dots_on_a_rounded_tile() -> None:
    image = canvas()
    painter = QPainter(image)
    paint_logo(painter, QRectF(0, 0, 40, 40), QColor("white"), QColor("blue"))
    painter.end()
    assert QColor(image.pixel(20, 20)) == QColor("blue")
    assert QColor(image.pixel(3, 20)) == QColor("white")
    assert QColor(image.pixel(0, 0)) == QColor("black")


def test_the_program_has_an_icon_in_all_usual_sizes() -> None:
    assert {size.width() for size in window_icon().availableSizes()} >= {16, 32, 256}
