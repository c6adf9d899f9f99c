"""The inter-timestep adapter as a classifier, and its training on features that are kept.

The encoder is frozen, so each example is encoded once and not in every epoch: training takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch

from pipeline.few_shot.adapter import InterTimestepAdapter, adapter_logits
from pipeline.few_shot.classifier import FewShotClassifier, TrainingProgress, TrainingWatch, shaped
from pipeline.few_shot.errors import FewShotError
from pipeline.few_shot.shots import LENGTH_FLOOR, Shots
from pipeline.prediction import Floats


@dataclass(frozen=True)
class SpikingSettings:
    """Training of the adapter; the defaults are the reference's, whose last epoch is taken here.

    Attributes
    ----------
    epochs, batch : int
        Passes over the examples; windows a step.
    learning_rate, momentum, weight_decay : float
        Of stochastic gradient descent; the rate falls to 0 by a cosine.
    warm_up_epochs, warm_up_rate
        So many epochs go first at this rate.
    label_smoothing : float
        This share of the target is spread over the other classes.
    feature_length : float or None
        Features are first scaled so that those of the examples are so long on average. None: they are taken as the
        encoder gives them, as the reference does, whose CLIPs give about 10; the adapter's share in the sum with them
        depends on it.
    seed : int
        Of weights, order and dropout: the same examples and seed give the same adapter.
    """

    epochs: int = 250
    batch: int = 32
    learning_rate: float = 0.01
    momentum: float = 0.9
    weight_decay: float = 5e-4
    warm_up_epochs: int = 1
    warm_up_rate: float = 1e-5
    label_smoothing: float = 0.2
    feature_length: float | None = None
    seed: int = 0

    def rate(self, epoch: int) -> float:
        """Give the learning rate of an epoch, counted from 0."""
        if epoch < self.warm_up_epochs:
            return self.warm_up_rate
        return 0.5 * self.learning_rate * (1 + math.cos(math.pi * epoch / self.epochs))


class SpikingClassifier(FewShotClassifier):
    """NeuroCLIP's few-shot recogniser: adapted features of all timesteps, in order, against the texts."""

    name = "adapter"
    Settings = SpikingSettings
    Adapter: ClassVar[type[InterTimestepAdapter]] = InterTimestepAdapter
    adapter: InterTimestepAdapter
    device: str = "cpu"
    """Where the next training computes; the adapter stays there."""
    _factor: float = 1.0
    """Of the features, before the adapter."""

    def _fit(self, shots: Shots, watch: TrainingWatch) -> list[float]:
        if shots.classes < 2:
            raise FewShotError("The adapter tells classes apart and needs two at least: add a class.")
        if len(shots.labels) < 2:
            raise FewShotError(f"The adapter needs two examples at least, and has {len(shots.labels)}: capture more.")
        adapter = self.Adapter(shots.features.shape[2], shots.features.shape[1]).to(self.device)
        factor = 1.0
        if self.settings.feature_length is not None:
            mean_length = float(np.linalg.norm(shots.features, axis=2).mean())
            factor = float(np.float32(self.settings.feature_length / max(mean_length, LENGTH_FLOOR)))
        scaled = replace(shots, features=self._prepared(shots.features) * np.float32(factor))
        losses = train_adapter(adapter, scaled, self.scale, self.settings, watch)
        self.adapter, self._factor = adapter, factor
        return losses

    def _logits(self, windows: Floats) -> npt.NDArray[np.floating]:
        device = self.adapter.reduce.weight.device
        scaled = torch.from_numpy(self._prepared(windows) * np.float32(self._factor)).to(device)
        with torch.inference_mode():
            logits = adapter_logits(self.adapter(scaled), torch.from_numpy(self.prompts).to(device), self.scale)
        return logits.float().cpu().numpy()

    def _prepared(self, features: Floats) -> Floats:
        """Give what the adapter sees of features (N, T, C): all of it, in order."""
        return features

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        state = self.adapter.state_dict()
        arrays = {name: tensor.float().cpu().numpy() for name, tensor in state.items() if tensor.is_floating_point()}
        numbers = {"timesteps": np.array([self.adapter.timesteps], np.int64), "factor": np.array([self._factor])}
        return arrays | numbers

    def _restore(self, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
        adapter = self.Adapter(self.prompts.shape[1], int(arrays["timesteps"][0]))
        for name, tensor in adapter.state_dict().items():
            if not tensor.is_floating_point():
                continue  # how often the norms were updated has no use any more
            found = torch.from_numpy(np.array(arrays[name], np.float32))
            if found.shape != tensor.shape or not found.isfinite().all():
                raise ValueError(f"{name} is {tuple(found.shape)} and not {tuple(tensor.shape)}, or holds no numbers")
            tensor.copy_(found)
        self._factor = float(shaped(arrays, "factor", (1,))[0])
        self.adapter = adapter.eval()


def train_adapter(
    adapter: InterTimestepAdapter, shots: Shots, scale: float, settings: SpikingSettings, watch: TrainingWatch
) -> list[float]:
    """Train an adapter from fresh weights, as the reference does; it is left in evaluation mode.

    Parameters
    ----------
    adapter : InterTimestepAdapter
        In fp32, on the device that computes.
    shots : Shots
        Two examples at least, and two classes.
    scale : float
        s = exp(logit_scale).

    Returns
    -------
    list of float
        Mean loss of each epoch.

    Raises
    ------
    TrainingCancelled
    """
    device = adapter.reduce.weight.device
    generator = torch.Generator(device).manual_seed(settings.seed)
    adapter.draw_weights(generator)
    adapter.drop_by(generator)
    adapter.train()
    features = torch.from_numpy(shots.features).to(device)
    targets = smoothed_targets(shots, settings.label_smoothing).to(device)
    texts = torch.from_numpy(shots.prompts).to(device)
    optimiser = torch.optim.SGD(
        adapter.parameters(), settings.learning_rate, settings.momentum, weight_decay=settings.weight_decay
    )
    losses: list[float] = []
    for epoch in range(settings.epochs):
        for group in optimiser.param_groups:
            group["lr"] = settings.rate(epoch)
        total = torch.zeros((), device=device)
        for some in batches(torch.randperm(len(features), generator=generator, device=device), settings.batch):
            watch.stop_if_cancelled()
            logits = adapter_logits(adapter(features[some]), texts, scale)
            loss = -(targets[some] * logits.log_softmax(1)).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            total += loss.detach() * len(some)
        losses.append(float(total) / len(features))
        watch.report(TrainingProgress(epoch + 1, settings.epochs, losses[-1]))
    adapter.drop_by(None)
    adapter.eval()
    return losses


def smoothed_targets(shots: Shots, smoothing: float) -> torch.Tensor:
    """Give 1 - smoothing for an example's class and an equal share of the rest for each other one, float32 (N, K)."""
    right = np.eye(shots.classes, dtype=np.float32)[shots.labels]
    return torch.from_numpy(right * (1 - smoothing) + (1 - right) * (smoothing / (shots.classes - 1)))


def batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Cut an order into parts; a single one that is left joins the part before, as it has no statistics."""
    parts = list(torch.split(order, size))
    if len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts
