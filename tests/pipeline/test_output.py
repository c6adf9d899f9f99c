"""CSV and JSON lines: the form that other programs rely on."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from pipeline.output import (
    CsvWriter,
    OutputError,
    RunDescription,
    check_output,
    open_output,
    output_kind,
    unique_labels,
)
from pipeline.prediction import Prediction

RUN = RunDescription(
    version="0.1.0", model="ViT-B-32", tag="openai", weights_sha256="ab" * 32, trained=True, device="cpu",
    precision="fp32", timesteps=10, timestep_us=30_000, timestep_events=None, threshold=0, view="crop",
    normalisation="clip", template="plain", prompts=("a cup", "ein Ü, 杯"), adapter=None, source="walk.aedat4",
)  # fmt: skip
LABELS = ("a cup", "ein Ü, 杯")


def prediction(probabilities: list[float] | None, start_us: int = 1_605_537_493_718_345) -> Prediction:
    numbers = np.array([np.nan, np.nan] if probabilities is None else probabilities, np.float32)
    return Prediction(
        start_us=start_us, end_us=start_us + 300_000, events=4321, state="no_motion" if probabilities is None else "ok",
        row_ids=(1, 2), labels=LABELS, cosines=numbers / np.float32(4), probabilities=numbers, timesteps=10, segment=0,
    )  # fmt: skip


def write_windows(target: Path, windows: int) -> None:
    with open_output(str(target), LABELS, RUN) as writer:
        for _ in range(windows):
            writer.write(prediction([0.5, 0.5]))


def test_csv_has_the_stable_columns_and_six_decimals(tmp_path: Path) -> None:
    target = tmp_path / "labels.csv"
    with open_output(str(target), LABELS, RUN) as writer:
        writer.write(prediction([0.25, 0.75]))
    header, row = csv.reader(target.read_text(encoding="utf-8").splitlines())
    assert header == ["start_us", "end_us", "events", "state", "label", "probability", "p:a cup", "p:ein Ü, 杯"]
    assert row == [
        "1605537493718345", "1605537494018345", "4321", "ok", "ein Ü, 杯", "0.750000", "0.250000", "0.750000",
    ]  # fmt: skip


def test_csv_leaves_the_judgement_empty_without_motion(tmp_path: Path) -> None:
    target = tmp_path / "labels.csv"
    with open_output(str(target), LABELS, RUN) as writer:
        writer.write(prediction(None))
    row = list(csv.reader(target.read_text(encoding="utf-8").splitlines()))[1]
    assert row[3:] == ["no_motion", "", "", "", ""]


def test_json_lines_begin_with_the_run_and_go_on_with_windows(tmp_path: Path) -> None:
    target = tmp_path / "labels.jsonl"
    with open_output(str(target), LABELS, RUN) as writer:
        writer.write(prediction([0.25, 0.75]))
        writer.write(prediction(None))
    run, first, second = (json.loads(line) for line in target.read_text(encoding="utf-8").splitlines())
    assert run["run"]["weights_sha256"] == "ab" * 32
    assert run["run"]["prompts"] == ["a cup", "ein Ü, 杯"]
    assert first["label"] == "ein Ü, 杯"
    assert first["probabilities"] == {"a cup": 0.25, "ein Ü, 杯": 0.75}
    assert first["cosines"] == {"a cup": 0.0625, "ein Ü, 杯": 0.1875}
    assert second["state"] == "no_motion"
    assert second["label"] is None


def test_every_line_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    target = tmp_path / "labels.csv"
    with open_output(str(target), LABELS, RUN) as writer:
        writer.write(prediction([0.5, 0.5]))
        assert len(target.read_text(encoding="utf-8").splitlines()) == 2


def test_dash_is_standard_output_and_stays_open(capsys: pytest.CaptureFixture[str]) -> None:
    with open_output("-", LABELS, RUN) as writer:
        writer.write(prediction([0.5, 0.5]))
    assert len(capsys.readouterr().out.splitlines()) == 2
    print("still open")


@pytest.mark.parametrize(
    ("target", "kind"), [("a.csv", "csv"), ("b.JSONL", "jsonl"), ("-", "csv"), ("-.jsonl", "jsonl")]
)
def test_the_ending_chooses_the_kind(target: str, kind: str) -> None:
    assert output_kind(target) == kind


@pytest.mark.parametrize("target", ["labels.txt", "labels", "csv"])
def test_another_ending_is_refused_with_the_ways_out(target: str) -> None:
    with pytest.raises(OutputError, match=r"\.csv or \.jsonl"):
        output_kind(target)


def test_a_missing_folder_is_said_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="No such file or directory"):
        open_output(str(tmp_path / "nowhere" / "labels.csv"), LABELS, RUN)


def test_a_full_disk_says_how_much_is_written() -> None:
    class FullDisk(io.StringIO):
        def flush(self) -> None:
            raise OSError(28, "No space left on device")

    writer = CsvWriter(FullDisk(), LABELS, name="labels.csv", owned=False)
    with pytest.raises(OutputError, match=r"labels\.csv: No space left on device; 0 windows are written"):
        writer.write(prediction([0.5, 0.5]))


def test_two_rows_with_one_label_keep_a_column_each() -> None:
    assert unique_labels(["cup", "cup", "cup (2)", "tea"]) == ("cup", "cup (2)", "cup (2) (2)", "tea")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
@pytest.mark.parametrize("windows", [0, 1])
def test_a_full_disk_costs_one_sentence_also_when_it_shows_at_the_end(tmp_path: Path, windows: int) -> None:
    target = tmp_path / "labels.csv"
    target.symlink_to("/dev/full")
    with pytest.raises(OutputError, match="No space left"):
        write_windows(target, windows)


def test_a_check_leaves_no_file_behind_and_changes_none(tmp_path: Path) -> None:
    target = tmp_path / "labels.csv"
    check_output(str(target))
    assert not target.exists()
    target.write_text("mine", encoding="utf-8")
    check_output(str(target))
    assert target.read_text(encoding="utf-8") == "mine"
    with pytest.raises(OutputError, match="No such file"):
        check_output(str(tmp_path / "nowhere" / "labels.csv"))
