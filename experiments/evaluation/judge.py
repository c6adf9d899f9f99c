"""From features to figures: zero-shot, and every method with every number of examples and every seed."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from experiments.datasets.dataset import EventDataset, Part
from experiments.datasets.errors import DatasetError
from experiments.evaluation.choice import Numbers, choose_examples, judged_samples, searched_samples
from experiments.evaluation.extraction import Throughput
from experiments.evaluation.feature_store import Features, FeatureStore
from experiments.evaluation.options import EvaluationOptions
from experiments.evaluation.post_search import search_timestep_weights
from experiments.evaluation.results import Evaluation, FewShotResult
from experiments.evaluation.scores import Scores, score
from pipeline.clip import ClipModel
from pipeline.few_shot.methods import make_classifier
from pipeline.few_shot.shots import unit
from pipeline.few_shot.spiking import SpikingClassifier
from pipeline.prediction import Floats
from pipeline.prompts import Template

Examples: TypeAlias = tuple[Floats, Numbers]
"""Features (n, T, C) and labels (n,)."""


class Judge:
    """Makes figures of features that are all in the store."""

    def __init__(
        self,
        options: EvaluationOptions,
        dataset: EventDataset,
        model: ClipModel,
        store: FeatureStore,
        say: Callable[[str], None],
    ) -> None:
        self.options, self.dataset, self.model, self.store = options, dataset, model, store
        self.say = say
        self.prompts = prompt_features(model, dataset.classes, options.prompt_template)
        self.judged = judged_samples(dataset, options.test_samples)
        self.test: Features = store.load(dataset.test, self.judged)

    def evaluation(self, throughput: Throughput, processes: int) -> Evaluation:
        zero_shot = self._score("zero-shot", self._no_examples(), self.judged)
        weights, searched = self._searched() if self.options.post_search else (None, None)
        few_shot = [
            self._few_shot(method, shots) for method in self.options.methods for shots in sorted(self.options.shots)
        ]
        samples = self.dataset.test.samples
        return Evaluation(
            options=self.options,
            dataset=self.dataset,
            key=self.store.key,
            template=self.options.prompt_template,
            trained=self.model.trained,
            device=self.model.device,
            judged=int(self.test.readable.sum()),
            unreadable=tuple(samples[place] for place in self.judged[~self.test.readable].tolist()),
            zero_shot=zero_shot,
            searched_weights=weights,
            searched=searched,
            few_shot=tuple(few_shot),
            throughput=throughput,
            processes=processes,
        )

    def _no_examples(self) -> Examples:
        return np.empty((0, *self.test.values.shape[1:]), np.float32), np.empty(0, np.int64)

    def _score(
        self,
        method: str,
        examples: Examples,
        judged: Numbers,
        **settings: Any,
    ) -> Scores:
        classifier = make_classifier(method, self.model.scale, **settings)
        if isinstance(classifier, SpikingClassifier) and self.model.device.startswith("cuda"):
            classifier.device = self.model.device
        classifier.fit(*examples, self.prompts)
        usable = np.isin(self.judged, judged) & self.test.readable
        if not usable.any():
            raise DatasetError(f"No test sample of {self.dataset.name} can be read: check the data set.")
        labels = self.dataset.test.labels[self.judged[usable]]
        return score(classifier.logits(self.test.values[usable]), labels)

    def _searched(self) -> tuple[tuple[float, ...], Scores]:
        train = self.dataset.train
        assert train is not None
        numbers = searched_samples(self.dataset)
        found = self.store.load(train, numbers)
        readable = found.readable
        weights = search_timestep_weights(found.values[readable], train.labels[numbers[readable]], self.prompts)
        return weights, self._score("zero-shot", self._no_examples(), self.judged, timestep_weights=weights)

    def _few_shot(self, method: str, shots: int) -> FewShotResult:
        scores, begun = [], time.perf_counter()
        for seed in range(self.options.seeds):
            choice = choose_examples(self.dataset, shots, seed, self.options.test_samples)
            of_methods: dict[str, dict[str, Any]] = {"adapter": {"seed": seed}, "tip": {"search": True}}
            settings = of_methods.get(method, {})
            if method == "adapter" and self.options.epochs is not None:
                settings["epochs"] = self.options.epochs
            scores.append(self._score(method, self._examples(choice.train, choice.examples), choice.judged, **settings))
            self.say(f"{method}, {shots} shots, seed {seed}: {scores[-1].top1:.1%}")
        return FewShotResult(method, shots, tuple(scores), (time.perf_counter() - begun) / self.options.seeds)

    def _examples(self, train: Part, numbers: Numbers) -> Examples:
        """Give the examples' features and labels, turned copies after the originals."""
        found = [self.store.load(train, numbers, copy) for copy in range(self.options.turned_copies + 1)]
        features = np.concatenate([one.values[one.readable] for one in found])
        labels = np.concatenate([train.labels[numbers[one.readable]] for one in found])
        return features, labels


def prompt_features(model: ClipModel, classes: Sequence[str], template: Template) -> Floats:
    """Give the text feature of each class, float32 (K, C): the mean of its texts' directions."""
    texts = [template.fill(name) for name in classes]
    features = unit(np.asarray(model.encode_texts([text for some in texts for text in some]), np.float32))
    ends = np.cumsum([len(some) for some in texts])[:-1]
    return np.stack([some.mean(axis=0) for some in np.split(features, ends)])
