"""The bundled architecture by ONNX Runtime: the same features as torch's, without torch, or torch itself."""

import contextlib
import copy
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import pytest
import torch
from safetensors.numpy import load_file, save_file

import pipeline as nc
from experiments.pretrain_mini.graphs import write_graphs
from pipeline import precision
from pipeline.bundled import BUNDLED_MODELS, TOUR
from pipeline.graph_clip import GraphClip
from pipeline.onnx_graph import EXPECTED, IMAGE_GRAPH, TEXT_GRAPH
from pipeline.preprocessing import NORMALISATIONS, VIEWS
from pipeline.torch_clip import TorchClip

FOLDER = BUNDLED_MODELS / "neuroclip-mini"
TEXTS = ["a cup", "", "a photo of a very small dog, seen from above", "🦊" * 9, "كوب", "long " * 100, "a star"]


@pytest.fixture(scope="module")
def model() -> nc.ClipModel:
    return nc.load_model("neuroclip-mini", device="cpu")


@pytest.fixture(scope="module")
def by_torch() -> nc.ClipModel:
    """The same model where torch was asked for in another precision than any graph computes."""
    model = nc.load_model("neuroclip-mini", device="cpu", precision="bf16")
    assert isinstance(model, TorchClip)
    return model


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


def expected_of(graph: onnx.ModelProto) -> npt.NDArray[np.float64]:
    (told,) = [each.value for each in graph.metadata_props if each.key == EXPECTED]
    return np.array(json.loads(told))


def assert_torch_computes(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    assert isinstance(model, TorchClip)
    assert np.isfinite(model.frame_features(frames)).all()


def test_it_computes_the_bundled_model(model: nc.ClipModel) -> None:
    assert isinstance(model, GraphClip)
    assert (model.name, model.device, model.precision, model.trained) == ("neuroclip-mini", "cpu", "fp32", True)


def test_features_of_frames_are_torchs(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    with torch.inference_mode():
        expected = model.torch_tower(images_of(model, frames))
    torch.testing.assert_close(model.encode_frames(frames), expected, rtol=0, atol=1e-3 * float(expected.abs().max()))
    assert float(torch.cosine_similarity(model.encode_frames(frames), expected).min()) > 0.999999


def test_features_of_texts_are_torchs(model: nc.ClipModel) -> None:
    """Alone and together, of every length: positions that are not computed do not matter."""
    exact = copy.deepcopy(model.module)
    assert isinstance(model, GraphClip)
    tokens = torch.from_numpy(model._texts._pieces.tokens(TEXTS))  # type: ignore[attr-defined]
    with torch.inference_mode():
        expected = exact.encode_text(tokens).numpy()  # type: ignore[operator]
    together = model.text_features(TEXTS)
    alone = np.concatenate([model.text_features([text]) for text in TEXTS])
    for found in (together, alone):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_tokens_are_counted_as_torchs_side_does(model: nc.ClipModel, by_torch: nc.ClipModel) -> None:
    assert [model.token_count(text) for text in TEXTS] == [by_torch.token_count(text) for text in TEXTS]
    assert model.token_count("star " * 200_000) > model.context_length == by_torch.context_length


def test_it_is_the_same_model_to_everything_that_is_kept_of_it(model: nc.ClipModel, by_torch: nc.ClipModel) -> None:
    for of in ("width", "scale", "image_size", "weights_sha256", "text_identity", "tag", "folder"):
        assert getattr(model, of) == getattr(by_torch, of), of


def test_a_frames_feature_does_not_depend_on_those_beside_it(
    model: nc.ClipModel, frames: npt.NDArray[np.uint8]
) -> None:
    together = model.frame_features(frames)
    alone = np.concatenate([model.frame_features(frames[number : number + 1]) for number in range(len(frames))])
    assert np.array_equal(together, alone)


@pytest.mark.parametrize("size", [(96, 96), (40, 200), (480, 640), (7, 5)])
@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("normalisation", NORMALISATIONS)
def test_pictures_are_those_that_torch_makes(
    model: nc.ClipModel, size: tuple[int, int], view: str, normalisation: str
) -> None:
    frames = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (2, *size))
    expected = model.preprocessing(
        frames, normalisation=normalisation, view=view, device=torch.device("cpu"), dtype=torch.float32
    )
    found = model.preprocessing.pictures(frames, normalisation=normalisation, view=view)
    np.testing.assert_allclose(found, expected.numpy(), atol=2e-4)  # torch's places have seven digits


def test_features_may_be_trained_on(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    layer = torch.nn.Linear(model.width, 1)
    layer(model.encode_frames(frames[:3])).sum().backward()
    assert layer.weight.grad is not None


def test_a_stream_is_judged_without_torch() -> None:
    """On a machine without a GPU: its import takes longer than all the rest of the start."""
    code = (
        "import sys, numpy as np\n"
        "from pipeline.clip import load_model\n"
        "from pipeline.prediction import EventFrame\n"
        "from pipeline.prompts import PRESETS, PromptList\n"
        "from pipeline.recogniser import Recogniser\n"
        "recogniser = Recogniser(load_model(device='cpu'), timesteps=2, something_else=True)\n"
        "recogniser.set_prompts(PromptList.of(('a star', 'a cup'), PRESETS['plain']))\n"
        "assert recogniser.prepare_bank(0) == 0 and 'something else' in recogniser.labels\n"
        "pixels = np.full((48, 64), 127, np.uint8)\n"
        "pixels[20:30, 20:40] = 255\n"
        "frames = [EventFrame(i, 0, i, i + 1, 5000, pixels, 0) for i in range(3)]\n"
        "assert abs(recogniser.push(frames).probabilities.sum() - 1) < 1e-5\n"
        "print([name for name in ('torch', 'open_clip', 'spikingjelly') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.returncode) == ("[]\n", 0), done.stderr


def test_another_precision_is_torchs(by_torch: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> None:
    assert_torch_computes(by_torch, frames[:1])


@pytest.mark.parametrize(("files", "asked"), [((), False), (("null", "nvme0"), False), (("nvidia0",), True)])
def test_torch_is_asked_for_a_gpu_where_there_may_be_one(
    tmp_path: Path, files: tuple[str, ...], *, asked: bool
) -> None:
    """By the program's own start, that names neither a model nor a device."""
    for name in files:
        (tmp_path / name).touch()
    code = (
        "import os, platform, sys, pathlib\n"
        f"os.environ['HF_HOME'] = {str(tmp_path / 'hub')!r}\n"
        "from pipeline import precision\n"
        f"precision.DEVICE_FILES = pathlib.Path({str(tmp_path)!r})\n"
        "platform.system = lambda: 'Linux'\n"
        "from pipeline.clip import load_model\n"
        "print(load_model().name, 'torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.stdout, done.returncode) == (f"neuroclip-mini {asked}\n", 0), done.stderr


@pytest.mark.parametrize(
    ("system", "machine", "library", "may"),
    [
        ("Darwin", "arm64", None, True), ("Darwin", "x86_64", None, False), ("Windows", "AMD64", None, False),
        ("Windows", "AMD64", "nvcuda.dll", True), ("Plan9", "x86_64", None, True),
    ],
)  # fmt: skip
def test_other_systems_have_other_signs_of_a_gpu(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, library: str | None, *, may: bool
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    monkeypatch.setattr("platform.machine", lambda: machine)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: library)
    assert precision.may_have_gpu() is may


# --- graphs that do not serve ---


@pytest.mark.parametrize("name", [IMAGE_GRAPH, TEXT_GRAPH])
def test_without_a_graph_torch_computes(folder: Path, frames: npt.NDArray[np.uint8], name: str) -> None:
    (folder / name).unlink()
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])


@pytest.mark.parametrize("name", [IMAGE_GRAPH, TEXT_GRAPH])
@pytest.mark.parametrize("content", [b"", b"no graph", None], ids=["empty", "other", "cut off"])
def test_a_damaged_graph_leaves_it_to_torch(
    folder: Path, frames: npt.NDArray[np.uint8], name: str, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    graph = folder / name
    graph.write_bytes(graph.read_bytes()[:5000] if content is None else content)
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])
    assert "are not used" in caplog.text


@pytest.mark.parametrize(("name", "kind", "other"), [(IMAGE_GRAPH, "Sigmoid", "Tanh"), (TEXT_GRAPH, "Erf", "Tanh")])
def test_a_graph_that_computes_something_else_leaves_it_to_torch(
    folder: Path, frames: npt.NDArray[np.uint8], name: str, kind: str, other: str, caplog: pytest.LogCaptureFixture
) -> None:
    graph = onnx.load(folder / name, load_external_data=False)
    for node in graph.graph.node:
        if node.op_type == kind:
            node.op_type = other
    (folder / name).write_bytes(graph.SerializeToString())
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])
    assert "that it was made for" in caplog.text


def test_graphs_made_for_other_weights_leave_it_to_torch(
    folder: Path, frames: npt.NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / "open_clip_model.safetensors"
    weights = load_file(file)
    weights["text_projection"] = weights["text_projection"][::-1].copy()
    save_file(weights, file)
    assert_torch_computes(nc.load_model(str(folder), device="cpu"), frames[:2])
    assert "that it was made for" in caplog.text
    write_graphs(folder)
    assert isinstance(nc.load_model(str(folder), device="cpu"), GraphClip)


@pytest.mark.parametrize(("tower", "name", "value"), [("text_cfg", "heads", 8), ("text_cfg", "context_length", 24)])
def test_graphs_are_not_taken_for_those_of_another_description(
    folder: Path, tower: str, name: str, value: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whose probe they may pass all the same. Torch decides what fits."""
    file = folder / "open_clip_config.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    described["model_cfg"][tower][name] = value
    file.write_text(json.dumps(described), encoding="utf-8")
    with contextlib.suppress(nc.ModelError):
        assert isinstance(nc.load_model(str(folder), device="cpu"), TorchClip)
    assert "made for a model of other sizes" in caplog.text


def test_weights_without_their_scale_are_refused(folder: Path) -> None:
    file = folder / "open_clip_model.safetensors"
    weights = load_file(file)
    del weights["logit_scale"]
    save_file(weights, file)
    with pytest.raises(nc.ModelError, match="are not those of a"):
        nc.load_model(str(folder), device="cpu")


def test_memory_that_runs_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ONNX Runtime says it: it has an exception of its own for all that happens in a graph."""
    import onnxruntime

    class Session(onnxruntime.InferenceSession):  # type: ignore[misc]
        full = False

        def run(self, *given: object) -> object:
            if self.full:
                raise onnxruntime.capi.onnxruntime_pybind11_state.RuntimeException(
                    "[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : Failed to allocate memory for requested buffer"
                )
            return super().run(*given)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    model = nc.load_model("neuroclip-mini", device="cpu")
    assert isinstance(model, GraphClip)
    monkeypatch.setattr(Session, "full", True)
    with pytest.raises(nc.ModelError, match="not enough memory for neuroclip-mini"):
        model.frame_features(np.full((1, 96, 96), 127, np.uint8))


def test_without_the_package_torch_computes(
    monkeypatch: pytest.MonkeyPatch, frames: npt.NDArray[np.uint8], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert_torch_computes(nc.load_model("neuroclip-mini", device="cpu"), frames[:2])
    assert "are not used" in caplog.text


@pytest.mark.parametrize("name", [IMAGE_GRAPH, TEXT_GRAPH])
def test_the_graphs_are_what_their_command_makes(folder: Path, name: str) -> None:
    """What they are expected to give depends on the processor in its last digits."""
    write_graphs(folder)
    shipped, made = (onnx.load(place / name, load_external_data=False) for place in (FOLDER, folder))
    before, now = expected_of(shipped), expected_of(made)
    np.testing.assert_allclose(now, before, rtol=0, atol=1e-4 * np.abs(before).max())
    for graph in (shipped, made):
        del graph.metadata_props[:]
    assert made.SerializeToString(deterministic=True) == shipped.SerializeToString(deterministic=True)
