"""The training curve as a picture: `python -m experiments.pretrain_mini.curve LOG PICTURE`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def read_log(log: Path) -> list[dict[str, Any]]:
    """Give the reports of a training, by frames; where it went on from an earlier point, the later report counts."""
    reports = {report["frames"]: report for report in map(json.loads, log.read_text().splitlines())}
    return [reports[frames] for frames in sorted(reports)]


def draw(log: Path, picture: Path) -> None:
    """Draw loss, and accuracy on what is trained on and on what is held out (one frame each), over frames seen."""
    from matplotlib.figure import Figure

    reports = read_log(log)
    millions = [report["frames"] / 1e6 for report in reports]
    figure = Figure(figsize=(8, 3.6), dpi=140, layout="constrained")
    losses, shares = figure.subplots(1, 2)
    losses.plot(millions, [report["loss"] for report in reports], color="0.2", linewidth=1)
    losses.set_ylabel("loss against the texts of all concepts")
    shares.plot(
        millions, [100 * report["top1"] for report in reports], color="0.6", linewidth=1, label="frames as trained on"
    )
    for kind, colour in (("icons", "tab:blue"), ("emoji", "tab:orange")):
        looked = [(report["frames"] / 1e6, 100 * report[kind]) for report in reports if kind in report]
        shares.plot(*zip(*looked, strict=True), color=colour, marker=".", label=f"{kind} of a hand held out")
    shares.set_ylabel("named right among all concepts, %")
    shares.legend(frameon=False)
    grown = next((report["frames"] / 1e6 for report in reports if report["side"] != reports[0]["side"]), None)
    for axes in (losses, shares):
        axes.set_xlabel("million event frames")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
        if grown is not None:
            axes.axvline(grown, color="0.8", linewidth=1, zorder=0)
    figure.savefig(picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the training curve of the bundled model.")
    parser.add_argument("log", type=Path, help="image_log.jsonl of a training")
    parser.add_argument("picture", type=Path, help="the .png or .svg to write")
    given = parser.parse_args()
    draw(given.log, given.picture)
