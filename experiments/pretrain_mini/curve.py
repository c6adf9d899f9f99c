"""The training curve as a picture: `python -m experiments.pretrain_mini.curve LOG PICTURE`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any


class LogError(Exception):
    """The log of a training cannot be read: says which, why, and what to do."""


def read_log(log: Path) -> list[dict[str, Any]]:
    """Give the reports of a training, by frames; where it went on from an earlier point, the later report counts.

    Raises
    ------
    LogError
        It is not there, or holds something else.
    """
    try:
        reports = {report["frames"]: report for report in map(json.loads, log.read_text().splitlines())}
    except OSError as error:
        raise LogError(
            f"The log {log} cannot be read ({error.strerror}): name the training's image_log.jsonl."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise LogError(f"{log} is not the log of a training: name its image_log.jsonl.") from error
    if not reports:
        raise LogError(f"{log} is empty: let the training run until its first report.")
    return [reports[frames] for frames in sorted(reports)]


def merged(logs: Sequence[Path]) -> list[dict[str, Any]]:
    """Give the reports of several sittings, each from the weights of the one before, as of one training.

    Frames are counted on; where there is more than one log each report says of which "sitting" it is, from 1.

    Raises
    ------
    LogError
        One of them cannot be read.
    """
    if len(logs) == 1:
        return read_log(logs[0])
    reports: list[dict[str, Any]] = []
    for log in logs:
        seen, before = (reports[-1]["frames"], reports[-1]["sitting"]) if reports else (0, 0)
        reports += [
            {**report, "frames": seen + report["frames"], "sitting": before + report.get("sitting", 1)}
            for report in read_log(log)
        ]
    return reports


def draw(log: Path, picture: Path) -> None:
    """Draw loss, and accuracy on what is trained on and on what is held out (one frame each), over frames seen.

    A line stands where the pictures grow, a dotted one where a new sitting begins.
    """
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
    turns = [
        (after["frames"] / 1e6, "-" if after["side"] > before["side"] else ":")
        for before, after in pairwise(reports)
        if after["side"] > before["side"] or after.get("sitting", 1) != before.get("sitting", 1)
    ]
    for axes in (losses, shares):
        axes.set_xlabel("million event frames")
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_ylim(bottom=0)
        for place, style in turns:
            axes.axvline(place, color="0.8", linewidth=1, linestyle=style, zorder=0)
    figure.savefig(picture)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Draw the training curve of the bundled model.")
    parser.add_argument("log", type=Path, help="image_log.jsonl of a training")
    parser.add_argument("picture", type=Path, help="the .png or .svg to write")
    given = parser.parse_args()
    draw(given.log, given.picture)
