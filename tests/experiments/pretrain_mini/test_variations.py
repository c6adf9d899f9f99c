"""Pictures as other hands might draw them: what changes, and what must not."""

import numpy as np
import pytest

from experiments.pretrain_mini.drawings import SIDE
from experiments.pretrain_mini.frames import Bytes, Pyramid
from experiments.pretrain_mini.hands import FILLED, OUTLINED, UNKNOWN
from experiments.pretrain_mini.pictures import halved
from experiments.pretrain_mini.variations import (
    LINE,
    SIGNED_STEPS,
    STROKE,
    Variation,
    draw_variation,
    make_fields,
    signed_distance,
    varied,
    varied_look,
)

FIELDS = make_fields(0)


def disc(radius: float, *, split: bool = False) -> Bytes:
    rows, columns = np.mgrid[:SIDE, :SIDE] + 0.5 - SIDE / 2
    coverage = (radius - np.hypot(rows, columns) + 0.5).clip(0, 1) * 255
    light = np.where(columns < 0, 60, 220 if split else 60)
    return np.stack([coverage, np.where(coverage > 0, light, 0)]).round().astype(np.uint8)


def pyramid(planes: Bytes) -> Pyramid:
    middle = halved(planes[None])
    return Pyramid(planes[None], middle, halved(middle), np.full((1, 32, 32), 100, np.uint8))


def variation(**numbers: float) -> Variation:
    row = np.zeros((1, 5), np.float32)
    if "stroke" in numbers:
        row[0, STROKE] = numbers["stroke"]
    if "line" in numbers:
        row[0, LINE] = numbers["line"]
    return Variation(row, np.zeros(1, np.int64), np.arange(256, dtype=np.uint8)[None])


def vary(planes: Bytes, changed: Variation) -> Pyramid:
    return varied(pyramid(planes), signed_distance(planes)[None], np.array([0]), changed, FIELDS)


def area(planes: Bytes) -> float:
    return float(planes[0].astype(float).sum() / 255)


def test_distances_are_positive_within_negative_without_and_nearest_to_the_contour() -> None:
    signed = signed_distance(disc(30)).astype(float) / SIGNED_STEPS
    middle = SIDE // 2
    assert signed[middle, middle] == pytest.approx(29.5, abs=1)
    assert signed[middle, middle + 40] == pytest.approx(-10.5, abs=1)
    assert abs(signed[middle, middle + 30]) <= 1


def test_where_the_light_leaps_there_is_a_line_within() -> None:
    signed = signed_distance(disc(30, split=True)).astype(float) / SIGNED_STEPS
    assert 0 <= signed[SIDE // 2, SIDE // 2] <= 1.5
    assert signed[SIDE // 2, SIDE // 2 + 12] == pytest.approx(12, abs=2)


def test_without_a_change_the_picture_stays() -> None:
    planes = disc(30, split=True)
    same = vary(planes, variation())
    np.testing.assert_allclose(same.large[0].astype(int), planes.astype(int), atol=1)
    np.testing.assert_allclose(same.middle[0, 0].astype(int), halved(planes[None])[0, 0].astype(int), atol=2)


@pytest.mark.parametrize("stroke", [3.0, -3.0])
def test_strokes_grow_and_shrink_on_both_sides(stroke: float) -> None:
    found = vary(disc(30), variation(stroke=stroke))
    room = 1 + max(stroke, 0) / 64 * 0.6
    assert area(found.large[0]) == pytest.approx(np.pi * ((30 + stroke) / room) ** 2, rel=0.05)


def test_a_line_drawing_keeps_contour_and_inner_lines_only() -> None:
    found = vary(disc(30, split=True), variation(line=2.0))
    coverage, middle = found.large[0, 0], SIDE // 2
    assert coverage[middle, middle] > 200
    assert coverage[middle, middle + 15] == 0
    assert coverage[middle, middle + 5 : middle + 50].max() > 200


def test_no_edge_is_farther_than_the_coarse_distances_say() -> None:
    rng = np.random.default_rng(4)
    planes = disc(30, split=True)
    signed = signed_distance(planes)
    base = pyramid(planes)
    coarse = np.abs(signed.astype(float) / SIGNED_STEPS).reshape(32, 4, 32, 4).min((1, 3)).astype(np.uint8)
    base = base._replace(distance=coarse[None])
    for _ in range(20):
        changed = draw_variation(rng, signed[None], np.array([True]))
        found = varied(base, signed[None], np.array([0]), changed, FIELDS)
        edges = np.zeros((SIDE, SIDE), bool)
        steps = np.abs(np.diff(found.large[0, 0].astype(int), axis=1)) > 128
        edges[:, 1:] = steps
        blocks = edges.reshape(32, 4, 32, 4).any((1, 3))
        assert found.distance[0][blocks].max(initial=0) <= 4


def test_the_lines_of_a_filled_drawing_are_an_outlined_one() -> None:
    rows = [variation(line=2.0), variation(line=0.0), variation(line=2.0)]
    numbers = np.concatenate([row.numbers for row in rows])
    changed = Variation(numbers, np.zeros(3, np.int64), np.zeros((3, 256), np.uint8))
    looks = varied_look(changed, np.array([FILLED, FILLED, UNKNOWN]))
    np.testing.assert_array_equal(looks, [OUTLINED, FILLED, UNKNOWN])


def test_variations_are_the_same_for_the_same_seed() -> None:
    signed = np.stack([signed_distance(disc(radius)) for radius in (10, 20, 30)])
    tinted = np.array([True, False, True])
    first, second = (draw_variation(np.random.default_rng(9), signed, tinted) for _ in range(2))
    for one, other in zip(vars(first).values(), vars(second).values(), strict=True):
        np.testing.assert_array_equal(one, other)
