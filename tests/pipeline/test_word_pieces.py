"""A folder whose tokenizer cuts texts into word pieces, as the bundled model's does."""

import logging
from collections.abc import Iterator

import pytest
import torch

import pipeline as nc
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from tests.pipeline.tiny_clip import save_word_piece_folder

TEXTS = ["a star", "a photo of a star", "star " * 40, "z" * 3000, "", "☂ 杯"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> nc.ClipModel:
    pytest.importorskip("transformers")
    folder = save_word_piece_folder(tmp_path_factory.mktemp("pieces") / "tiny")
    (folder / "concepts.txt").write_text("star\tasterisk\ncup\ndog\n", encoding="utf-8")
    return nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")


def test_features_are_those_of_the_whole_context(model: nc.ClipModel) -> None:
    from open_clip import get_tokenizer

    assert model.context_length == 32
    features = model.encode_texts(TEXTS)
    folder = model._plan.folder  # the tokenizer as open_clip itself makes it
    tokens = get_tokenizer(f"local-dir:{folder}", local_files_only=True)(TEXTS)
    assert tokens.shape == (len(TEXTS), 32)
    with torch.inference_mode():
        whole = model.module.encode_text(tokens, normalize=False)  # type: ignore[operator]
    torch.testing.assert_close(features, whole, rtol=1e-4, atol=1e-5)
    assert torch.cosine_similarity(features[0], features[1], dim=0) < 0.999


@pytest.fixture
def remarks() -> Iterator[list[str]]:
    """What transformers says; its loggers do not pass it on."""
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())  # type: ignore[method-assign]
    logging.getLogger("transformers").addHandler(handler)
    yield said
    logging.getLogger("transformers").removeHandler(handler)


def test_tokens_are_counted_without_a_remark(model: nc.ClipModel, remarks: list[str]) -> None:
    assert model.token_count("A star") == 4  # [CLS] a star [SEP]
    assert model.token_count("stars") == 4
    assert model.token_count("star " * 40) == 42
    assert remarks == []


def test_rows_that_are_cut_are_told_of(model: nc.ClipModel) -> None:
    recogniser = Recogniser(model, something_else=True)
    recogniser.set_prompts(PromptList.of(["asterisk", "star " * 40], PRESETS["plain"]))
    assert recogniser.prepare_bank() == 0
    assert recogniser.notices == {1: "Too long: the model sees only the first 32 tokens of this text."}
    assert recogniser.labels[-1] == "something else"
