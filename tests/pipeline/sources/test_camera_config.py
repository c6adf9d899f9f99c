"""Settings of cameras in files."""

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from pipeline.sources.camera_config import config_text, keep, kept, kept_file, read_config, write_text
from pipeline.sources.camera_settings import Setting, SettingError

SETTINGS = (
    Setting("level", "Level", "Sensitivity", "number", 9, 4, 0, 17),
    Setting("rate", "Rate", "Readout", "choice", "slow", "fast", choices=(("slow", "Slow"), ("fast", "Fast"))),
    Setting("auto", "Automatic", "Readout", "switch", True, False),
    Setting("region", "Region", "Picture", "region", (0, 0, 8, 6), (1, 2, 3, 4)),
)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "night.toml"
    write_text(file, config_text("Toy 7", SETTINGS, [(1, 2), (300, 4)]))
    config = read_config(file)
    assert config.values == {"level": 4, "rate": "fast", "auto": False, "region": [1, 2, 3, 4]}
    assert config.hot_pixels == ((1, 2), (300, 4))
    assert (config.file, config.keep) == ("night.toml", False)
    assert list(file.parent.iterdir()) == [file]


def test_the_file_says_what_each_can_be() -> None:
    lines = config_text("Toy 7", SETTINGS).splitlines()
    assert "level = 4  # a whole number from 0 to 17" in lines
    assert 'rate = "fast"  # one of "slow", "fast"' in lines
    assert lines.index("# Readout") > lines.index("# Sensitivity")


@pytest.mark.parametrize("text", ['say "hi" \\ there', "line\nbreak", "µ–ü", "\x01"])
def test_any_text_can_be_written(text: str) -> None:
    setting = replace(SETTINGS[1], value=text)
    assert tomllib.loads(config_text("Toy", [setting]))["rate"] == text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"level = ", "night.toml is no TOML file"),
        (b"level = 1\nlevel = 2\n", "night.toml is no TOML file"),
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"hot_pixels = [[1, 2, 3]]", "hot_pixels is a list of places of pixels"),
        (b"hot_pixels = [[-1, 2]]", "hot_pixels is a list of places of pixels"),
        (b'hot_pixels = "all"', "hot_pixels is a list of places of pixels"),
    ],
)
def test_a_file_that_is_none_is_said_in_one_sentence(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "night.toml"
    file.write_bytes(content)
    with pytest.raises(SettingError) as error:
        read_config(file)
    assert told in str(error.value)


def test_each_camera_has_its_own() -> None:
    keep("DVXplorer", "A/1", {"level": 3}, [(5, 6)])
    keep("DVXplorer", "A2", {"level": 8}, [])
    config = kept("DVXplorer", "A/1")
    assert (config.values, config.hot_pixels, config.keep) == ({"level": 3}, ((5, 6),), True)
    assert kept("DVXplorer", "A2").values == {"level": 8}
    assert kept("DVXplorer", "A3").values == {}
    assert kept_file("DVXplorer", "A/1").parent == kept_file("DVXplorer", "A2").parent


def test_nothing_is_left_where_nothing_is_set() -> None:
    keep("DVXplorer", "A1", {"level": 3}, [])
    keep("DVXplorer", "A1", {}, [])
    assert not kept_file("DVXplorer", "A1").exists()


def test_a_camera_without_a_serial_number_keeps_nothing() -> None:
    keep("DVXplorer", "", {"level": 3}, [])
    assert kept("DVXplorer", "").values == {}


def test_a_damaged_memory_costs_no_more_than_itself() -> None:
    keep("DVXplorer", "A1", {"level": 3}, [])
    kept_file("DVXplorer", "A1").write_text("level = ", encoding="utf-8")
    assert kept("DVXplorer", "A1").values == {}
