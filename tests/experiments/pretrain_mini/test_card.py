"""The model card as its command writes it."""

import json
from pathlib import Path

import pytest

from experiments.pretrain_mini import card
from experiments.pretrain_mini.concepts import NOTHING, Concept
from experiments.pretrain_mini.fetch import FONTS
from experiments.pretrain_mini.hands import HELD_OUT, HELD_OUT_FONTS, ICON_SETS, MISLABELLED
from experiments.pretrain_mini.image_tower import _WARM_RATE, FALL_SHARE, FIRST_SIDE, SIDE
from tests.experiments.pretrain_mini.made_data import make_data

FIGURES = {
    "rows": [
        {"name": "line icons, among 300", "share": 0.8049, "low": 0.77, "high": 0.83, "n": 600, "bar": 0.9},
        {"name": "concepts never seen", "share": 0.2, "low": 0.1, "high": 0.3, "n": 30, "bar": None},
    ],
    "something else": {"icons": 0.9731, "emoji": 0.9529},
}


class Bench:
    """Everything that the command is given, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.model, self.figures, self.log = folder / "model", folder / "figures.json", folder / "image_log.jsonl"
        self.data = make_data(folder / "data")
        self.model.mkdir()
        self.figures.write_text(json.dumps(FIGURES))
        said = {"loss": 2.0, "top1": 0.5, "pair": 0.1, "side": 64, "s": 1.0}
        self.log.write_text("".join(json.dumps({"frames": n, **said}) + "\n" for n in (6_400, 12_800)))
        pictures = self.data / "run" / "pictures"
        pictures.mkdir(parents=True)
        shown = [{"concept": place, "held_out": place == 1} for place in (0, 0, 1)]
        (pictures / "pictures.json").write_text(json.dumps(shown))

    def run(self, *more: str) -> int:
        given = [str(self.figures), "--data", str(self.data), "--model", str(self.model), "--log", str(self.log)]
        return card.main([*given, *more])

    @property
    def text(self) -> str:
        return (self.model / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    pytest.importorskip("matplotlib")
    concepts = [Concept("anvil", ()), Concept("cup", ()), Concept("star", (), held_out=True), Concept(NOTHING, ())]
    monkeypatch.setattr(card, "read_concepts", lambda: concepts)
    return Bench(tmp_path)


def section(text: str, begin: str, end: str) -> str:
    return text[text.index(begin) : text.index(end)]


def test_it_writes_card_log_and_curve(bench: Bench) -> None:
    assert bench.run() == 0
    assert (bench.model / "training.jsonl").read_text() == bench.log.read_text()
    assert (bench.model / "training.png").stat().st_size > 1_000
    assert "| line icons, among 300 | 80.5% | 77.0% to 83.0% | 600 | 90% |\n" in bench.text
    assert "| concepts never seen | 20.0% | 10.0% to 30.0% | 30 | – |\n" in bench.text
    assert "0.973 (icons), 0.953 (emoji)" in bench.text
    assert "saw 12,800 event frames, each" in bench.text
    assert "Not reached" not in bench.text
    assert "{" not in bench.text


def test_what_it_was_taught_is_counted_by_pictures_that_are_trained_on(bench: Bench) -> None:
    assert bench.run() == 0
    assert "It knows 1 things that can be drawn" in bench.text
    assert "(and 1 more of which there was no picture to learn from)" in bench.text


def test_what_is_learnt_from_and_what_is_only_measured_on_stand_apart(bench: Bench) -> None:
    assert bench.run() == 0
    learnt = section(bench.text, "icons and emoji that it learnt from", "icons and emoji that it was only measured on")
    measured = section(bench.text, "icons and emoji that it was only measured on", "Fonts whose")
    for hand in ICON_SETS:
        row = f"| Set {hand} | [Painter of {hand}](https://example.org/{hand}) | [MIT](https://example.org/licence) |"
        assert (row in measured, row in learnt) == (hand in HELD_OUT, hand not in HELD_OUT)
    learnt = section(bench.text, "Fonts whose", "Fonts that it was only measured on")
    measured = section(bench.text, "Fonts that it was only measured on", "Handwritten digits")
    for font in FONTS:
        row = f"| {font.removeprefix('fonts-')} | 2011 {font}'s maker | OFL-1.1 |"
        hidden = any(word in font for word in HELD_OUT_FONTS)
        assert (row in measured, row in learnt) == (hidden, not hidden)


def test_words_are_credited_with_their_licences(bench: Bench) -> None:
    assert bench.run() == 0
    words = bench.text[bench.text.index("Words, and what they mean") :]
    for said in (
        "| WordNet 3.0 | Copyright 2006 by Princeton University |",
        "| Unicode CLDR annotations 48.2.0 | Copyright © 2004-2026 Unicode, Inc. | [Unicode-3.0]",
        "| emojibase-data 17.0.0 | Copyright (c) 2017-2019 Miles Johnson | [MIT]",
        "apache-2.0",
    ):
        assert said in words


def test_what_it_says_of_the_training_is_what_the_training_does(bench: Bench) -> None:
    assert bench.run() == 0
    text = " ".join(bench.text.split())
    assert f"begins at {_WARM_RATE} of that rate" in text
    assert f"over the last {FALL_SHARE * 100:.0f} % of the frames" in text
    assert f"{FIRST_SIDE} px wide at first, then {SIDE}" in text
    assert f"takes {len(MISLABELLED)} pictures out of them" in text


def test_what_was_tried_is_a_section_of_its_own(bench: Bench, tmp_path: Path) -> None:
    (tmp_path / "tried.md").write_text("Larger pictures: *no gain*.\n")
    assert bench.run("--tried", str(tmp_path / "tried.md")) == 0
    assert "\n## Not reached, and what was tried\n\nLarger pictures: *no gain*.\n\n## How it was made\n" in bench.text


def test_a_second_sitting_is_counted_on_and_told_of(bench: Bench) -> None:
    assert bench.run(str(bench.log)) == 0  # --log takes several
    assert "saw 25,600 event frames in 2 sittings, each" in bench.text


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (lambda bench: bench.figures.unlink(), "figures.json cannot be read (No such file or directory)"),
        (lambda bench: bench.figures.write_text("right: 3"), "is not a JSON file"),
        (lambda bench: bench.figures.write_text("[]"), "holds no rows of figures"),
        (lambda bench: bench.log.unlink(), "image_log.jsonl cannot be read"),
        (lambda bench: bench.model.rmdir(), "There is no model folder"),
        (lambda bench: (bench.data / "run/pictures/pictures.json").unlink(), "pictures.json is not there"),
        (lambda bench: (bench.data / "sets/mdi/info.json").unlink(), "info.json is not there"),
        (lambda bench: next(bench.data.rglob("copyright")).unlink(), "has no copyright file"),
    ],
)
def test_what_is_missing_costs_one_sentence(bench: Bench, capsys: pytest.CaptureFixture[str], break_it, words) -> None:  # type: ignore[no-untyped-def]
    break_it(bench)
    assert bench.run() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    assert words in said
    assert said.endswith(".\n")
