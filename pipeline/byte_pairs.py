"""Texts to the tokens of OpenAI's CLIP, and of nearly all that came after it, with the package ``tokenizers`` alone.

Gives what open_clip's own tokenizer gives, whose import brings torch. The table of merges is open_clip's file.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from pipeline.open_clip_tables import open_clip_folder
from pipeline.word_pieces import cleaned

if TYPE_CHECKING:
    from tokenizers import Tokenizer

VOCABULARY = 49_408
"""Tokens there are: each byte inside a word and at its end, each merge, start and end of a text."""
START, END = "<start_of_text>", "<end_of_text>"
_MERGES = "bpe_simple_vocab_16e6.txt.gz"
_WORD_END = "</w>"
_WORDS = rf"(?i){START}|{END}|'s|'t|'re|'ve|'m|'ll|'d|[\p{{L}}]+|[\p{{N}}]|[^\s\p{{L}}\p{{N}}]+"
_READABLE = ((ord("!"), ord("~")), (ord("¡"), ord("¬")), (ord("®"), ord("ÿ")))
"""Bytes that stand for themselves in the table; the others are shifted behind the last byte."""


class BytePairs:
    """CLIP's tokenizer.

    Parameters
    ----------
    context_length : int
        Tokens that the model sees; longer texts lose their end, shorter ones are padded with 0.

    Raises
    ------
    OSError, ValueError
        The table is not there, or is another one.
    """

    def __init__(self, context_length: int) -> None:
        self.context_length = context_length
        self._tokenizer = _tokenizer(open_clip_folder() / _MERGES)
        self._start, self.end = VOCABULARY - 2, VOCABULARY - 1

    def encode(self, text: str) -> list[int]:
        """Give all tokens of a text, without those for its start and end."""
        tokens: list[int] = self._tokenizer.encode(cleaned(text).lower(), add_special_tokens=False).ids
        return tokens

    def tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Give the tokens of these texts, int64 (N, context_length)."""
        tokens = np.zeros((len(texts), self.context_length), np.int64)
        for row, text in zip(tokens, texts, strict=True):
            whole = [self._start, *self.encode(text)[: self.context_length - 2], self.end]
            row[: len(whole)] = whole
        return tokens


@lru_cache(maxsize=1)
def _tokenizer(file: Path) -> Tokenizer:
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

    letters = _letters()
    merges = _merges(file, VOCABULARY - 2 * len(letters) - 2)
    pieces = [*letters, *(letter + _WORD_END for letter in letters), *("".join(pair) for pair in merges), START, END]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    if len(vocabulary) != VOCABULARY:
        raise ValueError(f"{file} holds another table")
    tokenizer = Tokenizer(models.BPE(vocabulary, merges, end_of_word_suffix=_WORD_END))
    tokenizer.add_special_tokens([AddedToken(each, normalized=False) for each in (START, END)])
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_WORDS), behavior="removed", invert=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _merges(file: Path, count: int) -> list[tuple[str, str]]:
    """Read the first so many merges; the first line is a remark."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        next(lines, None)
        pairs = [tuple(line.split()) for _, line in zip(range(count), lines, strict=False)]
    return [(first, second) for first, second in pairs]


def _letters() -> list[str]:
    """Give the letter that stands for each byte, in the table's order."""
    readable = [byte for first, last in _READABLE for byte in range(first, last + 1)]
    shifted = range(256, 512 - len(readable))
    return [*map(chr, readable), *map(chr, shifted)]
