"""The inter-timestep adapter written down once more, in numpy and float64, with its gradient derived by hand."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import torch

from pipeline.few_shot.adapter import InterTimestepAdapter, TimestepNorm

Doubles = npt.NDArray[np.float64]


class ExactNorm:
    """Batch normalisation of one timestep at a time."""

    def __init__(self, norm: TimestepNorm) -> None:
        assert norm.running_mean is not None
        assert norm.running_var is not None
        self.gamma, self.beta = _doubles(norm.weight), _doubles(norm.bias)
        self.mean, self.variance = _doubles(norm.running_mean), _doubles(norm.running_var)
        self.training, self.eps = norm.training, norm.eps
        self.gamma_gradient, self.beta_gradient = np.zeros_like(self.gamma), np.zeros_like(self.beta)
        self._kept: list[tuple[Doubles, Doubles]] = []

    def forward(self, x: Doubles) -> Doubles:
        if self.training:
            mean, variance = x.mean(0), x.var(0)
            self.mean = 0.9 * self.mean + 0.1 * mean
            self.variance = 0.9 * self.variance + 0.1 * variance * len(x) / (len(x) - 1)
        else:
            mean, variance = self.mean, self.variance
        deviation = np.sqrt(variance + self.eps)
        standard = (x - mean) / deviation
        self._kept.append((standard, deviation))
        normal: Doubles = self.gamma * standard + self.beta
        return normal

    def backward(self, gradient: Doubles) -> Doubles:
        """Go back one timestep, the last first."""
        standard, deviation = self._kept.pop()
        self.gamma_gradient += (gradient * standard).sum(0)
        self.beta_gradient += gradient.sum(0)
        inner = gradient * self.gamma
        if self.training:
            inner = inner - inner.mean(0) - standard * (inner * standard).mean(0)
        return inner / deviation


@dataclass
class _Timestep:
    features: Doubles
    normal: Doubles
    potential: Doubles
    spikes: Doubles
    adapted: Doubles


@dataclass
class ExactAdapter:
    """Forward and backward pass without dropout; gradients lie in `gradients` afterwards, by parameter name."""

    adapter: InterTimestepAdapter
    gradients: dict[str, Doubles] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.w1, self.b1 = _doubles(self.adapter.reduce.weight), _doubles(self.adapter.reduce.bias)
        self.w2, self.b2 = _doubles(self.adapter.expand.weight), _doubles(self.adapter.expand.bias)
        self.bn1, self.bn2 = ExactNorm(self.adapter.norm_features), ExactNorm(self.adapter.norm_currents)
        self._kept: list[_Timestep] = []

    def forward(self, f: Doubles) -> Doubles:
        """Give r, (B, T, C), for f."""
        adapted = []
        v = np.zeros((len(f), len(self.b1)))
        for t in range(f.shape[1]):
            normal = self.bn1.forward(f[:, t])
            u = self.bn2.forward(normal @ self.w1.T + self.b1)
            v = 0.25 * v + u
            spikes = (v >= 0.5).astype(float)
            before_reset, v = v, v * (1 - spikes)
            a = np.maximum(spikes @ self.w2.T + self.b2, 0)
            self._kept.append(_Timestep(f[:, t], normal, before_reset, spikes, a))
            adapted.append(0.6 * a + 0.4 * f[:, t])
        return np.stack(adapted, axis=1)

    @property
    def nearest_to_threshold(self) -> float:
        """How near a potential came to the threshold, where a rounding error makes another spike."""
        return min(float(np.abs(step.potential - 0.5).min()) for step in self._kept)

    def backward(self, gradient: Doubles) -> Doubles:
        """Give the gradient with regard to f for one with regard to r, (B, T, C)."""
        w1, b1, w2, b2 = (np.zeros_like(array) for array in (self.w1, self.b1, self.w2, self.b2))
        to_features = np.empty_like(gradient)
        from_later = np.zeros((len(gradient), len(self.b1)))
        for t in reversed(range(gradient.shape[1])):
            step = self._kept[t]
            before_relu = 0.6 * gradient[:, t] * (step.adapted > 0)
            w2 += before_relu.T @ step.spikes
            b2 += before_relu.sum(0)
            # A spike acts on what follows it at once, and through the reset.
            to_spikes = before_relu @ self.w2 - from_later * step.potential
            surrogate = (np.abs(step.potential - 0.5) < 0.5).astype(float)
            to_potential = from_later * (1 - step.spikes) + to_spikes * surrogate
            from_later = 0.25 * to_potential
            to_current = self.bn2.backward(to_potential)
            w1 += to_current.T @ step.normal
            b1 += to_current.sum(0)
            to_features[:, t] = self.bn1.backward(to_current @ self.w1) + 0.4 * gradient[:, t]
        self.gradients = {
            "norm_features.weight": self.bn1.gamma_gradient,
            "norm_features.bias": self.bn1.beta_gradient,
            "reduce.weight": w1,
            "reduce.bias": b1,
            "norm_currents.weight": self.bn2.gamma_gradient,
            "norm_currents.bias": self.bn2.beta_gradient,
            "expand.weight": w2,
            "expand.bias": b2,
        }
        return to_features


def exact_logits(r: Doubles, g: Doubles, scale: float) -> Doubles:
    """Put the timesteps side by side, as the reference writes it."""
    windows = r.reshape(len(r), -1)
    windows = windows / np.linalg.norm(windows, axis=1, keepdims=True)
    texts = np.tile(g, (1, r.shape[1]))
    texts /= np.linalg.norm(texts, axis=1, keepdims=True)
    logits: Doubles = scale * windows @ texts.T
    return logits


def _doubles(tensor: torch.Tensor) -> Doubles:
    doubles: Doubles = tensor.detach().double().numpy().copy()
    return doubles
