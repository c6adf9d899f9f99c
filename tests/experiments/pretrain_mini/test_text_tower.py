"""The text tower: what is taken over from a finished model reads as that model does."""

from pathlib import Path

import numpy as np
import torch

from experiments.pretrain_mini.captions import Reader
from experiments.pretrain_mini.text_tower import grouped_tokens, load_tokenizer, take_weights
from pipeline import load_model
from pipeline.bundled import BUNDLED_MODELS

MINI = BUNDLED_MODELS / "neuroclip-mini"


def test_the_text_tower_of_a_finished_model_is_taken_over(tmp_path: Path) -> None:
    take_weights(MINI, tmp_path)
    texts = ["a star", "the digit 7", "nothing but noise", "a photo of a sailboat on a sheet of paper"]
    read = Reader(tmp_path).read(texts).numpy()
    model = load_model(str(MINI), device="cpu", precision="fp32")
    expected = np.asarray(model.encode_texts(texts), np.float32)
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose((read * expected).sum(1), 1, atol=1e-4)


def test_texts_are_grouped_by_length_and_can_be_put_back() -> None:
    tokenizer = load_tokenizer(MINI)
    texts = ["a star", "a very long sentence about a star that is seen by a camera", "cup"] * 3
    groups, order = grouped_tokens(tokenizer, texts, size=4)
    assert sorted(order) == list(range(9))
    assert [len(group) for group in groups] == [4, 4, 1]
    rows = [row for group in groups for row in group]
    for row, place in zip(rows, order, strict=True):
        assert torch.equal(row[row > 0], torch.tensor(tokenizer.encode(texts[place]).ids))
