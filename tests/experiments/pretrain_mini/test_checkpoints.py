"""A training that is ended and begun again goes on as if nothing had been."""

from pathlib import Path

import pytest
import torch
from torch import nn

from experiments.pretrain_mini import checkpoints
from experiments.pretrain_mini.checkpoints import Checkpoint


def begun(file: Path) -> Checkpoint:
    torch.manual_seed(3)
    tower = nn.Linear(4, 2)
    return Checkpoint(file, tower, torch.optim.AdamW(tower.parameters(), lr=0.1))


def learn(checkpoint: Checkpoint, steps: range) -> None:
    for step in steps:
        seen = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        checkpoint.optimiser.zero_grad()
        checkpoint.tower(seen).square().mean().backward()
        checkpoint.optimiser.step()


def weights(checkpoint: Checkpoint) -> torch.Tensor:
    return torch.cat([value.detach().flatten() for value in checkpoint.tower.parameters()])


def test_a_training_goes_on_where_it_was_ended(tmp_path: Path) -> None:
    whole = begun(tmp_path / "whole.pt")
    learn(whole, range(6))
    first = begun(tmp_path / "text.pt")
    assert first.resume() == 0
    learn(first, range(4))
    first.save(4)
    second = begun(tmp_path / "text.pt")
    assert second.resume() == 4
    assert torch.equal(weights(second), weights(first))
    learn(second, range(4, 6))
    torch.testing.assert_close(weights(second), weights(whole), rtol=0, atol=0)


def test_a_saving_that_is_cut_off_leaves_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoint = begun(tmp_path / "text.pt")
    checkpoint.save(1)

    def cut_off(_: object, file: Path) -> None:
        file.write_bytes(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(torch, "save", cut_off)
    with pytest.raises(OSError, match="No space"):
        checkpoint.save(2)
    assert begun(tmp_path / "text.pt").resume() == 1


def test_it_is_written_at_the_end_and_when_the_last_time_is_long_ago(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint = begun(tmp_path / "text.pt")
    checkpoint.save_now_and_then(1, 10)
    assert not checkpoint.file.exists()
    checkpoint.save_now_and_then(10, 10)
    assert begun(checkpoint.file).resume() == 10
    monkeypatch.setattr(checkpoints, "SAVE_S", -1.0)
    checkpoint.save_now_and_then(5, 10)
    assert begun(checkpoint.file).resume() == 5


def test_weights_alone_are_of_another_training(tmp_path: Path) -> None:
    checkpoint = begun(tmp_path / "text.pt")
    torch.save({"tower": {name: value * 0 for name, value in checkpoint.tower.state_dict().items()}}, checkpoint.file)
    before = weights(checkpoint)
    assert checkpoint.resume() == 0
    assert torch.equal(weights(checkpoint), before)
