"""Examples chosen from a stream of windows."""

import numpy as np

from pipeline.few_shot.capturing import WindowCapture
from pipeline.few_shot.shown import ShownWindow
from pipeline.few_shot.taught import FeatureSetting

T, C, TIMESTEP_US = 4, 8, 30_000
SETTING = FeatureSetting("tiny", "test", "0", C, T)


def window(number: int, events: int = 500, *, empty: bool = False, segment: int = 0) -> ShownWindow:
    features = np.random.default_rng(number).normal(size=(T, C)).astype(np.float32)
    start = number * TIMESTEP_US
    frame = np.full((24, 32), 127, np.uint8)
    return ShownWindow(features, frame, start, start + T * TIMESTEP_US, events, segment, empty, SETTING)


def test_enough_windows_half_a_window_apart_end_the_capture() -> None:
    capture = WindowCapture(wanted=3)
    counts = []
    for number in range(5):
        assert not capture.done
        capture.add(window(number))
        counts.append(capture.count)
    assert counts == [1, 1, 2, 2, 3]
    assert capture.done


def test_the_chosen_are_spread_over_time_and_in_order() -> None:
    capture = WindowCapture(wanted=5)
    for number in range(40):
        capture.add(window(number, events=500 + number))
    starts = [chosen.start_us // TIMESTEP_US for chosen in capture.chosen()]
    assert len(starts) == 5
    assert starts == sorted(set(starts))
    assert starts[0] < 10
    assert starts[-1] >= 30


def test_the_one_window_that_moves_differently_is_among_the_chosen() -> None:
    capture = WindowCapture(wanted=4)
    for number in range(20):
        same = window(0)
        events = 5000 if number == 9 else 500
        capture.add(ShownWindow(same.features, same.frame, number * 30_000, number * 30_000 + 120_000, events, 0,
                                False, SETTING))  # fmt: skip
    assert 5000 in [chosen.events for chosen in capture.chosen()]


def test_empty_windows_are_refused_and_counted() -> None:
    capture = WindowCapture(wanted=2)
    for number in range(6):
        capture.add(window(number, events=0, empty=True))
    assert (capture.count, capture.refused, capture.chosen()) == (0, 6, ())


def test_time_that_goes_back_ends_nothing() -> None:
    """A recording that loops."""
    capture = WindowCapture(wanted=3)
    for number, segment in ((8, 0), (0, 1), (1, 1), (2, 1)):
        capture.add(window(number, segment=segment))
    assert len(capture.chosen()) == 3


def test_only_windows_within_a_marked_span_count() -> None:
    capture = WindowCapture(wanted=16, span_us=(2 * TIMESTEP_US, 8 * TIMESTEP_US))
    for number in range(5):
        capture.add(window(number))
        assert not capture.done
    capture.add(window(5))
    assert capture.done
    chosen = capture.chosen()
    assert chosen[0].start_us == 2 * TIMESTEP_US
    assert all(each.end_us <= 8 * TIMESTEP_US for each in chosen)
