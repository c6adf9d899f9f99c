"""Figures written down: JSON for programs, Markdown and pictures for people."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.evaluation.plots import plot_confusion, plot_per_class, plot_shots
from experiments.evaluation.published import PublishedFigure, published_figures
from experiments.evaluation.results import Evaluation, FewShotResult
from experiments.evaluation.scores import Scores, together
from pipeline.version import __version__

JSON_FILE, MARKDOWN_FILE = "figures.json", "figures.md"


def write_report(folder: Path, evaluation: Evaluation) -> None:
    """Write everything into a folder.

    Raises
    ------
    OSError
        It cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    published = published_figures(evaluation.dataset.name)
    text = json.dumps(_figures(evaluation, published), indent=1, ensure_ascii=False)
    (folder / JSON_FILE).write_text(text + "\n", encoding="utf-8")
    (folder / MARKDOWN_FILE).write_text(_markdown(evaluation, published), encoding="utf-8")
    classes = evaluation.dataset.classes
    confusions = {"zero-shot": evaluation.zero_shot.confusion}
    confusions |= {method: together(result.scores) for method, result in _most_shots(evaluation).items()}
    for name, confusion in confusions.items():
        title = f"{_title(evaluation)}, {_described(evaluation, name)}"
        shares = Scores(0, 0, confusion).per_class
        np.savetxt(folder / f"confusion-{name}.csv", confusion, fmt="%d", delimiter=",")
        plot_confusion(folder / f"confusion-{name}.png", confusion, classes, title)
        plot_per_class(folder / f"per-class-{name}.png", shares, classes, title)
    if evaluation.few_shot:
        plot_shots(folder / "few-shot.png", _curves(evaluation), evaluation.zero_shot.top1, _title(evaluation))


def _title(evaluation: Evaluation) -> str:
    return f"{evaluation.dataset.name}, {evaluation.key.model} ({evaluation.key.tag})"


def _described(evaluation: Evaluation, name: str) -> str:
    results = _most_shots(evaluation)
    return f"{name}, {results[name].shots} shots" if name in results else name


def _most_shots(evaluation: Evaluation) -> dict[str, FewShotResult]:
    """Give each method's result with most examples."""
    return {result.method: result for result in sorted(evaluation.few_shot, key=lambda result: result.shots)}


def _curves(evaluation: Evaluation) -> dict[str, tuple[list[int], list[float], list[float]]]:
    curves: dict[str, tuple[list[int], list[float], list[float]]] = {}
    for result in evaluation.few_shot:
        shots, means, deviations = curves.setdefault(result.method, ([], [], []))
        shots.append(result.shots)
        means.append(result.top1.mean)
        deviations.append(result.top1.deviation)
    return curves


# --- JSON ---


def _figures(evaluation: Evaluation, published: list[PublishedFigure]) -> dict[str, Any]:
    """Give all figures; what differs from run to run stands under ``timing`` alone."""
    options, key, dataset = evaluation.options, evaluation.key, evaluation.dataset
    figures: dict[str, Any] = {
        "version": __version__,
        "dataset": dataset.name,
        "notices": list(dataset.notices),
        "classes": list(dataset.classes),
        "model": key.model,
        "tag": key.tag,
        "weights_sha256": key.weights_sha256,
        "trained": evaluation.trained,
        "precision": key.precision,
        "timesteps": key.timesteps,
        "threshold": key.threshold,
        "normalisation": key.normalisation,
        "view": key.view,
        "frames_from": key.frames_from,
        "template": list(evaluation.template.texts),
        "judged": evaluation.judged,
        "judged_of_each_class_at_most": options.test_samples,
        "unreadable": list(evaluation.unreadable),
        "zero_shot": _of(evaluation.zero_shot),
    }
    if evaluation.searched is not None:
        weights = evaluation.searched_weights
        figures["post_search"] = {"timestep_weights": weights, **_of(evaluation.searched)}
    figures["few_shot"] = [
        {
            "method": result.method,
            "shots": result.shots,
            "turned_copies": options.turned_copies,
            "top1": {"mean": result.top1.mean, "deviation": result.top1.deviation, "seeds": result.top1.values},
            "top5": {"mean": result.top5.mean, "deviation": result.top5.deviation, "seeds": result.top5.values},
            "per_class": _numbers(Scores(0, 0, together(result.scores)).per_class),
        }
        for result in evaluation.few_shot
    ]
    figures["published"] = [vars(figure) for figure in published]
    throughput = evaluation.throughput
    figures["timing"] = {
        "device": evaluation.device,
        "processes": evaluation.processes,
        "samples_encoded": throughput.samples,
        "samples_per_second": throughput.per_second,
        "limited_by": throughput.limited_by if throughput.samples else None,
        "seconds_a_seed": {f"{result.method} {result.shots}": result.seconds for result in evaluation.few_shot},
    }
    return figures


def _of(scores: Scores) -> dict[str, Any]:
    return {"top1": scores.top1, "top5": scores.top5, "per_class": _numbers(scores.per_class)}


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [None if math.isnan(value) else value for value in values.tolist()]


# --- Markdown ---


def _markdown(evaluation: Evaluation, published: list[PublishedFigure]) -> str:
    key, options, dataset = evaluation.key, evaluation.options, evaluation.dataset
    lines = [f"# {_title(evaluation)}", ""]
    if not evaluation.trained:
        lines += ["**The model is untrained: the figures mean nothing.**", ""]
    lines += [
        f"{evaluation.judged:,} test samples of {len(dataset.classes)} classes; T = {key.timesteps}, "
        f"threshold {key.threshold}, normalisation {key.normalisation}, view {key.view}, {key.precision}; "
        f"prompts `{'`, `'.join(evaluation.template.texts)}`.",
        "",
    ]
    lines += [f"- {notice}" for notice in dataset.notices]
    if options.test_samples is not None:
        lines.append(f"- Of each class at most {options.test_samples} test samples, drawn at random, were judged.")
    if evaluation.unreadable:
        lines.append(f"- Left out, as they cannot be read: {len(evaluation.unreadable)} samples.")
    if lines[-1]:
        lines.append("")
    rows = [("zero-shot", "", *_shares(evaluation.zero_shot))]
    if evaluation.searched is not None:
        rows.append(("zero-shot, timesteps weighted", "", *_shares(evaluation.searched)))
    rows += [
        (
            result.method,
            str(result.shots),
            f"{result.top1.mean:.1%} ± {result.top1.deviation:.1%}",
            f"{result.top5.mean:.1%} ± {result.top5.deviation:.1%}",
        )
        for result in evaluation.few_shot
    ]
    beside = _beside(published)
    lines += _table(
        ("method", "shots", "top-1", "top-5", "published"), [(*row, beside.get((row[0], row[1]), "")) for row in rows]
    )
    if evaluation.few_shot:
        seeds = f"{options.seeds} seed{'s' if options.seeds > 1 else ''}"
        copies = f"; each example turned {options.turned_copies} times as well" if options.turned_copies else ""
        lines += ["", f"Few-shot: mean ± standard deviation over {seeds}{copies}."]
    if evaluation.searched_weights is not None:
        lines += ["", f"Weights of the timesteps, found on training samples: {list(evaluation.searched_weights)}."]
    if published:
        lines += ["", "Published by others:", ""]
        lines += _table(
            ("method", "setting", "top-1", "where"),
            [(f.method, f.setting, f"{f.top1:.1%}", f"{f.paper}; {f.table}; {f.source}") for f in published],
        )
    throughput = evaluation.throughput
    if throughput.samples:
        lines += [
            "",
            f"{throughput.samples:,} samples were encoded at {throughput.per_second:.1f} samples/s by "
            f"{evaluation.processes} process{'es' if evaluation.processes > 1 else ''} ({evaluation.device}), limited "
            f"by {throughput.limited_by}.",
        ]
    return "\n".join(lines) + "\n"


def _beside(published: list[PublishedFigure]) -> dict[tuple[str, str], str]:
    """Give NeuroCLIP's own figures by the row that repeats them."""
    found = {}
    for figure in published:
        if not figure.method.startswith("NeuroCLIP"):
            continue
        shots = figure.setting.removesuffix("-shot")
        row = ("zero-shot", "") if figure.setting == "zero-shot" else ("adapter", shots)
        found[row] = f"{figure.top1:.1%} ({figure.method.removeprefix('NeuroCLIP, ')})"
    return found


def _shares(scores: Scores) -> tuple[str, str]:
    return f"{scores.top1:.1%}", f"{scores.top5:.1%}"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return lines + [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
