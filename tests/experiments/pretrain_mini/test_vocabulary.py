"""The tokenizer: which pieces are kept, and how a text is cut with them."""

from pathlib import Path
from string import ascii_lowercase

import pytest
from tokenizers import BertWordPieceTokenizer
from tokenizers.processors import TemplateProcessing

from experiments.pretrain_mini import vocabulary
from experiments.pretrain_mini.corpus import Corpus
from experiments.pretrain_mini.text_tower import load_tokenizer
from experiments.pretrain_mini.vocabulary import CONTEXT, END, SPECIAL, choose_pieces, write_tokenizer
from tests.experiments.pretrain_mini.made_data import make_words

WORDS = ["umbrella", "anvil", "rain", "zebra", "##lla", "a", "of", "photo"]


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the tokenizer that pieces are chosen from."""
    folder = tmp_path_factory.mktemp("teacher")
    letters = [*ascii_lowercase, *(f"##{letter}" for letter in ascii_lowercase), *"0123456789-'"]
    pieces = dict.fromkeys(["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *WORDS])
    tokenizer = BertWordPieceTokenizer({piece: place for place, piece in enumerate(pieces)})
    ends = [(token, list(pieces).index(token)) for token in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=ends)
    tokenizer.save(str(folder / "tokenizer.json"))
    return folder


@pytest.fixture(scope="module")
def chosen(teacher: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    corpus = Corpus(make_words(tmp_path_factory.mktemp("words")), ["umbrella"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vocabulary, "_DRAWN", 500)
        return choose_pieces(corpus, teacher, size=75)


def test_special_tokens_and_all_characters_come_before_what_is_written_most(chosen: list[str]) -> None:
    assert len(chosen) == len(set(chosen)) <= 75
    assert tuple(chosen[: len(SPECIAL)]) == SPECIAL
    for letter in ascii_lowercase:
        assert letter in chosen
        assert f"##{letter}" in chosen
    assert "umbrella" in chosen
    assert "zebra" not in chosen  # never drawn
    assert "[unused0]" not in chosen


def test_a_word_that_was_left_out_is_spelt(teacher: Path, chosen: list[str], tmp_path: Path) -> None:
    write_tokenizer(chosen, teacher, tmp_path)
    tokenizer = load_tokenizer(tmp_path)
    assert tokenizer.get_vocab() == {piece: place for place, piece in enumerate(chosen)}
    read = tokenizer.encode("Umbrella zebra")
    assert read.tokens == ["[CLS]", "umbrella", "z", "##e", "##b", "##r", "##a", "[SEP]"]
    assert read.ids[-1] == END
    long = tokenizer.encode("zebra " * 50)
    assert len(long.ids) == CONTEXT
    assert long.ids[-1] == END


def test_transformers_reads_it_as_it_is_meant(teacher: Path, chosen: list[str], tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    write_tokenizer(chosen, teacher, tmp_path)
    read = transformers.AutoTokenizer.from_pretrained(tmp_path, local_files_only=True)
    assert read.model_max_length == CONTEXT
    padded = read("umbrella", padding="max_length", max_length=6)["input_ids"]
    assert padded == [chosen.index("[CLS]"), chosen.index("umbrella"), END, 0, 0, 0]
