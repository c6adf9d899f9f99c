import pytest
from PyQt6.QtCore import QPoint
from PyQt6.QtGui import QColor, QImage, QRegion
from PyQt6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.motion import VARIABLE
from app.panels.hero import Hero
from app.theme import DARK, LARGE, LIGHT, SMALL
from tests.app.clock import Clock
from tests.app.painted import Painted
from tests.app.user_input import click


@pytest.fixture
def hero(qtbot: QtBot, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Hero:
    monkeypatch.setenv(VARIABLE, "1")
    panel = on_dark(Hero(clock=clock))
    qtbot.addWidget(panel)
    panel.set_theme(DARK)
    panel.set_measures(LARGE)
    panel.resize(432, 208)
    panel.show()
    return panel


def on_dark(panel: Hero) -> Hero:
    """As on its card: the hero itself paints no surface."""
    palette = panel.palette()
    palette.setColor(panel.backgroundRole(), DARK.colour("bg1"))
    panel.setPalette(palette)
    return panel


def has_colour(hero: Hero, colour: QColor) -> bool:
    image: QImage = hero.grab().toImage()
    wanted = colour.rgb()
    return any(image.pixel(x, y) == wanted for x in range(0, image.width()) for y in range(0, image.height(), 2))


def test_the_first_answer_is_shown_at_once(hero: Hero) -> None:
    hero.show_answer("a person", 0.87, 0, ("umbrella", 0.06))
    assert (hero.header, hero.label, hero.percentage) == ("Most probable", "a person", "87%")
    assert hero.runner_up == "then umbrella  6%"
    assert has_colour(hero, DARK.class_colour(0))


def test_a_new_label_must_lead_two_predictions_in_a_row(hero: Hero) -> None:
    hero.show_answer("a person", 0.87, 0)
    hero.show_answer("umbrella", 0.6, 1)
    assert hero.label == "a person"
    hero.show_answer("a person", 0.7, 0)
    hero.show_answer("umbrella", 0.6, 1)
    assert hero.label == "a person", "once, then once more, is not twice in a row"
    hero.show_answer("umbrella", 0.6, 1)
    assert (hero.label, hero.percentage) == ("umbrella", "60%")


def test_a_label_that_has_long_not_led_gives_way_to_whatever_leads(hero: Hero, clock: Clock) -> None:
    hero.show_answer("a person", 0.87, 0)
    for k in range(12):
        clock.now += 0.1
        hero.show_answer(("umbrella", "bicycle")[k % 2], 0.5, 1 + k % 2)
    assert hero.label in ("umbrella", "bicycle")


def test_digits_wait_for_their_turn(hero: Hero, clock: Clock, qtbot: QtBot) -> None:
    hero.show_answer("a person", 0.87, 0)
    clock.now += 0.1
    hero.show_answer("a person", 0.55, 0)
    assert hero.percentage == "87%"
    clock.now += 0.2
    qtbot.waitUntil(lambda: hero.percentage == "55%")


def test_new_digits_are_drawn_at_once_with_the_bar_that_makes_room_for_them(
    hero: Hero, clock: Clock, qtbot: QtBot
) -> None:
    painted = Painted(hero)
    hero.show_answer("a person", 0.87, 0, ("umbrella", 0.06))
    qtbot.waitUntil(lambda: hero.rect() in painted.boxes)
    before = hero.grab().toImage()
    painted.region = QRegion()
    clock.now += 1
    hero.show_answer("a person", 1.0, 0, ("umbrella", 0.0))
    assert hero.percentage == "100%"
    qtbot.waitUntil(lambda: not painted.region.isEmpty())
    assert not painted.region.contains(QPoint(30, 100)), "the big text is not painted again"
    hero.render(before, painted.region.boundingRect().topLeft(), painted.region)
    assert before == hero.grab().toImage()


def test_a_bar_that_moves_costs_no_big_text(
    hero: Hero, clock: Clock, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    hero.set_measures(LARGE)
    hero.show_answer("a person", 0.87, 0)
    painted = Painted(hero)
    qtbot.waitUntil(lambda: hero.rect() in painted.boxes)
    clock.now += 0.1
    hero.show_answer("a person", 0.5, 0)
    painted.region = QRegion()
    for _ in range(5):
        clock.now += 0.01
        qtbot.wait(40)
    assert not painted.region.isEmpty()
    assert painted.region.boundingRect().top() > 150


def test_under_40_percent_it_is_not_sure(hero: Hero, clock: Clock) -> None:
    hero.show_answer("umbrella", 0.34, 1, ("a cup of coffee", 0.29))
    assert (hero.header, hero.label, hero.percentage) == ("Not sure", "umbrella", "34%")
    clock.now += 1
    hero.show_answer("umbrella", 0.41, 1)
    assert hero.header == "Most probable"


def test_an_untrained_model_is_grey(hero: Hero) -> None:
    hero.show_answer("bicycle", 0.86, 0, untrained=True)
    assert hero.header == "Untrained weights"
    assert not has_colour(hero, DARK.class_colour(0))
    assert has_colour(hero, DARK.class_colour(8))


def test_no_motion_shows_no_stale_answer(hero: Hero) -> None:
    hero.show_answer("a person", 0.87, 0)
    hero.show_no_motion("a person", 4)
    assert hero.label == "No motion"
    assert hero.percentage == ""
    assert hero.runner_up == ""
    assert "Last seen: a person, 4 s ago." in hero.detail
    hero.show_no_motion(None, 0)
    assert "Last seen" not in hero.detail
    hero.show_answer("umbrella", 0.7, 1)
    assert hero.label == "umbrella", "after a pause the first answer is shown at once"


def test_starting_shows_progress_and_can_be_cancelled(hero: Hero, qtbot: QtBot) -> None:
    hero.show_starting("Loading ViT-B-32", "Weights 214 of 354 MB. Events already play.", 0.6)
    assert (hero.header, hero.label, hero.percentage) == ("Getting ready", "Loading ViT-B-32", "60%")
    cancel = hero.findChild(QPushButton)
    assert cancel is not None
    with qtbot.waitSignal(hero.cancel_clicked):
        click(cancel)
    hero.show_starting("Loading ViT-B-32", "Looking for weights", None)
    assert hero.percentage == ""
    hero.show_answer("a person", 0.5, 0)
    assert cancel.isHidden()


def test_nothing_to_recognise_is_said(hero: Hero) -> None:
    hero.show_nothing("Type a class")
    assert hero.label == "Type a class"
    assert hero.percentage == ""


def test_its_name_changes_at_most_every_two_seconds(hero: Hero, clock: Clock, qtbot: QtBot) -> None:
    hero.show_answer("a person", 0.87, 0)
    qtbot.waitUntil(lambda: hero.accessibleName() == "Most probable: a person, 87 percent")
    for _ in range(2):
        hero.show_answer("umbrella", 0.6, 1)
    assert hero.label == "umbrella"
    assert "a person" in hero.accessibleName()
    qtbot.waitUntil(lambda: hero.accessibleName() == "Most probable: umbrella, 60 percent", timeout=20_000)


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=["dark", "light"])
@pytest.mark.parametrize("measures", [LARGE, SMALL], ids=["large", "small"])
@pytest.mark.parametrize("label", ["مظلة حمراء", "🚲 自転車", "x" * 500, "a cup\nof tea", ""])
def test_any_label_is_drawn(hero: Hero, theme: object, measures: object, label: str) -> None:
    hero.set_theme(DARK if theme is DARK else LIGHT)
    hero.set_measures(LARGE if measures is LARGE else SMALL)
    hero.show_answer(label, 0.9, 2, (label, 0.05))
    assert not hero.grab().isNull()


def test_motion_cross_fades_the_label(qtbot: QtBot, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "0")
    hero = on_dark(Hero(clock=clock))
    qtbot.addWidget(hero)
    hero.set_measures(LARGE)
    hero.resize(432, 208)
    hero.show()
    qtbot.waitExposed(hero)
    hero.show_answer("iiii", 0.9, 0)
    clock.now += 1
    for _ in range(2):
        hero.show_answer("mmmm", 0.9, 1)

    # Right of the short old label only the new one has ink: none at the start of the fade, all at its end.
    def brightest() -> int:
        image = hero.grab().toImage()
        return max(QColor(image.pixel(x, y)).lightness() for x in range(130, 200) for y in range(80, 130, 3))

    at_start = brightest()
    clock.now += 0.2
    assert brightest() > at_start + 60


def test_a_right_to_left_label_stands_at_the_right(hero: Hero) -> None:
    hero.show_answer("كوب", 0.9, 0)
    image = hero.grab().toImage()
    ink = [x for x in range(image.width()) for y in range(50, 150, 2) if QColor(image.pixel(x, y)).lightness() > 150]
    assert min(ink) > 432 / 2
    assert max(ink) > 432 - 24 - 20
