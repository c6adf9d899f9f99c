"""The set of examples and its history."""

import numpy as np

from pipeline.few_shot.examples import Example, ExampleHistory, Examples, thumbnail
from pipeline.few_shot.taught import FeatureSetting

SETTING = FeatureSetting("tiny", "test", "0", 8, 4)


def example(row: int) -> Example:
    return Example(0, row, np.ones((4, 8), np.float32), 0, 120_000, 500, np.zeros((3, 3), np.uint8), SETTING)


def test_each_example_gets_a_number_of_its_own() -> None:
    both = Examples().with_more([example(1), example(1)]).with_more([example(2)])
    assert [each.id for each in both.all] == [1, 2, 3]
    assert both.counts() == {1: 2, 2: 1}
    assert len(both.of(1)) == 2


def test_a_step_can_be_taken_back_and_the_set_before_is_untouched() -> None:
    first = ExampleHistory().then(Examples().with_more([example(1), example(2)]))
    second = first.then(first.now.without([1]))
    assert [each.id for each in second.now.all] == [2]
    assert second.undone().now == first.now
    assert len(first.now) == 2


def test_nothing_to_take_back_changes_nothing() -> None:
    empty = ExampleHistory()
    assert empty.undone() is empty


def test_a_thumbnail_is_small_and_shows_where_something_moved() -> None:
    frame = np.full((480, 640), 127, np.uint8)
    frame[:240, :320] = 255
    small = thumbnail(frame)
    assert small.dtype == np.uint8
    assert max(small.shape) <= 72
    assert small[2, 2] == 255
    assert small[-1, -1] == 127
