"""Image towers of torch in one call: the same numbers, and no steps from Python for the window to hold up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline.model_errors import Following, LoadingCancelled
from pipeline.torch_clip import TorchClip
from pipeline.traced_images import traced_images
from tests.pipeline.python_steps import python_steps
from tests.pipeline.tiny_clip import save_folder, tiny_config

TOWERS: dict[str, dict[str, Any]] = {
    "ModifiedResNet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "timm": {"timm_model_name": "resnet10t", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64},
    "a transformer": {
        "timm_model_name": "vit_tiny_patch16_224",
        "timm_pool": "token",
        "timm_proj": "linear",
        "image_size": 224,
    },
    "several branches": {"timm_model_name": "fastvit_t8", "timm_pool": "avg", "timm_proj": None, "image_size": 64},
}


@pytest.fixture(params=TOWERS)
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> str:
    described = tiny_config() | {"vision_cfg": TOWERS[request.param]}
    if request.param == "several branches":
        described["embed_dim"] = 768
    return f"local-dir:{save_folder(tmp_path / 'm', described)}"


@pytest.fixture
def events_frames() -> np.ndarray[Any, np.dtype[np.uint8]]:
    values = np.array([0, 127, 255], np.uint8)
    return values[np.random.default_rng(3).integers(0, 3, (3, 48, 60))]


def loaded(folder: str, precision: str) -> TorchClip:
    model = nc.load_model(folder, device="cpu", precision=precision)
    assert isinstance(model, TorchClip)
    return model


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_numbers_stay(folder: str, precision: str, events_frames: np.ndarray[Any, np.dtype[np.uint8]]) -> None:
    model = loaded(folder, precision)
    calls = {"three": events_frames, "one": events_frames[:1], "two": events_frames[1:]}
    before = {name: model.encode_frames(frames) for name, frames in calls.items()}
    steps = python_steps(lambda: model.encode_frames(events_frames))
    model.use_one_call(Following())
    for name, frames in calls.items():
        assert torch.equal(model.encode_frames(frames), before[name]), name
    assert python_steps(lambda: model.encode_frames(events_frames)) < steps / 2


class Choosy(torch.nn.Module):
    """Computes something else for several pictures than for one, as what was followed for one cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.visual = Doubling()

    def encode_image(self, pixels: torch.Tensor, *, normalize: bool) -> torch.Tensor:
        assert not normalize
        features: torch.Tensor = self.visual(pixels)
        return features


class Doubling(torch.nn.Module):
    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        sums = pixels.sum((2, 3))
        return sums * 2 if len(pixels) > 1 else sums


class Asking(Choosy):
    """Cannot be followed."""

    def __init__(self) -> None:
        super().__init__()
        self.visual.register_forward_hook(refuse)


def refuse(*_: object) -> None:
    raise RuntimeError("not this way")


@pytest.mark.parametrize(
    ("module", "why"), [(Choosy(), "one call gives other numbers"), (Asking(), "not this way")], ids=["else", "error"]
)
def test_what_cannot_be_followed_is_left_as_it_is(
    module: torch.nn.Module, why: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    assert traced_images(module, torch.ones(1, 3, 8, 8), Following()) is None
    assert f"is computed step by step: {why}" in caplog.text


def test_another_wish_ends_it(tmp_path: Path) -> None:
    model = loaded(f"local-dir:{save_folder(tmp_path / 'm', tiny_config() | {'vision_cfg': TOWERS['timm']})}", "fp32")
    following = Following()
    following.cancel.set()
    with pytest.raises(LoadingCancelled):
        model.use_one_call(following)
    assert model._images.one_call is None


def test_what_computes_in_torchs_place_goes_on(tmp_path: Path) -> None:
    model = loaded(f"local-dir:{save_folder(tmp_path / 'm', tiny_config() | {'vision_cfg': TOWERS['timm']})}", "fp32")
    model.use_image_tower(lambda pictures: np.ones((len(pictures), 24), np.float32), "int8")
    model.use_one_call(Following())
    assert model._images.one_call is None
