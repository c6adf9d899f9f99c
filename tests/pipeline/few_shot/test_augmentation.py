"""Examples seen a little differently."""

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.few_shot.augmentation import augmented

Frames = npt.NDArray[np.uint8]


def a_bar(height: int = 41, width: int = 61) -> Frames:
    """Give two frames with a vertical bar, white left of the middle and black right of it."""
    frames = np.full((2, height, width), 127, np.uint8)
    frames[:, 5:-5, 24:28] = 255
    frames[:, 5:-5, 33:37] = 0
    return frames


def many(count: int = 60, *, flip: bool = True) -> list[Frames]:
    random = np.random.default_rng(5)
    return [augmented(a_bar(), random, flip=flip) for _ in range(count)]


def middle(frames: Frames, value: int) -> float:
    return float(np.nonzero(frames[0] == value)[1].mean())


def test_only_the_three_values_of_event_frames_occur() -> None:
    for frames in many():
        assert frames.dtype == np.uint8
        assert frames.shape == (2, 41, 61)
        assert set(np.unique(frames)) == {0, 127, 255}


def test_all_frames_of_a_window_are_turned_alike() -> None:
    assert all(np.array_equal(frames[0], frames[1]) for frames in many())


def test_about_half_are_mirrored_and_none_where_that_is_not_wanted() -> None:
    mirrored = [middle(frames, 255) > middle(frames, 0) for frames in many(200)]
    assert 60 < sum(mirrored) < 140
    assert not any(middle(frames, 255) > middle(frames, 0) for frames in many(flip=False))


def test_turned_and_sheared_by_some_degrees_about_the_middle() -> None:
    leanings = []
    for frames in many(flip=False):
        rows, columns = np.nonzero(frames[0] == 255)
        leanings.append(np.degrees(np.arctan(np.polyfit(rows, columns, 1)[0])))
        assert middle(frames, 0) + middle(frames, 255) == pytest.approx(60, abs=3)
        assert np.count_nonzero(frames == 255) == pytest.approx(np.count_nonzero(a_bar() == 255), rel=0.15)
    assert max(np.abs(leanings)) < 16
    assert np.std(leanings) > 3


def test_the_same_random_numbers_give_the_same() -> None:
    assert all(np.array_equal(first, second) for first, second in zip(many(5), many(5), strict=True))


def test_other_arrays_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        augmented(np.zeros((2, 4, 4)), np.random.default_rng(0))
