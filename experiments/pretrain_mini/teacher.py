"""The sentence embedding that the text tower is distilled from: all-MiniLM-L6-v2 (Apache 2.0)."""

from __future__ import annotations

from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import nn

WIDTH = 384


class Teacher(nn.Module):
    """Reads texts, gives their embeddings, unit length, float32 (N, 384)."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        from transformers import BertModel

        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(32)
        self.bert = BertModel.from_pretrained(folder, dtype=dtype, attn_implementation="sdpa").eval()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def forward(self, texts: list[str]) -> torch.Tensor:
        encoded = self.tokenizer.encode_batch(texts)
        features = torch.empty(len(texts), WIDTH)
        order = sorted(range(len(texts)), key=lambda i: len(encoded[i].ids))
        for start in range(0, len(order), 64):
            places = order[start : start + 64]
            length = max(len(encoded[i].ids) for i in places)
            tokens = torch.zeros(len(places), length, dtype=torch.long)
            for row, place in enumerate(places):
                tokens[row, : len(encoded[place].ids)] = torch.tensor(encoded[place].ids)
            mask = (tokens != 0).long()
            hidden = self.bert(input_ids=tokens, attention_mask=mask).last_hidden_state.float()
            pooled = (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
            features[places] = nn.functional.normalize(pooled, dim=-1)
        return features

    def word_embedding(self, pieces: list[str]) -> torch.Tensor:
        """Give the embedding table's rows for these pieces, float32 (N, 384)."""
        known = self.tokenizer.get_vocab()
        table: torch.Tensor = self.bert.embeddings.word_embeddings.weight.detach().float()
        return table[[known[piece] for piece in pieces]]
