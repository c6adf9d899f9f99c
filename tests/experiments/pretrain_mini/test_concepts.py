"""The table of concepts, written by hand: what it must hold for training to make sense."""

from collections import Counter
from hashlib import sha256

import pytest

from experiments.pretrain_mini.concepts import (
    HELD_OUT_TABLE,
    NOTHING,
    Concept,
    by_picture,
    read_concepts,
    unseen_prompts,
)
from experiments.pretrain_mini.hands import FILLED, HELD_OUT_CONCEPTS, OUTLINED, UNKNOWN, joined_name, look, plain_name
from pipeline.text_bank import meaning_key

HELD_OUT_HASH = "fde71e51131bd310849a7625ee09e3c411f431df727891d08b1bc56b513e021d"
"""Of the names in `held_out.txt`: whoever changes them compares with figures of other concepts."""


@pytest.fixture(scope="module")
def concepts() -> list[Concept]:
    return read_concepts()


def test_the_world_has_more_than_a_thousand_things(concepts: list[Concept]) -> None:
    assert len(concepts) > 1_000


def test_no_word_names_two_concepts(concepts: list[Concept]) -> None:
    words = Counter(word for concept in concepts for word in concept.words)
    assert [word for word, count in words.items() if count > 1] == []


def test_no_picture_shows_two_concepts(concepts: list[Concept]) -> None:
    pictures = Counter(picture for concept in concepts for picture in concept.pictures)
    assert [picture for picture, count in pictures.items() if count > 1] == []


def test_concepts_that_are_held_out_stay_the_same(concepts: list[Concept]) -> None:
    hidden = [concept.name for concept in concepts if concept.held_out]
    assert len(hidden) == HELD_OUT_CONCEPTS
    listed = HELD_OUT_TABLE.read_text(encoding="utf-8").splitlines()
    assert sorted(hidden) == sorted(listed)
    assert sha256("\n".join(listed).encode()).hexdigest() == HELD_OUT_HASH


def test_numerals_letters_and_noise_are_concepts(concepts: list[Concept]) -> None:
    names = {concept.name: concept for concept in concepts}
    assert "7" in names["digit seven"].words
    assert "letter q" in names
    assert "nothing" in names[NOTHING].words
    assert "a" not in names["letter a"].words  # an article before anything else


def test_a_sided_thing_is_never_mirrored(concepts: list[Concept]) -> None:
    assert not any(concept.mirrors for concept in concepts if "left" in concept.name.split())
    assert not any(concept.mirrors for concept in concepts if concept.name.startswith("letter "))


def test_a_picture_is_found_by_any_name_its_concept_has(concepts: list[Concept]) -> None:
    wanted = by_picture(concepts)
    for name in ("umbrella", "alarmclock", "magnifyingglass"):
        assert name in wanted


@pytest.mark.parametrize(
    ("icon", "hand", "plain"),
    [
        ("umbrella-outline-24", "mdi", "umbrella"),
        ("outline-umbrella", "ic", "umbrella"),
        ("umbrella", "noto", "umbrella"),
        ("bold", "mdi", "bold"),
    ],
)
def test_style_is_no_part_of_a_name(icon: str, hand: str, plain: str) -> None:
    assert plain_name(icon, hand) == plain


def test_names_are_compared_without_blanks() -> None:
    assert joined_name("falling leaf") == joined_name("fallingleaf") == joined_name("falling-leaf")


def test_outlined_and_filled_are_told_apart_by_their_pair() -> None:
    assert look("star", frozenset({"star", "star-fill"})) == OUTLINED
    assert look("star-fill", frozenset({"star", "star-fill"})) == FILLED
    assert look("star", frozenset({"star", "star-outline"})) == FILLED
    assert look("star", frozenset({"star"})) == UNKNOWN


def test_unseen_prompts_name_pictured_concepts_in_words_that_are_in_no_caption(concepts: list[Concept]) -> None:
    prompts = unseen_prompts(concepts)
    assert len(prompts) == 334
    captioned = {meaning_key(word) for concept in concepts for word in concept.words}
    for place, prompt in prompts.items():
        assert concepts[place].pictures
        assert not concepts[place].held_out
        assert meaning_key(prompt) not in captioned
    assert len(set(prompts.values())) == len(prompts)
