"""Where a training goes on: one file with a tower, its optimiser, and how many steps have been made."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn

SAVE_S = 120.0
"""How long a training may run between two savings."""


@dataclass
class Checkpoint:
    """The file of a training, and when it was written last.

    Attributes
    ----------
    file : Path
    tower : Module
    optimiser : Optimizer
    """

    file: Path
    tower: nn.Module
    optimiser: torch.optim.Optimizer
    _saved_at: float = field(default_factory=time.monotonic, init=False)

    def resume(self) -> int:
        """Take over what was saved, if anything was; give how many steps it had made, 0 where there is nothing.

        Weights alone, taken from a finished model, are none of this training's.
        """
        saved = torch.load(self.file, weights_only=True) if self.file.exists() else {}
        if "step" not in saved:
            return 0
        self.tower.load_state_dict(saved["tower"])
        self.optimiser.load_state_dict(saved["optimiser"])
        return int(saved["step"])

    def save(self, step: int) -> None:
        """Write it anew: whoever ends the training meanwhile leaves the earlier file whole."""
        part = self.file.with_suffix(".part")
        state = {"tower": self.tower.state_dict(), "optimiser": self.optimiser.state_dict(), "step": step}
        torch.save(state, part)
        part.replace(self.file)
        self._saved_at = time.monotonic()

    def save_now_and_then(self, step: int, steps: int) -> None:
        """Write it when the last time is long ago, and at the end of all `steps`."""
        if step == steps or time.monotonic() - self._saved_at > SAVE_S:
            self.save(step)
