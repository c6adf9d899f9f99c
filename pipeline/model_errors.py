"""How loading a model ends when it does not succeed, and how it is followed and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias


class ModelError(Exception):
    """A model cannot be had or used. The text is one sentence for the user: what, where, what to do."""


class LoadingCancelled(Exception):
    """Whoever asked for the model does not want it any more."""


OnProgress: TypeAlias = Callable[[str, float | None], None]
"""Called with what is being done and the part that is done, 0 to 1 (None: not known), on the loading thread."""


@dataclass(frozen=True)
class Following:
    """One loading, as those see it who wait for it: progress outwards, the wish to stop inwards."""

    on_progress: OnProgress | None = None
    cancel: threading.Event = field(default_factory=threading.Event)

    def say(self, text: str, share: float | None = None) -> None:
        """Report progress; a good place to stop as well.

        Raises
        ------
        LoadingCancelled
        """
        self.stop_if_cancelled()
        if self.on_progress is not None:
            self.on_progress(text, share)

    def stop_if_cancelled(self) -> None:
        if self.cancel.is_set():
            raise LoadingCancelled


def first_line(error: BaseException) -> str:
    """Give the first line of what another program says about its failure, without a full stop."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].rstrip(". ")
