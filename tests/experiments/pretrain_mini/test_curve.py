"""The log of a training: what counts where it went on, several sittings as one, and its picture."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.pretrain_mini.curve import LogError, draw, merged, read_log


def report(frames: int, **others: Any) -> dict[str, Any]:
    return {"frames": frames, "loss": 7.0 - frames / 100, "top1": 0.1, "pair": 0.5, "side": 64, "s": 1.0} | others


def written(file: Path, reports: list[dict[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(line) + "\n" for line in reports))
    return file


def test_where_a_training_went_on_from_an_earlier_point_the_later_report_counts(tmp_path: Path) -> None:
    log = written(tmp_path / "log.jsonl", [report(100), report(200), report(200, loss=1.5), report(300)])
    assert [line["frames"] for line in read_log(log)] == [100, 200, 300]
    assert read_log(log)[1]["loss"] == 1.5
    assert merged([log]) == read_log(log)


def test_sittings_are_counted_on(tmp_path: Path) -> None:
    first = written(tmp_path / "first.jsonl", [report(100), report(200)])
    second = written(tmp_path / "second.jsonl", [report(100), report(150)])
    reports = merged([first, second])
    assert [(line["frames"], line["sitting"]) for line in reports] == [(100, 1), (200, 1), (300, 2), (350, 2)]
    both = written(tmp_path / "both.jsonl", reports)
    assert merged([both]) == reports
    assert [(line["frames"], line["sitting"]) for line in merged([both, first])][-2:] == [(450, 3), (550, 3)]


@pytest.mark.parametrize("said", ["", "no log\n", '{"loss": 1}\n', "3\n"])
def test_what_is_no_log_costs_one_sentence(tmp_path: Path, said: str) -> None:
    log = tmp_path / "log.jsonl"
    log.write_text(said)
    with pytest.raises(LogError, match=r"log\.jsonl is .*: .*\.$"):
        read_log(log)
    with pytest.raises(LogError, match=r"cannot be read \(No such file or directory\)"):
        read_log(tmp_path / "nowhere.jsonl")


def test_the_curve_is_drawn_over_the_whole_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    reports = [report(100), report(200, icons=0.2, emoji=0.1), report(300, side=96, icons=0.4, emoji=0.3)]
    draw(written(tmp_path / "log.jsonl", reports), tmp_path / "curve.png")
    pixels = np.asarray(Image.open(tmp_path / "curve.png").convert("RGB")).astype(int)
    blue = (pixels[..., 2] - pixels[..., 0] > 80).any(0)
    assert blue[: len(blue) // 2].sum() == 0  # losses to the left, accuracy of held-out icons to the right
    assert blue[len(blue) // 2 :].sum() > 100
