"""NeuroCLIP's inter-timestep adapter: a small spiking network behind the frozen image encoder.

    x_t = W1 · dropout(BN1(f_t)) + b1            C → C/8
    u_t = BN2(x_t)
    v_t = 0.25 · v_{t-1} + u_t;  s_t = [v_t ≥ 0.5];  v_t ← v_t (1 - s_t)
    a_t = ReLU(W2 · dropout(s_t) + b2)           C/8 → C
    r_t = 0.6 · a_t + 0.4 · f_t

(Guo, Chen and Ma, arXiv 2306.12073, section III, and the code published with it.)
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from spikingjelly.activation_based.neuron import LIFNode
from spikingjelly.activation_based.surrogate import Rect
from torch import Tensor, nn

from pipeline.clip import checked_weights
from pipeline.few_shot.shots import LENGTH_FLOOR

REDUCTION = 8
"""C to C/8 neurons."""
ADAPTED_SHARE = 0.6
"""Of the adapted feature in the sum; the rest is the encoder's own."""
DROPOUT = 0.5
LEAK = 0.25
"""What a membrane potential keeps from one timestep to the next."""
THRESHOLD = 0.5
"""Of the membrane potential; at it a neuron fires."""


class TimestepNorm(nn.BatchNorm1d):
    """Batch normalisation of (B, T, C), timestep by timestep.

    In training the statistics are those of the B windows at one timestep, and the running ones move T times, in
    order of time. All timesteps are computed at once: the outcome is that of T calls of ``BatchNorm1d``.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise, float (B, T, C); raises ValueError for a single window in training."""
        if not self.training:
            return super().forward(x.flatten(0, 1)).view(x.shape)
        timesteps = x.shape[1]
        mean, variance = x.new_zeros(2, timesteps * self.num_features).unbind()
        normal = nn.functional.batch_norm(
            x.flatten(1),
            mean,
            variance,
            self.weight.repeat(timesteps),
            self.bias.repeat(timesteps),
            training=True,
            momentum=1.0,  # mean and variance are then those of this batch
            eps=self.eps,
        )
        self._follow(mean.view(timesteps, -1), variance.view(timesteps, -1))
        return normal.view_as(x)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics T times, the oldest timestep first."""
        momentum = 0.1 if self.momentum is None else self.momentum
        timesteps = len(mean)
        weights = mean.new_tensor([momentum * (1 - momentum) ** later for later in reversed(range(timesteps))])
        for running, moments in ((self.running_mean, mean), (self.running_var, variance)):
            if running is not None:
                running.mul_((1 - momentum) ** timesteps).add_(weights @ moments)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(timesteps)


class SeededDropout(nn.Dropout):
    """Dropout whose choices come from a generator of its own, so that a training can be repeated exactly."""

    generator: torch.Generator | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Drop a share p of the values, and scale the others by 1 / (1 - p), in training only."""
        if not self.training or self.p == 0:
            return x
        # 16 random bits a value, four values a number: a quarter of the time that bernoulli_ takes.
        count = x.numel()
        bits = torch.empty(count // 4 + 1, dtype=torch.int64, device=x.device)
        bits.random_(-(1 << 63), None, generator=self.generator)
        kept = bits.view(torch.int16)[:count].view(x.shape) >= round((2 * self.p - 1) * (1 << 15))
        return x * kept.to(x.dtype).mul_(1 / (1 - self.p))


class InterTimestepAdapter(nn.Module):
    """The adapter, for windows of any number of timesteps; its state is reset for each window.

    Computes in the type of its weights (fp32, bf16, or fp64); the sum with the encoder's features is made in theirs.

    Parameters
    ----------
    width : int
        C, the length of a CLIP feature.
    timesteps : int
        T, timesteps of the windows it is meant for.

    Raises
    ------
    ValueError
        A width or T below 1.
    """

    def __init__(self, width: int, timesteps: int = 10) -> None:
        super().__init__()
        if width < 1 or timesteps < 1:
            raise ValueError(f"width={width} and timesteps={timesteps} must be at least 1.")
        self.width, self.timesteps = width, timesteps
        neurons = max(1, width // REDUCTION)
        self.norm_features = TimestepNorm(width)
        self.reduce = nn.Linear(width, neurons)
        self.norm_currents = TimestepNorm(neurons)
        self.expand = nn.Linear(neurons, width)
        self.neurons = LIFNode(
            tau=1 / (1 - LEAK),
            decay_input=False,
            v_threshold=THRESHOLD,
            v_reset=0.0,
            surrogate_function=Rect(alpha=1.0),
            step_mode="m",
        )
        self.drop_features, self.drop_spikes = SeededDropout(DROPOUT), SeededDropout(DROPOUT)

    def draw_weights(self, generator: torch.Generator) -> None:
        """Begin anew, with weights drawn from this generator (on the weights' device)."""
        for linear in (self.reduce, self.expand):
            bound = 1 / math.sqrt(linear.in_features)
            with torch.no_grad():
                linear.weight.uniform_(-bound, bound, generator=generator)
                linear.bias.uniform_(-bound, bound, generator=generator)
        for norm in (self.norm_features, self.norm_currents):
            norm.reset_parameters()

    def drop_by(self, generator: torch.Generator | None) -> None:
        """Draw what is dropped in training from this generator; None: from torch's own."""
        self.drop_features.generator = self.drop_spikes.generator = generator

    def spikes(self, f: Tensor) -> Tensor:
        """Give s_t, 0 or 1, (B, T, C/8), for features (B, T, C)."""
        features = self.drop_features(self.norm_features(f.to(self.reduce.weight.dtype)))
        currents = self.norm_currents(self.reduce(features))
        self.neurons.reset()
        fired: Tensor = self.neurons(currents.transpose(0, 1)).transpose(0, 1)
        self.neurons.reset()  # what it keeps would hold the whole graph
        return fired

    def forward(self, f: Tensor) -> Tensor:
        """Give r_t for each timestep of each window.

        Parameters
        ----------
        f : float (B, T, C)
            Features of the windows' frames in order of time, not normalised.

        Returns
        -------
        float (B, T, C)
            In the type of `f`.

        Raises
        ------
        ValueError
            Another shape.
        """
        if f.ndim != 3 or f.shape[2] != self.width or not f.shape[1]:
            raise ValueError(f"Features are (B, T, {self.width}) with T from 1, not {tuple(f.shape)}.")
        adapted = torch.relu(self.expand(self.drop_spikes(self.spikes(f))))
        return torch.lerp(f, adapted.to(f.dtype), ADAPTED_SHARE)


def adapter_logits(r: Tensor, g: Tensor, scale: float, timestep_weights: Sequence[float] | None = None) -> Tensor:
    """Compare adapted windows with texts as the reference does.

    The T vectors r_t are put side by side and normalised together; so is the text's feature, repeated T times.

    Parameters
    ----------
    r : float (B, T, C)
    g : float (N, C)
        Text features of any length.
    scale : float
        s = exp(logit_scale).
    timestep_weights : T floats, optional
        Weigh the timesteps' shares of the logit; equal weights change nothing.

    Returns
    -------
    float (B, N)

    Raises
    ------
    ValueError
        Shapes that do not fit, weights below 0 or all 0.
    """
    if r.ndim != 3 or g.ndim != 2 or r.shape[2] != g.shape[1] or not r.shape[1]:
        shapes = f"{tuple(r.shape)} and {tuple(g.shape)}"
        raise ValueError(f"Features must be (B, T, C) and (N, C) with one C, not {shapes}.")
    timesteps = r.shape[1]
    texts = g.to(r.dtype) / g.to(r.dtype).norm(dim=1, keepdim=True).clamp_min(LENGTH_FLOOR)
    lengths = r.flatten(1).norm(dim=1, keepdim=True).clamp_min(LENGTH_FLOOR)
    if timestep_weights is None:
        together = r.sum(1)
    else:
        weights = r.new_tensor(checked_weights(timestep_weights, timesteps)) * timesteps
        together = (r * weights[:, None]).sum(1)
    # The text repeated T times has √T times its length, and its product with (r_1 ... r_T) is that with their sum.
    logits: Tensor = (scale / math.sqrt(timesteps)) * (together / lengths) @ texts.T
    return logits
