"""The experiments' command from end to end, with a tiny CLIP."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from experiments.evaluate import parse_options, run
from tests.experiments.datasets.made_datasets import (
    made_events,
    write_atis,
    write_cifar10_dvs,
    write_dvs128_gesture,
    write_es_imagenet,
    write_n_caltech101,
    write_n_mnist,
)
from tests.pipeline.tiny_clip import save_folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"local-dir:{save_folder(tmp_path_factory.mktemp('tiny'))}"


def command(tiny: str, dataset: str, root: Path, folder: Path, *more: str) -> list[str]:
    common = ["--model", tiny, "--device", "cpu", "--precision", "fp32", "--workers", "2", "--epochs", "3"]
    places = ["--root", str(root), "--cache", str(folder / "cache"), "--output", str(folder / "out")]
    return ["--dataset", dataset, *places, *common, *more]


def figures(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "out" / "figures.json").read_text(encoding="utf-8"))
    return content


def without_timing(folder: Path) -> dict[str, Any]:
    return {name: value for name, value in figures(folder).items() if name != "timing"}


# --- every data set ---


def test_n_mnist_with_everything(tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_n_mnist(tmp_path / "data", train=4)
    more = ["--shots", "2", "1", "--method", "adapter", "tip", "probe", "mean", "--seeds", "2"]
    arguments = command(tiny, "n-mnist", tmp_path / "data", tmp_path, *more, "--post-search", "--turned-copies", "1")
    assert run(arguments) == 0
    written = figures(tmp_path)
    assert written["classes"][:2] == ["zero", "one"]
    assert written["template"] == ['A black and white photo of the Arabic numeral number: "{}".']
    assert (written["judged"], written["timesteps"], written["threshold"]) == (20, 10, 0)
    assert (written["normalisation"], written["view"]) == ("reference", "stretch")
    assert 0 <= written["zero_shot"]["top1"] <= written["zero_shot"]["top5"] <= 1
    assert len(written["post_search"]["timestep_weights"]) == 10
    rows = [(row["method"], row["shots"]) for row in written["few_shot"]]
    assert rows == [(method, shots) for method in ("adapter", "tip", "probe", "mean") for shots in (1, 2)]
    for row in written["few_shot"]:
        assert len(row["top1"]["seeds"]) == 2
        assert row["top1"]["mean"] == pytest.approx(sum(row["top1"]["seeds"]) / 2)
    assert written["timing"]["samples_encoded"] > 60
    assert written["timing"]["samples_per_second"] > 0
    assert "limited" not in written["notices"][0]
    assert "30 of 60,000" not in written["notices"][0]
    output, errors = capsys.readouterr()
    assert output.startswith("# n-mnist, tiny")
    assert "| adapter | 2 |" in output
    assert "samples/s" in output
    assert "adapter, 2 shots, seed 1" in errors
    names = {path.name for path in (tmp_path / "out").iterdir()}
    for name in ("zero-shot", "adapter", "tip", "probe", "mean"):
        assert {f"confusion-{name}.png", f"confusion-{name}.csv", f"per-class-{name}.png"} <= names
    assert {"few-shot.png", "figures.md"} <= names
    assert (tmp_path / "out" / "few-shot.png").read_bytes().startswith(b"\x89PNG")


def test_cifar10_dvs_takes_the_papers_threshold_and_prompts(tiny: str, tmp_path: Path) -> None:
    write_cifar10_dvs(tmp_path / "data", each=10)
    assert run(command(tiny, "cifar10-dvs", tmp_path / "data", tmp_path, "--timesteps", "4")) == 0
    written = figures(tmp_path)
    assert (written["threshold"], written["timesteps"], written["judged"]) == (1, 4, 10)
    assert written["template"] == ["A low quality stick figure of the object {}."]
    assert written["few_shot"] == []


def test_es_imagenet_has_figures_of_others_beside_it(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_es_imagenet(tmp_path / "data", (0, 5, 10, 999))
    assert run(command(tiny, "es-imagenet", tmp_path / "data", tmp_path)) == 0
    written = figures(tmp_path)
    assert len(written["classes"]) == 1000
    assert written["judged"] == 4
    assert written["zero_shot"]["per_class"][1] is None
    assert {figure["setting"] for figure in written["published"]} == {"supervised"}
    assert "Published by others" in capsys.readouterr().out


def test_n_caltech101_and_dvs128_gesture(tiny: str, tmp_path: Path) -> None:
    write_n_caltech101(tmp_path / "caltech")
    write_dvs128_gesture(tmp_path / "gesture")
    more = ["--shots", "1", "--method", "mean", "--seeds", "1"]
    for name, count in (("caltech", 3), ("gesture", 11)):
        dataset = {"caltech": "n-caltech101", "gesture": "dvs128-gesture"}[name]
        assert run(command(tiny, dataset, tmp_path / name, tmp_path / f"{name}-out", *more)) == 0
        assert figures(tmp_path / f"{name}-out")["judged"] == count


def test_own_recordings_learn_from_the_part_that_is_not_judged(tiny: str, tmp_path: Path) -> None:
    for label, name in enumerate(("mug", "lamp")):
        for seed in range(5):
            write_atis(tmp_path / "data" / name / f"{seed}.bin", made_events(label * 4, seed, 34))
    more = ["--sensor", "34x34", "--shots", "2", "--method", "mean", "--seeds", "3"]
    assert run(command(tiny, "folder", tmp_path / "data", tmp_path, *more)) == 0
    written = figures(tmp_path)
    assert written["classes"] == ["lamp", "mug"]
    assert written["judged"] == 10
    assert all(share * 6 == pytest.approx(round(share * 6)) for share in written["few_shot"][0]["top1"]["seeds"])


def test_other_words_for_the_classes(tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_n_mnist(tmp_path / "data", train=1, test=1)
    names = tmp_path / "names.txt"
    names.write_text("\n".join(f"the digit {digit}, written" for digit in range(10)), encoding="utf-8")
    more = ["--class-names", str(names), "--template", "events"]
    assert run(command(tiny, "n-mnist", tmp_path / "data", tmp_path, *more)) == 0
    assert figures(tmp_path)["classes"][3] == "the digit 3, written"
    assert len(figures(tmp_path)["template"]) > 3
    names.write_text("one\ntwo\n", encoding="utf-8")
    assert run(command(tiny, "n-mnist", tmp_path / "data", tmp_path, *more)) == 1
    assert "2 class names were given and n-mnist has 10 classes" in capsys.readouterr().err


# --- going on, and what goes wrong ---


def test_the_same_command_again_encodes_nothing_and_gives_the_same(tiny: str, tmp_path: Path) -> None:
    write_n_mnist(tmp_path / "data")
    arguments = command(tiny, "n-mnist", tmp_path / "data", tmp_path, "--shots", "1", "--seeds", "2")
    assert run(arguments) == 0
    first = without_timing(tmp_path)
    assert run(arguments) == 0
    assert without_timing(tmp_path) == first
    assert figures(tmp_path)["timing"]["samples_encoded"] == 0


def test_frame_folders_and_events_give_the_same_figures(tiny: str, tmp_path: Path) -> None:
    write_n_mnist(tmp_path / "data", train=1, test=2)
    found = []
    for more in ([], ["--frame-folders"]):
        assert run(command(tiny, "n-mnist", tmp_path / "data", tmp_path, *more)) == 0
        found.append(without_timing(tmp_path))
    assert found[0].pop("frames_from") == "events"
    assert found[1].pop("frames_from") == "frame folders"
    assert found[0] == found[1]


def test_at_most_so_many_samples_of_a_class(tiny: str, tmp_path: Path) -> None:
    write_n_mnist(tmp_path / "data", train=1, test=3)
    assert run(command(tiny, "n-mnist", tmp_path / "data", tmp_path, "--test-samples", "1")) == 0
    assert figures(tmp_path)["judged"] == 10
    assert figures(tmp_path)["timing"]["samples_encoded"] == 10
    assert "at most 1 test sample" in (tmp_path / "out" / "figures.md").read_text(encoding="utf-8")


def test_a_damaged_sample_is_left_out_and_told(tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_n_mnist(tmp_path / "data", train=2)
    arguments = command(tiny, "n-mnist", tmp_path / "data", tmp_path, "--shots", "2", "--seeds", "1")
    assert run([*arguments, "--test-samples", "1"]) == 0
    damaged = sorted((tmp_path / "data" / "events_np").rglob("*.npz"))[::7]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:100])
    assert run([*arguments, "--cache", str(tmp_path / "other")]) == 0
    written = figures(tmp_path)
    parts = [path.parts[-3] for path in damaged]
    assert len(written["unreadable"]) == parts.count("test") > 0
    assert written["judged"] == 20 - parts.count("test")
    assert capsys.readouterr().err.count("left out: ") == len(damaged)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--shots", "5"], "5 shots of each class were asked for and the smallest class of n-mnist has 3"),
        (["--template", "no place"], 'The template "no place"'),
        (["--cache", "/dev/null/x"], "cannot be written"),
        (["--device", "quantum"], 'There is no device "quantum"'),
    ],
)
def test_what_cannot_be_is_one_line(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], more: list[str], sentence: str
) -> None:
    write_n_mnist(tmp_path / "data", test=1)
    assert run(command(tiny, "n-mnist", tmp_path / "data", tmp_path, *more)) == 1
    output, errors = capsys.readouterr()
    (line,) = [line for line in errors.splitlines() if line.startswith("error: ")]
    assert sentence in line
    assert output == ""


def test_a_missing_data_set_says_where_it_comes_from(
    tiny: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(command(tiny, "cifar10-dvs", tmp_path, tmp_path)) == 1
    assert "error: CIFAR10-DVS is not in" in capsys.readouterr().err


@pytest.mark.parametrize(
    "wrong",
    [
        ["--dataset", "mnist"],
        ["--shots", "0"],
        ["--seeds", "many"],
        ["--sensor", "34"],
        ["--sensor", "0x34"],
        ["--class-names", "no such file"],
        ["--method", "magic"],
    ],
)
def test_wrong_usage_is_told_before_anything_is_loaded(
    wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(["--dataset", "n-mnist", "--root", str(tmp_path), *wrong])
    assert ended.value.code == 2
    assert wrong[0] in capsys.readouterr().err


def test_the_help_names_every_data_set_and_method() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "experiments.evaluate", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for word in ("n-mnist", "cifar10-dvs", "es-imagenet", "n-caltech101", "dvs128-gesture", "folder", "adapter", "tip"):
        assert word in shown


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_two_processes_give_what_one_gives(tiny: str, tmp_path: Path) -> None:
    """As `torchrun --nproc-per-node 2` starts them, over gloo; more samples than one file of features holds."""
    write_n_mnist(tmp_path / "data", train=4, test=30)
    more = ["--shots", "1", "2", "--method", "adapter", "mean", "--seeds", "2", "--post-search"]
    one, two = (command(tiny, "n-mnist", tmp_path / "data", tmp_path / name, *more) for name in ("1", "2"))
    assert run(one) == 0
    # One thread in each process, as in this one: the order of a sum may be another with more.
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    start = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    whole = [*start, "-m", "experiments.evaluate", *two]
    ended = subprocess.run(whole, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("# n-mnist") == 1
    found = []
    for processes in (1, 2):
        folder = tmp_path / str(processes)
        assert figures(folder)["timing"]["processes"] == processes
        assert figures(folder)["timing"]["samples_encoded"] == 340
        cache = folder / "cache"
        features = {path.relative_to(cache): path.read_bytes() for path in cache.rglob("*.safetensors")}
        assert len(features) == 3
        found.append((without_timing(folder), features))
    assert found[0] == found[1]
