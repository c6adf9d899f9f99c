"""The texts that the text tower learns from, of made words."""

import random
from pathlib import Path

import pytest

from experiments.pretrain_mini.corpus import Corpus, emoji_words
from experiments.pretrain_mini.wordings import NUMERALS
from tests.experiments.pretrain_mini.made_data import make_words

NAMES = ["bicycle", "five-pointed star"]


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_words(tmp_path_factory.mktemp("words"))


@pytest.fixture(scope="module")
def corpus(words: Path) -> Corpus:
    return Corpus(words, NAMES)


def test_nouns_weigh_by_how_often_they_are_written_and_whether_they_can_be_seen(corpus: Corpus) -> None:
    weights = dict(zip(corpus.nouns.items, corpus.nouns.weights, strict=True))
    assert set(weights) == {"anvil", "umbrella", "brolly", "mood"}  # no proper names
    assert (
        weights["anvil"] > weights["umbrella"] == weights["brolly"] > weights["mood"]
    )  # a verb's count is not a noun's


def test_what_describes_a_thing_is_a_text_too(corpus: Corpus) -> None:
    assert corpus.glosses == [
        "a heavy block of iron on which metals are shaped",
        "a lightweight handheld collapsible canopy",
    ]  # neither a mood nor a city can be drawn


def test_annotations_come_from_both_sources_without_skin_tones(corpus: Corpus) -> None:
    weights = dict(zip(corpus.annotations.items, corpus.annotations.weights, strict=True))
    assert set(weights) == {"rain", "clothing", "umbrella", "weather", "hand"}
    assert weights["umbrella"] == weights["rain"] == 2  # both know it
    assert weights["weather"] == 1


def test_the_words_of_an_emoji_are_those_beside_its_name(words: Path) -> None:
    assert emoji_words(words) == {"umbrella": {"rain", "clothing"}}


def test_draws_are_repeatable_and_of_every_kind(corpus: Corpus) -> None:
    rng, again = random.Random(4), random.Random(4)
    drawn = [corpus.draw(rng) for _ in range(600)]
    assert drawn == [corpus.draw(again) for _ in range(600)]
    meanings = {text.meaning for text in drawn}
    assert {"anvil", "bicycle", "rain", *corpus.glosses} <= meanings
    assert any(" with a " in meaning for meaning in meanings)
    glyphs = [text for text in drawn if text.glyph >= 0]
    assert 15 < len(glyphs) < 70
    for text in glyphs:
        named = f"digit {NUMERALS[text.glyph]}" if text.glyph < 10 else f"letter {chr(ord('a') + text.glyph - 10)}"
        assert text.meaning == named


def test_a_wrapping_does_not_change_what_is_meant(corpus: Corpus) -> None:
    rng = random.Random(5)
    drawn = [corpus.draw(rng) for _ in range(300)]
    wrapped = [text for text in drawn if text.meaning == "bicycle" and text.text != "bicycle"]
    assert len({text.text for text in wrapped}) > 3
    assert all("bicycle" in text.text.lower() for text in wrapped)
