"""Two towers of random weights, written as a model's folder and opened by the program."""

import shutil
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import torch

import pipeline as nc
from experiments.pretrain_mini.concepts import Concept
from experiments.pretrain_mini.export import export
from experiments.pretrain_mini.image_tower import SIDE, ImageTower
from experiments.pretrain_mini.text_tower import READY, TextTower, grouped_tokens, load_tokenizer
from pipeline.bundled import BUNDLED_MODELS

MINI = BUNDLED_MODELS / "neuroclip-mini"
CONCEPTS = [Concept("star", ("asterisk",)), Concept("anvil", (), held_out=True), Concept("cup", ())]
TEXTS = ["a star", "a cup of tea on a table", "nothing but noise"]


class Exported:
    """The towers that were written, and the model that the program makes of the folder."""

    def __init__(self, folder: Path) -> None:
        torch.manual_seed(9)
        self.tokenizer = load_tokenizer(MINI)
        self.text = TextTower(self.tokenizer.get_vocab_size()).eval()
        self.image = ImageTower(len(CONCEPTS)).eval()
        with torch.no_grad():
            self.image.log_scale.fill_(2.5)
        out, self.folder = folder / "out", folder / "model"
        out.mkdir()
        torch.save({"tower": self.text.state_dict()}, out / READY)
        torch.save({"average": self.image.state_dict()}, out / "image.pt")
        for name in ("tokenizer.json", "tokenizer_config.json"):
            shutil.copy(MINI / name, out / name)
        export(out, self.folder, CONCEPTS)
        self.model = nc.load_model(f"local-dir:{self.folder}", device="cpu", precision="fp32")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    return Exported(tmp_path_factory.mktemp("exported"))


def unit(features: torch.Tensor) -> npt.NDArray[np.float64]:
    return torch.nn.functional.normalize(features.double(), dim=-1).numpy()


def test_texts_are_read_as_the_text_tower_reads_them(exported: Exported) -> None:
    groups, order = grouped_tokens(exported.tokenizer, TEXTS)
    with torch.no_grad():
        expected = unit(exported.text(groups))[np.argsort(order)]
    got = unit(exported.model.encode_texts(TEXTS))
    np.testing.assert_allclose((got * expected).sum(1), 1, atol=1e-3)  # kept in half precision
    assert (got @ expected.T).argmax(1).tolist() == [0, 1, 2]


def test_frames_are_read_as_the_image_tower_reads_them(exported: Exported) -> None:
    frames = np.random.default_rng(0).choice(np.array([0, 127, 255], np.uint8), (3, SIDE, SIDE))
    shown = torch.from_numpy((frames.astype(np.float32) - 127) / 128)[:, None].expand(-1, 3, -1, -1)
    with torch.no_grad():
        expected = unit(exported.image(shown.contiguous())[0])
    got = unit(exported.model.encode_frames(frames))
    np.testing.assert_allclose((got * expected).sum(1), 1, atol=1e-3)
    assert exported.model.image_size == SIDE
    assert exported.model.logit_scale == pytest.approx(2.5, abs=1e-3)


def test_the_concepts_are_those_that_are_trained_on(exported: Exported) -> None:
    assert exported.model.bank.is_world
    assert exported.model.bank.concepts == (("star", "asterisk"), ("cup",))


def test_anybody_may_read_the_weights(exported: Exported) -> None:
    weights = exported.folder / "open_clip_model.safetensors"
    assert weights.stat().st_mode & 0o777 == 0o644
    assert weights.stat().st_size < 30e6
