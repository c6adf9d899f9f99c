"""How teaching ends when it does not succeed."""

from __future__ import annotations


class FewShotError(Exception):
    """Classes cannot be taught, saved or loaded. The text is one sentence for the user: what, where, what to do."""


class MisfitError(FewShotError):
    """What was saved does not fit the running model or its settings; the text says what does not."""


class TrainingCancelled(Exception):
    """Whoever asked for the training does not want it any more."""
