"""Whether bf16 computes a model's frames: where the processor can, the numbers agree, and it is faster."""

import threading
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

import pipeline as nc
from pipeline import bf16_tower, vit_graph_clip
from pipeline.bf16_tower import may_pack, packed_tower, use_bf16
from pipeline.clip import ClipModel
from pipeline.graph_clip import GraphClip
from pipeline.model_choice import BUNDLED
from pipeline.model_loader import ModelLoader, ModelRequest
from pipeline.torch_clip import TorchClip
from tests.pipeline.tiny_clip import save_folder

needs_bf16 = pytest.mark.skipif(not may_pack(), reason="this processor has no bf16 instructions")
FRAMES = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (2, 48, 64))


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(save_folder(tmp_path / "m"))


@needs_bf16
@pytest.mark.parametrize(
    ("cosine", "gain", "wanted", "used"),
    [
        (0.9999, 2.0, False, True),
        (0.9999, 1.1, False, False),
        (0.9999, 0.5, True, True),
        (0.998, 2.0, True, False),
        (float("nan"), 2.0, True, False),
    ],
)
def test_it_is_used_where_it_agrees_and_is_faster_or_wanted(
    folder: str, monkeypatch: pytest.MonkeyPatch, cosine: float, gain: float, wanted: bool, used: bool
) -> None:
    model = nc.load_model(folder, device="cpu")
    exact = model.frame_features(FRAMES)
    monkeypatch.setattr(bf16_tower, "_compared", lambda *_: (cosine, gain))
    assert use_bf16(model, wanted=wanted) is used
    assert model.precision == ("bf16" if used else "fp32")
    features = model.frame_features(FRAMES)
    assert np.array_equal(features, exact) is not used
    np.testing.assert_allclose(features, exact, rtol=0, atol=0.05 * np.abs(exact).max())
    assert model.text_precision == "fp32"


@needs_bf16
def test_what_is_found_out_is_measured(folder: str) -> None:
    model = nc.load_model(folder, device="cpu")
    assert isinstance(model, GraphClip)
    tower = packed_tower(model.plan)
    assert tower is not None
    probe = model.preprocessing.pictures(FRAMES, normalisation="clip", view="crop")
    cosine, gain = bf16_tower._compared(tower, model.images, probe)
    assert 0.999 < cosine < 1.0001
    assert gain > 0
    # A tower beside itself is as good and about as fast.
    cosine, _ = bf16_tower._compared(tower, tower, probe)
    assert cosine == pytest.approx(1, abs=1e-6)


@needs_bf16
def test_asked_for_by_name_it_is_had(folder: str) -> None:
    model = nc.load_model(folder, device="cpu", precision="bf16")
    assert isinstance(model, GraphClip)
    assert model.precision == "bf16"


@needs_bf16
@pytest.mark.parametrize("soon", [False, True])
def test_live_it_is_tried_at_once_or_later(folder: str, monkeypatch: pytest.MonkeyPatch, soon: bool) -> None:
    monkeypatch.setattr(bf16_tower, "_compared", lambda *_: (1.0, 3.0))
    model = nc.load_model(folder, device="cpu", deterministic=False, soon=soon)
    assert model.precision == ("fp32" if soon else "bf16")
    assert nc.load_model(folder, device="cpu").precision == "fp32"  # in any case
    assert not use_bf16(model) or soon  # once is enough


@needs_bf16
def test_the_window_starts_in_fp32_and_goes_on_in_bf16(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16_tower, "_compared", lambda *_: (1.0, 3.0))
    loaded, faster = Queue[tuple[ClipModel, str]](), Queue[tuple[ClipModel, str]]()
    loader = ModelLoader(
        threading.RLock(),
        lambda state: None,
        lambda request, model: loaded.put((model, model.precision)),
        lambda model: faster.put((model, model.precision)),
    )
    try:
        loader.load(ModelRequest(folder, device="cpu"))
        model, precision = loaded.get(timeout=60)
        assert precision == "fp32"
        assert faster.get(timeout=60) == (model, "bf16")
    finally:
        loader.stop()
        assert loader.join(60)


def test_a_processor_without_it_is_left_alone(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bf16_tower, vit_graph_clip):
        monkeypatch.setattr(module, "may_have_bf16", lambda: False)
    model = nc.load_model(folder, device="cpu", deterministic=False)
    assert isinstance(model, GraphClip)
    assert not use_bf16(model)
    assert packed_tower(model.plan) is None


def test_on_other_processors_with_bf16_torch_computes(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(vit_graph_clip, "may_have_bf16", lambda: True)
    assert isinstance(nc.load_model(folder, device="cpu", deterministic=False), TorchClip)
    assert isinstance(nc.load_model(folder, device="cpu"), GraphClip)


@needs_bf16
def test_without_torchs_operators_the_model_goes_on_as_it_is(
    folder: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pipeline import packed_vit

    def missing(*_: object) -> None:
        raise AttributeError("no such operator")

    monkeypatch.setattr(packed_vit, "_Linear", missing)
    model = nc.load_model(folder, device="cpu")
    assert not use_bf16(model)
    assert model.precision == "fp32"
    assert "is not computed in bf16: no such operator" in caplog.text


def test_the_bundled_model_is_fast_as_it_is() -> None:
    assert not use_bf16(nc.load_model(str(BUNDLED), device="cpu"))
