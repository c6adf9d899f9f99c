"""The image tower by ONNX Runtime: the same features as torch's, or none."""

import shutil
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch

import pipeline as nc
from experiments.pretrain_mini.image_graph import write_image_graph
from pipeline.bundled import BUNDLED_MODELS, TOUR
from pipeline.onnx_tower import GRAPH_FILE, OnnxTower

FOLDER = BUNDLED_MODELS / "neuroclip-mini"


@pytest.fixture(scope="module")
def model() -> nc.ClipModel:
    return nc.load_model("neuroclip-mini", device="cpu")


@pytest.fixture(scope="module")
def frames() -> npt.NDArray[np.uint8]:
    """Some event frames of the tour, which shows many things."""
    recording = nc.read_recording(TOUR)
    return nc.event_frames(recording.events, recording.resolution, timestep_us=30_000)[5::40]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the model, to be changed."""
    return Path(shutil.copytree(FOLDER, tmp_path / "mini"))


def images_of(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> torch.Tensor:
    return model.preprocessing(
        frames, normalisation="clip", view="crop", device=torch.device("cpu"), dtype=torch.float32
    )


def assert_torch_computes(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    assert model.module.visual is model.torch_tower
    assert model.encode_frames(frames).isfinite().all()


def test_it_computes_the_bundled_models_frames(model: nc.ClipModel) -> None:
    assert isinstance(model.module.visual, OnnxTower)
    assert model.precision == "fp32"


def test_features_are_torchs(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    with torch.inference_mode():
        expected = model.torch_tower(images_of(model, frames))
    torch.testing.assert_close(model.encode_frames(frames), expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
    assert float(torch.cosine_similarity(model.encode_frames(frames), expected).min()) > 0.999999


def test_a_frames_feature_does_not_depend_on_those_beside_it(
    model: nc.ClipModel, frames: npt.NDArray[np.uint8]
) -> None:
    together = model.encode_frames(frames)
    alone = torch.cat([model.encode_frames(frames[number : number + 1]) for number in range(len(frames))])
    assert torch.equal(together, alone)


def test_bf16_is_torchs_where_it_is_asked_for(frames: npt.NDArray[np.uint8]) -> None:
    assert_torch_computes(nc.load_model("neuroclip-mini", device="cpu", precision="bf16"), frames[:1])


def test_without_a_graph_torch_computes(folder: Path, frames: npt.NDArray[np.uint8]) -> None:
    (folder / GRAPH_FILE).unlink()
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])


@pytest.mark.parametrize("content", [b"", b"no graph", None], ids=["empty", "other", "cut off"])
def test_a_damaged_graph_leaves_it_to_torch(
    folder: Path, frames: npt.NDArray[np.uint8], content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    graph = folder / GRAPH_FILE
    graph.write_bytes(graph.read_bytes()[:5000] if content is None else content)
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])
    assert f"{GRAPH_FILE} is not used" in caplog.text


def test_a_graph_that_computes_something_else_leaves_it_to_torch(
    folder: Path, frames: npt.NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    graph = onnx.load(folder / GRAPH_FILE, load_external_data=False)
    for node in graph.graph.node:
        if node.op_type == "Sigmoid":
            node.op_type = "Tanh"
    (folder / GRAPH_FILE).write_bytes(graph.SerializeToString())
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])
    assert "to torch's" in caplog.text


def test_without_the_package_torch_computes(
    monkeypatch: pytest.MonkeyPatch, frames: npt.NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_torch_computes(nc.load_model("neuroclip-mini", device="cpu"), frames[:2])
    assert f"{GRAPH_FILE} is not used" in caplog.text


def test_the_graph_is_what_its_command_makes(folder: Path) -> None:
    shipped = (folder / GRAPH_FILE).read_bytes()
    (folder / GRAPH_FILE).unlink()
    write_image_graph(folder)
    assert (folder / GRAPH_FILE).read_bytes() == shipped
