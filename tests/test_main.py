"""The command line: what it takes, what it refuses, and in which words."""

import os
from pathlib import Path

import pytest

from main import parse_options, run
from pipeline.bundled import TOUR
from pipeline.options import Options
from pipeline.sources.base import CameraSpec, NetworkSpec, RecordingSpec, SimulationSpec, VideoSpec, WebcamSpec
from pipeline.threads import PASSIVE
from tests.pipeline.simulation.test_picture_file import square, write


def options(*argv: str) -> Options:
    return parse_options(argv)[0]


def test_nothing_plays_the_bundled_recording_in_a_loop() -> None:
    given = options()
    assert given.source == RecordingSpec(TOUR)
    assert given.loop
    assert given.speed == 1.0
    assert len(given.prompts) >= 5


def test_a_recording_plays_once() -> None:
    given = options("walk.aedat4", "--stream", "events_left")
    assert given.source == RecordingSpec(Path("walk.aedat4"), "events_left")
    assert not given.loop


@pytest.mark.parametrize(
    ("argv", "spec"),
    [
        (["--camera"], CameraSpec(None)),
        (["--camera", "DXB00010"], CameraSpec("DXB00010")),
        (["--connect", "example:7777"], NetworkSpec("example", 7777)),
        (["--connect", "[::1]:7777"], NetworkSpec("::1", 7777)),
        (["--connect", "unix:/tmp/events.sock"], NetworkSpec(unix_path=Path("/tmp/events.sock"))),
        (["--simulate"], SimulationSpec()),
        (["--webcam"], WebcamSpec(0)),
        (["--webcam", "2"], WebcamSpec(2)),
        (["--video", "cup.mp4"], VideoSpec(Path("cup.mp4"))),
        (["cup.MOV"], VideoSpec(Path("cup.MOV"))),
    ],
)
def test_each_source_has_its_option(argv: list[str], spec: object) -> None:
    assert options(*argv).source == spec


def test_a_simulation_begins_with_what_it_shows() -> None:
    assert "an umbrella" in options("--simulate").prompts
    assert options("--simulate", "--prompts", "a cup").prompts == ("a cup",)


def test_a_simulation_is_set_and_shows_pictures_of_ones_own(tmp_path: Path) -> None:
    picture = write(tmp_path / "old_mug.png", square((255, 255, 255, 0), (200, 200, 200, 255)))
    scene = ("--ground", "textured", "--light", "dark", "--noise", "strong", "--seed", "7")
    given = options("--simulate", "--objects", f"a star, {picture}", *scene)
    assert given.source == SimulationSpec(
        seed=7, objects=("star", "old mug"), pictures=(picture,), ground="textured", light="dark", noise="strong"
    )
    assert given.prompts[-1] == "an old mug"


def test_a_film_plays_once_and_is_analysed_as_fast_as_possible() -> None:
    assert not options("--video", "cup.mp4").loop
    assert options("--video", "cup.mp4", "--loop").loop
    assert options("--video", "cup.mp4", "--output", "cup.csv").speed is None


def test_tls_takes_certificate_and_key() -> None:
    given = options("--connect", "example:7777", "--tls-certificate", "chain.pem", "--tls-key", "key.pem")
    assert given.source == NetworkSpec("example", 7777, None, Path("chain.pem"), Path("key.pem"))


def test_prompts_split_at_commas() -> None:
    assert options("--prompts", "a cup, a star,, nothing but noise ").prompts == (
        "a cup",
        "a star",
        "nothing but noise",
    )


def test_a_prompts_file_takes_one_row_a_line_with_commas(tmp_path: Path) -> None:
    rows = tmp_path / "rows.txt"
    rows.write_text("\ufeffa hand, waving\n\nmug = a white mug\n", encoding="utf-8")
    assert options("--prompts-file", str(rows)).prompts == ("a hand, waving", "mug = a white mug")


def test_the_framer_is_given_in_field_units() -> None:
    framer = options("--timestep-ms", "12.5", "--timesteps", "7", "--threshold", "1").framer
    assert (framer.timestep_us, framer.timestep_events, framer.timesteps, framer.threshold) == (12_500, None, 7, 1)
    assert options("--timestep-events", "5000").framer.timestep_events == 5000


def test_an_analysis_is_as_fast_as_possible_unless_a_pace_is_asked() -> None:
    assert options("walk.aedat4", "--output", "walk.csv").speed is None
    assert options("walk.aedat4", "--output", "walk.csv", "--speed", "2").speed == 2.0
    assert options("walk.aedat4", "--speed", "max").speed is None


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["walk.aedat4", "--camera", "DXB00010"], "choose one source"),
        (["--webcam", "--simulate"], "choose one source"),
        (["walk.aedat4", "--video", "cup.mp4"], "choose one source"),
        (["--webcam", "front"], "front is no number of a webcam: 0 is the first camera, 1 the second"),
        (["--video", "cup.mp4", "--stream", "events"], "--stream chooses a stream of a recording"),
        (["--simulate", "--objects", "unicorn"], 'error: --objects: "unicorn" is no object of the simulation'),
        (["--simulate", "--objects", __file__], "test_main.py is no picture that can be read"),
        (["--simulate", "--objects", ","], "name at least one object"),
        (["--simulate", "--seed", "-3"], "-3 is not a whole number"),
        (["--ground", "textured"], "--ground is of the simulated scene: add --simulate"),
        (["--webcam", "--seed", "0"], "add --simulate"),
        (["--connect", "nowhere"], "neither HOST:PORT nor unix:PATH"),
        (["--connect", "host:99999"], "neither HOST:PORT nor unix:PATH"),
        (["--tls-key", "key.pem", "--connect", "example:1"], "belong together"),
        (["--prompts", " , "], "name at least one"),
        (["--prompts-file", "/nowhere/rows.txt"], "No such file or directory"),
        (["--template", "a photo"], "{}"),
        (["--output", "labels.txt"], ".csv or .jsonl"),
        (["--record", "walk.raw"], ".aedat4"),
        (["--stream", "events", "--simulate"], "--stream chooses"),
        (["--pretrained", "nowhere.safetensors"], "no such file"),
        (["--timestep-ms", "0"], "0.1"),
        (["--speed", "fast"], "speed"),
        (["--timesteps", "0"], "positive"),
        (["--precision", "int4"], "int8"),
        (["--camera-config", "night.toml"], "name it with --camera"),
        (["--camera", "--camera-config", "/nowhere/night.toml"], "No such file or directory"),
        (["--camera", "--camera-config", __file__], "is no TOML file"),
    ],
)
def test_wrong_usage_ends_with_status_2_and_says_what_to_do(
    argv: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options(argv)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("headless", [False, True])
def test_the_recogniser_leaves_a_core_beside_a_window_alone(monkeypatch: pytest.MonkeyPatch, headless: bool) -> None:
    for name in (*PASSIVE, "OMP_NUM_THREADS"):
        monkeypatch.setenv(name, "")  # so that it is taken back
        monkeypatch.delenv(name)
    monkeypatch.setattr("pipeline.threads.allowed_cores", lambda: 4)
    monkeypatch.setattr("pipeline.threads.cores_beside_a_window", lambda: 3)
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    monkeypatch.setattr("app.display.missing_display", lambda: "")
    monkeypatch.setattr("app.display.missing_libraries", lambda: "")
    threads: list[str] = []

    def started(*_: object, **__: object) -> int:
        threads.append(os.environ["OMP_NUM_THREADS"])
        return 0

    monkeypatch.setattr("app.application.run_window", started)
    monkeypatch.setattr("pipeline.headless.run_headless", started)
    assert run(["--headless"] if headless else []) == 0
    assert threads == ["4" if headless else "3"]


def test_help_is_the_manual(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    for option in (
        "--camera", "--camera-config", "--connect", "--simulate",
        "--objects", "--ground", "--light", "--noise", "--seed",
        "--prompts", "--prompts-file", "--template", "--model", "--pretrained",
        "--device", "--precision", "--timesteps", "--timestep-ms", "--timestep-events", "--threshold", "--speed",
        "--loop", "--record", "--headless", "--output", "--list-cameras", "--list-models", "--version",
        "--tls-certificate", "exit status", "examples",
    ):  # fmt: skip
        assert option in text


def test_version_names_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("NeuroCLIP Live ")
