"""Vision Transformers in bf16, their weights laid out beforehand: the features of fp32, but for rounding."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

import pipeline as nc
from pipeline.bf16_tower import may_pack, packed_tower
from pipeline.graph_clip import GraphClip
from pipeline.model_errors import Following
from pipeline.prediction import Floats
from tests.pipeline.python_steps import python_steps
from tests.pipeline.tiny_clip import save_folder, tiny_config

pytestmark = pytest.mark.skipif(not may_pack(), reason="this processor has no bf16 instructions")


def with_vision(**changes: Any) -> dict[str, Any]:
    described = tiny_config()
    return described | {"vision_cfg": described["vision_cfg"] | changes}


def loaded(folder: Path) -> GraphClip:
    model = nc.load_model(str(folder), device="cpu")
    assert isinstance(model, GraphClip)
    return model


def cosines(ours: Floats, exact: Floats) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(ours, axis=1) * np.linalg.norm(exact, axis=1)
    return np.asarray((ours.astype(np.float64) * exact).sum(axis=1) / lengths)


@pytest.mark.parametrize(
    "described",
    [
        tiny_config(),
        tiny_config() | {"quick_gelu": True},
        with_vision(patch_size=8),
        with_vision(image_size=40),  # a rest of 8 px is not seen
        with_vision(mlp_ratio=2.5),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_features_are_those_in_fp32(tmp_path: Path, described: dict[str, Any], count: int) -> None:
    model = loaded(save_folder(tmp_path / "m", described))
    tower = packed_tower(model.plan, Following())
    assert tower is not None
    pictures = np.random.default_rng(1).normal(size=(count, 3, model.image_size, model.image_size)).astype(np.float32)
    ours, exact = tower(pictures), model.images(pictures)
    assert (ours.dtype, ours.shape) == (np.dtype(np.float32), exact.shape)
    assert cosines(ours, exact).min() > 0.999
    np.testing.assert_allclose(ours, exact, rtol=0, atol=0.05 * np.abs(exact).max())


def test_features_are_the_callers_own(tmp_path: Path) -> None:
    model = loaded(save_folder(tmp_path / "m"))
    tower = packed_tower(model.plan, Following())
    assert tower is not None
    first = np.zeros((1, 3, model.image_size, model.image_size), np.float32)
    before = tower(first)
    kept = before.copy()
    tower(first + 1)
    assert np.array_equal(before, kept)


@pytest.mark.parametrize("quick", [False, True])
def test_one_call_computes_what_single_steps_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, quick: bool) -> None:
    model = loaded(save_folder(tmp_path / "m", tiny_config() | {"quick_gelu": quick}))
    whole = packed_tower(model.plan, Following())
    scripted = []

    def without_script(function: Any) -> Any:
        scripted.append(function)
        raise RuntimeError("no TorchScript in this build")

    monkeypatch.setattr("torch.jit.script", without_script)
    steps = packed_tower(model.plan, Following())
    assert whole is not None
    assert steps is not None
    assert len(scripted) == 1
    for count in (2, 2, 2, 1, 3):  # TorchScript takes its first calls otherwise than those that follow
        pictures = np.random.default_rng(count).normal(size=(count, 3, model.image_size, model.image_size))
        assert np.array_equal(whole(pictures.astype(np.float32)), steps(pictures.astype(np.float32)))


def test_python_steps_do_not_grow_with_the_blocks(tmp_path: Path) -> None:
    """Each is a turn at Python's lock, which the window holds while it paints."""
    few, many = (steps_of(save_folder(tmp_path / str(layers), with_vision(layers=layers))) for layers in (1, 6))
    assert 0 < many < few + 5


def steps_of(folder: Path) -> int:
    model = loaded(folder)
    tower = packed_tower(model.plan, Following())
    assert tower is not None
    pictures = np.zeros((1, 3, model.image_size, model.image_size), np.float32)
    tower(pictures)
    return python_steps(lambda: tower(pictures))
