"""The experiments on teaching: nothing judged was learnt from, only order differs, figures are right."""

import json
from pathlib import Path

import numpy as np
import pytest

from experiments.evaluation.scores import Spread
from experiments.pretrain_mini.pictures import DIGIT_WRITERS_END
from experiments.teaching.__main__ import run
from experiments.teaching.figures import Row, measured, table, write
from experiments.teaching.rounds import DIRECTIONS, Round, Rounds, ShapeDrawings, digits, directions
from experiments.teaching.variants import VARIANTS, MeanClassifier, ReluClassifier, ShuffledClassifier, variant
from experiments.teaching.windows import SENSOR, TIMESTEPS, CrossingScene, Floats, Window, window_frames
from pipeline import load_model
from pipeline.simulation.drawing import Texture
from pipeline.simulation.things import Thing
from tests.pipeline.few_shot.windows import clusters
from tests.pipeline.tiny_clip import save_folder


def test_the_writers_of_examples_of_validation_and_of_the_test_are_others() -> None:
    test, validation = digits(2), digits(2, validation=True)
    judged = [{window.picture for window in each.rounds[0].judged} for each in (test, validation)]
    learnt = {window.picture for each in test.rounds for some in each.examples for window in some}
    assert max(learnt) < min(judged[1])
    assert max(judged[1]) < min(judged[0])
    assert min(judged[1]) >= DIGIT_WRITERS_END
    assert {len(some) for some in test.rounds[0].examples} == {16}
    assert test.rounds[0].examples != test.rounds[1].examples


@pytest.mark.parametrize("pair", DIRECTIONS)
def test_directions_are_told_apart_by_nothing_else(pair: tuple[str, str]) -> None:
    each = directions(pair, 1).rounds[0]
    learnt = {window.picture for some in each.examples for window in some}
    assert not learnt & {window.picture for window in each.judged}
    motions = [window.motion for window in each.judged]
    assert motions == [pair[label] for label in each.labels.tolist()]
    dark = [window.dark for window in each.judged if window.motion == pair[0]]
    assert 0.2 < np.mean(dark) < 0.8


def scene(motion: str) -> CrossingScene:
    thing = Thing("shown", Texture(np.ones((8, 8), np.float32), np.ones((8, 8), np.float32)))
    return CrossingScene(Window(0, motion, False, 0.5, 3), thing)  # type: ignore[arg-type]


def test_things_go_where_they_are_said_to_go() -> None:
    poses = {motion: [scene(motion).shown(at)[0].pose for at in (0, 300_000)] for pair in DIRECTIONS for motion in pair}
    assert poses["left"][1].x < poses["left"][0].x
    assert poses["right"][1].x > poses["right"][0].x
    assert poses["clockwise"][1].turn > poses["clockwise"][0].turn  # y points down
    assert poses["counter-clockwise"][1].turn < poses["counter-clockwise"][0].turn
    assert poses["left"][0].y == poses["right"][0].y


def test_a_window_is_ten_event_frames_of_the_moving_thing() -> None:
    frames = window_frames(Window(0, "right", False, 0.5, 3), *ShapeDrawings()(0))
    assert frames.shape == (TIMESTEPS, SENSOR.height, SENSOR.width)
    middles = [np.nonzero(frame != 127)[1].mean() for frame in frames]
    assert middles[-1] > middles[0] + 20


def test_each_variant_changes_one_thing() -> None:
    """What no order is left in cannot tell a window from its reverse; the spiking adapter can."""
    made = clusters(classes=3, each=4, timesteps=5, width=32)
    reverse = made.features[:, ::-1]
    logits = {}
    for kind in VARIANTS:
        classifier = variant(kind.name, 14.0, 0, {"epochs": 5, "feature_length": 10.0})
        classifier.fit(made.features, made.labels, made.prompts)
        logits[kind.name] = classifier.logits(made.features), classifier.logits(reverse)
    for name, (there, back) in logits.items():
        ordered = name not in (MeanClassifier.name, ReluClassifier.name)
        assert np.allclose(there, back, atol=1e-3) is not ordered, name
    assert not np.allclose(logits["adapter"][0], logits[ShuffledClassifier.name][0])


def one_round(prompts: Floats) -> tuple[Rounds, dict[Window, Floats]]:
    """Windows whose features are made up."""
    examples, judged = clusters(classes=3, each=4, seed=0), clusters(classes=3, each=5, seed=1)

    def named(count: int, first: int) -> list[Window]:
        return [Window(first + number, "waving", False, 0.5, 0) for number in range(count)]

    learnt, others = named(12, 0), named(15, 100)
    made = Round(
        ("a", "b", "c"),
        ("a", "b", "c"),
        tuple(tuple(learnt[4 * label : 4 * label + 4]) for label in range(3)),
        tuple(others),
        judged.labels,
    )
    features = dict(zip(learnt + others, np.concatenate([examples.features, judged.features]), strict=True))
    return Rounds("made", "Made", (made, made), ShapeDrawings), features


def test_figures_are_those_of_the_methods(tmp_path: Path) -> None:
    class Model:
        name, weights_sha256, scale = "made", "ab", 14.0

        def encode_texts(self, texts: list[str]) -> Floats:
            return clusters(classes=3).prompts

    rounds, features = one_round(clusters(classes=3).prompts)
    model: Model = Model()
    rows = measured(rounds, features, model, ("zero-shot", "mean"), (1, 4), lambda text: None)  # type: ignore[arg-type]
    assert [(row.method, row.shots) for row in rows] == [("zero-shot", 0), ("mean", 1), ("mean", 4)]
    judged = clusters(classes=3, each=5, seed=1)
    examples = clusters(classes=3, each=4, seed=0)
    classifier = variant("mean", 14.0, 0, {}).fit(examples.features, examples.labels, clusters(classes=3).prompts)
    expected = float((classifier.logits(judged.features).argmax(1) == judged.labels).mean())
    assert rows[-1].top1.values == (expected, expected)
    write(tmp_path, "made", "Made", rows, model)  # type: ignore[arg-type]
    assert (tmp_path / "made.png").stat().st_size > 1000
    described = json.loads((tmp_path / "made.json").read_text())
    assert described["rows"][-1]["seeds"] == [expected, expected]


def test_the_table_has_a_line_a_method() -> None:
    rows = [
        Row("zero-shot", 0, Spread((0.5,))),
        Row("mean", 1, Spread((0.5, 0.7))),
        Row("mean", 16, Spread((0.9, 0.9))),
    ]
    lines = table(rows).splitlines()
    assert lines[0] == "| method | 1 shot | 16 shots |"
    assert lines[2] == "| zero-shot | 50.0% ± 0.0% | 50.0% ± 0.0% |"
    assert lines[3] == "| mean | 60.0% ± 14.1% | 90.0% ± 0.0% |"


def test_pictures_that_are_missing_are_asked_for(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["pictograms"]) == 2
    assert "--pictures is missing" in capsys.readouterr().err


@pytest.mark.slow
def test_a_command_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny = f"local-dir:{save_folder(tmp_path / 'tiny')}"
    assert load_model(tiny).width == 24
    few = ["--seeds", "1", "--epochs", "2", "--share", "0.02", "--processes", "2", "--model", tiny]
    places = ["--cache", str(tmp_path / "cache"), "--output", str(tmp_path / "out")]
    assert run(["digits", *few, *places]) == 0
    assert "| adapter |" in capsys.readouterr().out
    described = json.loads((tmp_path / "out" / "digits-test.json").read_text())
    assert len(described["rows"]) == 21
