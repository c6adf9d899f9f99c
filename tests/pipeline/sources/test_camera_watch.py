"""What a camera's silence, its clock and its coordinates say of it; on a clock that the test moves."""

import pytest

from pipeline.sources.camera_watch import (
    DEAD_S,
    DOUBTFUL_S,
    DriftMeter,
    LossWatch,
    SilenceWatch,
    TimeCheck,
    mostly_outside,
)


class Clock:
    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def silent_for(watch: SilenceWatch, clock: Clock, seconds: float) -> None:
    for _ in range(round(seconds / 0.1)):
        clock.now_s += 0.1
        watch.nothing_came()


def test_a_camera_that_gave_signs_of_life_and_gives_none_is_dead() -> None:
    clock = Clock()
    watch = SilenceWatch(clock)
    watch.sign_came()
    silent_for(watch, clock, DEAD_S - 0.5)
    assert not watch.is_dead
    silent_for(watch, clock, 1.0)
    assert watch.is_dead


def test_before_a_still_scene_signs_of_life_go_on() -> None:
    clock = Clock()
    watch = SilenceWatch(clock)
    for _ in range(30):
        silent_for(watch, clock, DEAD_S - 1)
        watch.sign_came()
    assert not watch.is_dead
    assert not watch.is_doubtful()


def test_one_that_never_gives_any_is_doubted_more_and_more_rarely() -> None:
    clock = Clock()
    watch = SilenceWatch(clock)
    silent_for(watch, clock, DOUBTFUL_S + 1)
    assert not watch.is_dead
    assert watch.is_doubtful()
    silent_for(watch, clock, DOUBTFUL_S + 1)
    assert not watch.is_doubtful()
    silent_for(watch, clock, DOUBTFUL_S)
    assert watch.is_doubtful()
    watch.events_came()
    silent_for(watch, clock, DOUBTFUL_S + 1)
    assert watch.is_doubtful(), "events have come in between: it is as in the beginning"


def test_a_machine_that_slept_did_not_listen() -> None:
    clock = Clock()
    watch = SilenceWatch(clock)
    watch.sign_came()
    clock.now_s += 3600
    watch.nothing_came()
    assert not watch.is_dead


def minutes(meter: DriftMeter, clock: Clock, count: float, gain_us_a_minute: float) -> None:
    """Let events come every 50 ms, each 1 to 5 ms late."""
    began_s = clock.now_s
    for number in range(round(count * 1200)):
        clock.now_s = began_s + number * 0.05
        passed_s = clock.now_s - 1000
        late_us = 1000 + number * 7919 % 4000
        meter.saw(round(5_000_000 + passed_s * 1e6 * (1 + gain_us_a_minute / 60e6)) - late_us)


@pytest.mark.parametrize("gain", [0.0, 8_000.0, -8_000.0, 25_000.0, -600_000.0])
def test_drift_is_measured_whatever_time_events_are_under_way(gain: float) -> None:
    clock = Clock()
    meter = DriftMeter(clock)
    minutes(meter, clock, 1, gain)
    assert meter.gain_us_a_minute is None
    minutes(meter, clock, 1, gain)
    assert meter.gain_us_a_minute == pytest.approx(gain, abs=500, rel=0.05)
    assert meter.is_large == (abs(gain) > 10_000)


def test_one_delay_is_no_drift() -> None:
    clock = Clock()
    meter = DriftMeter(clock)
    for number in range(2400):
        clock.now_s = 1000 + number * 0.05
        late_us = 300_000 if 400 < number < 1000 else 1000
        meter.saw(round(clock.now_s * 1e6) - late_us)
        assert not meter.is_large


def test_a_pause_begins_the_minute_anew() -> None:
    clock = Clock()
    meter = DriftMeter(clock)
    minutes(meter, clock, 2, 50_000)
    clock.now_s += 100
    meter.saw(0)
    assert meter.gain_us_a_minute is None


def test_time_that_stands_still_while_packets_come_was_set_back() -> None:
    clock = Clock()
    check = TimeCheck(clock)
    for number in range(100):
        clock.now_s += 0.01
        check.saw(number * 10_000, 1)
        assert not check.stands_still
        assert not check.leaps
    for _ in range(100):
        clock.now_s += 0.01
        check.saw(990_000, 1)
    assert check.stands_still


def packets(check: TimeCheck, clock: Clock, *, seconds: float, ahead_us: int, late_us: int = 0) -> None:
    """Let a packet come every 10 ms of a camera that is so far ahead, each so late; none of them may be doubted."""
    for _ in range(round(seconds * 100)):
        clock.now_s += 0.01
        check.saw(round(clock.now_s * 1e6) + ahead_us - late_us, 1)
        assert not check.gets_ahead


def test_time_that_gets_ahead_at_once_was_set_back_and_taken_for_a_wrap() -> None:
    clock = Clock()
    check = TimeCheck(clock)
    packets(check, clock, seconds=2, ahead_us=0)
    clock.now_s += 0.01
    check.saw(round(clock.now_s * 1e6) + 4_000_000, 1)
    assert check.gets_ahead
    assert not check.leaps


def test_nothing_that_is_read_late_gets_ahead() -> None:
    """Also where all that came at first was late: so much waits to be read, or the whole machine is busy."""
    clock = Clock()
    check = TimeCheck(clock)
    for number in range(10):
        clock.now_s += 0.01
        check.saw(round(clock.now_s * 1e6) - 6_000_000 + number * 640_000, 64, waiting=1000)
        assert not check.gets_ahead
    packets(check, clock, seconds=0.5, ahead_us=0, late_us=1_500_000)
    packets(check, clock, seconds=2, ahead_us=0)
    packets(check, clock, seconds=5, ahead_us=0, late_us=900_000)
    packets(check, clock, seconds=2, ahead_us=0)


def test_a_clock_that_gains_all_the_time_does_not_get_ahead_at_once() -> None:
    clock = Clock()
    check = TimeCheck(clock)
    for second in range(120):
        packets(check, clock, seconds=1, ahead_us=10_000 * second)


def test_time_that_leaps_is_nonsense() -> None:
    clock = Clock()
    check = TimeCheck(clock)
    check.saw(0, 1)
    clock.now_s += 60
    check.saw(61_000_000, 64)  # held up for a minute
    assert not check.leaps
    clock.now_s += 0.01
    check.saw(90_000_000, 1)
    assert check.leaps


FIRST, NEWEST = slice(None, 256), slice(-256, None)
"""Of the packets that came while nobody read, what a driver has kept."""


def read_after(watch: LossWatch, clock: Clock, held_up_s: float, *, keeps: slice, lively: bool = True) -> None:
    """Read packets of 10 ms, one a packet's time; then not for a while; then what a driver has kept, and what comes."""
    packets = list(range(100))
    held_up = list(range(100, 100 + round(held_up_s * 100)))[keeps]
    after = list(range(100 + round(held_up_s * 100), 400 + round(held_up_s * 100)))
    for packet in packets + held_up + after:
        if not lively and packet % 40:
            continue
        due_s = 1000 + (packet + 1) * 0.01
        clock.now_s = max(clock.now_s, due_s)
        if 100 <= packet < 100 + held_up_s * 100:
            clock.now_s = max(clock.now_s, 1001 + held_up_s)
        watch.saw(packet * 10_000, packet * 10_000 + 9_999)


@pytest.mark.parametrize("keeps", [FIRST, NEWEST], ids=["first", "newest"])
@pytest.mark.parametrize(("held_up_s", "lost"), [(0.5, False), (2.5, False), (3.0, True), (8.0, True)])
def test_what_a_driver_could_not_keep_is_lost(held_up_s: float, lost: bool, keeps: slice) -> None:
    clock = Clock()
    watch = LossWatch(clock)
    read_after(watch, clock, held_up_s, keeps=keeps)
    assert watch.is_news() == lost


def test_pauses_of_a_scene_are_no_losses() -> None:
    clock = Clock()
    watch = LossWatch(clock)
    read_after(watch, clock, 2.0, keeps=NEWEST, lively=False)
    assert not watch.is_news()


def test_losses_that_a_driver_counts_are_told_once_a_minute() -> None:
    clock = Clock()
    watch = LossWatch(clock)
    watch.dropped(0)
    assert not watch.is_news()
    watch.dropped(3)
    assert watch.is_news()
    watch.dropped(3)
    assert not watch.is_news()
    watch.dropped(4)
    assert not watch.is_news()
    clock.now_s += 61
    assert watch.is_news()


@pytest.mark.parametrize(
    ("gap_s", "track_lost"), [(6.0, False), (8.0, False), (10.0, True), (16.0, True), (20.0, True), (30.0, True)]
)
def test_a_driver_loses_track_where_a_clock_may_have_wrapped_in_a_gap(gap_s: float, track_lost: bool) -> None:
    """One of 24 bits of microseconds, where the driver takes less than half of a wrap for a clock set back."""
    watch = LossWatch(Clock())
    wrap_us = 2**24
    shown_us = round(gap_s * 1e6) % wrap_us
    watch.came(1e6, 1_000_000, 0)
    watch.dropped(100)
    for kept in range(1, 4):
        watch.came(1e6 + kept * 1000, 1_000_000 + kept * 1000, 3 - kept)
    watch.came(1e6 + gap_s * 1e6, 1_000_000 + (shown_us if shown_us < wrap_us / 2 else 0), 0)
    assert watch.track_lost == track_lost
    watch.restart()
    assert not watch.track_lost


@pytest.mark.parametrize("dropped", [0, 100], ids=["nothing", "something long ago"])
def test_a_wall_clock_that_is_set_loses_nothing(dropped: int) -> None:
    watch = LossWatch(Clock())
    watch.dropped(dropped)
    for look in range(10):
        watch.came(1e6 + look * 1000, 1_000_000 + look * 1000, 0)
    watch.came(3600e6, 1_010_000, 0)
    assert not watch.track_lost


def test_a_camera_sends_next_to_nothing_from_outside_its_sensor() -> None:
    assert not mostly_outside(1_000_000, 5_000)
    assert not mostly_outside(50, 50)
    assert mostly_outside(1_000, 400)
