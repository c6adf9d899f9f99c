"""A thing that is there twice."""

import numpy as np
import pytest

from experiments.pretrain_mini.frames import Pyramid
from experiments.pretrain_mini.pictures import halved
from experiments.pretrain_mini.twins import plural, twins


def test_each_half_of_the_picture_holds_the_thing_once_at_half_its_size() -> None:
    rng = np.random.default_rng(3)
    large = rng.integers(0, 255, (5, 2, 128, 128), dtype=np.uint8)
    middle = halved(large)
    pyramid = Pyramid(large, middle, halved(middle), np.zeros((5, 32, 32), np.uint8))
    pairs = twins(pyramid, np.array([4, 1]), rng)
    for row, picture in enumerate((4, 1)):
        for place in (slice(0, 64), slice(64, 128)):
            half = pairs.large[row, :, :, place]
            top = int(np.flatnonzero(half[0].any(1))[0])
            np.testing.assert_array_equal(half[:, top : top + 64], middle[picture])
            assert not half[:, :top].any()
            assert not half[:, top + 64 :].any()
    np.testing.assert_array_equal(pairs.middle, halved(pairs.large))
    assert pairs.small.shape == (2, 2, 32, 32)


def test_plurals_are_what_people_say() -> None:
    pytest.importorskip("inflect", reason="it comes with the dependency group pretrain")
    assert [plural(name) for name in ("star", "box", "butterfly", "wine glass")] == [
        "stars",
        "boxes",
        "butterflies",
        "wine glasses",
    ]
