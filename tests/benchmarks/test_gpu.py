"""The stage of the GPU: what it says without one, and that what it measures is what it names, on any device."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from benchmarks.__main__ import main
from benchmarks.measuring import OWN, Effort
from benchmarks.stages.gpu import PLAIN, REFERENCE, Rates, measure_model, tower_operations
from pipeline import load_model
from tests.pipeline.tiny_clip import save_folder

CPU = torch.device("cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA GPU")
@pytest.mark.parametrize("options", [["--quick"], []])
def test_without_a_gpu_one_line_says_so_and_nothing_fails(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "b.json"
    assert main(["gpu", *options, "--json", str(file), "--picture", str(tmp_path / "b.png")]) == 0
    told = capsys.readouterr()
    (line,) = [line for line in told.out.splitlines() if "GPU" in line]
    assert line.startswith("gpu: No CUDA GPU is on this machine.")
    assert "uv run --group bench python -m benchmarks gpu" in line
    assert "gpu: skipped" in told.err
    stage = json.loads(file.read_text(encoding="utf-8"))["stages"]["gpu"]
    assert stage["figures"] == []
    assert f"gpu: {stage['skipped']}" == line


def test_what_is_measured_on_a_device(tmp_path: Path) -> None:
    effort = Effort(2, quick=True)
    rates = Rates.of(CPU, effort)
    assert rates.bytes_a_s > 0
    assert rates.operations_a_s > 0
    figures, (floor,) = measure_model("tiny", save_folder(tmp_path / "tiny"), CPU, rates, effort)
    cases = {figure.case for figure in figures}
    assert cases == {"tiny, 10 classes", "tiny, p50 of a window", "tiny, p99 of a window"}
    for case in cases:
        assert [figure.contender for figure in figures if figure.case == case] == [OWN, PLAIN, REFERENCE]
    for figure in figures:
        assert len(figure.values) == 2, figure
        assert figure.median is not None
        assert figure.median > 0
        assert figure.more_is_better is (figure.unit == "windows/s")
    half, almost_all = ([each.values for each in figures if f"p{share} " in each.case] for share in (50, 99))
    for some, more in zip(half, almost_all, strict=True):
        assert all(a <= b for a, b in zip(some, more, strict=True))
    assert "no graph" in figures[0].remark
    assert floor.startswith("tiny in fp32: the image tower's ")


def test_operations_of_a_tower_are_counted_attention_included(tmp_path: Path) -> None:
    visual = load_model(str(save_folder(tmp_path / "tiny")), device="cpu").module.visual
    assert isinstance(visual, torch.nn.Module)
    width, tokens, layers = 32, 5, 2
    patches = 2 * (16 * 16 * 3 * width) * (tokens - 1)
    products = 2 * 12 * width**2 * tokens
    attention = 2 * 2 * tokens**2 * width
    expected = patches + layers * (products + attention) + 2 * width * 24
    assert tower_operations(visual, torch.zeros(1, 3, 32, 32)) == expected
    assert torch.backends.mha.get_fastpath_enabled()
