"""Drawings and their anti-aliased pictures."""

import numpy as np
import pytest

from pipeline.simulation.drawing import area, drawing, ellipse, polygon, rounded, stroke, texture
from pipeline.simulation.shapes import SHAPES, label

SQUARE = polygon((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))


def test_a_drawing_covers_its_area() -> None:
    assert texture(drawing(area(1.0, SQUARE)), 64).cover.sum() / 64**2 == pytest.approx(1 / 4)
    assert texture(drawing(area(1.0, ellipse(0, 0, 0.8))), 64).cover.mean() == pytest.approx(
        np.pi * 0.8**2 / 4, rel=0.01
    )


def test_an_outline_inside_another_is_a_hole() -> None:
    ring = texture(drawing(area(1.0, SQUARE, ellipse(0, 0, 0.3))), 64)
    assert ring.cover[32, 32] == 0
    assert ring.cover.mean() == pytest.approx((1 - np.pi * 0.3**2) / 4, rel=0.02)


def test_edges_are_covered_in_part() -> None:
    cover = texture(drawing(area(1.0, polygon((-1, -1), (1, -1), (-1, 1)))), 32).cover
    along_the_edge = np.fliplr(cover).diagonal()
    assert np.all((along_the_edge > 0.3) & (along_the_edge < 0.7))


def test_what_is_painted_later_lies_on_top() -> None:
    painted = texture(drawing(area(0.9, SQUARE), area(0.2, ellipse(0, 0, 0.2))), 64)
    assert painted.light[32, 32] == pytest.approx(0.2)
    assert painted.light[32, 20] == pytest.approx(0.9)
    assert painted.cover[32, 32] == 1


def test_a_stroke_is_as_wide_as_its_pen() -> None:
    line = texture(stroke(1.0, polygon((-0.5, 0.0), (0.5, 0.0)), 0.25), 64).cover
    assert line[:, 32].sum() / 64 * 2 == pytest.approx(0.25)


def test_a_drawing_may_reach_over_the_edge() -> None:
    assert np.all(texture(drawing(area(1.0, SQUARE * 10)), 8).cover == 1)


def test_rounded_corners_take_a_little_away() -> None:
    plain = texture(drawing(area(1.0, SQUARE)), 64).cover
    soft = texture(drawing(area(1.0, rounded(SQUARE, 0.2))), 64).cover
    assert np.all(soft <= plain)
    assert 0.9 < soft.sum() / plain.sum() < 1


@pytest.mark.parametrize("name", SHAPES)
def test_every_shape_is_drawn_within_its_square(name: str) -> None:
    parts = SHAPES[name]()
    points = np.concatenate([outline for part in parts for outline in part.outlines])
    assert np.all(np.abs(points) <= 1)
    assert all(0 < part.shade <= 1 for part in parts)
    assert 0.1 < texture(parts, 64).cover.mean() < 0.8


def test_labels_have_their_article() -> None:
    assert [label(name) for name in ("star", "umbrella", "arrow")] == ["a star", "an umbrella", "an arrow"]
