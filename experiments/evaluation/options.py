"""What the user of an evaluation asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from experiments.datasets.layouts import LAYOUTS
from pipeline.events import Resolution
from pipeline.prompts import Template

FOLDER = "folder"
DATASETS = (*LAYOUTS, FOLDER)
METHODS = ("adapter", "tip", "probe", "mean")


@dataclass(frozen=True)
class EvaluationOptions:
    """What the user asked for; None: what suits the data set."""

    dataset: str
    root: Path
    model: str = "auto"
    pretrained: str | None = None
    device: str = "auto"
    precision: str = "auto"
    shots: tuple[int, ...] = ()
    methods: tuple[str, ...] = ("adapter",)
    seeds: int = 5
    timesteps: int = 10
    normalisation: str = "reference"
    view: str = "stretch"
    threshold: int | None = None
    template: str | None = None
    class_names: tuple[str, ...] | None = None
    post_search: bool = False
    turned_copies: int = 0
    test_samples: int | None = None
    epochs: int | None = None
    frame_folders: bool = False
    sensor: Resolution | None = None
    workers: int = field(default_factory=lambda: min(4, os.cpu_count() or 1))

    @property
    def theta(self) -> int:
        """The threshold: as asked for, or the reference's for this data set."""
        if self.threshold is not None:
            return self.threshold
        return LAYOUTS[self.dataset].threshold if self.dataset in LAYOUTS else 0

    @property
    def prompt_template(self) -> Template:
        """The template: as asked for, or the reference's for this data set.

        Raises
        ------
        PromptError
            The text has no place for the class.
        """
        default = LAYOUTS[self.dataset].template if self.dataset in LAYOUTS else "plain"
        return Template.named_or_text(self.template or default)
