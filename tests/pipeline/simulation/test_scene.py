"""The scene: what is where, and what it looks like."""

from dataclasses import replace

import numpy as np
import pytest

from pipeline.events import Resolution
from pipeline.simulation.scene import Region
from pipeline.simulation.shapes import SHAPES, label
from pipeline.simulation.waving import WavingScene, WavingStyle

RESOLUTION = Resolution(96, 64)
STYLE = WavingStyle(period_us=1_000_000, enter_us=200_000, leave_us=100_000)


def scene(*names: str, seed: int = 0) -> WavingScene:
    return WavingScene(RESOLUTION, names, seed, STYLE)


def picture() -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    return np.zeros((RESOLUTION.height, RESOLUTION.width), np.float32)


def test_things_are_shown_in_turn_and_again() -> None:
    shown = scene("star", "cup")
    assert [shown.truth(k * 1_000_000 + 500_000) for k in range(4)] == ["a star", "a cup", "a star", "a cup"]


def test_a_thing_counts_as_shown_while_it_is_at_least_half_way_near() -> None:
    shown = scene("umbrella")
    assert [shown.truth(time_us) for time_us in (0, 99_999, 100_000, 949_999, 950_000)] == [
        "", "", "an umbrella", "an umbrella", "",
    ]  # fmt: skip


def test_without_names_everything_is_shown() -> None:
    assert [thing.label for thing in scene().things] == [label(name) for name in SHAPES]


def test_a_name_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(ValueError, match='no object "unicorn": choose from star, heart'):
        scene("star", "unicorn")


def test_a_picture_drawn_after_another_is_the_same_as_one_drawn_at_once() -> None:
    shown, out = scene("fish", "house"), picture()
    for time_us in (500_000, 503_000, 900_000, 999_000, 1_001_000, 1_700_000, 20_000):
        before = out.copy()
        region = shown.render(time_us, out)
        at_once = picture()
        scene("fish", "house").render(time_us, at_once)
        np.testing.assert_array_equal(out, at_once)
        outside = np.ones(out.shape, bool)
        outside[region.top : region.bottom, region.left : region.right] = False
        np.testing.assert_array_equal(out[outside], before[outside])


def test_around_the_thing_there_is_the_even_ground() -> None:
    out = picture()
    scene("star").render(500_000, out)
    ground = np.isclose(out, np.log(STYLE.background), atol=1e-3)
    assert np.all(ground[0])
    assert np.all(ground[:, 0])
    assert 0.05 < np.mean(~ground) < 0.6
    assert out.max() == pytest.approx(np.log(0.92), abs=1e-2)


def test_the_seed_decides_how_things_are_waved() -> None:
    pictures = []
    for seed in (1, 1, 2):
        out = picture()
        scene("star", seed=seed).render(500_000, out)
        pictures.append(out)
    np.testing.assert_array_equal(pictures[0], pictures[1])
    assert not np.array_equal(pictures[0], pictures[2])


def test_the_faster_a_thing_moves_the_shorter_are_the_steps() -> None:
    steps = {}
    for pace in (0.3, 3.0):
        shown = WavingScene(Resolution(640, 480), ("cup",), style=replace(STYLE, pace=pace))
        steps[pace] = [shown.step_us(time_us) for time_us in range(300_000, 800_000, 10_000)]
        assert all(2_000 <= step <= 8_000 for step in steps[pace])
    assert np.mean(steps[3.0]) < 0.6 * np.mean(steps[0.3])


def test_regions_join() -> None:
    assert Region(1, 2, 3, 4).joined(Region(0, 3, 2, 9)) == Region(0, 2, 3, 9)
    assert Region(1, 2, 3, 4).joined(Region(5, 5, 5, 9)) == Region(1, 2, 3, 4)
    assert Region(5, 5, 5, 9).joined(Region(1, 2, 3, 4)) == Region(1, 2, 3, 4)
