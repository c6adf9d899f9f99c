"""From texts to features, computing no more positions than the texts have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipeline.prediction import Floats

if TYPE_CHECKING:
    import torch

GROUP = 32
"""Texts encoded together."""
LETTERS_PER_TOKEN = 32
"""Longer than any token of CLIP's vocabulary: what stands behind so many letters times the context cannot matter."""
_PROBE = "a photo of a cup"


class TextTower(Protocol):
    """The text side of one CLIP. Belongs to one thread at a time."""

    context_length: int

    def token_count(self, text: str) -> int:
        """Give how many tokens the text has, with those for its start and end.

        More than `context_length`: the end of the text is not seen. A text of thousands of letters is not counted
        to its end.
        """
        ...

    def encode(self, texts: Sequence[str]) -> Floats:
        """Give features, float32 (N, C), not normalised."""
        ...


def in_groups(texts: Sequence[str], context_length: int, encode: Callable[[list[str]], Floats]) -> Floats:
    """Encode texts of like length together, so that one long text does not make all the others long.

    Parameters
    ----------
    texts : sequence of str, N of them, at least one
    context_length : int
    encode : callable
        Gives float32 (M, C) for M texts, at most `GROUP`.

    Returns
    -------
    float32 (N, C)
    """
    bounded_texts = [bounded(text, context_length) for text in texts]
    order = sorted(range(len(texts)), key=lambda place: (len(bounded_texts[place]), place))
    groups = [order[start : start + GROUP] for start in range(0, len(order), GROUP)]
    encoded = np.concatenate([encode([bounded_texts[place] for place in group]) for group in groups])
    features = np.empty_like(encoded)
    features[order] = encoded
    return features


def bounded(text: str, context_length: int) -> str:
    """Leave away of a very long text what cannot matter."""
    return text[: context_length * LETTERS_PER_TOKEN]


class TextEncoder:
    """The text side of one CLIP. Belongs to one thread at a time.

    open_clip computes all positions of the context for every text. Under a causal mask nothing behind the
    end-of-text token can change the feature, so the positions after the longest text of a group are cut. That this
    gives the same feature is checked once, against the whole computation; where it does not, nothing is cut.
    """

    def __init__(self, module: torch.nn.Module, tokenizer: Any) -> None:
        self._module, self._tokenizer = module, tokenizer
        self.context_length = int(tokenizer.context_length)
        self.cuts = self._cutting_is_exact()

    def token_count(self, text: str) -> int:
        text = bounded(text, self.context_length)
        inner = getattr(self._tokenizer, "tokenizer", None)
        if inner is None:
            return len(self._tokenizer.encode(text)) + 2
        cleaned = self._tokenizer.clean_fn(text)
        # Not verbose: it would warn of what is counted here on purpose.
        return len(inner(cleaned, truncation=False, verbose=False)["input_ids"])

    def encode(self, texts: Sequence[str]) -> Floats:
        return in_groups(texts, self.context_length, self._encode_group)

    def _encode_group(self, texts: list[str]) -> Floats:
        import torch

        tokens = self._tokenizer(texts).to(self._device)
        with torch.inference_mode():
            features = self._encode_cut(tokens) if self.cuts else self._module.encode_text(tokens, normalize=False)  # type: ignore[operator]
            numbers: Floats = features.float().cpu().numpy()
        return numbers

    @property
    def _device(self) -> torch.device:
        return next(self._module.parameters()).device

    def _tower(self) -> Any:
        return getattr(self._module, "text", self._module)

    def _pool_type(self) -> str | None:
        tower = self._tower()
        pool: str | None = getattr(tower, "text_pool_type", None) or getattr(tower, "pool_type", None)
        return pool

    def _ends(self, tokens: torch.Tensor) -> torch.Tensor:
        """Give where each text's feature is taken, (N,)."""
        if self._pool_type() == "eos":
            tower = self._tower()
            end = tower.text_eos_id if hasattr(tower, "text_eos_id") else tower.eos_id
            tokens = (tokens == end).int()
        return tokens.argmax(dim=-1)

    def _encode_cut(self, tokens: torch.Tensor) -> torch.Tensor:
        import torch

        tower = self._tower()
        ends = self._ends(tokens)
        length = int(ends.max()) + 1
        dtype = tower.transformer.get_cast_dtype()
        x: torch.Tensor = tower.token_embedding(tokens[:, :length]).to(dtype) + tower.positional_embedding[:length].to(
            dtype
        )
        x = tower.transformer(x, attn_mask=tower.attn_mask[:length, :length])
        x = tower.ln_final(x[torch.arange(len(x), device=x.device), ends])
        projection = tower.text_projection
        if projection is None:
            return x
        projected: torch.Tensor = projection(x) if isinstance(projection, torch.nn.Linear) else x @ projection
        return projected

    def _cutting_is_exact(self) -> bool:
        import torch

        tower = self._tower()
        parts = ("token_embedding", "positional_embedding", "transformer", "ln_final")
        if (
            not all(hasattr(tower, part) for part in parts)
            or not hasattr(tower.transformer, "get_cast_dtype")
            or getattr(tower, "attn_mask", None) is None
            or getattr(tower, "cls_emb", None) is not None
            or self._pool_type() not in ("argmax", "eos")
        ):
            return False
        tokens = self._tokenizer([_PROBE]).to(self._device)
        with torch.inference_mode():
            # Compared on the CPU: not every device has float64.
            whole = self._module.encode_text(tokens, normalize=False).cpu().double()  # type: ignore[operator]
            cut = self._encode_cut(tokens).cpu().double()
        return bool((whole - cut).norm() <= 1e-4 * whole.norm())
