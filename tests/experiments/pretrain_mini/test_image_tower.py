"""How the image tower is trained: the schedule that can be prolonged, and what is asked of pairs of texts."""

import numpy as np
import pytest
import torch

from experiments.pretrain_mini.frames import HALF, PARAMETERS, SCALE, THING
from experiments.pretrain_mini.hands import FILLED, OUTLINED, UNKNOWN
from experiments.pretrain_mini.image_tower import FIRST_SIDE, SIDE, Batch, Schedule, _pair_loss, _pairs


def test_pictures_grow_and_the_rate_rises_stays_and_falls_to_nothing() -> None:
    schedule = Schedule(10_000)
    assert [schedule.side(step) for step in (0, schedule.growth - 1, schedule.growth)] == [FIRST_SIDE, FIRST_SIDE, SIDE]
    rates = [schedule.rate(step) for step in (0, 399, 5_000, 6_999, 8_500, 10_000)]
    assert rates == pytest.approx([1 / 400, 1, 1, 1, 0.5, 0])
    assert schedule.notable(schedule.growth)
    assert schedule.notable(10_000)


def test_weights_at_rest_begin_at_a_part_of_the_rate_that_falls_all_the_way() -> None:
    schedule = Schedule(10_000, warm=True)
    rates = [schedule.rate(step) for step in (0, 2_000, 5_000, 10_000)]
    assert rates == pytest.approx([1 / 400, 0.48, 0.3, 0])


def test_a_longer_training_begins_like_a_shorter_one() -> None:
    short, long = Schedule(5_000), Schedule(20_000)
    steps = range(short.growth)
    assert [short.rate(step) for step in steps] == [long.rate(step) for step in steps]
    assert {long.side(step) for step in steps} == {FIRST_SIDE}


def batch(shares: list[float], twice: list[bool], look: tuple[int, ...] = ()) -> Batch:
    count = len(shares)
    parameters = np.zeros((count, len(PARAMETERS)), np.float32)
    parameters[:, SCALE], parameters[:, THING] = 2, 1
    parameters[:, HALF] = np.array(shares) * SIDE
    nothing = torch.zeros(count)
    looks = np.array(look or [UNKNOWN] * count)
    return Batch(nothing, nothing.long(), looks, parameters, np.array(twice))


def test_big_and_small_go_by_the_size_shown_outlined_and_filled_by_the_set() -> None:
    shown = batch([0.9, 0.3, 0.6, 0.9], [False] * 4, (OUTLINED, FILLED, UNKNOWN, UNKNOWN))
    pairs = _pairs(shown, SIDE)
    np.testing.assert_array_equal(pairs, [[0, 1, -1, -1], [0, 1, -1, 0], [-1, -1, -1, -1]])


def test_as_many_single_things_are_asked_for_as_there_are_twins_and_twins_are_neither_big_nor_small() -> None:
    shown = batch([0.9] * 5, [False, True, False, True, False])
    pairs = _pairs(shown, SIDE)
    np.testing.assert_array_equal(pairs[1], [0, -1, 0, -1, 0])
    np.testing.assert_array_equal(pairs[2], [0, 1, 0, 1, -1])


def test_of_nothing_but_noise_no_pair_is_asked() -> None:
    shown = batch([0.9, 0.3], [False, False], (OUTLINED, FILLED))
    shown.parameters[:, THING] = 0
    np.testing.assert_array_equal(_pairs(shown, SIDE), np.full((3, 2), -1))


def test_the_loss_of_a_pair_is_that_of_the_true_text_against_the_other() -> None:
    looks = torch.nn.functional.normalize(torch.randn(1, 6, 8, generator=torch.Generator().manual_seed(4)), dim=-1)
    features, labels, scale = looks[0, [5]], torch.tensor([0]), torch.tensor(2.0)
    cosine = float(looks[0, 5] @ looks[0, 4])
    expected = float(np.log1p(np.exp(2 * (cosine - 1))))
    asked = torch.tensor([[-1], [-1], [1]])
    assert float(_pair_loss(features, scale, labels, asked, looks)) == pytest.approx(expected, rel=1e-4)
    assert float(_pair_loss(features, scale, labels, torch.full((3, 1), -1), looks)) == 0
