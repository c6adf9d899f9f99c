"""Which other texts there are for a model, and what they are called."""

from pathlib import Path

import pytest

import pipeline as nc
from pipeline.bank_features import BankFeatures
from pipeline.few_shot.shots import unit
from pipeline.prediction import Floats
from pipeline.prompts import PRESETS
from pipeline.text_bank import TextBank, bank_of, meaning_key
from tests.pipeline.tiny_clip import save_folder

CONCEPTS = "umbrella\tbrolly\tparasol\n\nhot-air balloon\ndog\tpuppy\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = save_folder(tmp_path / "mini")
    (folder / "concepts.txt").write_text(CONCEPTS, encoding="utf-8")
    return folder


def test_the_concepts_beside_a_model_are_its_world(folder: Path) -> None:
    bank = bank_of(folder)
    assert bank.is_world
    assert bank.names == ("umbrella", "hot-air balloon", "dog")


@pytest.mark.parametrize("where", [None, Path(__file__).parent])
def test_any_other_model_has_common_nouns(where: Path | None) -> None:
    bank = bank_of(where)
    assert not bank.is_world
    assert len(bank.names) > 300
    words = [meaning_key(word) for concept in bank.concepts for word in concept]
    assert len(set(words)) == len(words)
    assert {"cup", "dog", "umbrella"} <= set(words)


@pytest.mark.parametrize(
    ("typed", "names"),
    [
        (["a brolly"], ["umbrella"]),
        (["Hot air balloon", "the puppy"], ["hot-air balloon", "dog"]),
        (["antler"], []),
        (["a"], []),
    ],
)
def test_a_typed_text_names_a_concept_by_its_name_or_a_synonym(
    folder: Path, typed: list[str], names: list[str]
) -> None:
    bank = bank_of(folder)
    assert [bank.names[place] for place in sorted(bank.named_by(typed))] == names


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("concepts.txt", b"\n \n", "holds no concepts"),
        ("concepts.txt", b"caf\xe9", "not UTF-8"),
        ("something_else.json", b'{"sharpness": 0}', "sharpness is 0"),
    ],
)
def test_a_damaged_file_is_said_when_the_model_is_loaded(folder: Path, name: str, content: bytes, words: str) -> None:
    (folder / name).write_bytes(content)
    with pytest.raises(nc.ModelError, match=words):
        nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")


def test_features_are_encoded_in_portions_and_once_a_template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")
    encoded: list[str] = []
    encode = model.text_features

    def follow(texts: list[str]) -> Floats:
        encoded.extend(texts)
        return encode(texts)

    monkeypatch.setattr(model, "text_features", follow)
    features, photos = BankFeatures(model), PRESETS["photos"]
    assert features.encode(photos, 10) == 11
    assert features.of(photos) is None
    assert features.encode(photos, 10) == 1
    assert features.encode(photos, 10) == 0
    assert encoded == [text for name in model.bank.names for text in photos.fill(name)]
    found = features.of(photos)
    assert found is not None
    expected = unit(unit(encode(photos.fill("dog"))).mean(0))
    assert found[2].tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    features.encode(PRESETS["class"])
    assert features.encode(photos) == 0
    assert len(encoded) == 24


def test_a_bank_without_synonyms_of_a_text_has_no_place_for_it() -> None:
    assert TextBank((("cup", "mug"),)).named_by(["star"]) == frozenset()
