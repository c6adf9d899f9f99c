"""What the window remembers."""

from pathlib import Path

import pytest

from app.preferences import Preferences


def test_something_else_is_on_until_it_was_switched_off(tmp_path: Path) -> None:
    file = tmp_path / "settings" / "window.ini"
    assert Preferences(file).something_else
    Preferences(file).something_else = False
    assert not Preferences(file).something_else
    Preferences(file).something_else = True
    assert Preferences(file).something_else


def test_without_a_file_it_lasts_as_long_as_the_program(tmp_path: Path) -> None:
    preferences = Preferences()
    preferences.something_else = False
    assert not preferences.something_else
    assert Preferences().something_else


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"[classes]\nsomething_else=false\n", False),
        (b"[classes]\nsomething_else=0\n", False),
        (b"[classes]\nsomething_else=perhaps\n", True),
        (b"\x00\xff nonsense", True),
    ],
)
def test_a_file_that_a_person_wrote_is_read_as_far_as_it_makes_sense(
    tmp_path: Path, content: bytes, expected: bool
) -> None:
    file = tmp_path / "window.ini"
    file.write_bytes(content)
    assert Preferences(file).something_else is expected


def test_a_folder_that_cannot_be_written_costs_only_the_memory(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way", encoding="utf-8")
    preferences = Preferences(blocked / "window.ini")
    preferences.something_else = False
    assert not preferences.something_else
    assert blocked.read_text(encoding="utf-8") == "in the way"


def test_the_simulation_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    preferences = Preferences(file)
    assert (preferences.ground, preferences.light, preferences.noise) == (None, None, None)
    preferences.ground, preferences.light, preferences.noise = "textured", "dark", "none"
    again = Preferences(file)
    assert (again.ground, again.light, again.noise) == ("textured", "dark", "none")


def test_a_scene_that_makes_no_sense_is_not_remembered(tmp_path: Path) -> None:
    file = tmp_path / "window.ini"
    file.write_text("[simulation]\nground=lava\nlight=dark\n", encoding="utf-8")
    assert (Preferences(file).ground, Preferences(file).light) == (None, "dark")
