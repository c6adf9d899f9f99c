"""Films and webcams from the command line: whole child processes."""

from pathlib import Path

import pytest

from tests.pipeline.sources.made_films import RATE, make_film
from tests.programs import rows, run_main

PROMPTS = ("--prompts", "a square, a star", "--model", "untrained")


@pytest.mark.slow
def test_a_film_is_analysed_completely_and_the_same_on_every_run(tmp_path: Path) -> None:
    film = make_film(tmp_path / "square.mp4", 2 * RATE)
    first, again = tmp_path / "first.csv", tmp_path / "again.csv"
    for target in (first, again):
        done = run_main("--video", film, "--output", target, *PROMPTS)
        assert done.status == 0, done.err
    assert first.read_bytes() == again.read_bytes()
    starts = [int(row["start_us"]) for row in rows(first)]
    assert starts == [starts[0] + 30_000 * number for number in range(len(starts))]
    assert 2_000_000 - 100_000 < int(rows(first)[-1]["end_us"]) <= 2_000_000


def test_what_is_wrong_is_one_line_and_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "words.mp4").write_text("no film\n" * 300, encoding="utf-8")
    for argv in (("--video", tmp_path / "words.mp4"), ("--webcam", "99")):
        done = run_main(*argv, "--output", tmp_path / "out.csv", *PROMPTS)
        assert done.status == 1
        assert len(done.error_lines) == 1
        assert "Traceback" not in done.err
