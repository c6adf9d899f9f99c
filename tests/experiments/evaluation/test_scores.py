"""Figures from logits."""

import math
from pathlib import Path

import numpy as np
import pytest

from experiments.evaluation.post_search import search_timestep_weights
from experiments.evaluation.published import FILE, published_figures
from experiments.evaluation.scores import Spread, score, together

LOGITS = np.array(
    [
        [9, 1, 2, 3, 4, 5, 6],
        [9, 1, 2, 3, 4, 5, 6],
        [9, 1, 2, 3, 4, 5, 6],
        [1, 9, 2, 3, 4, 5, 6],
    ],
    np.float32,
)


def test_top_1_top_5_and_the_confusion() -> None:
    scores = score(LOGITS, np.array([0, 6, 2, 1]))
    assert scores.top1 == 0.5
    assert scores.top5 == 0.75, "class 2 is only the sixth of the third sample"
    assert scores.confusion.sum() == 4
    assert [scores.confusion[place] for place in ((0, 0), (6, 0), (2, 0), (1, 1))] == [1, 1, 1, 1]
    assert scores.per_class[:3].tolist() == [1, 1, 0]
    assert math.isnan(scores.per_class[3])


def test_with_five_classes_or_fewer_all_are_among_the_top_5() -> None:
    assert score(LOGITS[:, :4], np.array([3, 3, 3, 3])).top5 == 1.0


def test_of_equal_logits_the_first_class_goes_first() -> None:
    assert score(np.zeros((2, 3), np.float32), np.array([0, 1])).top1 == 0.5


def test_classes_that_cannot_be_known_come_last() -> None:
    logits = np.array([[-np.inf, -3.0, -np.inf]], np.float32)
    assert score(logits, np.array([1])).top1 == 1.0


def test_nothing_to_judge_is_refused() -> None:
    with pytest.raises(ValueError, match="no samples"):
        score(LOGITS[:0], np.empty(0, np.int64))


def test_mean_and_deviation_over_seeds() -> None:
    spread = Spread((0.5, 0.6, 0.7))
    assert spread.mean == pytest.approx(0.6)
    assert spread.deviation == pytest.approx(0.1)
    assert Spread((0.5,)).deviation == 0.0


def test_confusions_add_up() -> None:
    one, two = score(LOGITS, np.array([0, 6, 2, 1])), score(LOGITS, np.array([0, 0, 0, 1]))
    assert np.array_equal(together([one, two]), one.confusion + two.confusion)


def test_timesteps_that_mislead_get_little_weight() -> None:
    random = np.random.default_rng(0)
    prompts = np.eye(4, 16, dtype=np.float32)
    labels = np.arange(80) % 4
    features = prompts[labels][:, None] + 0.3 * random.normal(size=(80, 5, 16))
    features[:, 3] = 4 * prompts[(labels + 1) % 4] + random.normal(size=(80, 16))
    features[:, 4] = 4 * prompts[(labels + 1) % 4] + random.normal(size=(80, 16))
    weights = search_timestep_weights(features.astype(np.float32), labels, prompts)

    def right(weights: tuple[float, ...]) -> float:
        units = features / np.linalg.norm(features, axis=2, keepdims=True)
        return float((np.einsum("ntc,kc,t->nk", units, prompts, weights).argmax(1) == labels).mean())

    assert right(weights) > right((1.0,) * 5)
    assert sum(weights[3:]) < 2
    assert min(weights[:3]) > min(weights[3:])


def test_without_a_gain_all_timesteps_count_alike() -> None:
    prompts = np.eye(3, 8, dtype=np.float32)
    features = np.repeat(prompts[:, None], 4, axis=1)
    assert search_timestep_weights(features, np.arange(3), prompts) == (1.0,) * 4


def test_every_published_figure_names_its_source() -> None:
    figures = published_figures("es-imagenet")
    assert figures
    for figure in figures:
        assert figure.paper
        assert figure.table
        assert figure.source.startswith("https://")
        assert 0 < figure.top1 < 1
    assert published_figures("nothing of the kind") == []
    assert FILE.name == "published.toml"


def test_a_published_figure_that_is_not_complete_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "published.toml"
    file.write_text('[[figure]]\ndataset = "n-mnist"\ntop1_percent = 50\n')
    with pytest.raises(ValueError, match="not complete"):
        published_figures("n-mnist", file)
    file.write_text('[[figure]]\ndataset = "n-mnist"\ntop1_percent = 150\n')
    with pytest.raises(ValueError, match="no percentage"):
        published_figures("n-mnist", file)
