"""The spiking adapter with one thing changed: what its neurons and the order of the timesteps are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipeline.few_shot.adapter import InterTimestepAdapter
from pipeline.few_shot.classifier import FewShotClassifier
from pipeline.few_shot.methods import make_classifier
from pipeline.few_shot.spiking import SpikingClassifier, SpikingSettings
from pipeline.prediction import Floats


class ReluAdapter(InterTimestepAdapter):
    """ReLU in place of the neurons: no spikes, no state, each timestep by itself."""

    def spikes(self, f: Tensor) -> Tensor:
        """Give max(u_t, 0), (B, T, C/8)."""
        features = self.drop_features(self.norm_features(f.to(self.reduce.weight.dtype)))
        return torch.relu(self.norm_currents(self.reduce(features)))


class ReluClassifier(SpikingClassifier):
    """The adapter without spikes."""

    name = "adapter, ReLU"
    Adapter = ReluAdapter


class MeanClassifier(SpikingClassifier):
    """The adapter, given each window's mean feature at every timestep."""

    name = "adapter, temporal mean"

    def _prepared(self, features: Floats) -> Floats:
        return np.broadcast_to(features.mean(axis=1, keepdims=True), features.shape)


class ShuffledClassifier(SpikingClassifier):
    """The adapter, given each window's timesteps in an order of its own drawn at random."""

    name = "adapter, shuffled timesteps"

    def _prepared(self, features: Floats) -> Floats:
        random = np.random.default_rng(self.settings.seed)
        order = random.permuted(np.tile(np.arange(features.shape[1]), (len(features), 1)), axis=1)
        return np.take_along_axis(features, order[:, :, None], axis=1)


VARIANTS: tuple[type[SpikingClassifier], ...] = (
    SpikingClassifier, ReluClassifier, MeanClassifier, ShuffledClassifier,
)  # fmt: skip


def variant(name: str, scale: float, seed: int, settings: dict[str, Any]) -> FewShotClassifier:
    """Give a method or variant by name, taught nothing yet."""
    for kind in VARIANTS:
        if kind.name == name:
            return kind(scale, SpikingSettings(seed=seed, **settings))
    return make_classifier(name, scale, **({"search": True} if name == "tip" else {}))
