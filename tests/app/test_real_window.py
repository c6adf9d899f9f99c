"""The window as a user starts it: ``main.py`` on a real X server, real keys, and what is then on the screen."""

import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from app.panels.class_delegate import CROSS, TEACH
from app.theme import DARK
from tests.app.real_window import ANSWER, PANEL, answers, keep_picture, program
from tests.pipeline.tiny_clip import save_folder
from tests.programs import PATIENCE_S, wait_until
from tests.screen import Screen, virtual_screen

PROMPTS = ("--prompts", "a person, a cup, a star")
FOURTH = DARK.classes[3]
"""Colour of the class that is typed after three others."""


@pytest.fixture
def screen() -> Iterator[Screen]:
    with virtual_screen() as screen:
        yield screen


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A small model with weights: answers of an untrained one have no colour."""
    return "--model", f"local-dir:{save_folder(tmp_path_factory.mktemp('model') / 'tiny')}"


def family(process: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(process.pid).children(recursive=True)


def ended(processes: list[psutil.Process]) -> bool:
    return not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in processes)


def test_a_class_typed_while_a_recording_plays_gets_its_bar(screen: Screen, model: tuple[str, str]) -> None:
    with program(screen, *PROMPTS, *model) as process:
        screen.wait_for_window("NeuroCLIP Live")
        first = DARK.classes[0]
        wait_until(lambda: len(screen.pixels_of(first)) > 0)
        assert len(screen.pixels_of(FOURTH)) == 0
        screen.press("ctrl+n")
        screen.type("a bicycle")
        screen.press("Return")
        wait_until(lambda: len(screen.pixels_of(FOURTH)) > 0)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        assert "Traceback" not in err


def test_started_with_nothing_it_names_what_the_bundled_recording_shows(screen: Screen) -> None:
    """The first thing of the tour, a star, is the first of its classes."""
    with program(screen, "--loop") as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: answers(screen, DARK.classes[0]))
        keep_picture(screen, "main", after_s=26)
        screen.press("F1")
        wait_until(lambda: len(screen.pixels_of(DARK.ok)) == 0)  # dimmed
        keep_picture(screen, "help")
        screen.press("Escape")
        wait_until(lambda: len(screen.pixels_of(DARK.ok)) > 0)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def test_closing_the_window_leaves_no_process_behind(screen: Screen, model: tuple[str, str]) -> None:
    with program(screen, *PROMPTS, *model) as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: len(family(process)) > 0)
        children = family(process)
        screen.close_window()
        process.communicate(timeout=PATIENCE_S)
        wait_until(lambda: ended(children))


def test_killing_the_program_leaves_no_process_behind(screen: Screen, model: tuple[str, str]) -> None:
    with program(screen, *PROMPTS, *model) as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: len(family(process)) > 0)
        children = family(process)
        process.kill()
        wait_until(lambda: ended(children))


def reddish(screen: Screen) -> int:
    """Count the pixels of a surface that is tinted red, as an error's banner is and nothing else."""
    red, green, blue = np.moveaxis(screen.picture().astype(np.int16), 2, 0)
    return int(((red > green + 15) & (red > blue + 15) & (abs(green - blue) < 15)).sum())


@pytest.mark.slow
def test_the_untrained_model_is_said_to_be_untrained_in_the_window(screen: Screen) -> None:
    """The bundled recording, and everything about answers grey."""
    grey = DARK.classes[-1]
    with program(screen, "--model", "untrained") as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: len(screen.pixels_of(grey)) > 1000 and len(screen.pixels_of(DARK.ok)) > 0)
        for colour in DARK.classes[:-1]:
            assert len(screen.pixels_of(colour)) == 0
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)


def test_a_damaged_file_costs_a_banner(screen: Screen, tmp_path: Path) -> None:
    letter = tmp_path / "letter.aedat4"
    letter.write_text("Dear reader", encoding="utf-8")
    with program(screen, letter) as process:
        screen.wait_for_window("NeuroCLIP Live")
        wait_until(lambda: reddish(screen) > 10_000)
        keep_picture(screen, "error")
        assert process.poll() is None


# --- teaching ---

FOOT = 850
"""Where the buttons below the examples begin."""


def row_of(screen: Screen, colour: str) -> int:
    """Find the row of a class by its swatch; gives its middle, px."""
    found = screen.pixels_of(colour)
    beside = found[(found[:, 1] > PANEL) & (found[:, 0] > ANSWER)]
    swatch = beside[beside[:, 1] < beside[:, 1].min() + 10]
    return round(float(swatch[:, 0].mean()))


def teach_button(screen: Screen, colour: str) -> tuple[int, int]:
    """Find the button Teach, x and y: it stands in the row's field, left of the cross at its right end."""
    y = row_of(screen, colour)
    field = screen.pixels_of(DARK.bg2)
    right = int(field[(abs(field[:, 0] - y) < 3) & (field[:, 1] > PANEL), 1].max())
    return right - 20 - CROSS // 2 - 4 - TEACH.width() // 2, y


def filled(screen: Screen, colour: str, side: int = 14) -> tuple[int, int] | None:
    """Find a square of this colour at the foot of the column, x and y of its middle: the face of the button Train."""
    picture = np.zeros((1000, 1600), np.int32)
    found = screen.pixels_of(colour)
    picture[tuple(found[(found[:, 1] > PANEL) & (found[:, 0] > FOOT)].T)] = 1
    sums = np.pad(picture, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    squares = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    places = np.argwhere(squares == side * side)
    return None if not len(places) else (int(places[0, 1]) + side // 2, int(places[0, 0]) + side // 2)


def steady(place: Callable[[], tuple[int, int] | None]) -> tuple[int, int]:
    """Wait until something is found where it was found before: cards move when others open."""
    seen: list[tuple[int, int] | None] = [None]

    def again() -> bool:
        seen.append(place())
        return seen[-1] is not None and seen[-1] == seen[-2]

    wait_until(again, 300)
    assert seen[-1] is not None
    return seen[-1]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_class_taught_by_clicks_from_the_running_stream_goes_from_wrong_to_right(
    screen: Screen, model: tuple[str, str]
) -> None:
    with program(screen, "--prompts", "a star, my mug", "--loop", *model) as process:
        screen.wait_for_window("NeuroCLIP Live")
        first, grey = DARK.classes[0], DARK.classes[-1]
        wait_until(lambda: any(answers(screen, colour) for colour in (*DARK.classes[:2], grey)), 300)
        # Whatever the random weights make of it, one of the two is wrong now, or both: something else is grey.
        wrong = DARK.classes[1] if answers(screen, first) else first
        assert not answers(screen, wrong)
        screen.click(*teach_button(screen, wrong))
        screen.click(*steady(lambda: filled(screen, DARK.inverse)))  # Train can be pressed: there are examples
        wait_until(lambda: answers(screen, wrong), 300)
        keep_picture(screen, "taught", after_s=2)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=PATIENCE_S)
        assert "Traceback" not in err
