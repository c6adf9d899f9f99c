"""Texts to word pieces by a ``tokenizer.json``, with the package ``tokenizers`` alone.

Gives what open_clip's tokenizer gives by way of transformers, whose import takes seconds.
"""

from __future__ import annotations

import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ftfy
import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import torch

TOKENIZER_FILE, CONFIG_FILE = "tokenizer.json", "tokenizer_config.json"


class WordPieces:
    """A folder's tokenizer, where it is one that wraps each text in one start and one end token.

    Parameters
    ----------
    folder : Path
        Holds tokenizer.json.
    context_length : int
        Tokens that the model sees; longer texts lose their end, shorter ones are padded.

    Raises
    ------
    ValueError
        The file describes a tokenizer of another kind, or is damaged.
    """

    def __init__(self, folder: Path, context_length: int) -> None:
        from tokenizers import Tokenizer

        self.context_length = context_length
        try:
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        # The package raises bare exceptions.
        except Exception as error:
            raise ValueError(f"{TOKENIZER_FILE}: {error}") from error
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        ends = self._tokenizer.encode("").ids
        padding = self._tokenizer.token_to_id(_config(folder).get("pad_token", ""))
        if len(ends) != 2 or padding is None or context_length < 2:
            raise ValueError(f"{TOKENIZER_FILE} does not put one token at the start and one at the end of a text")
        self._start, self._end, self._padding = *ends, padding

    def encode(self, text: str) -> list[int]:
        """Give all tokens of a text, without those for its start and end."""
        tokens: list[int] = self._tokenizer.encode(cleaned(text), add_special_tokens=False).ids
        return tokens

    def __call__(self, texts: Sequence[str]) -> torch.Tensor:
        """Give what `tokens` gives, as a tensor."""
        import torch

        return torch.from_numpy(self.tokens(texts))

    def tokens(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Give the tokens of these texts, int64 (N, context_length)."""
        return np.array([self._whole(text) for text in texts], np.int64).reshape(-1, self.context_length)

    def _whole(self, text: str) -> list[int]:
        tokens = [self._start, *self.encode(text)[: self.context_length - 2], self._end]
        return tokens + [self._padding] * (self.context_length - len(tokens))


def has_word_pieces(folder: Path) -> bool:
    """Tell whether the folder's tokenizer is one that `WordPieces` reads."""
    file = folder / TOKENIZER_FILE
    if not file.is_file():
        return False
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
        kind = described["model"]["type"]
        plain = _config(folder).get("tokenizer_class") == "PreTrainedTokenizerFast"
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return bool(kind == "WordPiece" and plain)


def _config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / CONFIG_FILE).read_text(encoding="utf-8"))
    return config


def cleaned(text: str) -> str:
    """Mend broken encodings, resolve HTML's names for letters, and join white space, as open_clip does."""
    return " ".join(html.unescape(html.unescape(ftfy.fix_text(text))).split())
