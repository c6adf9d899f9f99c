"""Weights over their file: every number format in float32, nothing copied that need not be."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

import pipeline as nc
from pipeline.mapped_weights import MappedWeights


@pytest.fixture
def tensors() -> dict[str, torch.Tensor]:
    drawn = torch.Generator().manual_seed(0)
    return {name: torch.randn(shape, generator=drawn) for name, shape in {"a": (3, 5), "b": (7,), "c": ()}.items()}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16, torch.float64])
def test_all_formats_are_read(tmp_path: Path, tensors: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    held = {name: tensor.to(dtype) for name, tensor in tensors.items()}
    save_file(held, tmp_path / "w.safetensors")
    arrays = MappedWeights(tmp_path / "w.safetensors").arrays
    assert arrays.keys() == held.keys()
    for name, tensor in held.items():
        assert arrays[name].dtype == np.float32
        assert np.array_equal(arrays[name], tensor.float().numpy())


def test_float32_is_the_files_own_memory(tmp_path: Path) -> None:
    save_file({"a": torch.ones(64, 64)}, tmp_path / "w.safetensors")
    weights = MappedWeights(tmp_path / "w.safetensors")
    flags = weights.arrays["a"].flags
    assert (flags.owndata, flags.writeable) == (False, False)


def test_what_was_put_away_is_read_again(tmp_path: Path, tensors: dict[str, torch.Tensor]) -> None:
    save_file(tensors, tmp_path / "w.safetensors")
    weights = MappedWeights(tmp_path / "w.safetensors")
    before = {name: array.copy() for name, array in weights.arrays.items()}
    weights.put_away()
    assert all(np.array_equal(weights.arrays[name], before[name]) for name in before)


def test_whole_numbers_are_refused(tmp_path: Path) -> None:
    save_file({"steps": torch.tensor([1])}, tmp_path / "w.safetensors")
    with pytest.raises(ValueError, match="steps is in I64"):
        MappedWeights(tmp_path / "w.safetensors")


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "w.safetensors"
    save_file({"a": torch.ones(64, 64)}, file)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(nc.ModelError, match="9 bytes are missing"):
        MappedWeights(file)
