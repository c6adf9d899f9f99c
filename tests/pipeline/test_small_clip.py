"""The bundled model's architecture in plain torch gives what open_clip gives, and needs none of its imports."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import open_clip
import pytest
import torch
from safetensors.torch import load_file, save_file

import pipeline as nc
from pipeline.bundled import BUNDLED_MODELS, ROOT, TOUR
from pipeline.small_clip import SmallClip, load_small_clip
from pipeline.small_clip_sizes import SmallClipSizes
from pipeline.torch_clip import TorchClip
from pipeline.word_pieces import WordPieces

FOLDER = BUNDLED_MODELS / "neuroclip-mini"
WEIGHTS = FOLDER / "open_clip_model.safetensors"
TEXTS = [
    "", "a cup", "A  Cup\n", "a photo of a star", "star " * 40, "z" * 300, "naïve café", "☂ 杯子", "12:30, ok?",
    "&amp;lt;b&gt;", "schÃ¶n", "[SEP] [MASK] [PAD]", "don't stop-go", "\u200bzero\u00a0width", "Ｆｕｌｌ", "🙂🙂",
]  # fmt: skip


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    config: dict[str, Any] = json.loads((FOLDER / "open_clip_config.json").read_text(encoding="utf-8"))["model_cfg"]
    return config


@pytest.fixture(scope="module")
def sizes(described: dict[str, Any]) -> SmallClipSizes:
    found = SmallClipSizes.of(described)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def model() -> nc.ClipModel:
    return nc.load_model("neuroclip-mini", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def original() -> torch.nn.Module:
    return open_clip.create_model(f"local-dir:{FOLDER}").eval()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def frames() -> npt.NDArray[np.uint8]:
    """Some event frames of the tour, which shows many things."""
    recording = nc.read_recording(TOUR)
    return nc.event_frames(recording.events, recording.resolution, timestep_us=30_000)[5::40]


def concepts() -> list[str]:
    lines = (FOLDER / "concepts.txt").read_text(encoding="utf-8").splitlines()
    return [name for line in lines for name in line.split("\t")]


def test_the_bundled_model_is_built_without_open_clip(model: nc.ClipModel) -> None:
    assert isinstance(model.module, SmallClip)
    assert (model.image_size, model.context_length, model.width) == (96, 32, 384)


def test_features_and_top_1_are_open_clips(model: nc.ClipModel, original: Any, frames: npt.NDArray[np.uint8]) -> None:
    texts = concepts()[::40]
    images = model.preprocessing(
        frames, normalisation="clip", view="crop", device=torch.device("cpu"), dtype=torch.float32
    )
    tokens = open_clip.get_tokenizer(f"local-dir:{FOLDER}", local_files_only=True)(texts)
    with torch.inference_mode():
        f, g = original.encode_image(images).double(), original.encode_text(tokens).double()
    own_f, own_g = model.encode_frames(frames).double(), model.encode_texts(texts).double()
    for own, theirs in ((own_f, f), (own_g, g)):
        assert float(torch.cosine_similarity(own, theirs).min()) > 0.999999
        torch.testing.assert_close(own, theirs, rtol=1e-4, atol=1e-3)
    cosines = torch.nn.functional.normalize(f) @ torch.nn.functional.normalize(g).T
    own_cosines = torch.nn.functional.normalize(own_f) @ torch.nn.functional.normalize(own_g).T
    assert own_cosines.argmax(1).tolist() == cosines.argmax(1).tolist()
    assert len(set(cosines.argmax(1).tolist())) > 1
    assert model.logit_scale == pytest.approx(float(original.logit_scale.detach()), abs=1e-6)


def test_the_whole_context_gives_the_same_as_the_cut_one(model: nc.ClipModel) -> None:
    texts = ["a cup", "a photo of an umbrella in the rain"]
    tokens = WordPieces(FOLDER, model.context_length)(texts)
    with torch.inference_mode():
        whole = model.module.encode_text(tokens)  # type: ignore[operator]
    torch.testing.assert_close(model.encode_texts(texts), whole, rtol=1e-4, atol=1e-4)


def test_folded_batch_norms_change_nothing(sizes: SmallClipSizes) -> None:
    unfolded = load_small_clip(sizes, WEIGHTS, folded=False)
    folded = load_small_clip(sizes, WEIGHTS)
    assert any(isinstance(part, torch.nn.BatchNorm2d) for part in unfolded.modules())
    assert not any(isinstance(part, torch.nn.BatchNorm2d) for part in folded.modules())
    images = torch.randn(4, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        before, after = unfolded.encode_image(images), folded.encode_image(images)
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    assert float(torch.cosine_similarity(after, before).min()) > 0.999999


def test_tokens_are_those_of_open_clip(model: nc.ClipModel) -> None:
    texts = [*TEXTS, *concepts()[::25]]
    theirs = open_clip.get_tokenizer(f"local-dir:{FOLDER}", local_files_only=True)
    assert torch.equal(WordPieces(FOLDER, 32)(texts), theirs(texts))
    for text in TEXTS:
        assert model.token_count(text) == len(theirs.tokenizer(theirs.clean_fn(text))["input_ids"])


def change(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    """Set one entry, ``text_cfg.width``; None removes it."""
    *outer, name = path.split(".")

    def carry_out(config: dict[str, Any]) -> None:
        for part in outer:
            config = config[part]
        if value is None:
            del config[name]
        else:
            config[name] = value

    return carry_out


@pytest.mark.parametrize(
    "changed",
    [
        change("vision_cfg.timm_model_name", "cs3darknet_focus_m"),
        change("vision_cfg.timm_pool", "abs_attn"),
        change("vision_cfg.timm_proj", "mlp"),
        change("vision_cfg.timm_drop", 0.1),
        change("text_cfg.pool_type", "argmax"),
        change("text_cfg.eos_id", None),
        change("text_cfg.ls_init_value", 0.1),
        change("text_cfg.heads", 5),
        change("text_cfg.width", "384"),
        change("text_cfg", [1]),
        change("quick_gelu", True),
        change("custom_text", True),
    ],
)
def test_every_other_description_is_left_to_open_clip(
    described: dict[str, Any], changed: Callable[[dict[str, Any]], None]
) -> None:
    config = copy.deepcopy(described)
    changed(config)
    assert SmallClipSizes.of(config) is None


@pytest.fixture
def own_folder(tmp_path: Path) -> Path:
    for name in ("open_clip_config.json", "open_clip_model.safetensors", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(FOLDER / name, tmp_path)
    return tmp_path


def test_a_folder_like_it_is_built_so_too(own_folder: Path, model: nc.ClipModel) -> None:
    same = nc.load_model(f"local-dir:{own_folder}", device="cpu", precision="fp32")
    assert isinstance(same, TorchClip), "it has no graphs"
    assert isinstance(same.module, SmallClip)
    torch.testing.assert_close(same.encode_texts(TEXTS), model.encode_texts(TEXTS), rtol=1e-4, atol=1e-4)


def test_a_folder_with_one_setting_more_goes_open_clips_way(own_folder: Path, model: nc.ClipModel) -> None:
    file = own_folder / "open_clip_config.json"
    config = json.loads(file.read_text(encoding="utf-8"))
    config["model_cfg"]["text_cfg"]["no_causal_mask"] = False
    file.write_text(json.dumps(config), encoding="utf-8")
    same = nc.load_model(f"local-dir:{own_folder}", device="cpu", precision="fp32")
    assert isinstance(same.module, open_clip.CLIP)
    torch.testing.assert_close(same.encode_texts(TEXTS), model.encode_texts(TEXTS), rtol=1e-4, atol=1e-4)


def test_weights_of_another_model_are_refused(own_folder: Path) -> None:
    file = own_folder / "open_clip_model.safetensors"
    state = load_file(file)
    del state["ln_final.bias"]
    save_file(state, file)
    with pytest.raises(nc.ModelError, match="are not those of a"):
        nc.load_model(f"local-dir:{own_folder}", device="cpu")


def test_a_tokenizer_of_another_kind_is_refused(own_folder: Path) -> None:
    file = own_folder / "tokenizer.json"
    described = json.loads(file.read_text(encoding="utf-8"))
    described["post_processor"] = None
    file.write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(nc.ModelError, match=r"tokenizer of .* cannot be loaded"):
        nc.load_model(f"local-dir:{own_folder}", device="cpu")


@pytest.mark.timeout(320)
def test_the_program_starts_with_the_bundled_model_without_heavy_imports(recording_file: Path, tmp_path: Path) -> None:
    output = tmp_path / "labels.csv"
    arguments = [str(recording_file), "--headless", "--model", "neuroclip-mini", "--device", "cpu", "--output"]
    heavy = ("torch._dynamo", "torchvision", "open_clip", "timm", "transformers", "spikingjelly")
    code = (
        "import sys\n"
        "if __name__ == '__main__':\n"
        "    import main\n"
        f"    status = main.run({[*arguments, str(output)]!r})\n"
        f"    print('torch' in sys.modules, *[name for name in {heavy!r} if name in sys.modules])\n"
        "    sys.exit(status)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]
    assert len(output.read_text(encoding="utf-8").splitlines()) > 1
