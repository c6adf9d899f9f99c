"""Frames that come one by one on a GPU: when a graph is made, that it must agree, and what happens where it cannot."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

import pipeline as nc
from pipeline import cuda_frames
from pipeline.cuda_frames import STEADY, FrameBuffers, FrameKind, SingleFrames, cuda_graph
from pipeline.image_encoder import ImageEncoder
from pipeline.model_building import build_model
from pipeline.model_choice import plan_model
from pipeline.model_errors import Following
from pipeline.preprocessing import VIEWS, Frames, Preprocessing, cut, padded
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from pipeline.torch_clip import TorchClip
from tests.pipeline.tiny_clip import MEAN, STD, save_folder, some_frames

CPU = torch.device("cpu")
SIZES = [(48, 64), (64, 47), (33, 33)]
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU, and this machine has none")

Step = Callable[[], torch.Tensor]


def pictures(count: int, size: tuple[int, int] = (48, 64), seed: int = 0) -> Frames:
    return np.random.default_rng(seed).choice(np.array([0, 127, 255], np.uint8), (count, *size))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_folder(tmp_path_factory.mktemp("tiny")))


def opened(folder: str, device: str, precision: str) -> TorchClip:
    """By torch, also where ONNX Runtime would compute it."""
    following = Following()
    plan = plan_model(f"local-dir:{folder}", None, following=following)
    return build_model(plan, torch.device(device), precision, deterministic=True, following=following)


@pytest.fixture(scope="module")
def loaded(folder: str) -> TorchClip:
    return opened(folder, "cpu", "fp32")


@pytest.fixture
def model(loaded: TorchClip) -> Iterator[TorchClip]:
    yield loaded
    loaded.single_frames = None


@pytest.fixture
def encoder(loaded: TorchClip) -> ImageEncoder:
    return ImageEncoder(loaded.module, loaded.preprocessing, CPU, torch.float32)


class InPlace:
    """Captures on any device as a graph does: the outcome lies in one place, and what is computed stays the same."""

    def __init__(self) -> None:
        self.captures = 0

    def __call__(self, step: Step, stream: object) -> tuple[Callable[[], None], torch.Tensor]:
        self.captures += 1
        outcome = step().clone()

        def replay() -> None:
            outcome.copy_(step())

        return replay, outcome


# --- preprocessing on the device ---


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("normalisation", ["clip", "reference"])
def test_what_is_done_on_the_device_is_the_same_function(view: str, size: tuple[int, int], normalisation: str) -> None:
    preprocessing, frames = Preprocessing(32, MEAN, STD), pictures(3, size)
    whole = preprocessing(frames, normalisation=normalisation, view=view, device=CPU, dtype=torch.float32)
    there = torch.from_numpy(np.ascontiguousarray(cut(frames, view)))
    parts = preprocessing.normalised(padded(there, view), normalisation=normalisation, dtype=torch.float32)
    assert torch.equal(whole, parts)


@pytest.mark.parametrize("view", VIEWS)
def test_features_of_bytes_on_the_device_are_those_of_the_frames(encoder: ImageEncoder, view: str) -> None:
    frames = pictures(2)
    there = torch.from_numpy(np.ascontiguousarray(cut(frames, view)))
    assert torch.equal(encoder.features_there(there, "clip", view), encoder.features(frames, "clip", view))


# --- buffers, and what a graph is for ---


@pytest.mark.parametrize(("view", "uploaded"), [("crop", (48, 48)), ("stretch", (48, 64)), ("fit", (48, 64))])
def test_only_what_is_seen_is_uploaded(view: str, uploaded: tuple[int, int]) -> None:
    kind = FrameKind.of(pictures(1), "clip", view)
    assert (kind.height, kind.width) == uploaded
    buffers = FrameBuffers(kind, 24, CPU)
    assert buffers.bytes_here.shape == buffers.bytes_there.shape == (1, *uploaded)
    assert buffers.bytes_there.dtype == torch.uint8
    assert (buffers.feature_here.shape, buffers.feature_here.dtype) == ((1, 24), torch.float32)
    frame = pictures(1, seed=5)
    buffers.upload(frame)
    assert np.array_equal(buffers.bytes_there.numpy(), cut(frame, view))
    buffers.fetch(torch.ones(1, 24))
    assert buffers.feature_here.sum() == 24


def test_a_kind_is_size_view_and_normalisation() -> None:
    frame = pictures(1)
    kind = FrameKind.of(frame, "clip", "crop")
    assert kind == FrameKind.of(pictures(1, seed=1), "clip", "crop")
    assert kind == FrameKind.of(pictures(1, (48, 100)), "clip", "crop")
    others = {
        FrameKind.of(frame, "reference", "crop"),
        FrameKind.of(frame, "clip", "fit"),
        FrameKind.of(frame, "clip", "stretch"),
        FrameKind.of(pictures(1, (50, 64)), "clip", "crop"),
    }
    assert len(others) == 4
    assert kind not in others


# --- which way a frame goes ---


def test_the_first_frames_of_a_kind_go_the_plain_way_and_the_others_by_the_graph(encoder: ImageEncoder) -> None:
    capture = InPlace()
    single = SingleFrames(encoder, 24, capture)
    for number, frame in enumerate(pictures(3 * STEADY)[:, None]):
        feature = single.encode(frame, "clip", "crop")
        assert (feature is not None) is single.by_graph is (number >= STEADY - 1)
        if feature is not None:
            assert torch.equal(feature, encoder.features(frame, "clip", "crop"))
    assert capture.captures == 1


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("normalisation", ["clip", "reference"])
def test_every_view_and_normalisation_has_its_own_features(
    encoder: ImageEncoder, view: str, normalisation: str
) -> None:
    single = SingleFrames(encoder, 24, InPlace())
    for frame in pictures(STEADY + 2)[:, None]:
        feature = single.encode(frame, normalisation, view)
    assert feature is not None
    assert torch.equal(feature, encoder.features(frame, normalisation, view))


def test_a_graph_is_made_anew_for_another_kind_and_never_for_kinds_in_turns(encoder: ImageEncoder) -> None:
    capture = InPlace()
    single = SingleFrames(encoder, 24, capture)
    for size in ((48, 64), (50, 64)):
        for frame in pictures(STEADY, size)[:, None]:
            feature = single.encode(frame, "clip", "stretch")
        assert feature is not None
        assert torch.equal(feature, encoder.features(frame, "clip", "stretch"))
    assert capture.captures == 2
    for _ in range(3 * STEADY):
        for normalisation in ("clip", "reference"):
            assert single.encode(pictures(1), normalisation, "crop") is None
    assert capture.captures == 2


def test_features_are_not_overwritten_by_those_that_follow(encoder: ImageEncoder) -> None:
    single = SingleFrames(encoder, 24, InPlace())
    frames = pictures(STEADY + 3)[:, None]
    features = [single.encode(frame, "clip", "crop") for frame in frames]
    for frame, feature in list(zip(frames, features, strict=True))[STEADY - 1 :]:
        assert feature is not None
        assert torch.equal(feature, encoder.features(frame, "clip", "crop"))


# --- what cannot be captured, or computes something else ---


def given_up(single: SingleFrames, caplog: pytest.LogCaptureFixture) -> str:
    """Give what the log says, having seen that all frames go the plain way and that it is said once."""
    with caplog.at_level(logging.WARNING, cuda_frames.logger.name):
        for view in ("crop", "crop", "fit"):
            for frame in pictures(STEADY + 1)[:, None]:
                assert single.encode(frame, "clip", view) is None
    assert not single.by_graph
    (record,) = caplog.records
    return record.getMessage()


def test_a_device_without_graphs_goes_on_plainly(encoder: ImageEncoder, caplog: pytest.LogCaptureFixture) -> None:
    assert "needs a CUDA device" in given_up(SingleFrames(encoder, 24), caplog)


def test_a_model_that_fails_in_a_capture_goes_on_plainly(
    encoder: ImageEncoder, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(step: Step, stream: object) -> tuple[Callable[[], None], torch.Tensor]:
        step()
        raise ValueError("operation not permitted when stream is capturing")

    assert "not permitted" in given_up(SingleFrames(encoder, 24, failing), caplog)


@pytest.mark.parametrize("wrong", ["frozen", "no number"])
def test_a_graph_that_differs_is_not_used(encoder: ImageEncoder, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    def differing(step: Step, stream: object) -> tuple[Callable[[], None], torch.Tensor]:
        outcome = step().clone()
        return lambda: None, outcome if wrong == "frozen" else outcome * torch.nan

    assert "differ" in given_up(SingleFrames(encoder, 24, differing), caplog)


@pytest.mark.skipif(torch.cuda.is_available(), reason="for machines without a CUDA GPU")
def test_a_capture_without_a_gpu_raises() -> None:
    with pytest.raises(RuntimeError, match="CUDA"):
        cuda_graph(lambda: torch.zeros(1), None)


# --- the model ---


def test_a_model_on_the_cpu_has_no_graph(model: TorchClip) -> None:
    assert model.single_frames is None


def test_a_model_gives_the_same_features_either_way(model: TorchClip) -> None:
    frames = pictures(2 * STEADY)
    plain = model.encode_frames(frames)
    model.single_frames = SingleFrames(model._images, model.width, InPlace())
    one_by_one = torch.cat([model.encode_frames(frame[None]) for frame in frames])
    assert model.single_frames.by_graph
    assert torch.allclose(plain, one_by_one, atol=1e-4)
    assert torch.allclose(model.encode_frames(frames), plain, atol=1e-6)
    layer = torch.nn.Linear(model.width, 1)
    layer(one_by_one).sum().backward()
    assert layer.weight.grad is not None


def test_a_stream_is_judged_the_same_either_way(model: TorchClip) -> None:
    def judged() -> list[list[float]]:
        recogniser = Recogniser(model, timesteps=3)
        recogniser.set_prompts(PromptList.of(("a star", "a cup"), PRESETS["class"]))
        predictions = [recogniser.push([frame]) for frame in some_frames(3 + 2 * STEADY)]
        return [prediction.probabilities.tolist() for prediction in predictions if prediction is not None]

    plain = judged()
    model.single_frames = SingleFrames(model._images, model.width, InPlace())
    by_graph = judged()
    assert model.single_frames.by_graph
    assert len(plain) == 1 + 2 * STEADY
    np.testing.assert_allclose(by_graph, plain, atol=1e-5)


# --- with a GPU ---


@needs_gpu
@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
@pytest.mark.parametrize("view", VIEWS)
def test_a_gpu_encodes_single_frames_by_a_graph(folder: str, precision: str, view: str) -> None:
    model = opened(folder, "cuda", precision)
    assert model.single_frames is not None
    exact = nc.load_model(f"local-dir:{folder}", device="cpu", precision="fp32")
    for size in SIZES:
        for normalisation in ("clip", "reference"):
            frames = pictures(3 * STEADY, size)
            one_by_one = torch.cat([model.encode_frames(frame[None], normalisation, view) for frame in frames])
            assert model.single_frames.by_graph
            assert (one_by_one.dtype, one_by_one.device.type) == (torch.float32, "cpu")
            together = model.encode_frames(frames, normalisation, view)
            assert float(torch.cosine_similarity(one_by_one, together).min()) > 0.999
            on_cpu = exact.encode_frames(frames, normalisation, view)
            assert float(torch.cosine_similarity(one_by_one, on_cpu).min()) > 0.99


@needs_gpu
def test_a_tower_that_waits_for_the_gpu_is_not_captured_and_goes_on(
    folder: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = nc.load_model(f"local-dir:{folder}", device="cuda", precision="fp32")
    encode_image: Any = model.module.encode_image

    def waiting(pixels: torch.Tensor, normalize: bool = False) -> torch.Tensor:
        features: torch.Tensor = encode_image(pixels, normalize=normalize)
        return features * (1 + 0 * float(pixels.sum()))

    monkeypatch.setattr(model.module, "encode_image", waiting)
    frames = pictures(3 * STEADY)
    with caplog.at_level(logging.WARNING, cuda_frames.logger.name):
        one_by_one = torch.cat([model.encode_frames(frame[None]) for frame in frames])
    assert "without a CUDA graph" in caplog.text
    assert float(torch.cosine_similarity(one_by_one, model.encode_frames(frames)).min()) > 0.999
    assert torch.cuda.current_stream() == torch.cuda.default_stream()


@needs_gpu
def test_a_model_that_is_dropped_gives_its_gpu_memory_back(folder: str) -> None:
    def held() -> int:
        torch.cuda.synchronize()
        return torch.cuda.memory_allocated()

    def encode() -> None:
        model = nc.load_model(f"local-dir:{folder}", device="cuda", precision="fp32")
        for frame in pictures(2 * STEADY):
            model.encode_frames(frame[None])

    encode()  # what libraries keep for themselves
    before = held()
    encode()
    assert held() <= before
