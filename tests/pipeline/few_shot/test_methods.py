"""What all methods have in common, and what is each one's own."""

from __future__ import annotations

import math
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline.few_shot.classifier import FewShotClassifier, NotFittedError, TrainingProgress
from pipeline.few_shot.errors import FewShotError, TrainingCancelled
from pipeline.few_shot.linear_probe import LinearProbe, LinearProbeSettings
from pipeline.few_shot.methods import METHODS, make_classifier
from pipeline.few_shot.shots import checked_shots, window_features
from pipeline.few_shot.spiking import SpikingClassifier, SpikingSettings, batches, smoothed_targets
from tests.pipeline.few_shot.windows import MadeWindows, clusters

SCALE = 20.0
LEARNING = ("mean", "probe", "tip", "adapter")


def taught(name: str, examples: MadeWindows, **settings: object) -> FewShotClassifier:
    if name == "adapter":
        settings = {"epochs": 60} | settings
    classifier = make_classifier(name, SCALE, **settings)
    return classifier.fit(examples.features, examples.labels, examples.prompts)


def accuracy(classifier: FewShotClassifier, windows: MadeWindows) -> float:
    return float((classifier.logits(windows.features).argmax(1) == windows.labels).mean())


# --- what they have in common ---


@pytest.mark.parametrize("name", METHODS)
def test_one_window_and_several_give_the_same_numbers(name: str) -> None:
    classifier, windows = taught(name, clusters()), clusters(seed=9)
    logits = classifier.logits(windows.features)
    assert logits.shape == (24, 4)
    assert logits.dtype == np.float32
    assert classifier.logits(windows.features[5]) == pytest.approx(logits[5], rel=1e-4, abs=1e-4)
    probabilities = classifier.probabilities(windows.features)
    assert probabilities.sum(1) == pytest.approx(np.ones(24), abs=1e-5)
    assert np.array_equal(probabilities.argmax(1), logits.argmax(1))
    assert classifier.logits(windows.features[:0]).shape == (0, 4)
    many = np.tile(windows.features, (50, 1, 1))
    assert classifier.logits(many) == pytest.approx(np.tile(logits, (50, 1)), rel=1e-4, abs=1e-4)


@pytest.mark.parametrize("name", LEARNING)
def test_examples_help_on_windows_that_were_not_among_them(name: str) -> None:
    held_out = clusters(each=40, seed=9)
    by_text, by_examples = (accuracy(taught(method, clusters()), held_out) for method in ("zero-shot", name))
    assert by_examples > by_text + 0.2


@pytest.mark.parametrize("name", METHODS)
def test_tensors_are_taken_as_arrays_are(name: str) -> None:
    examples = clusters()
    classifier = make_classifier(name, SCALE, **({"epochs": 3} if name == "adapter" else {}))
    classifier.fit(torch.from_numpy(examples.features), torch.from_numpy(examples.labels), examples.prompts)
    tensors = classifier.logits(torch.from_numpy(examples.features))
    assert np.array_equal(tensors, classifier.logits(examples.features))


def test_only_the_adapter_needs_torch() -> None:
    """Whose import takes seconds: what the window teaches by default is there at once."""
    code = (
        "import sys, numpy as np\n"
        "import pipeline.few_shot.saving, pipeline.few_shot.training\n"
        "from pipeline.few_shot.methods import METHODS, make_classifier\n"
        "rng = np.random.default_rng(0)\n"
        "for name in METHODS:\n"
        "    if name != 'adapter':\n"
        "        classifier = make_classifier(name, 20.0)\n"
        "        classifier.fit(rng.normal(size=(6, 4, 16)), np.arange(6) % 3, rng.normal(size=(3, 16)))\n"
        "        classifier.logits(rng.normal(size=(4, 16)))\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.returncode) == ("False\n", 0), done.stderr


@pytest.mark.parametrize("name", METHODS)
def test_figures_tell_of_the_training(name: str) -> None:
    classifier = taught(name, clusters(each=3))
    figures = classifier.figures
    assert figures.shots == (3, 3, 3, 3)
    assert figures.accuracy == accuracy(classifier, clusters(each=3))
    assert figures.seconds > 0
    assert len(figures.losses) == {"adapter": 60}.get(name, len(figures.losses) if name == "probe" else 0)


@pytest.mark.parametrize("name", METHODS)
def test_the_length_of_prompts_is_of_no_account(name: str) -> None:
    examples = clusters()
    longer = MadeWindows(examples.features, examples.labels, examples.prompts * 7)
    plain, scaled = taught(name, examples).logits(examples.features), taught(name, longer).logits(examples.features)
    assert scaled == pytest.approx(plain, rel=1e-2, abs=1e-2)


@pytest.mark.parametrize("name", METHODS)
def test_nothing_is_said_before_something_was_taught(name: str) -> None:
    with pytest.raises(NotFittedError):
        make_classifier(name, SCALE).logits(clusters().features)


@pytest.mark.parametrize("name", ["mean", "probe"])
def test_a_class_without_examples_has_no_probability_where_texts_are_not_looked_at(name: str) -> None:
    examples = clusters()
    some = examples.labels != 2
    classifier = make_classifier(name, SCALE).fit(examples.features[some], examples.labels[some], examples.prompts)
    assert np.all(classifier.probabilities(examples.features)[:, 2] == 0)
    assert np.all(np.isneginf(classifier.logits(examples.features)[:, 2]))


@pytest.mark.parametrize("name", ["tip", "adapter"])
def test_a_class_without_examples_keeps_its_text(name: str) -> None:
    examples = clusters()
    some = examples.labels != 2
    classifier = make_classifier(name, SCALE).fit(examples.features[some], examples.labels[some], examples.prompts)
    assert np.isfinite(classifier.logits(examples.features)).all()


@pytest.mark.parametrize("name", ["probe", "adapter"])
def test_progress_comes_and_a_training_can_be_cancelled(name: str) -> None:
    examples, cancel = clusters(), threading.Event()
    told: list[TrainingProgress] = []

    def follow(progress: TrainingProgress) -> None:
        told.append(progress)
        if len(told) == 3:
            cancel.set()

    classifier = taught(name, examples)
    before, figures = classifier.logits(examples.features), classifier.figures
    with pytest.raises(TrainingCancelled):
        classifier.fit(examples.features, 3 - examples.labels, examples.prompts, on_progress=follow, cancel=cancel)
    assert [progress.done for progress in told] == [1, 2, 3]
    assert all(progress.loss > 0 for progress in told)
    assert np.array_equal(classifier.logits(examples.features), before), "what it had learnt before is lost"
    assert classifier.figures == figures


@pytest.mark.parametrize("name", METHODS)
def test_a_cancelled_training_does_not_begin(name: str) -> None:
    cancel, examples = threading.Event(), clusters()
    cancel.set()
    with pytest.raises(TrainingCancelled):
        make_classifier(name, SCALE).fit(examples.features, examples.labels, examples.prompts, cancel=cancel)


@pytest.mark.parametrize("name", ["mean", "probe", "adapter"])
def test_too_few_examples_are_told_in_one_sentence(name: str) -> None:
    with pytest.raises(FewShotError, match=r"^[^.]+\.$"):
        make_classifier(name, SCALE).fit(np.empty((0, 5, 128)), np.empty(0, int), clusters().prompts)


def test_the_adapter_needs_two_classes() -> None:
    examples = clusters(classes=1)
    with pytest.raises(FewShotError, match="two at least"):
        make_classifier("adapter", SCALE).fit(examples.features, examples.labels, examples.prompts)


def test_an_unknown_method_is_told_with_those_that_there_are() -> None:
    with pytest.raises(FewShotError, match="zero-shot, mean, probe, tip, adapter"):
        make_classifier("magic", SCALE)


@pytest.mark.parametrize(
    ("features", "labels", "prompts", "sentence"),
    [
        (np.zeros((3, 4)), [0, 0, 0], np.ones((2, 4)), "features are"),
        (np.zeros((3, 0, 4)), [0, 0, 0], np.ones((2, 4)), "features are"),
        (np.zeros((3, 2, 5)), [0, 0, 0], np.ones((2, 4)), "features are"),
        (np.zeros((3, 2, 4)), [0, 0], np.ones((2, 4)), "labels are 3 integers"),
        (np.zeros((3, 2, 4)), [0, 0.5, 1], np.ones((2, 4)), "labels are 3 integers"),
        (np.zeros((3, 2, 4)), [0, 1, 2], np.ones((2, 4)), "from 0 to 1"),
        (np.zeros((3, 2, 4)), [0, 1, 1], np.ones((0, 4)), "prompts are"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(features: object, labels: object, prompts: object, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        checked_shots(features, labels, prompts)  # type: ignore[arg-type]


def test_features_that_are_no_numbers_are_refused() -> None:
    features = np.zeros((2, 2, 4))
    features[1, 0, 0] = math.nan
    with pytest.raises(FewShotError, match="NaN"):
        checked_shots(features, [0, 1], np.ones((2, 4)))


# --- zero-shot ---


def test_zero_shot_is_the_mean_cosine_as_the_window_shows_it() -> None:
    examples = clusters()
    logits = taught("zero-shot", examples).logits(examples.features)
    for window, expected in zip(examples.features, logits, strict=True):
        assert SCALE * nc.mean_cosine(window, examples.prompts) == pytest.approx(expected, abs=1e-4)
    reference = taught("zero-shot", examples, scaling="reference").logits(examples.features)
    assert reference == pytest.approx(logits * math.sqrt(5), abs=1e-4)


def test_zero_shot_weighs_the_timesteps() -> None:
    examples, weights = clusters(), (1.0, 0.0, 2.0, 0.5, 0.25)
    logits = taught("zero-shot", examples, timestep_weights=weights).logits(examples.features)
    assert SCALE * nc.mean_cosine(examples.features[3], examples.prompts, weights) == pytest.approx(logits[3], abs=1e-4)


# --- nearest class mean ---


def test_class_means_are_directions_averaged() -> None:
    examples = clusters(classes=2, each=3)
    logits = taught("mean", examples).logits(examples.features[0])
    directions = window_features(examples.features)
    for label in (0, 1):
        mean = directions[examples.labels == label].mean(0)
        cosine = mean @ directions[0] / np.linalg.norm(mean)
        assert logits[label] == pytest.approx(SCALE * cosine, abs=1e-4)


# --- linear probe ---


def test_the_probe_is_at_the_minimum_of_its_objective() -> None:
    examples = clusters()
    probe = taught("probe", examples)
    assert isinstance(probe, LinearProbe)
    arrays = {name: np.asarray(array, float) for name, array in probe.arrays().items()}
    inputs = (window_features(examples.features) - arrays["centre"]) / arrays["spread"]
    assert np.sqrt(np.mean(inputs**2)) == pytest.approx(1.0, abs=1e-5)
    powers = np.exp(inputs @ arrays["weight"].T + arrays["bias"])
    errors = powers / powers.sum(1, keepdims=True) - np.eye(4)[examples.labels]
    slope = errors.T @ inputs + arrays["weight"] / LinearProbeSettings().inverse_penalty
    assert np.abs(slope).max() < 1e-3
    assert np.abs(errors.sum(0)).max() < 1e-3


# --- Tip-Adapter ---


def test_tip_adapter_is_its_formula() -> None:
    examples = clusters(classes=3, each=2)
    logits = taught("tip", examples, alpha=2.0, beta=3.0).logits(examples.features[1])
    directions = window_features(examples.features)
    for label in range(3):
        by_text = SCALE * nc.mean_cosine(examples.features[1], examples.prompts)[label]
        near = [math.exp(-3.0 * (1 - d @ directions[1])) for d in directions[examples.labels == label]]
        assert logits[label] == pytest.approx(by_text + 2.0 * sum(near), abs=1e-4)


def test_tip_adapter_finds_its_numbers_on_the_examples() -> None:
    held_out = clusters(each=40, seed=9)
    assert accuracy(taught("tip", clusters(), search=True), held_out) > accuracy(taught("tip", clusters()), held_out)
    single = clusters(each=1)
    plain, searched = (taught("tip", single, search=search).logits(held_out.features) for search in (False, True))
    assert np.array_equal(plain, searched), "nothing can be found where a class has one example"


def test_tip_adapter_without_examples_is_zero_shot() -> None:
    examples = clusters()
    tip = make_classifier("tip", SCALE).fit(np.empty((0, 5, 128)), np.empty(0, int), examples.prompts)
    assert tip.logits(examples.features) == pytest.approx(taught("zero-shot", examples).logits(examples.features))
    assert tip.figures.accuracy is None


# --- the adapter's training ---


def test_the_same_seed_gives_the_same_adapter_whatever_torch_draws_meanwhile() -> None:
    examples = clusters()
    first = taught("adapter", examples, epochs=5)
    torch.rand(7)
    again, other = taught("adapter", examples, epochs=5), taught("adapter", examples, epochs=5, seed=1)
    assert np.array_equal(first.logits(examples.features), again.logits(examples.features))
    assert first.figures.losses == again.figures.losses
    assert not np.array_equal(first.logits(examples.features), other.logits(examples.features))


def test_the_loss_falls() -> None:
    losses = taught("adapter", clusters(), epochs=60).figures.losses
    assert np.mean(losses[-5:]) < 0.8 * losses[0]


def test_the_adapter_alone_looks_at_the_order_of_timesteps() -> None:
    examples = clusters()
    backwards = examples.features[:, ::-1]
    for name in METHODS:
        classifier = taught(name, examples)
        same = np.allclose(classifier.logits(backwards), classifier.logits(examples.features), atol=1e-3)
        assert same == (name != "adapter"), name


def test_features_of_any_length_may_be_scaled_to_one() -> None:
    examples = clusters()
    longer = MadeWindows(examples.features * 16, examples.labels, examples.prompts)
    plain, scaled = (taught("adapter", made, epochs=5, feature_length=10.0) for made in (examples, longer))
    assert scaled.logits(longer.features) == pytest.approx(plain.logits(examples.features), abs=1e-3)
    as_they_are = taught("adapter", longer, epochs=5)
    assert not np.allclose(as_they_are.logits(longer.features), plain.logits(examples.features), atol=0.1)


def test_the_rate_warms_up_and_falls_by_a_cosine() -> None:
    settings = SpikingSettings()
    assert settings.rate(0) == 1e-5
    assert settings.rate(1) == pytest.approx(0.005 * (1 + math.cos(math.pi / 250)))
    assert settings.rate(125) == pytest.approx(0.005)
    assert 0 < settings.rate(249) < 1e-6


def test_smoothing_is_spread_over_the_other_classes_only() -> None:
    targets = smoothed_targets(checked_shots(np.zeros((1, 2, 4)), [1], np.ones((5, 4))), 0.2)
    assert targets.numpy() == pytest.approx(np.array([[0.05, 0.8, 0.05, 0.05, 0.05]]))


@pytest.mark.parametrize(
    ("count", "sizes"), [(2, [2]), (32, [32]), (33, [33]), (34, [32, 2]), (65, [32, 33]), (70, [32, 32, 6])]
)
def test_no_window_is_alone_in_a_batch(count: int, sizes: list[int]) -> None:
    parts = batches(torch.arange(count), 32)
    assert [len(part) for part in parts] == sizes
    assert torch.equal(torch.cat(parts), torch.arange(count))


def test_an_adapter_computes_in_bf16_as_well() -> None:
    examples = clusters()
    classifier = taught("adapter", examples)
    assert isinstance(classifier, SpikingClassifier)
    exact = classifier.logits(examples.features)
    classifier.adapter.bfloat16()
    assert (classifier.logits(examples.features).argmax(1) == exact.argmax(1)).mean() > 0.95
