"""Which samples are examples, and which are judged."""

from itertools import pairwise

import numpy as np
import pytest

from experiments.evaluation.choice import choose_examples, fewest_examples, judged_samples, searched_samples
from tests.experiments.evaluation.made_parts import made_dataset


def test_so_many_of_each_class() -> None:
    dataset = made_dataset([3, 3, 3], [20, 30, 25])
    choice = choose_examples(dataset, 4, seed=0)
    assert choice.train.name == "train"
    assert choice.train.labels[choice.examples].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert choice.judged.tolist() == list(range(9))


def test_fewer_shots_are_among_more() -> None:
    dataset = made_dataset([3, 3], [20, 20])
    choices = [set(choose_examples(dataset, shots, seed=3).examples.tolist()) for shots in (1, 2, 4, 8)]
    assert all(few < many for few, many in pairwise(choices))


def test_a_seed_always_chooses_the_same_and_another_something_else() -> None:
    dataset = made_dataset([3, 3], [200, 200])
    first, again, other = (choose_examples(dataset, 8, seed).examples for seed in (0, 0, 1))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    # The same on every machine, and in every version: a stored figure can be repeated.
    assert choose_examples(dataset, 3, 0).examples.tolist() == [105, 6, 168, 333, 238, 349]


def test_with_one_part_the_examples_are_not_judged() -> None:
    dataset = made_dataset([5, 7])
    choice = choose_examples(dataset, 2, seed=0)
    assert choice.train is choice.test
    assert sorted([*choice.examples.tolist(), *choice.judged.tolist()]) == list(range(12))


def test_at_most_so_many_are_judged() -> None:
    dataset = made_dataset([30, 4, 30])
    judged = judged_samples(dataset, 10)
    assert np.bincount(dataset.test.labels[judged]).tolist() == [10, 4, 10]
    assert np.all(np.diff(judged) > 0)
    assert judged_samples(dataset).tolist() == list(range(64))
    choice = choose_examples(dataset, 2, 0, per_class=10)
    assert set(choice.judged.tolist()) <= set(judged.tolist())


@pytest.mark.parametrize(("counts", "train", "expected"), [([5, 7], None, 4), ([5, 7], [3, 9], 3), ([5, 0], None, -1)])
def test_how_many_shots_there_can_be(counts: list[int], train: list[int] | None, expected: int) -> None:
    assert fewest_examples(made_dataset(counts, train)) == expected


def test_the_post_search_looks_at_training_samples() -> None:
    dataset = made_dataset([1, 1], [100, 10])
    assert np.bincount(dataset.train.labels[searched_samples(dataset)]).tolist() == [64, 10]  # type: ignore[union-attr]
