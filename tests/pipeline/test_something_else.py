"""The row for all that was not typed: how a bank of texts becomes one probability."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.something_else import DEFAULTS, ElseSettings, likeness, read_settings, with_something_else

logits = st.floats(-60, 60)


@given(st.lists(logits, min_size=1, max_size=12), st.lists(logits, max_size=40), st.floats(0.01, 0.99))
def test_the_probabilities_are_those_of_the_rows_alone_times_what_something_else_leaves(
    rows: list[float], bank: list[float], share: float
) -> None:
    judged = with_something_else(rows, bank, ElseSettings(untyped_share=share))
    alone = np.exp(np.array(rows) - max(rows))
    alone /= alone.sum()
    assert judged.sum() == pytest.approx(1)
    np.testing.assert_allclose(judged[:-1], alone * (1 - judged[-1]), atol=1e-12)


def test_it_is_bayes_rule() -> None:
    judged = with_something_else([2.0, 1.0], [0.5, 3.0, -1.0], ElseSettings(untyped_share=0.3))
    typed = [0.35 * math.exp(2), 0.35 * math.exp(1)]
    other = 0.1 * (math.exp(0.5) + math.exp(3) + math.exp(-1))
    np.testing.assert_allclose(judged, np.array([*typed, other]) / (sum(typed) + other), rtol=1e-12)


@pytest.mark.parametrize("rows", [1, 10, 300])
@pytest.mark.parametrize("texts", [1, 1000])
def test_where_nothing_speaks_for_anything_it_gets_its_share_however_many_texts_there_are(
    rows: int, texts: int
) -> None:
    judged = with_something_else(np.full(rows, 7.0), np.full(texts, 7.0), ElseSettings(untyped_share=0.4))
    assert judged[-1] == pytest.approx(0.4)


def test_a_text_that_fits_better_than_every_row_takes_the_probability() -> None:
    bank = np.zeros(1000)
    without = with_something_else([10.0, 0.0], bank)
    bank[17] = 30.0
    assert without[-1] < 0.01
    assert with_something_else([10.0, 0.0], bank)[-1] > 0.99


def test_a_sharper_mean_listens_to_the_best_text() -> None:
    bank = np.zeros(1000)
    bank[3] = 8.0
    shares = [with_something_else([5.0, 0.0], bank, ElseSettings(sharpness=beta))[-1] for beta in (0.5, 1, 2, 1000)]
    assert shares == sorted(shares)
    best_alone = 0.5 * math.exp(8) / (0.5 * math.exp(8) + 0.25 * (math.exp(5) + 1))
    assert shares[-1] == pytest.approx(best_alone, rel=0.01)


def test_without_any_other_text_it_has_no_probability() -> None:
    assert with_something_else([1.0, 2.0], [])[-1] == 0


def test_likeness_does_not_count_what_all_texts_share() -> None:
    random = np.random.default_rng(0)
    meanings = random.normal(size=(50, 16))
    shared = 20 * random.normal(size=16)
    bank = meanings + shared
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    assert (bank @ bank.T).min() > 0.9
    alike = likeness(bank[:3], bank)
    np.testing.assert_allclose(alike[[0, 1, 2], [0, 1, 2]], 1)
    assert np.abs(alike[0, 3:]).max() < 0.9
    assert abs(alike[0, 3:].mean()) < 0.1


def test_settings_are_read_from_json_and_the_rest_are_the_defaults(tmp_path: Path) -> None:
    file = tmp_path / "something_else.json"
    file.write_text(json.dumps({"untyped_share": 0.2, "same_meaning": 0.7}), encoding="utf-8")
    assert read_settings(file) == ElseSettings(0.2, DEFAULTS.sharpness, 0.7, DEFAULTS.unknown_below)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"untyped_share": 1.5}', "untyped_share is 1.5"),
        ('{"sharpness": "high"}', "sharpness is 'high'"),
        ('{"bias": 1}', "no other names"),
        ("[1]", "one object"),
        ("{", "Expecting"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "something_else.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=words):
        read_settings(file)
