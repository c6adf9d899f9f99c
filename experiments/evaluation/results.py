"""What came out of an evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from experiments.datasets.dataset import EventDataset
from experiments.evaluation.extraction import Throughput
from experiments.evaluation.feature_store import FeatureKey
from experiments.evaluation.options import EvaluationOptions
from experiments.evaluation.scores import Scores, Spread
from pipeline.prompts import Template


@dataclass(frozen=True)
class FewShotResult:
    """One method with so many examples of each class, over all seeds."""

    method: str
    shots: int
    scores: tuple[Scores, ...]
    seconds: float

    @property
    def top1(self) -> Spread:
        return Spread(tuple(one.top1 for one in self.scores))

    @property
    def top5(self) -> Spread:
        return Spread(tuple(one.top5 for one in self.scores))


@dataclass(frozen=True)
class Evaluation:
    """Everything that came out."""

    options: EvaluationOptions
    dataset: EventDataset
    key: FeatureKey
    template: Template
    trained: bool
    device: str
    judged: int
    unreadable: tuple[str, ...]
    zero_shot: Scores
    searched_weights: tuple[float, ...] | None
    searched: Scores | None
    few_shot: tuple[FewShotResult, ...]
    throughput: Throughput
    processes: int
