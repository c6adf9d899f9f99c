"""A text that was not taught is read by what it is nearest to, and keeps what it says beyond that."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.nearest_concepts import SHARE, towards_concepts
from pipeline.something_else import Numbers


def unit(vectors: Numbers) -> Numbers:
    result: Numbers = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def texts(count: int, seed: int) -> Numbers:
    return unit(np.random.default_rng(seed).standard_normal((count, 32)))


def test_a_concept_itself_hardly_moves() -> None:
    concepts = texts(40, 1)
    assert ((towards_concepts(concepts, concepts) * concepts).sum(1) > 0.999).all()


def test_a_text_goes_that_far_to_the_concept_that_it_is_nearest_to() -> None:
    concepts = texts(40, 1)
    text = unit(concepts[7] + 0.7 * texts(1, 2)[0])
    moved = towards_concepts(text[None], concepts)[0]
    np.testing.assert_allclose(moved, unit((1 - SHARE) * text + SHARE * concepts[7]), atol=1e-3)


def test_of_two_texts_of_one_concept_each_keeps_what_it_says_beyond_it() -> None:
    concepts = texts(40, 1)
    big, small = unit(concepts[7] + 0.3 * texts(2, 3))
    beyond = big - small
    moved = towards_concepts(np.stack([big, small]), concepts) @ beyond
    assert moved[0] > moved[1]


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5), st.integers(1, 30))
def test_all_come_out_as_unit_vectors(seed: int, rows: int, concepts: int) -> None:
    moved = towards_concepts(texts(rows, seed + 1), texts(concepts, seed))
    assert np.linalg.norm(moved, axis=1) == pytest.approx(1)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 5))
def test_with_a_single_concept_all_come_nearer_to_it(seed: int, rows: int) -> None:
    bank, typed = texts(1, seed), texts(rows, seed + 1)
    assert ((towards_concepts(typed, bank) - typed) @ bank.T > 0).all()
