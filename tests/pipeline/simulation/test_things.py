"""What can be shown: drawings, polygons, pictures of ink."""

import numpy as np
import pytest

from pipeline.simulation.drawing import Texture, area, drawing, polygon, texture
from pipeline.simulation.shapes import SHAPES
from pipeline.simulation.things import Levels, Thing, dark_on_light, texture_of, thing

RING = np.zeros((8, 8))
RING[1:7, 2:6] = 1.0
RING[3:5, 3:5] = 0.0


def test_a_drawing_is_known_by_its_name() -> None:
    assert thing("umbrella").label == "an umbrella"
    assert thing("star", "a red star").label == "a red star"
    with pytest.raises(ValueError, match='no object "unicorn": choose from star'):
        thing("unicorn")


def test_a_thing_stays_itself() -> None:
    cup = thing("cup")
    assert thing(cup) is cup


def test_polygons_are_a_thing() -> None:
    square = drawing(area(0.9, polygon((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))))
    painted = texture_of(thing(square, "a square"), 64)
    assert painted.cover.mean() == pytest.approx(0.25)


@pytest.mark.parametrize("ink", [RING, RING > 0.5, (RING * 255).astype(np.uint8), RING.astype(np.float32)])
def test_a_picture_of_ink_keeps_its_form_and_its_holes(ink: np.ndarray) -> None:
    painted = texture_of(thing(ink, "a zero"), 160)
    cover = painted.cover
    assert cover.shape == (160, 160)
    assert cover.min() >= 0
    assert cover.max() <= 1
    assert cover[80, 80] < 0.1
    assert cover[80, 51] > 0.9
    assert cover[80, 20] == 0
    assert np.all(cover[[0, -1]] == 0)
    assert np.all(cover[:, [0, -1]] == 0)
    assert painted.light.max() == pytest.approx(0.92, abs=0.01)


def test_few_pixels_become_sharp_edges() -> None:
    cover = texture_of(thing(RING, "a zero"), 320).cover
    soft = np.mean((cover > 0.1) & (cover < 0.9))
    assert soft < 0.12


def test_a_picture_of_many_pixels_is_averaged_not_sampled() -> None:
    stripes = np.tile([0.0, 1.0], (256, 128))
    cover = texture_of(thing(stripes, "stripes"), 32).cover
    assert np.abs(cover[8:24, 8:24] - 0.5).max() < 0.1


def test_a_picture_that_is_not_square_is_not_distorted() -> None:
    cover = texture_of(thing(np.ones((4, 8)), "a brick"), 120).cover > 0.5
    assert cover.any(axis=1).sum() == pytest.approx(cover.any(axis=0).sum() / 2, abs=3)


def test_cover_and_light_are_a_thing() -> None:
    star = texture(SHAPES["star"](), 100)
    painted = texture_of(Thing("a star", star), 50)
    assert painted.cover.mean() == pytest.approx(star.cover.mean() * 0.95**2, rel=0.02)


@pytest.mark.parametrize("picture", [np.zeros((0, 4)), np.zeros(9), np.zeros((2, 2, 3))])
def test_a_picture_without_rows_and_columns_is_refused(picture: np.ndarray) -> None:
    with pytest.raises(ValueError, match="rows and columns"):
        thing(picture, "nothing")


def test_far_away_a_smaller_level_is_looked_at() -> None:
    levels = Levels(texture(SHAPES["heart"](), 200))
    sizes = [len(levels.at(scale).cover) for scale in (95, 40, 10, 1)]
    assert sizes == [200, 100, 25, 12]
    for scale in (95, 10):
        level = levels.at(scale)
        assert level.cover.mean() == pytest.approx(levels.at(95).cover.mean(), rel=0.05)
        assert isinstance(level, Texture)


def test_dark_on_light_turns_every_contrast_round() -> None:
    fish = texture(SHAPES["fish"](), 64)
    turned = dark_on_light(fish)
    inside = fish.cover == 1
    light, dark = (np.log(each.light[inside]) for each in (fish, turned))
    np.testing.assert_allclose(light - light[0], -(dark - dark[0]), atol=1e-4)


@pytest.mark.parametrize("size", [40, 171, 343, 700])
def test_a_picture_of_one_shade_stays_so_at_any_size(size: int) -> None:
    flat = np.ones((200, 300), np.float32)
    painted = texture_of(Thing("a card", Texture(flat, flat * np.float32(0.5))), size)
    inside = slice(size * 2 // 5, size * 3 // 5)
    np.testing.assert_allclose(painted.cover[inside, inside], 1, atol=1e-5)
    np.testing.assert_allclose(painted.light[inside, inside], 0.5, atol=1e-5)
