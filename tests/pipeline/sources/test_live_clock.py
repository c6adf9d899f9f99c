"""Time in front of a still scene."""

from pipeline.sources.live_clock import MAX_SLACK_US, LiveClock

SLACK_US = 50_000


class Clock:
    def __init__(self) -> None:
        self.now_us = 7_000_000

    def __call__(self) -> int:
        return self.now_us * 1000


def test_time_is_unknown_before_the_first_event() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, clock_ns=clock)
    clock.now_us += 1_000_000
    assert live.silent() == 0


def test_a_source_with_a_known_clock_has_time_before_its_first_event() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, start_us=100_000_000, clock_ns=clock)
    clock.now_us += 1_000_000
    assert live.silent() == 101_000_000 - SLACK_US


def test_events_bring_time_up_to_the_last_of_them() -> None:
    live = LiveClock(SLACK_US, clock_ns=Clock())
    assert live.saw(500, 900) == 901


def test_silence_moves_time_on_with_the_clock_less_the_slack_and_never_back() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, clock_ns=clock)
    live.saw(500, 999)
    told = []
    for _ in range(10):
        clock.now_us += 10_000
        told.append(live.silent())
    assert told == [1000] * 5 + [11_000, 21_000, 31_000, 41_000, 51_000]


def test_events_later_than_the_slack_make_it_more_patient() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, clock_ns=clock)
    live.saw(0, 0)
    clock.now_us += 200_000
    assert live.silent() == 150_001
    assert live.saw(120_000, 130_000) == 130_001, "what came is where time is, whatever was told"
    clock.now_us += 80_000
    assert live.silent() == 130_001, "50 ms and the 30 ms by which those were late"
    clock.now_us += 10_000
    assert live.silent() == 130_001 + 10_000 - 1


def test_a_clock_set_back_is_no_lateness() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, clock_ns=clock)
    live.saw(100_000_000, 100_000_000)
    assert live.saw(5, 5) == 6
    clock.now_us += SLACK_US + 1000
    assert live.silent() == 1006


def test_patience_has_an_end() -> None:
    clock = Clock()
    live = LiveClock(SLACK_US, clock_ns=clock)
    for start_us in range(0, 100_000_000, 10_000_000):
        live.saw(start_us, start_us)
        clock.now_us += 2 * MAX_SLACK_US
        live.saw(live.silent() - MAX_SLACK_US + 1, start_us + 9_000_000)
    clock.now_us += MAX_SLACK_US + 1000
    assert live.silent() == 99_000_001 + 1000
