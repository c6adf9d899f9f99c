"""CLIPs of two plain transformers by ONNX Runtime: the same features as torch's, or torch itself."""

import copy
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

import pipeline as nc
from pipeline import vit_graph_clip
from pipeline.graph_clip import GraphClip
from pipeline.torch_clip import TorchClip
from pipeline.vit_sizes import VitSizes
from tests.pipeline.tiny_clip import save_folder, tiny_config

TEXTS = ["a cup", "", "a photo of a very small dog, seen from above", "🦊" * 9, "كوب", "long " * 100, "a star"]
WEIGHTS = "open_clip_model.safetensors"


def config(**model: Any) -> dict[str, Any]:
    return tiny_config() | model


def with_part(part: str, **changes: Any) -> dict[str, Any]:
    described = tiny_config()
    return described | {part: described[part] | changes}


@pytest.fixture
def frames() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (3, 48, 64))


def by_graph(folder: Path) -> GraphClip:
    model = nc.load_model(str(folder), device="cpu")
    assert isinstance(model, GraphClip)
    return model


def images_of(model: nc.ClipModel, frames: npt.NDArray[np.uint8]) -> torch.Tensor:
    return model.preprocessing(
        frames, normalisation="clip", view="crop", device=torch.device("cpu"), dtype=torch.float32
    )


@pytest.mark.parametrize(
    "described",
    [
        config(),
        config(quick_gelu=True),
        with_part("vision_cfg", patch_size=8),
        with_part("vision_cfg", image_size=40),  # a rest of 8 px is not seen
        with_part("vision_cfg", mlp_ratio=2.5),
        with_part("text_cfg", context_length=16, width=48, heads=3),
    ],
)
def test_features_are_open_clips(tmp_path: Path, frames: npt.NDArray[np.uint8], described: dict[str, Any]) -> None:
    model = by_graph(save_folder(tmp_path / "m", described))
    exact = copy.deepcopy(model.module)
    tokens = open_clip.SimpleTokenizer()(TEXTS, context_length=model.context_length)
    with torch.inference_mode():
        pictures = exact.encode_image(images_of(model, frames)).numpy()  # type: ignore[operator]
        texts = exact.encode_text(tokens).numpy()  # type: ignore[operator]
    np.testing.assert_allclose(model.frame_features(frames), pictures, rtol=0, atol=1e-4 * np.abs(pictures).max())
    np.testing.assert_allclose(model.text_features(TEXTS), texts, rtol=0, atol=1e-4 * np.abs(texts).max())
    assert model.scale == pytest.approx(float(exact.logit_scale.exp()))  # type: ignore[operator]


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_in_half_precision_are_computed_in_fp32(
    tmp_path: Path, frames: npt.NDArray[np.uint8], dtype: torch.dtype
) -> None:
    folder = save_folder(tmp_path / "m")
    halves = {name: tensor.to(dtype) for name, tensor in load_file(folder / WEIGHTS).items()}
    save_file(halves, folder / WEIGHTS)
    model = by_graph(folder)
    with torch.inference_mode():
        expected = model.torch_tower.float()(images_of(model, frames)).numpy()
    assert model.precision == "fp32"
    np.testing.assert_allclose(model.frame_features(frames), expected, rtol=0, atol=1e-4 * np.abs(expected).max())


def test_quick_gelu_counts_also_where_only_the_tag_says_so() -> None:
    plain, quick = (VitSizes.of(tiny_config(), quick_gelu=quick) for quick in (False, True))
    assert plain is not None
    assert quick is not None
    assert (plain.image.activation, quick.image.activation, quick.text.activation) == ("gelu", *["quick_gelu"] * 2)


@pytest.mark.parametrize(
    "described",
    [
        config(custom_text=True),
        config(init_logit_bias=-10),
        with_part("vision_cfg", pool_type="avg"),
        with_part("vision_cfg", layers=[1, 1, 1, 1]),
        with_part("vision_cfg", ls_init_value=0.1),
        with_part("vision_cfg", head_width=64),
        with_part("vision_cfg", image_size=[32, 32]),
        with_part("text_cfg", no_causal_mask=True),
        with_part("text_cfg", vocab_size=64),
        with_part("text_cfg", hf_tokenizer_name="bert"),
        with_part("text_cfg", mlp_ratio="4"),
        {"embed_dim": 24},
    ],
)
def test_other_architectures_are_left_to_open_clip(described: dict[str, Any]) -> None:
    assert VitSizes.of(described, quick_gelu=False) is None


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-B-32-quickgelu", "ViT-H-14", "ViT-bigG-14"])
def test_open_clips_plain_transformers_are_known(name: str) -> None:
    """By their names, and with the weights that open_clip's module has."""
    described = open_clip.get_model_config(name)
    sizes = VitSizes.of(described, quick_gelu=False)
    assert sizes is not None
    with torch.device("meta"):
        module = open_clip.CLIP(**described)
    needed = {name: np.broadcast_to(np.float32(0), tensor.shape) for name, tensor in module.state_dict().items()}
    assert vit_graph_clip._Graphs(sizes).fit(needed)


@pytest.mark.parametrize("change", ["missing", "more", "other shape", "no scale"])
def test_weights_that_do_not_fit_are_left_to_open_clip(tmp_path: Path, change: str) -> None:
    folder = save_folder(tmp_path / "m")
    weights = load_file(folder / WEIGHTS)
    match change:
        case "missing":
            del weights["visual.proj"]
        case "more":
            weights["visual.more"] = torch.ones(1)
        case "other shape":
            weights["visual.proj"] = weights["visual.proj"].T.contiguous()
        case "no scale":
            del weights["logit_scale"]
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(nc.ModelError, match="are not those of a"):
        nc.load_model(str(folder), device="cpu")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    folder = save_folder(tmp_path / "m")
    weights = load_file(folder / WEIGHTS)
    weights["visual.proj"].fill_(torch.nan)
    save_file(weights, folder / WEIGHTS)
    with pytest.raises(nc.ModelError, match="hold numbers that are none"):
        nc.load_model(str(folder), device="cpu")


def test_without_the_package_torch_computes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert isinstance(nc.load_model(str(save_folder(tmp_path / "m")), device="cpu"), TorchClip)
    assert "ONNX Runtime does not compute" in caplog.text


def test_torch_is_not_imported(tmp_path: Path) -> None:
    """Neither for a folder nor, once open_clip was asked for its tables, for an architecture with a file."""
    folder = save_folder(tmp_path / "m")
    code = (
        "import sys, json, numpy as np, pipeline as nc\n"
        "model = nc.load_model(sys.argv[1], device='cpu')\n"
        "assert model.frame_features(np.full((1, 48, 64), 127, np.uint8)).shape == (1, 24)\n"
        "assert not {'torch', 'open_clip'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)


def test_an_architecture_by_name_with_a_file_of_weights(tmp_path: Path) -> None:
    """The real thing: its own sizes, 151 million random weights."""
    described = json.loads(json.dumps(open_clip.get_model_config("ViT-B-32")))
    torch.manual_seed(0)
    module = open_clip.CLIP(**described).eval()
    file = tmp_path / "random.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in module.state_dict().items()}, file)
    model = nc.load_model("ViT-B-32", str(file), device="cpu")
    assert isinstance(model, GraphClip)
    assert (model.name, model.tag, model.width) == ("ViT-B-32", file.name, 512)
    frames = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (2, 48, 64))
    with torch.inference_mode():
        expected = module.encode_image(images_of(model, frames))
        texts = module.encode_text(open_clip.SimpleTokenizer()(TEXTS))
    assert float(torch.cosine_similarity(model.encode_frames(frames), expected).min()) > 0.99999
    assert float(torch.cosine_similarity(model.encode_texts(TEXTS), texts).min()) > 0.99999
