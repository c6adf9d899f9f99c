"""CLIP's tokens without open_clip: the same as its own tokenizer gives."""

import gzip
import unicodedata
from pathlib import Path

import numpy as np
import open_clip
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.byte_pairs import VOCABULARY, BytePairs, _tokenizer

TEXTS = [
    "a photo of a cup", "", " ", "It's 12 DOGS, isn't it?!", "naïve café", "杯子", "🦊🦊", "हिन्दी", "كوب",
    "&amp;lt;b&gt;",     "a\x00b\x1fc", "İstanbul ǅ ß", "a" * 300, "many words " * 60, "foo\u200bbar ﬁ ½ ²",
    "<end_of_text> <start_of_text>",     "schÃ¶n", "they'll we've I'm he'd",
]  # fmt: skip


@pytest.fixture(scope="module")
def pieces() -> BytePairs:
    return BytePairs(77)


@pytest.fixture(scope="module")
def own() -> open_clip.SimpleTokenizer:
    return open_clip.SimpleTokenizer()


def test_tokens_are_open_clips(pieces: BytePairs, own: open_clip.SimpleTokenizer) -> None:
    assert np.array_equal(pieces.tokens(TEXTS), own(TEXTS).numpy())


@given(st.text(max_size=60))
def test_tokens_of_any_text_are_open_clips(pieces: BytePairs, own: open_clip.SimpleTokenizer, text: str) -> None:
    """But for letters so new that not every Unicode table has them."""
    text = "".join(letter for letter in text if unicodedata.ucd_3_2_0.category(letter) != "Cn")
    assert np.array_equal(pieces.tokens([text]), own([text]).numpy())


def test_all_tokens_of_a_long_text_are_counted(pieces: BytePairs, own: open_clip.SimpleTokenizer) -> None:
    text = "a long text " * 50
    assert pieces.encode(text) == own.encode(text)
    assert len(pieces.encode(text)) == 150


def test_a_shorter_context_cuts_the_end(own: open_clip.SimpleTokenizer) -> None:
    assert np.array_equal(BytePairs(5).tokens(["a b c d e f"]), own(["a b c d e f"], context_length=5).numpy())


def test_another_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "merges.txt.gz"
    with gzip.open(file, "wt", encoding="utf-8") as lines:
        lines.write("# remark\n" + "a b\n" * VOCABULARY)
    with pytest.raises(ValueError, match="another table"):
        _tokenizer(file)
