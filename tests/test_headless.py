"""The headless run, as a script would use it: whole child processes on real files and real sockets."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.network_replay import NetworkReplay
from tests.pipeline.tiny_clip import save_folder
from tests.programs import PATIENCE_S, PERSON, command, environment, rows, run_main, wait_until

needs_person = pytest.mark.skipif(not PERSON.is_file(), reason=f"{PERSON.name} is not here")
EXACT = ("start_us", "end_us", "events", "state")
PROMPTS = ("--prompts", "a person, a cup, nothing but noise", "--model", "untrained")


@pytest.fixture(scope="module")
def person_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("person") / "out.csv"
    done = run_main(PERSON, "--headless", "--output", target, "--speed", "max", *PROMPTS)
    assert (done.status, done.out) == (0, ""), done.err
    return target


@needs_person
def test_a_recording_is_analysed_to_its_last_event(person_csv: Path) -> None:
    table = rows(person_csv)
    assert list(table[0]) == [
        "start_us", "end_us", "events", "state", "label", "probability", "p:a person", "p:a cup", "p:nothing but noise",
    ]  # fmt: skip
    starts, ends = [int(row["start_us"]) for row in table], [int(row["end_us"]) for row in table]
    assert (starts[0], ends[-1]) == (1605537493718345, 1605537494308263)  # 0.59 s: first event to last
    assert starts == [starts[0] + 30_000 * number for number in range(len(starts))]
    assert len(table) == 11  # 20 timesteps, the last one short
    # windows 0 and 10 together hold every timestep once
    assert int(table[0]["events"]) + int(table[10]["events"]) == 111_954
    for row in table:
        probabilities = [float(value) for name, value in row.items() if name.startswith("p:")]
        assert sum(probabilities) == pytest.approx(1, abs=2e-6)
        assert float(row["probability"]) == max(probabilities)


@needs_person
def test_two_runs_give_identical_output(person_csv: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.csv"
    assert run_main(PERSON, "--headless", "--output", again, *PROMPTS).status == 0
    assert again.read_bytes() == person_csv.read_bytes()


@needs_person
def test_json_lines_say_what_made_them(person_csv: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.jsonl"
    assert run_main(PERSON, "--headless", "--output", target, *PROMPTS).status == 0
    run, *windows = [json.loads(line) for line in target.read_text(encoding="utf-8").splitlines()]
    assert run["run"]["timesteps"] == 10
    assert run["run"]["timestep_us"] == 30_000
    assert run["run"]["prompts"] == ["a person", "a cup", "nothing but noise"]
    assert run["run"]["source"] == PERSON.name
    assert len(run["run"]["weights_sha256"]) == 64
    table = rows(person_csv)
    assert [window["start_us"] for window in windows] == [int(row["start_us"]) for row in table]
    for window, row in zip(windows, table, strict=True):
        assert window["probabilities"]["a cup"] == pytest.approx(float(row["p:a cup"]), abs=1e-6)


@needs_person
def test_something_else_is_the_last_column_where_it_is_asked_for(person_csv: Path, tmp_path: Path) -> None:
    target, lines = tmp_path / "else.csv", tmp_path / "else.jsonl"
    for output in (target, lines):
        done = run_main(PERSON, "--headless", "--something-else", "--output", output, *PROMPTS)
        assert (done.status, done.out) == (0, ""), done.err
    table, plain = rows(target), rows(person_csv)
    assert list(table[0]) == [*plain[0], "p:something else"]
    run, *windows = [json.loads(line) for line in lines.read_text(encoding="utf-8").splitlines()]
    assert run["run"]["something_else"] is True
    for row, window, alone in zip(table, windows, plain, strict=True):
        other = float(row["p:something else"])
        assert 0 < other < 1
        assert float(row["p:a cup"]) == pytest.approx(float(alone["p:a cup"]) * (1 - other), abs=3e-6)
        assert window["probabilities"]["something else"] == pytest.approx(other, abs=1e-6)
        assert list(window["cosines"])[-1] == "something else"


def test_a_prompt_that_a_small_model_does_not_know_is_said_on_standard_error(
    recording_file: Path, tmp_path: Path
) -> None:
    folder = save_folder(tmp_path / "mini")
    (folder / "concepts.txt").write_text("star\ncup\ndog\ncat\nfish\n", encoding="utf-8")
    (folder / "something_else.json").write_text('{"unknown_below": 0.9}', encoding="utf-8")
    model = ("--model", f"local-dir:{folder}", "--precision", "fp32")
    done = run_main(
        recording_file, "--headless", "--output", "-", *model, "--prompts", "a star, quantum chromodynamics"
    )
    assert done.status == 0, done.err
    assert [line for line in done.err.splitlines() if line.startswith("Prompt")] == [
        "Prompt 2: The small model may not know this."
    ]
    assert done.out.startswith("start_us,end_us,events,state,label,probability,p:a star,p:quantum chromodynamics\n")


@needs_person
def test_standard_output_carries_data_only() -> None:
    done = run_main(PERSON, "--headless", "--output", "-", *PROMPTS)
    assert done.status == 0
    assert done.out.splitlines()[0].startswith("start_us,end_us,events,state")
    assert len(done.out.splitlines()) == 12
    assert "untrained" in done.err


@needs_person
def test_without_a_display_it_plays_once_in_the_terminal() -> None:
    done = run_main(PERSON, *PROMPTS)
    assert done.status == 0
    assert done.err.splitlines()[0].startswith("No display (neither DISPLAY nor WAYLAND_DISPLAY is set)")
    assert " s  " in done.out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere.aedat4"], "nowhere.aedat4"),
        (["README.md"], "README.md"),
        (["tests"], "tests"),
    ],
)
def test_a_file_that_is_no_recording_costs_one_sentence(arguments: list[str], words: str) -> None:
    done = run_main(*arguments, "--headless", *PROMPTS, cwd=Path(__file__).parent.parent)
    assert done.status == 1
    assert len(done.error_lines) == 1
    assert words in done.error_lines[0]
    assert "Traceback" not in done.err


def test_without_a_camera_it_says_what_was_looked_for() -> None:
    done = run_main("--camera", "--headless", *PROMPTS)
    assert done.status == 1
    assert len(done.error_lines) == 1
    assert "--simulate" in done.error_lines[0]


def test_ctrl_c_ends_a_live_run_with_130() -> None:
    process = subprocess.Popen(
        command("--simulate", "--headless", "--output", "-", *PROMPTS),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(3)]  # the header and two predictions
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert lines[0].startswith("start_us")
    assert process.returncode == 130
    assert "Traceback" not in err


@needs_person
def test_a_stream_from_the_network_gives_the_predictions_of_its_file(person_csv: Path, tmp_path: Path) -> None:
    """The file is replayed at its own pace by a real NetworkWriter on loopback."""
    target = tmp_path / "network.csv"
    expected = rows(person_csv)
    with NetworkReplay(PERSON) as replay:
        process = subprocess.Popen(
            command("--connect", f"127.0.0.1:{replay.port}", "--headless", "--output", target, *PROMPTS),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        try:
            # all windows but the last, whose timestep is not complete before the stream ends
            wait_until(lambda: target.is_file() and len(rows(target)) >= len(expected) - 1)
        finally:
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=PATIENCE_S)
    for row, wanted in zip(rows(target), expected[:-1], strict=False):
        assert {name: row[name] for name in EXACT} == {name: wanted[name] for name in EXACT}, err
        assert float(row["p:a person"]) == pytest.approx(float(wanted["p:a person"]), abs=1e-4)
