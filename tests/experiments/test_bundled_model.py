"""The weights that come with the program still name what nobody trained them on.

A small fixed set in place of the held-out pictures, which are not part of the project: this program's own drawings,
glyphs of its own typeface, and its recordings, shown by its own simulator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from experiments.evaluate_mini import Showing, window_frames
from experiments.evaluate_recordings import play
from experiments.pretrain_mini.concepts import read_concepts, unseen_prompts
from pipeline import load_model
from pipeline.bundled import BUNDLED_MODELS, BUNDLED_RECORDINGS, ROOT
from pipeline.clip import ClipModel
from pipeline.simulation.shapes import SHAPES, label
from pipeline.simulation.things import texture_of, thing
from pipeline.something_else import likeness

Floats = npt.NDArray[np.float32]

TYPEFACE = ROOT / "app" / "fonts" / "InterVariable.ttf"
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
USUAL = Showing(size=0.7, seed=1)
OUTSIDE = [
    "democracy", "jealousy", "inflation", "yesterday", "philosophy", "mortgage", "grammar", "taxation",
    "bankruptcy", "nostalgia", "an algorithm", "photosynthesis", "a rumour", "unemployment", "courage", "metabolism",
    "irony", "a deadline", "barack obama", "velvet", "marble texture", "capitalism", "entropy", "etiquette",
    "a lawsuit", "parliament", "the stock exchange", "the smell of rain", "a foggy morning", "the colour teal",
]  # fmt: skip


@pytest.fixture(scope="module")
def model() -> Iterator[ClipModel]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield load_model(str(BUNDLED_MODELS / "neuroclip-mini"), device="cpu", precision="fp32")
    torch.set_num_threads(threads)


def texts(model: ClipModel, prompts: list[str]) -> Floats:
    """Features of prompts, unit length."""
    features = np.asarray(model.encode_texts(prompts), np.float32)
    return np.asarray(features / np.linalg.norm(features, axis=1, keepdims=True), np.float32)


def seen(model: ClipModel, cover: Floats, light: Floats, showing: Showing) -> Floats:
    """Mean of a window's features."""
    features = np.asarray(model.encode_frames(window_frames(cover, light, showing)), np.float32)
    return np.asarray((features / np.linalg.norm(features, axis=1, keepdims=True)).mean(0), np.float32)


@cache
def drawing(name: str) -> tuple[Floats, Floats]:
    painted = texture_of(thing(name), 160)
    return painted.cover, painted.light


@cache
def glyph(character: str) -> tuple[Floats, Floats]:
    """A character of the window's typeface, white."""
    canvas = Image.new("L", (128, 128))
    font = ImageFont.truetype(str(TYPEFACE), 110)
    ImageDraw.Draw(canvas).text((64, 64), character, 255, font, anchor="mm")
    ink = np.asarray(np.asarray(canvas) / 255, np.float32)
    return ink, np.asarray(0.92 * ink, np.float32)


@pytest.fixture(scope="module")
def drawings(model: ClipModel) -> dict[str, list[Floats]]:
    """Each drawing of the program's, waved twice: light on dark and dark on light."""
    shown = (USUAL, replace(USUAL, seed=2, dark_on_light=True))
    return {name: [seen(model, *drawing(name), showing) for showing in shown] for name in SHAPES}


def share_right(features: dict[str, list[Floats]], candidates: Floats, place: dict[str, int]) -> float:
    """How many windows are nearest to their own text."""
    right = [int((candidates @ f).argmax()) == place[name] for name, all_f in features.items() for f in all_f]
    return sum(right) / len(right)


def likest(model: ClipModel, typed: list[str]) -> Floats:
    """How like each text is to the nearest thing that the model knows."""
    known = texts(model, [words[0] for words in model.bank.concepts])
    return np.asarray(likeness(texts(model, typed), known).max(1), np.float32)


def test_most_of_what_lies_outside_its_world_is_marked_and_little_of_what_lies_within(model: ClipModel) -> None:
    least = model.bank.settings.unknown_below
    assert np.mean(likest(model, OUTSIDE) < least) >= 0.6
    synonyms = [words[1] for words in model.bank.concepts[::3] if len(words) > 1]
    assert len(synonyms) > 200
    assert np.mean(likest(model, synonyms) < least) <= 0.15
    assert not (likest(model, [f"a photo of a {words[0]}" for words in model.bank.concepts[::20]]) < least).any()


def test_unseen_prompts_find_their_concept_by_text(model: ClipModel) -> None:
    concepts = read_concepts()
    prompts = unseen_prompts(concepts)
    names = texts(model, [concepts[place].name for place in prompts])
    nearest = (texts(model, list(prompts.values())) @ names.T).argmax(1)
    assert np.mean(nearest == np.arange(len(prompts))) >= 0.42


def test_drawings_are_named_among_twelve_as_typed(model: ClipModel, drawings: dict[str, list[Floats]]) -> None:
    names = list(SHAPES)
    candidates = texts(model, [label(name) for name in names])
    assert share_right(drawings, candidates, {name: place for place, name in enumerate(names)}) >= 0.9


def test_drawings_are_named_among_three_hundred_concepts(model: ClipModel, drawings: dict[str, list[Floats]]) -> None:
    bank = [words[0] for words in model.bank.concepts]
    own = {name for name in SHAPES if name in bank}
    assert len(own) >= 9
    others = [name for name in bank[:: len(bank) // 300] if name not in own][: 300 - len(own)]
    names = [*sorted(own), *others]
    candidates = texts(model, names)
    assert share_right({name: drawings[name] for name in own}, candidates, {n: i for i, n in enumerate(names)}) >= 0.7


@pytest.mark.slow
def test_printed_glyphs_are_read(model: ClipModel) -> None:
    candidates = texts(model, [f"digit {c}" if c.isdigit() else f"letter {c.lower()}" for c in CHARACTERS])
    features = {c: [seen(model, *glyph(c), replace(USUAL, seed=3 + place))] for place, c in enumerate(CHARACTERS)}
    assert share_right(features, candidates, {c: place for place, c in enumerate(CHARACTERS)}) >= 0.85


def test_noise_is_told_from_things(model: ClipModel, drawings: dict[str, list[Floats]]) -> None:
    noise, *things = texts(model, ["nothing but noise", *(label(name) for name in SHAPES)])
    empty = np.zeros((8, 8), np.float32)
    quiet = [seen(model, empty, empty, Showing(noise_hz=hz, seed=7)) for hz in (0.05, 0.3, 1.0, 3.0)]
    wrong = [float(noise @ feature) < float(text @ feature) for feature in quiet for text in things]
    for text, features in zip(things, drawings.values(), strict=True):
        wrong += [float(noise @ feature) > float(text @ feature) for feature in features]
    assert sum(wrong) / len(wrong) <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "second", "shown_first", "shown_second"),
    [
        ("big {}", "small {}", replace(USUAL, size=0.95), replace(USUAL, size=0.36)),
        ("one {}", "two {}s", replace(USUAL, size=0.45), replace(USUAL, scene="two", size=0.5)),
    ],
)
def test_pairs_of_prompts_are_told_apart(
    model: ClipModel, first: str, second: str, shown_first: Showing, shown_second: Showing
) -> None:
    right = []
    for name in ("star", "heart", "cup", "umbrella", "arrow", "house", "key", "flower"):
        one, other = texts(model, [first.format(name), second.format(name)])
        right += [
            float((one - other) @ seen(model, *drawing(name), shown_first)) > 0,
            float((one - other) @ seen(model, *drawing(name), shown_second)) < 0,
        ]
    assert sum(right) / len(right) >= 0.85


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("tour", 0.95),
        pytest.param("dark", 0.95, marks=pytest.mark.slow),
        pytest.param("digits", 0.9, marks=pytest.mark.slow),
    ],
)
def test_a_bundled_recording_is_named_right_by_the_program(name: str, least: float) -> None:
    tally = play(Path(BUNDLED_RECORDINGS / f"{name}.aedat4"), [])
    assert tally.windows > 90
    assert tally.right / tally.windows >= least
