"""Muon: orthogonal steps."""

import pytest
import torch
from torch import nn

from experiments.pretrain_mini.muon import Muon, orthogonal


@pytest.mark.parametrize("shape", [(2, 12, 40), (1, 40, 12), (3, 16, 16)])
def test_all_singular_values_come_near_one(shape: tuple[int, int, int]) -> None:
    matrices = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    singular = torch.linalg.svdvals(orthogonal(matrices).float())
    assert singular.min() > 0.3  # the iteration trades exactness for speed: 0.7 to 1.2, less for the very small ones
    assert singular.max() < 1.4


def test_the_first_step_is_the_orthogonal_gradient_scaled_and_weights_decay() -> None:
    weight = nn.Parameter(torch.ones(8, 2, 3, 3))
    gradient = torch.randn(8, 2, 3, 3, generator=torch.Generator().manual_seed(2))
    weight.grad = gradient.clone()
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    way = orthogonal(gradient.reshape(1, 8, 18)).float().reshape(8, 2, 3, 3)
    expected = torch.ones(8, 2, 3, 3) * (1 - 0.1 * 0.5) - 0.1 * 0.2 * 18**0.5 * way
    torch.testing.assert_close(weight.detach(), expected, atol=8e-3, rtol=0)


def test_it_finds_the_least_squares_solution() -> None:
    generator = torch.Generator().manual_seed(3)
    inputs, truth = torch.randn(64, 6, generator=generator), torch.randn(6, 4, generator=generator)
    weight = nn.Parameter(torch.zeros(6, 4))
    optimiser = Muon([weight], lr=0.05, weight_decay=0.0)
    for step in range(300):
        optimiser.param_groups[0]["lr"] = 0.05 * (1 - step / 300)
        optimiser.zero_grad()
        (inputs @ weight - inputs @ truth).square().mean().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    torch.testing.assert_close(weight.detach(), truth, atol=0.03, rtol=0)
