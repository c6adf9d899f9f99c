"""Image towers of torch in one call: the same numbers, and no steps from Python for the window to hold up."""

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline.torch_clip import TorchClip
from pipeline.traced_images import traced_images
from pipeline.worker import ModelRequest, RecognitionWorker
from tests.pipeline.tiny_clip import WaitingFrames, save_folder, tiny_config

TOWERS: dict[str, dict[str, Any]] = {
    "ModifiedResNet": {"image_size": 64, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
    "timm": {"timm_model_name": "resnet10t", "timm_pool": "avg", "timm_proj": "linear", "image_size": 64},
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
    steps = steps_of(model, events_frames)
    model.encode_in_one_call()
    for name, frames in calls.items():
        assert torch.equal(model.encode_frames(frames), before[name]), name
    assert steps_of(model, events_frames) < steps / 2


def steps_of(model: TorchClip, frames: np.ndarray[Any, np.dtype[np.uint8]]) -> int:
    steps = 0

    def count(*_: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        model.encode_frames(frames)
    finally:
        sys.setprofile(None)
    return steps


class Choosy(torch.nn.Module):
    """Computes something else for several pictures than for one, as what was followed for one cannot."""

    def encode_image(self, pixels: torch.Tensor, *, normalize: bool) -> torch.Tensor:
        assert not normalize
        sums = pixels.sum((2, 3))
        return sums * 2 if len(pixels) > 1 else sums


class Asking(torch.nn.Module):
    """Cannot be followed."""

    def encode_image(self, pixels: torch.Tensor, *, normalize: bool) -> torch.Tensor:
        if torch._C._get_tracing_state() is not None:
            raise RuntimeError("not this way")
        return pixels.sum((2, 3))


@pytest.mark.parametrize("module", [Choosy(), Asking()], ids=["another function", "an error"])
def test_what_cannot_be_followed_is_left_as_it_is(module: torch.nn.Module) -> None:
    assert traced_images(module, torch.ones(1, 3, 8, 8)) is None


@pytest.fixture
def worker() -> Iterator[RecognitionWorker]:
    ready = threading.Event()
    worker = RecognitionWorker(
        WaitingFrames(),
        on_prediction=lambda _: None,
        on_model_state=lambda state: ready.set() if state.status == "ready" else None,
        on_notice=lambda _: None,
    )
    worker.start()
    yield worker
    assert worker.stop(30)


@pytest.mark.parametrize("precision", ["fp32", "auto"])
def test_live_the_model_in_use_is_changed_to_it(
    tmp_path: Path, worker: RecognitionWorker, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = tiny_config() | {"vision_cfg": TOWERS["ModifiedResNet"]}
    changed = threading.Event()
    encode_in_one_call = TorchClip.encode_in_one_call

    def seen(model: TorchClip) -> None:
        encode_in_one_call(model)
        assert model._images.one_call is not None
        changed.set()

    monkeypatch.setattr(TorchClip, "encode_in_one_call", seen)
    place = f"local-dir:{save_folder(tmp_path / 'm', described)}"
    worker.load_model(ModelRequest(place, None, "cpu", precision))
    assert changed.wait(60)
