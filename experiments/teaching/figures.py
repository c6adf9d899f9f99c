"""Accuracy of methods on rounds, and how it is written down: Markdown, JSON, a plot."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from experiments.evaluation.plots import plot_shots
from experiments.evaluation.scores import Spread, score
from experiments.teaching.rounds import Round, Rounds
from experiments.teaching.variants import variant
from experiments.teaching.windows import Floats, Window
from pipeline.clip import ClipModel

ZERO_SHOT = "zero-shot"
METHODS = ("adapter", "tip", "probe", "mean")
SHOTS = (1, 2, 4, 8, 16)


@dataclass(frozen=True)
class Row:
    """One method with so many examples of each class: top-1 by seed."""

    method: str
    shots: int
    top1: Spread

    @property
    def text(self) -> str:
        return f"{self.top1.mean:.1%} ± {self.top1.deviation:.1%}"


def measured(
    rounds: Rounds,
    features: Mapping[Window, Floats],
    model: ClipModel,
    methods: Sequence[str],
    shots: Sequence[int],
    say: Callable[[str], None],
    settings: Mapping[str, Any] | None = None,
) -> list[Row]:
    """Judge every method, each seed with its own round.

    Parameters
    ----------
    settings : mapping, optional
        Of the spiking adapter and its variants.
    """
    texts = [np.asarray(model.encode_texts(list(each.prompts)), np.float32) for each in rounds.rounds]
    rows = []
    for method in methods:
        for count in (0,) if method == ZERO_SHOT else shots:
            shares = [
                _share(method, count, each, text, seed, features, model.scale, dict(settings or {}))
                for seed, (each, text) in enumerate(zip(rounds.rounds, texts, strict=True))
            ]
            rows.append(Row(method, count, Spread(tuple(shares))))
            say(f"{rounds.name}: {method}, {count} shots: {rows[-1].text}")
    return rows


def _share(
    method: str,
    shots: int,
    each: Round,
    texts: Floats,
    seed: int,
    features: Mapping[Window, Floats],
    scale: float,
    settings: dict[str, Any],
) -> float:
    examples = [(window, label) for label, some in enumerate(each.examples) for window in some[:shots]]
    judged = np.stack([features[window] for window in each.judged])
    shown = np.stack([features[window] for window, _ in examples]) if examples else judged[:0]
    classifier = variant(method, scale, seed, settings)
    classifier.fit(shown, np.array([label for _, label in examples], np.int64), texts)
    return score(classifier.logits(judged), each.labels).top1


def table(rows: Sequence[Row]) -> str:
    """Give a Markdown table: a method a line, a column for each number of examples."""
    counts = sorted({row.shots for row in rows if row.shots})
    lines = [f"| method | {' | '.join(f'{count} shots' if count > 1 else '1 shot' for count in counts)} |"]
    lines.append("| --- |" + " ---: |" * len(counts))
    for method in dict.fromkeys(row.method for row in rows):
        of_method = {row.shots: row.text for row in rows if row.method == method}
        cells = [of_method.get(count, of_method.get(0, "")) for count in counts]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def write(folder: Path, name: str, title: str, rows: Sequence[Row], model: ClipModel, **others: Any) -> None:
    """Write table, figures and, where there are several numbers of examples, a plot."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.md").write_text(f"{title}\n\n{table(rows)}", encoding="utf-8")
    described = {
        "title": title,
        "model": model.name,
        "weights_sha256": model.weights_sha256,
        **others,
        "rows": [
            {
                "method": row.method,
                "shots": row.shots,
                "mean": row.top1.mean,
                "deviation": row.top1.deviation,
                "seeds": row.top1.values,
            }
            for row in rows
        ],
    }
    (folder / f"{name}.json").write_text(json.dumps(described, indent=1) + "\n", encoding="utf-8")
    zero = [row.top1.mean for row in rows if not row.shots]
    few = [row for row in rows if row.shots]
    if zero and len({row.shots for row in few}) > 1:
        curves = {
            method: (
                [row.shots for row in few if row.method == method],
                [row.top1.mean for row in few if row.method == method],
                [row.top1.deviation for row in few if row.method == method],
            )
            for method in dict.fromkeys(row.method for row in few)
        }
        plot_shots(folder / f"{name}.png", curves, zero[0], title)
