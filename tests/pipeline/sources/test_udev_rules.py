"""Installing udev rules: shown, asked for, written, and what is said where that fails."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from pipeline.sources.udev_rules import COMMANDS, RULES_FILE, install_rules, rule, rules_text
from pipeline.sources.usb_cameras import KINDS, LINUX
from tests.programs import PATIENCE_S, command

pytestmark = pytest.mark.skipif(not LINUX, reason="udev is Linux's")


class Terminal:
    """Answers, hears, and runs commands that it only notes."""

    def __init__(self, answer: str | None, status: int = 0) -> None:
        self.answer, self.status = answer, status
        self.said = ""
        self.ran: list[list[str]] = []

    def ask(self, question: str) -> str:
        self.said += question
        if self.answer is None:
            raise EOFError
        return self.answer

    def say(self, line: str) -> None:
        self.said += line + "\n"

    def run(self, command: Sequence[str]) -> int:
        self.ran.append(list(command))
        return self.status

    def install(self, path: Path, *, superuser: bool = True) -> int:
        return install_rules(self.ask, self.say, path=path, run=self.run, superuser=superuser)


def test_every_maker_has_a_rule() -> None:
    for kind in KINDS:
        assert rule(kind.vendor) in rules_text()
        assert f"{kind.vendor:04x}" in rule(kind.vendor)


@pytest.mark.parametrize("answer", ["n", "", None])
def test_nothing_is_written_without_a_yes(tmp_path: Path, answer: str | None) -> None:
    terminal = Terminal(answer)
    assert terminal.install(tmp_path / "a.rules") == 1
    assert not (tmp_path / "a.rules").exists()
    assert terminal.ran == []
    assert rules_text() in terminal.said, "it was shown before it was asked for"


def test_the_superuser_writes_it(tmp_path: Path) -> None:
    terminal = Terminal("y")
    assert terminal.install(tmp_path / "a.rules") == 0
    assert (tmp_path / "a.rules").read_text() == rules_text()
    assert terminal.ran == [line.split()[1:] for line in COMMANDS]
    assert Terminal(None).install(tmp_path / "a.rules") == 0, "it is there already: nothing to ask"


def test_what_is_there_is_said_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "a.rules").write_text("old")
    terminal = Terminal("n")
    terminal.install(tmp_path / "a.rules")
    assert "would be replaced" in terminal.said
    assert (tmp_path / "a.rules").read_text() == "old"


def test_what_fails_is_said(tmp_path: Path) -> None:
    nowhere, failing = Terminal("y"), Terminal("y", status=1)
    assert nowhere.install(tmp_path / "no folder" / "a.rules") == 1
    assert "could not be written" in nowhere.said
    assert failing.install(tmp_path / "a.rules") == 1
    assert "failed" in failing.said


@pytest.mark.skipif(RULES_FILE.exists(), reason="the rules are installed here")
def test_the_program_shows_the_file_and_asks() -> None:
    done = subprocess.run(
        command("--install-udev-rules"), input="n\n", capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert done.returncode == 1
    assert rules_text() in done.stdout
    assert "Nothing was written" in done.stdout
    assert not RULES_FILE.exists()
