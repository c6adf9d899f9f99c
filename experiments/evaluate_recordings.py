"""Plays recordings through the program and counts what it names right: `python -m experiments.evaluate_recordings`.

Each is played by `main.py`, without a window, as fast as it goes, at the default settings, its true labels for
prompts. Counted are the windows in which one thing, and no other, is shown from their first microsecond to their
last; which that is stands in the .json beside the recording.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from pipeline.bundled import BUNDLED_RECORDINGS, ROOT, TrueLabel, true_labels


@dataclass
class Tally:
    """Windows of one recording: for each true label, how often it was given which label."""

    given: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, truth: str, label: str) -> None:
        """Count a window."""
        self.given.setdefault(truth, Counter())[label] += 1

    @property
    def windows(self) -> int:
        return sum(counts.total() for counts in self.given.values())

    @property
    def right(self) -> int:
        return sum(counts[truth] for truth, counts in self.given.items())


def whole_truth(labels: Sequence[TrueLabel], start_us: int, end_us: int) -> str:
    """Give the one thing that is shown all through [start_us, end_us); empty where there is none, or several at all."""
    touching = [label for label in labels if label.start_us < end_us and start_us < label.end_us]
    if len(touching) == 1 and touching[0].start_us <= start_us and end_us <= touching[0].end_us:
        return touching[0].label
    return ""


def play(recording: Path, options: Sequence[str]) -> Tally:
    """Run the program on a recording and compare.

    Raises
    ------
    RuntimeError
        The program ended with an error, whose text this is.
    """
    labels = true_labels(recording)
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "predictions.csv"
        command = [sys.executable, str(ROOT / "main.py"), str(recording), "--output", str(written), "--speed", "max"]
        prompts = ["--prompts", ",".join(dict.fromkeys(label.label for label in labels))]
        ended = subprocess.run([*command, *prompts, *options], capture_output=True, text=True, check=False)
        if ended.returncode:
            raise RuntimeError(ended.stderr.strip())
        with written.open(newline="", encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                if truth := whole_truth(labels, int(row["start_us"]), int(row["end_us"])):
                    tally.add(truth, row["label"])
    return tally


def main() -> int:
    """Print a table, and the mistakes; optionally write everything as JSON."""
    parser = argparse.ArgumentParser(description="Play recordings through the program and count what it names right.")
    parser.add_argument("recordings", nargs="*", type=Path, help="none: those that come with the program")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write what each thing was named")
    given, options = parser.parse_known_args()
    console = Console()
    table = Table("recording", "windows", "right", "share", "mistakes")
    everything = {}
    for recording in given.recordings or sorted(BUNDLED_RECORDINGS.glob("*.aedat4")):
        try:
            tally = play(recording, options)
        except RuntimeError as error:
            print(f"error: {recording}: {error}", file=sys.stderr)
            return 1
        mistakes = Counter(
            {
                f"{truth} → {label or 'no label'}": count
                for truth, counts in tally.given.items()
                for label, count in counts.items()
                if label != truth
            }
        )
        listed = ", ".join(f"{what} {count}" for what, count in mistakes.most_common(8))
        share = f"{tally.right / tally.windows:.1%}" if tally.windows else "–"
        table.add_row(recording.stem, str(tally.windows), str(tally.right), share, listed)
        everything[recording.stem] = {truth: dict(counts) for truth, counts in tally.given.items()}
    console.print(table)
    if given.json:
        given.json.write_text(json.dumps(everything, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
