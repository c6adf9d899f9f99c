"""What is fetched with the machine's own tools, and what is said where one of them is missing or fails."""

import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from experiments.pretrain_mini import __main__ as training
from experiments.pretrain_mini.fetch import FetchError, _debian, _npm, fetch
from tests.needs import need_program


def tool(folder: Path, name: str, script: str) -> None:
    """Put a program of this name alone on the path."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder where programs are looked for; empty."""
    folder = tmp_path / "tools"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.mark.usefixtures("tools")
def test_without_npm_it_says_what_it_is_needed_for(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as said:
        fetch(tmp_path / "data")
    assert str(said.value) == (
        "The package @iconify-json/mdi is fetched with npm, which is not installed: install it and start again."
    )


@pytest.mark.usefixtures("tools")
def test_the_command_costs_one_sentence_without_npm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "NEEDED", ())
    monkeypatch.setattr(sys, "argv", ["pretrain_mini", "--data", str(tmp_path / "data")])
    assert training.main() == 1
    said = capsys.readouterr().err
    assert said.startswith("error: The package @iconify-json/mdi is fetched with npm, which is not installed")
    assert said.count("\n") == 1


def test_the_command_says_which_group_the_training_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(training, "NEEDED", ("os", "no_such_library"))
    monkeypatch.setattr(sys, "argv", ["pretrain_mini", "--data", str(tmp_path / "data")])
    assert training.main() == 2
    assert capsys.readouterr().err.startswith("error: the training needs no_such_library: start it with")


def test_a_tool_that_fails_is_quoted_with_its_last_line(tmp_path: Path, tools: Path) -> None:
    tool(tools, "npm", "echo npm error code E404 >&2; echo npm error 404 not here >&2; exit 1")
    with pytest.raises(FetchError) as said:
        _npm("some-package", tmp_path / "sets" / "some")
    assert str(said.value) == (
        "The package some-package could not be fetched with npm (npm error 404 not here): "
        "check the network and start again."
    )
    assert not (tmp_path / "sets" / "some").exists()


def test_a_package_is_unpacked_once(tmp_path: Path, tools: Path) -> None:
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "info.json").write_text("{}")
    with tarfile.open(tmp_path / "some-1.0.tgz", "w:gz") as archive:
        archive.add(tmp_path / "package", "package")
    tool(tools, "npm", f'/bin/cp "{tmp_path}/some-1.0.tgz" .; echo "$@" >> "{tmp_path}/asked"')
    for _ in range(2):
        _npm("some", tmp_path / "sets" / "some")
    assert (tmp_path / "sets" / "some" / "info.json").read_text() == "{}"
    assert (tmp_path / "asked").read_text() == "pack --silent some\n"


def test_a_font_is_unpacked_with_what_says_whose_it_is(
    tmp_path: Path, tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    packer = need_program("dpkg-deb", "dpkg")
    tree = tmp_path / "tree"
    for name, said in (
        (
            "DEBIAN/control",
            "Package: fonts-some\nVersion: 1\nArchitecture: all\nMaintainer: A <a@b.c>\nDescription: d\n",
        ),
        ("usr/share/fonts/some.ttf", "glyphs"),
        ("usr/share/doc/fonts-some/copyright", "Copyright 2011 Somebody"),
    ):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(said)
    subprocess.run([packer, "--build", tree, tmp_path / "some.deb"], check=True, capture_output=True)
    tool(tools, "apt-get", f'/bin/cp "{tmp_path}/some.deb" .')
    monkeypatch.setenv("PATH", f"{tools}:/usr/bin:/bin")
    _debian("fonts-some", tmp_path / "fonts" / "fonts-some")
    unpacked = tmp_path / "fonts" / "fonts-some"
    assert (unpacked / "usr/share/doc/fonts-some/copyright").read_text() == "Copyright 2011 Somebody"
    assert (unpacked / "usr/share/fonts/some.ttf").exists()
    assert [entry.name for entry in (tmp_path / "fonts").iterdir()] == ["fonts-some"]
