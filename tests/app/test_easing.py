from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.panels.easing import Glides, Readings, in_out_cubic, out_cubic, percent_text, percent_words
from tests.app.clock import Clock


@given(st.floats(-1, 2))
def test_easing_stays_between_0_and_1_and_ends_there(progress: float) -> None:
    for ease in (out_cubic, in_out_cubic):
        assert 0 <= ease(progress) <= 1
        assert (ease(0), ease(1)) == (0, 1)


@pytest.mark.parametrize(
    ("probability", "text", "words"),
    [(0.87, "87%", "87 percent"), (1.0, "100%", "100 percent"), (0.004, "<1%", "less than 1 percent")],
)
def test_what_would_read_0_percent_is_less_than_1(probability: float, text: str, words: str) -> None:
    assert percent_text(probability) == text
    assert percent_words(probability) == words


def test_a_value_glides_to_its_target_and_stays() -> None:
    clock = Clock()
    glides: Glides[str] = Glides(clock, milliseconds=120)
    glides.move("a", 1.0)
    assert glides.value("a") == 0
    clock.now += 0.06
    assert glides.value("a") == pytest.approx(out_cubic(0.5))
    assert glides.moving()
    clock.now += 0.07
    assert glides.value("a") == 1
    assert not glides.moving()


def test_a_new_target_starts_from_where_the_value_is() -> None:
    clock = Clock()
    glides: Glides[str] = Glides(clock, milliseconds=120)
    glides.move("a", 1.0)
    clock.now += 0.06
    there = glides.value("a")
    glides.move("a", 0.2)
    assert glides.value("a") == pytest.approx(there)


def test_with_reduced_motion_values_jump() -> None:
    glides: Glides[str] = Glides(Clock(), milliseconds=0)
    glides.move("a", 0.4)
    assert glides.value("a") == 0.4


@given(st.lists(st.tuples(st.floats(0.001, 0.2), st.floats(0, 1)), max_size=60))
def test_digits_change_at_most_four_times_a_second(steps: list[tuple[float, float]]) -> None:
    clock = Clock()
    readings: Readings[str] = Readings(clock)
    changes = []
    for wait, value in steps:
        clock.now += wait
        if readings.offer({"a": value}):
            changes.append(clock.now)
    assert all(later - earlier >= 0.25 - 1e-9 for earlier, later in pairwise(changes))


def test_the_newest_digits_come_out_when_their_time_has_come() -> None:
    clock = Clock()
    readings: Readings[str] = Readings(clock)
    assert readings.offer({"a": 0.1})
    assert not readings.offer({"a": 0.2})
    assert not readings.offer({"a": 0.3})
    assert readings.pending
    clock.now += 0.25
    assert readings.flush()
    assert readings.shown == {"a": 0.3}
