"""Whether bf16 computes a model's frames: where the processor can, the numbers agree, and it is faster."""

import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from queue import Queue

import numpy as np
import pytest

import pipeline as nc
from pipeline import bf16_tower, vit_graph_clip
from pipeline.bf16_tower import Tower, gain_of, may_pack, packed_tower, use_bf16
from pipeline.clip import ClipModel
from pipeline.graph_clip import GraphClip
from pipeline.model_choice import BUNDLED
from pipeline.model_errors import Following, LoadingCancelled
from pipeline.model_loader import ModelLoader, ModelRequest
from pipeline.prediction import Floats
from pipeline.torch_clip import TorchClip
from tests.pipeline.tiny_clip import save_folder

needs_bf16 = pytest.mark.skipif(not may_pack(), reason="this processor has no bf16 instructions")
FRAMES = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (2, 48, 64))
SLOW_S = 0.03


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(save_folder(tmp_path / "m"))


@pytest.fixture
def worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests' models are so small that nobody would try."""
    monkeypatch.setattr(bf16_tower, "WORTH_A_TRIAL_S", 0.0)
    monkeypatch.setattr(bf16_tower, "matrices_gain_from_bf16", lambda: True)


@pytest.fixture
def model(folder: str) -> GraphClip:
    model = nc.load_model(folder, device="cpu")
    assert isinstance(model, GraphClip)
    return model


def slow(tower: Tower) -> Tower:
    def slowly(pictures: Floats) -> Floats:
        time.sleep(SLOW_S)
        return tower(pictures)

    return slowly


def turned(tower: Tower) -> Tower:
    """Give features of another direction: their cosine to the right ones is 0.998."""

    def wrong(pictures: Floats) -> Floats:
        features = tower(pictures)
        aside = np.roll(features, 1, axis=1)
        aside -= features * (aside * features).sum(axis=1, keepdims=True) / (features**2).sum(axis=1, keepdims=True)
        length = np.linalg.norm(features, axis=1, keepdims=True) / np.linalg.norm(aside, axis=1, keepdims=True)
        return np.asarray(0.998 * features + np.sqrt(1 - 0.998**2) * aside * length, np.float32)

    return wrong


def no_numbers(tower: Tower) -> Tower:
    return lambda pictures: tower(pictures) * np.float32(np.nan)


@pytest.mark.usefixtures("worth_it")
@pytest.mark.parametrize(
    ("change", "beside", "wanted", "used"),
    [
        (lambda tower: tower, slow, False, True),
        (slow, lambda tower: tower, False, False),
        (slow, lambda tower: tower, True, True),
        (turned, slow, False, False),
        (turned, slow, True, False),
        (no_numbers, slow, True, False),
    ],
    ids=["faster", "slower", "slower but wanted", "far off", "far off but wanted", "no numbers"],
)
def test_it_is_used_where_it_agrees_and_is_faster_or_wanted(
    model: GraphClip,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[Tower], Tower],
    beside: Callable[[Tower], Tower],
    wanted: bool,
    used: bool,
) -> None:
    """On any processor: what stands in for bf16 is fp32, changed."""
    tower = change(model.images)
    model.images = before = beside(model.images)
    monkeypatch.setattr(bf16_tower, "may_pack", lambda: True)
    monkeypatch.setattr(bf16_tower, "packed_tower", lambda *_: tower)
    monkeypatch.setattr(bf16_tower, "LET_GO_S", 0.0)  # this test holds what computed before
    assert use_bf16(model, Following(), wanted=wanted) is used
    assert model.precision == ("bf16" if used else "fp32")
    assert model.images is (tower if used else before)


def test_what_is_faster_is_measured(model: GraphClip) -> None:
    probe = model.preprocessing.pictures(FRAMES[:1], normalisation="clip", view="crop")
    assert gain_of(model.images, slow(model.images), probe, Following()) > 1.2
    assert gain_of(slow(model.images), model.images, probe, Following()) < 0.8


@needs_bf16
def test_frames_and_texts_go_on_as_they_were(model: GraphClip) -> None:
    exact = model.frame_features(FRAMES)
    assert use_bf16(model, Following(), wanted=True)
    features = model.frame_features(FRAMES)
    assert not np.array_equal(features, exact)
    np.testing.assert_allclose(features, exact, rtol=0, atol=0.05 * np.abs(exact).max())
    assert model.text_precision == "fp32"
    assert not use_bf16(model, Following(), wanted=True), "once is enough"


@needs_bf16
def test_what_computed_before_is_let_go(folder: str) -> None:
    """As soon as the prediction that still uses it is done."""
    model = nc.load_model(folder, device="cpu")
    assert isinstance(model, GraphClip)
    used, before = [model.images], weakref.ref(model.images)
    done = threading.Timer(0.3, used.clear)
    done.start()
    began = time.monotonic()
    assert use_bf16(model, Following(), wanted=True)
    assert before() is None
    assert time.monotonic() - began < bf16_tower.LET_GO_S
    done.join()


@needs_bf16
def test_asked_for_by_name_it_is_had(folder: str) -> None:
    model = nc.load_model(folder, device="cpu", precision="bf16")
    assert isinstance(model, GraphClip)
    assert model.precision == "bf16"


@needs_bf16
@pytest.mark.usefixtures("worth_it")
def test_live_it_is_tried_at_once_or_later(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16_tower, "MUST_GAIN", 0.0)
    assert nc.load_model(folder, device="cpu", deterministic=False).precision == "bf16"
    later = nc.load_model(folder, device="cpu", deterministic=False, soon=True)
    assert later.precision == "fp32"
    assert use_bf16(later, Following())
    assert nc.load_model(folder, device="cpu").precision == "fp32"  # in any case


@needs_bf16
@pytest.mark.usefixtures("worth_it")
def test_the_window_starts_in_fp32_and_goes_on_in_bf16(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bf16_tower, "MUST_GAIN", 0.0)
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


@needs_bf16
@pytest.mark.parametrize("place", ["_may_gain", "packed_tower", "_serves"])
def test_another_wish_ends_it_wherever_it_is(
    model: GraphClip, monkeypatch: pytest.MonkeyPatch, worth_it: None, place: str
) -> None:
    """The model goes on as it is."""
    following, step = Following(), getattr(bf16_tower, place)

    def cancelled_meanwhile(*given: object, **named: object) -> object:
        outcome = step(*given, **named)
        following.cancel.set()
        return outcome

    monkeypatch.setattr(bf16_tower, "MUST_GAIN", 0.0)
    monkeypatch.setattr(bf16_tower, place, cancelled_meanwhile)
    with pytest.raises(LoadingCancelled):
        use_bf16(model, following)
    assert model.precision == "fp32"


@needs_bf16
def test_a_model_that_is_fast_enough_is_left_alone_before_torch_is_imported(
    model: GraphClip, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bf16_tower, "matrices_gain_from_bf16", lambda: pytest.fail("asked torch"))
    assert not use_bf16(model, Following())


@pytest.mark.usefixtures("worth_it")
def test_a_processor_without_it_is_left_alone(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (bf16_tower, vit_graph_clip):
        monkeypatch.setattr(module, "may_have_bf16", lambda: False)
    model = nc.load_model(folder, device="cpu", deterministic=False)
    assert isinstance(model, GraphClip)
    assert not use_bf16(model, Following(), wanted=True)
    assert packed_tower(model.plan, Following()) is None


def test_on_other_processors_with_bf16_torch_computes(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    monkeypatch.setattr(vit_graph_clip, "may_have_bf16", lambda: True)
    assert isinstance(nc.load_model(folder, device="cpu", deterministic=False), TorchClip)
    assert isinstance(nc.load_model(folder, device="cpu"), GraphClip)


@needs_bf16
@pytest.mark.parametrize("where", ["laid out", "computed"])
def test_without_torchs_operators_the_model_goes_on_as_it_is(
    model: GraphClip, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    from pipeline import packed_vit

    def missing(*_: object) -> None:
        raise AttributeError("no such operator")

    if where == "laid out":
        monkeypatch.setattr(packed_vit.PackedVit, "_laid_out", missing)
    else:
        monkeypatch.setattr(packed_vit.PackedVit, "__call__", missing)
    assert not use_bf16(model, Following(), wanted=True)
    assert model.precision == "fp32"
    assert "is not computed in bf16: no such operator" in caplog.text


@pytest.mark.usefixtures("worth_it")
def test_the_bundled_model_is_fast_as_it_is() -> None:
    assert not use_bf16(nc.load_model(str(BUNDLED), device="cpu"), Following(), wanted=True)
