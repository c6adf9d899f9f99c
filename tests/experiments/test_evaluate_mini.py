"""The figures of the model card: intervals and areas against values computed by hand."""

import numpy as np
import pytest

from experiments.evaluate_mini import Score, area_under_curve


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(8, 10, 0.49016, 0.94332), (0, 10, 0.0, 0.27754), (10, 10, 0.72246, 1.0), (480, 600, 0.76609, 0.83004)],
)
def test_the_interval_is_wilsons(right: int, n: int, low: float, high: float) -> None:
    score = Score("row", right, n, 0.9)
    assert score.interval == pytest.approx((low, high), abs=1e-4)
    figures = score.figures()
    assert (figures["share"], figures["low"], figures["high"]) == (right / n, *score.interval)
    assert (figures["name"], figures["n"], figures["bar"]) == ("row", n, 0.9)


def test_a_row_without_windows_claims_nothing() -> None:
    low, high = Score("row", 0, 0, None).interval
    assert low == pytest.approx(0)
    assert high > 0.7


def test_the_area_is_how_often_the_untyped_has_the_higher_value() -> None:
    typed, untyped = np.array([0.1, 0.4, 0.4], np.float32), np.array([0.4, 0.9], np.float32)
    # 0.4 beats 0.1 and ties twice; 0.9 beats all three: (1 + 0.5 + 0.5 + 3) of 6 pairs
    assert area_under_curve(typed, untyped) == pytest.approx(5 / 6)
    assert area_under_curve(untyped, typed) == pytest.approx(1 / 6)
    assert area_under_curve(typed, typed) == pytest.approx(0.5)
