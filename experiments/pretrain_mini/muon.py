"""Muon: momentum whose steps are made orthogonal, for convolutions (Jordan et al., kellerjordan.github.io/posts/muon).

A network that sees few frames learns in fewer of them when every direction of a weight matrix moves alike. The scale
of the steps is that of Liu et al. (arXiv 2502.16982), so that learning rates mean the same as AdamW's.
torch.optim.Muon takes matrices only; a filter bank is one of them, (out, in * height * width).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

_MOMENTUM = 0.95
_STEPS = 5
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
_SCALE = 0.2


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """Bring the singular values of matrices (N, rows, columns) near 1, by Newton and Schulz's iteration in float32.

    Every step multiplies by a polynomial of the matrix' square, X X^T; these commute, so that the steps are made on
    the square, which is small for filters, and the matrix is multiplied once, by their product.
    """
    a, b, c = _COEFFICIENTS
    wide = matrices.shape[1] <= matrices.shape[2]
    x: torch.Tensor = (matrices if wide else matrices.mT).float()
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    square = x @ x.mT
    one = torch.eye(square.shape[1], device=x.device)
    product = one.expand_as(square)
    for step in range(_STEPS):
        factor = a * one + b * square + c * square @ square
        product = factor @ product if step else factor
        if step < _STEPS - 1:
            square = factor @ square @ factor
    x = product @ x
    return x if wide else x.mT


class Muon(torch.optim.Optimizer):
    """Muon for weights of two and more dimensions, with decoupled weight decay.

    Parameters
    ----------
    parameters : iterable of nn.Parameter
    lr, weight_decay : float
        As AdamW's.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, weight_decay: float) -> None:
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move all parameters that have a gradient."""
        for group in self.param_groups:
            alike: dict[tuple[int, int], list[nn.Parameter]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    rows = parameter.shape[0]
                    alike.setdefault((rows, parameter.numel() // rows), []).append(parameter)
            for (rows, columns), parameters in alike.items():
                pushes = torch.stack([self._push(parameter).reshape(rows, columns) for parameter in parameters])
                size = group["lr"] * _SCALE * max(rows, columns) ** 0.5
                for parameter, way in zip(parameters, orthogonal(pushes), strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(way.reshape(parameter.shape).to(parameter.dtype), alpha=-size)

    def _push(self, parameter: nn.Parameter) -> torch.Tensor:
        """Give Nesterov's momentum."""
        state = self.state[parameter]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(parameter)
        gradient, momentum = parameter.grad, state["momentum"]
        assert gradient is not None
        momentum.lerp_(gradient, 1 - _MOMENTUM)
        return torch.lerp(gradient, momentum, _MOMENTUM)
