"""A hand that can be led: which things it shows, and where."""

import numpy as np
import pytest

from pipeline.events import Resolution
from pipeline.simulation.led import LedScene
from pipeline.simulation.shapes import SHAPES
from pipeline.simulation.waving import WavingStyle

RESOLUTION = Resolution(96, 64)
STYLE = WavingStyle(period_us=1_000_000, enter_us=200_000, leave_us=100_000)
PICTURE = np.zeros((64, 96), np.float32)


def scene(*names: str, seed: int = 0) -> LedScene:
    return LedScene(RESOLUTION, names, seed, STYLE)


def go_on(led: LedScene, until_us: int) -> list[str]:
    """Let the time pass, and give what was seen of it, each once."""
    seen: list[str] = []
    while led.now_us < until_us:
        led.render(min(led.now_us + 5_000, until_us), PICTURE)
        truth = led.truth(led.now_us)
        if truth and (not seen or seen[-1] != truth):
            seen.append(truth)
    return seen


def place(led: LedScene) -> tuple[float, float]:
    pose = led.shown(led.now_us)[0].pose
    return pose.x, pose.y


def test_things_come_in_turn_and_again() -> None:
    assert go_on(scene("star", "cup"), 3_500_000) == ["a star", "a cup", "a star", "a cup"]


def test_without_names_everything_is_shown() -> None:
    assert scene().chosen == tuple(SHAPES)


def test_a_single_thing_stays() -> None:
    led = scene("key")
    assert go_on(led, 5_000_000) == ["a key"]
    assert led.truth(5_000_000) == "a key"


def test_what_is_chosen_comes_after_what_is_there_has_left() -> None:
    led = scene("star", "cup")
    go_on(led, 500_000)
    led.choose(["fish", "tree"])
    assert led.chosen == ("fish", "tree")
    assert led.truth(499_999) == "a star"
    assert go_on(led, 2_400_000) == ["a star", "a fish", "a tree"]


def test_what_is_there_and_chosen_again_stays() -> None:
    led = scene("star", "cup")
    go_on(led, 500_000)
    led.choose(["star"])
    assert go_on(led, 3_000_000) == ["a star"]
    led.choose(["star", "tree"])
    assert go_on(led, 4_500_000) == ["a star", "a tree"]


def test_choosing_nothing_is_choosing_all() -> None:
    led = scene("star")
    led.choose([])
    assert led.chosen == tuple(SHAPES)


def test_an_object_that_it_does_not_have_is_told() -> None:
    with pytest.raises(ValueError, match="no object"):
        scene("unicorn")
    with pytest.raises(ValueError, match="no object"):
        scene().choose(["unicorn"])


def test_what_is_held_follows_the_pointer_without_a_jump() -> None:
    led = scene("cup")
    go_on(led, 500_000)
    before = place(led)
    led.hold(80, 12)
    assert place(led) == pytest.approx(before)
    steps = []
    while led.now_us < 1_000_000:
        at = place(led)
        led.render(led.now_us + 2_000, PICTURE)
        steps.append(np.hypot(*np.subtract(place(led), at)))
    assert max(steps) < 4
    assert place(led) == (80, 12)


def test_what_is_held_stays_until_it_is_let_go() -> None:
    led = scene("star", "cup")
    go_on(led, 500_000)
    led.hold(20, 30)
    assert go_on(led, 5_000_000) == ["a star"]
    led.let_go()
    assert go_on(led, 5_900_000) == ["a star", "a cup"]


def test_let_go_it_is_waved_on_from_there() -> None:
    led = scene("cup")
    go_on(led, 500_000)
    led.hold(20, 50)
    go_on(led, 1_000_000)
    led.let_go()
    assert place(led) == pytest.approx((20, 50))
    places = []
    while led.now_us < 3_000_000:
        led.render(led.now_us + 20_000, PICTURE)
        places.append(place(led))
    assert np.ptp(places, axis=0).min() > 3
    assert np.abs(np.mean(places, axis=0) - (20, 50)).max() < 12


def test_a_quick_pull_arrives_where_it_was_let_go() -> None:
    led = scene("cup")
    go_on(led, 500_000)
    led.hold(70, 20)
    led.let_go()
    go_on(led, 510_000)
    places = []
    while led.now_us < 3_500_000:
        led.render(led.now_us + 20_000, PICTURE)
        places.append(place(led))
    assert np.abs(np.mean(places[50:], axis=0) - (70, 20)).max() < 12


def test_the_pointer_may_leave_the_picture() -> None:
    led = scene("cup")
    led.hold(-500, 9000)
    go_on(led, 1_000_000)
    assert place(led) == (0, 64)


def test_the_next_thing_comes_to_the_middle() -> None:
    led = scene("star", "cup")
    go_on(led, 400_000)
    led.hold(5, 5)
    go_on(led, 800_000)
    led.let_go()
    go_on(led, 2_000_000)
    assert np.abs(np.subtract(place(led), (48, 32))).max() < 12


def test_a_time_before_begins_it_anew() -> None:
    led, again = scene("star", "cup"), scene("star", "cup")
    go_on(led, 1_700_000)
    for each in (led, again):
        each.render(300_000, PICTURE)
    assert led.shown(300_000) == again.shown(300_000)
