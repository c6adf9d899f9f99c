"""Things put into words."""

import random

import pytest

from experiments.pretrain_mini.wordings import SENTENCES, with_article, worded


@pytest.mark.parametrize(
    ("sentence", "thing", "said"),
    [
        ("a {}", "cup", "a cup"),
        ("a {}", "umbrella", "an umbrella"),
        ("a photo of a {}.", "apple", "a photo of an apple."),
        ("a {}", "scissors", "scissors"),
        ("a {}", "glass", "a glass"),
        ("{} icon", "cup", "cup icon"),
    ],
)
def test_articles_fit(sentence: str, thing: str, said: str) -> None:
    assert with_article(sentence, thing) == said


def test_every_sentence_holds_the_thing_once() -> None:
    assert all(sentence.count("{}") == 1 for sentence in SENTENCES)


def test_wordings_are_repeatable_and_hold_the_thing() -> None:
    drawn = [worded("cup", random.Random(seed)) for seed in range(50)]
    assert drawn == [worded("cup", random.Random(seed)) for seed in range(50)]
    assert all("cup" in text for text in drawn)
    assert 5 < sum(text == "cup" for text in drawn) < 45
