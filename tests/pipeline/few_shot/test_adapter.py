"""The inter-timestep adapter: exactly the paper's, forward and backward."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from pipeline.few_shot.adapter import InterTimestepAdapter, SeededDropout, TimestepNorm, adapter_logits
from tests.pipeline.few_shot.exact_adapter import ExactAdapter, exact_logits

SIZES = [(2, 1, 8), (5, 4, 24), (7, 10, 64), (3, 12, 40)]
"""Windows, timesteps, width."""


def drawn(windows: int, timesteps: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 3 * torch.randn(windows, timesteps, width, generator=generator, dtype=torch.float64)


def an_adapter(width: int, seed: int = 0, *, training: bool = False, dropout: float = 0.0) -> InterTimestepAdapter:
    """Give an adapter whose weights and statistics are all different from what they begin with."""
    generator = torch.Generator().manual_seed(seed)
    adapter = InterTimestepAdapter(width).double()
    adapter.draw_weights(generator)
    with torch.no_grad():
        for norm in (adapter.norm_features, adapter.norm_currents):
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.weight.uniform_(0.5, 2.0, generator=generator)
            norm.bias.uniform_(-0.3, 0.6, generator=generator)
            norm.running_mean.uniform_(-0.2, 0.2, generator=generator)
            norm.running_var.uniform_(0.5, 2.0, generator=generator)
    adapter.drop_features.p = adapter.drop_spikes.p = dropout
    return adapter.train(training)


@pytest.mark.parametrize(("windows", "timesteps", "width"), SIZES)
@pytest.mark.parametrize("training", [False, True])
def test_forward_pass_is_the_papers(windows: int, timesteps: int, width: int, training: bool) -> None:
    adapter, f = an_adapter(width, training=training), drawn(windows, timesteps, width)
    exact = ExactAdapter(adapter)
    expected = exact.forward(f.numpy())
    assert exact.nearest_to_threshold > 1e-9
    assert adapter(f).detach().numpy() == pytest.approx(expected, abs=1e-10)


def test_spikes_are_neither_rare_nor_everywhere() -> None:
    """Comparisons in this file would mean little otherwise."""
    fired = an_adapter(64).spikes(drawn(7, 10, 64)).detach()
    assert set(fired.flatten().tolist()) == {0.0, 1.0}
    assert 0.2 < float(fired.mean()) < 0.8


@pytest.mark.parametrize(("windows", "timesteps", "width"), SIZES)
@pytest.mark.parametrize("training", [False, True])
def test_gradient_through_spikes_and_reset_is_the_papers(
    windows: int, timesteps: int, width: int, training: bool
) -> None:
    adapter, f = an_adapter(width, training=training), drawn(windows, timesteps, width).requires_grad_()
    exact, wanted = ExactAdapter(adapter), drawn(windows, timesteps, width, seed=1)
    exact.forward(f.detach().numpy())
    expected = exact.backward(wanted.numpy())
    adapter(f).backward(wanted)
    assert f.grad is not None
    assert f.grad.numpy() == pytest.approx(expected, abs=1e-8)
    for name, parameter in adapter.named_parameters():
        assert parameter.grad is not None
        assert parameter.grad.numpy() == pytest.approx(exact.gradients.pop(name), abs=1e-8), name
    assert not exact.gradients


def test_the_surrogate_carries_a_gradient_that_the_step_itself_has_not() -> None:
    adapter, f = an_adapter(64, training=True), drawn(7, 10, 64)
    adapter.spikes(f).sum().backward()  # type: ignore[no-untyped-call]
    assert adapter.reduce.weight.grad is not None
    assert float(adapter.reduce.weight.grad.abs().max()) > 0


@pytest.mark.parametrize(("windows", "timesteps", "width"), SIZES)
def test_running_statistics_move_as_often_as_there_are_timesteps(windows: int, timesteps: int, width: int) -> None:
    adapter, f = an_adapter(width, training=True), drawn(windows, timesteps, width)
    exact = ExactAdapter(adapter)
    exact.forward(f.numpy())
    adapter(f)
    for norm, expected in ((adapter.norm_features, exact.bn1), (adapter.norm_currents, exact.bn2)):
        assert np.asarray(norm.running_mean) == pytest.approx(expected.mean, abs=1e-12)
        assert np.asarray(norm.running_var) == pytest.approx(expected.variance, abs=1e-12)
        assert int(norm.num_batches_tracked or 0) == timesteps


def test_timestep_norm_is_batchnorm_called_once_a_timestep() -> None:
    together, one_by_one = TimestepNorm(16).double(), nn.BatchNorm1d(16).double()
    x = drawn(6, 9, 16)
    expected = torch.stack([one_by_one(x[:, t]) for t in range(9)], dim=1)
    assert torch.allclose(together(x), expected)
    assert together.running_var is not None
    assert one_by_one.running_var is not None
    assert torch.allclose(together.running_var, one_by_one.running_var)
    assert torch.allclose(together.eval()(x), torch.stack([one_by_one.eval()(x[:, t]) for t in range(9)], dim=1))


def test_a_single_window_has_no_statistics_to_train_with() -> None:
    with pytest.raises(ValueError, match="more than 1 value"):
        an_adapter(16, training=True)(drawn(1, 4, 16))


def test_a_potential_leaks_fires_and_is_reset() -> None:
    """v = 0.25 v + u: 0.42 stays below 0.5, the next 0.525 fires and leaves 0, and so on; -1 leaks away slowly."""
    neurons = InterTimestepAdapter(8).neurons
    currents = torch.tensor([[0.42, -1.0]] * 3 + [[0.42, 0.7]] * 2)
    assert neurons(currents).tolist() == [[0, 0], [1, 0], [0, 0], [1, 0], [0, 1]]


def test_each_window_begins_at_rest_and_alone() -> None:
    adapter, f = an_adapter(24), drawn(5, 4, 24)
    together = adapter(f)
    assert torch.equal(adapter(f), together)
    for window, expected in zip(f, together, strict=True):
        assert torch.allclose(adapter(window[None])[0], expected)
    assert torch.allclose(adapter(f.flip(0)), together.flip(0))


def test_what_comes_later_changes_nothing_earlier_and_order_matters() -> None:
    adapter, f = an_adapter(24), drawn(5, 6, 24)
    changed = f.clone()
    changed[:, 4:] = drawn(5, 2, 24, seed=3)
    assert torch.equal(adapter(changed)[:, :4], adapter(f)[:, :4])
    assert not torch.allclose(adapter(f.flip(1)).flip(1), adapter(f))


def test_nothing_of_a_training_step_is_kept() -> None:
    adapter = an_adapter(24, training=True)
    adapter(drawn(5, 4, 24)).sum().backward()
    copied = copy.deepcopy(adapter).eval()
    assert torch.equal(copied(drawn(2, 4, 24)), adapter.eval()(drawn(2, 4, 24)))


@pytest.mark.parametrize("width", [1, 7, 8, 511])
def test_any_width(width: int) -> None:
    adapter = an_adapter(width)
    assert adapter.reduce.out_features == max(1, width // 8)
    assert adapter(drawn(2, 3, width)).shape == (2, 3, width)


def test_fp32_gives_the_numbers_of_fp64() -> None:
    adapter, f = an_adapter(64), drawn(40, 10, 64)
    exact, rough = adapter(f), copy.deepcopy(adapter).float()(f.float())
    assert rough.dtype == torch.float32
    assert torch.allclose(rough.double(), exact, atol=1e-4)


def test_bf16_weights_take_fp32_features_and_give_nearly_the_same() -> None:
    adapter, f = an_adapter(64).requires_grad_(False), drawn(40, 10, 64).float()
    exact, rough = adapter.float()(f), copy.deepcopy(adapter).bfloat16()(f)
    assert rough.dtype == torch.float32
    # A potential near the threshold may round to the other side of it: nearly all windows keep their direction.
    alike = torch.cosine_similarity(exact.flatten(1), rough.flatten(1))
    assert float(alike.median()) > 0.99
    assert float(alike.min()) > 0.9


def test_bf16_features_stay_bf16() -> None:
    assert an_adapter(24).bfloat16()(drawn(2, 3, 24).bfloat16()).dtype == torch.bfloat16


@pytest.mark.parametrize("share", [0.5, 0.1])
def test_dropout_keeps_the_mean_and_repeats_with_its_generator(share: float) -> None:
    ones = torch.ones(100, 10, 50)
    dropout = SeededDropout(share)

    def dropped(seed: int) -> torch.Tensor:
        dropout.generator = torch.Generator().manual_seed(seed)
        result: torch.Tensor = dropout(ones)
        return result

    first = dropped(0)
    assert np.unique(first.numpy()) == pytest.approx([0.0, 1 / (1 - share)])
    assert float((first == 0).float().mean()) == pytest.approx(share, abs=0.01)
    assert float(first.mean()) == pytest.approx(1.0, abs=0.02)
    assert torch.equal(dropped(0), first)
    assert not torch.equal(dropped(1), first)
    assert torch.equal(dropout.eval()(ones), ones)


def test_dropout_without_a_generator_uses_torchs() -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = SeededDropout(0.5)(torch.ones(500))
        torch.manual_seed(3)
        assert torch.equal(SeededDropout(0.5)(torch.ones(500)), first)


def test_norms_and_linear_layers_stand_in_the_order_of_the_formulas() -> None:
    modules = [type(m) for m in InterTimestepAdapter(64).modules() if isinstance(m, nn.BatchNorm1d | nn.Linear)]
    assert modules == [TimestepNorm, nn.Linear, TimestepNorm, nn.Linear]


@pytest.mark.parametrize("shape", [(4, 24), (2, 0, 24), (2, 3, 23)])
def test_features_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\(B, T, 24\)"):
        an_adapter(24)(torch.zeros(shape, dtype=torch.float64))


@pytest.mark.parametrize("timesteps", [1, 3, 10])
def test_logits_are_those_of_the_vectors_side_by_side(timesteps: int) -> None:
    r, g = drawn(6, timesteps, 24), drawn(1, 5, 24, seed=2)[0]
    expected = exact_logits(r.numpy(), g.numpy(), 20.0)
    assert adapter_logits(r, g, 20.0).numpy() == pytest.approx(expected)


def test_equal_timestep_weights_change_nothing_and_single_ones_pick() -> None:
    r, g = drawn(6, 3, 24), drawn(1, 5, 24, seed=2)[0]
    plain = adapter_logits(r, g, 20.0)
    assert torch.allclose(adapter_logits(r, g, 20.0, [0.2, 0.2, 0.2]), plain)
    only_second = adapter_logits(r, g, 20.0, [0, 1, 0])
    assert torch.equal(only_second.argmax(1), adapter_logits(r[:, 1:2], g, 20.0).argmax(1))


def test_logits_have_a_gradient() -> None:
    r, g = drawn(2, 3, 5).requires_grad_(), drawn(1, 4, 5, seed=2)[0]
    assert torch.autograd.gradcheck(lambda r: adapter_logits(r, g, 5.0, [1, 2, 3]), (r,))


def test_vectors_of_zeros_give_numbers() -> None:
    assert adapter_logits(torch.zeros(1, 2, 4), torch.zeros(3, 4), 10.0).tolist() == [[0.0, 0.0, 0.0]]
