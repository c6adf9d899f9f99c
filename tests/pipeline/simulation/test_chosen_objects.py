"""What is to be shown, in words."""

from pathlib import Path

import pytest

from pipeline.simulation.chosen_objects import read_objects


def test_drawings_go_by_their_names() -> None:
    assert read_objects("star, a Cup,, an umbrella, the star") == (("star", "cup", "umbrella"), ())


def test_files_are_pictures_in_their_order(tmp_path: Path) -> None:
    mug, star = tmp_path / "old_mug.png", tmp_path / "star.png"
    mug.touch()
    star.touch()
    names, pictures = read_objects(f"{mug}, star, {star}, {mug}")
    assert names == ("old mug", "star", "star.png")
    assert pictures == (mug, star)


def test_what_is_neither_is_told_with_what_there_is() -> None:
    with pytest.raises(ValueError, match=r'"unicorn" is no object .* choose from star, heart, .*, or name a picture'):
        read_objects("star, unicorn")
    with pytest.raises(ValueError, match="name at least one"):
        read_objects(" , ")
