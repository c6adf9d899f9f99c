"""What describes a thing and what it is called: read from WordNet's own format."""

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments.pretrain_mini.concepts import Concept, unseen_prompts
from experiments.pretrain_mini.definitions import Dictionary, Entry, Lesson, entries
from experiments.pretrain_mini.text_tower import TextTower, load_tokenizer
from pipeline.bundled import BUNDLED_MODELS

MINI = BUNDLED_MODELS / "neuroclip-mini"
ANVIL = '00000010 06 n 01 anvil 0 001 @ 00000001 n 0000 | a heavy block of iron on which metals are shaped; "his anvil"'
BROLLY = "00000020 06 n 02 umbrella 0 brolly 0 001 @ 00000001 n 0000 | a lightweight handheld collapsible canopy"
PARIS = "00000030 15 n 01 Paris 0 000 | the capital and largest city of France"
MOOD = "00000040 12 n 01 mood 0 000 | a characteristic state of feeling"


@pytest.fixture
def words(tmp_path: Path) -> Path:
    (tmp_path / "wordnet").mkdir()
    lines = ["  1 This is a licence", ANVIL, BROLLY, PARIS, MOOD]
    (tmp_path / "wordnet" / "data.noun").write_text("\n".join(lines) + "\n")
    return tmp_path


def test_things_that_can_be_seen_are_read_with_their_definitions(words: Path) -> None:
    found = entries(words, [Concept("anvil", ())])
    assert [entry.names for entry in found] == [("anvil",), ("umbrella", "brolly")]
    assert found[0].descriptions[0] == "a heavy block of iron on which metals are shaped"


def test_what_the_table_has_is_asked_for_oftener(words: Path) -> None:
    known, other = entries(words, [Concept("Anvil", ())])
    assert known.weight > 5 * other.weight


def test_what_says_the_same_as_an_unseen_prompt_is_left_out(words: Path) -> None:
    told = ANVIL.replace("a heavy block of iron on which metals are shaped", "the iron block of any smith")
    (words / "wordnet" / "data.noun").write_text(told + "\n" + BROLLY + "\n")
    assert unseen_prompts([Concept("anvil", ())]) == {0: "an iron block of a smith"}
    assert [entry.names for entry in entries(words, [Concept("anvil", ())])] == [("umbrella", "brolly")]


def test_draws_are_repeatable_and_pair_a_description_with_a_name() -> None:
    dictionary = Dictionary(
        [Entry(("anvil",), ("a block of iron",), 1.0), Entry(("cup",), ("a vessel to drink",), 1.0)]
    )
    drawn = dictionary.draw(random.Random(3), 50)
    assert drawn == dictionary.draw(random.Random(3), 50)
    for place, described, name in drawn:
        assert described == dictionary.entries[place].descriptions[0]
        assert dictionary.entries[place].names[0] in name


def test_the_loss_of_finding_is_less_where_descriptions_already_find_their_names() -> None:
    tokenizer = load_tokenizer(MINI)
    torch.manual_seed(0)
    tower = TextTower(tokenizer.get_vocab_size()).eval()
    concepts = [Concept("anvil", ()), Concept("cup", ("mug",)), Concept("star", ())]
    lesson = Lesson(tokenizer, tower, concepts)
    names = Dictionary([Entry(("anvil",), ("anvil",), 1.0), Entry(("star",), ("star",), 1.0)])
    crossed = Dictionary([Entry(("anvil",), ("star",), 1.0), Entry(("star",), ("anvil",), 1.0)])
    with torch.no_grad():
        right = lesson(tower, names, [(0, "anvil", "anvil"), (1, "star", "star")], ["a cup"])
        wrong = lesson(tower, crossed, [(0, "star", "anvil"), (1, "anvil", "star")], ["a cup"])
    assert float(right[0]) < float(wrong[0])
    np.testing.assert_allclose([float(right[1]), float(right[2]), float(wrong[2])], [0, 1, 0], atol=1e-5)


def test_synonyms_of_the_table_do_not_count_against_a_description() -> None:
    tokenizer = load_tokenizer(MINI)
    torch.manual_seed(0)
    tower = TextTower(tokenizer.get_vocab_size()).eval()
    lesson = Lesson(tokenizer, tower, [Concept("cup", ("mug",)), Concept("star", ())])
    dictionary = Dictionary([Entry(("mug",), ("a vessel",), 1.0)])
    np.testing.assert_array_equal(lesson._called(dictionary, [0]), [[True, False]])
