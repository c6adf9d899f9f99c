"""Which pictures show a concept, which of them are held out, and what counts as their copy."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from experiments.pretrain_mini import pictures
from experiments.pretrain_mini.concepts import Concept, read_concepts
from experiments.pretrain_mini.hands import FILLED, OUTLINED, UNKNOWN
from experiments.pretrain_mini.pictures import DIGIT_WRITERS_END, Job, _draw, _mark_copies, halved, jobs
from tests.experiments.pretrain_mini.made_data import make_font, make_set, make_words

THINGS = [
    Concept("umbrella", ("brolly",), ("umbrella",)),
    Concept("bolt", (), ("bolt", "lightning bolt")),
    Concept("waving hand", (), ("waving hand",)),
]
CONCEPTS = THINGS + [concept for concept in read_concepts() if concept.name.startswith(("digit ", "letter "))]
SIDE = 128


@pytest.fixture(scope="module")
def listed(tmp_path_factory: pytest.TempPathFactory) -> list[Job]:
    data = tmp_path_factory.mktemp("data")
    make_words(data / "words")
    make_set(data / "sets/mdi", ["umbrella", "umbrella-outline", "car", "flash"], {"lightning-bolt": "flash"})
    make_set(data / "sets/lucide", ["umbrella", "bolt"])
    make_set(data / "sets/noto", ["waving-hand", "waving-hand-light-skin-tone", "umbrella"])
    for font in ("fonts-karla", "fonts-cantarell", "fonts-hack"):  # the last from an earlier list
        make_font(data / "fonts" / font)
    (data / "fonts/fonts-symbola").mkdir()
    (data / "fonts/fonts-symbola/Symbola_hint.ttf").touch()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "ICON_SETS", ("mdi", "lucide", "noto"))
        return jobs(data, CONCEPTS)


def test_icons_are_found_by_their_names_and_other_names(listed: list[Job]) -> None:
    icons = {(job.hand, job.name): (CONCEPTS[job.concept].name, job.look, job.held_out) for job in listed if job.icon}
    assert icons == {
        ("mdi", "umbrella"): ("umbrella", FILLED, False),
        ("mdi", "umbrella-outline"): ("umbrella", OUTLINED, False),
        ("mdi", "flash"): ("bolt", UNKNOWN, False),
        ("lucide", "umbrella"): ("umbrella", UNKNOWN, True),  # its bolt is one of a nut
        ("noto", "waving-hand"): ("waving hand", UNKNOWN, False),
        ("noto", "umbrella"): ("umbrella", UNKNOWN, False),
    }


def test_characters_of_a_held_out_family_are_held_out(listed: list[Job]) -> None:
    characters = [job for job in listed if job.hand.startswith("font ") and job.icon is None]
    assert len(characters) == 2 * 36
    assert {(job.hand, job.held_out) for job in characters} == {
        ("font fonts-karla", False),
        ("font fonts-cantarell", True),
    }
    seven = next(job for job in characters if job.character == "7")
    assert CONCEPTS[seven.concept].name == "digit seven"


def test_symbols_of_symbol_fonts_are_found_by_their_unicode_names(listed: list[Job]) -> None:
    found = [job for job in listed if job.hand == "Symbola_hint"]
    assert {(job.character, CONCEPTS[job.concept].name) for job in found} == {("☂", "umbrella")}


def test_the_last_writers_are_held_out(listed: list[Job]) -> None:
    digits = [job for job in listed if job.hand == "handwriting"]
    assert all(job.held_out == (int(job.name) >= DIGIT_WRITERS_END) for job in digits)
    assert len({job.seed for job in digits}) == len(digits)
    held_out = [job for job in digits if job.held_out]
    assert len(held_out) == len({job.name for job in held_out}) == 1797 - DIGIT_WRITERS_END


def test_jobs_are_drawn_and_what_a_library_refuses_is_left_out(listed: list[Job]) -> None:
    seven = next(job for job in listed if job.character == "7")
    digit = next(job for job in listed if job.hand == "handwriting")
    for job in (seven, digit):
        assert (drawn := _draw(job)[1]) is not None
        assert drawn.shape == (3, SIDE, SIDE)
    symbol = next(job for job in listed if job.hand == "Symbola_hint")  # an empty file
    assert _draw(symbol) == (symbol, None)
    assert _draw(replace(seven, character=" "))[1] is None


def test_an_icon_is_drawn_as_its_set_has_it(listed: list[Job]) -> None:
    pytest.importorskip("resvg_py", reason="it comes with the dependency group pretrain")
    drawn = _draw(next(job for job in listed if job.hand == "mdi"))[1]
    assert drawn is not None
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    disc = np.hypot(x, y) < (SIDE - 12) / 2
    assert ((drawn[0] > 128) == disc).mean() > 0.99


def entry(hand: str, concept: int, *, held_out: bool = False) -> dict[str, Any]:
    return {"hand": hand, "concept": concept, "held_out": held_out}


def bitmap(kind: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """A disc or a square, and either a little larger."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    half = 41 if kind.endswith("+") else 40
    inked = np.hypot(x, y) < half if kind.startswith("disc") else np.maximum(abs(x), abs(y)) < half / 2
    return np.stack([np.where(inked, 255, 0)] * 3).astype(np.uint8)


def test_what_looks_the_same_as_a_held_out_icon_of_its_concept_is_held_out_too(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = [
        ("disc", entry("lucide", 0, held_out=True), True),
        ("disc+", entry("mdi", 0), True),  # a copy
        ("square", entry("mdi", 0), False),
        ("disc+", entry("tabler", 1), False),  # of another concept
        ("disc", entry("noto", 0), False),  # emoji are no copies of icons
        ("disc", entry("font fonts-karla", 0), False),
        ("square", entry("fxemoji", 2, held_out=True), True),
        ("square+", entry("ph", 2), True),
    ]
    kept = [described for _, described, _ in shown]
    _mark_copies(np.stack([bitmap(kind) for kind, _, _ in shown]), kept)
    assert [described["held_out"] for described in kept] == [wanted for _, _, wanted in shown]
    assert "{'mdi': 1, 'ph': 1}" in capsys.readouterr().out


def test_half_the_size_is_the_mean_of_four() -> None:
    planes = np.array([[[[0, 255], [255, 255]]]], np.uint8)
    assert halved(planes).tolist() == [[[[191]]]]
