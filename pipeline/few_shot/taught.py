"""What was taught, and what the features must be that it serves. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.clip import ClipModel
from pipeline.few_shot.classifier import FewShotClassifier
from pipeline.few_shot.familiarity import Familiarity
from pipeline.prompts import ActiveRow


@dataclass(frozen=True)
class FeatureSetting:
    """Where features come from: a classifier serves only those that are made as its examples were.

    Attributes
    ----------
    model, tag, weights_sha256 : str
        The CLIP.
    width : int
        C.
    timesteps : int
        T.
    timestep_us, timestep_events : int or None
        A timestep's time in µs, or its number of events; both None where recordings are cut into T equal parts.
    threshold : int
        θ of the event frames.
    normalisation, view : str
        See `ClipModel.encode_frames`.
    """

    model: str
    tag: str
    weights_sha256: str
    width: int
    timesteps: int
    timestep_us: int | None = None
    timestep_events: int | None = None
    threshold: int = 0
    normalisation: str = "clip"
    view: str = "crop"

    @classmethod
    def of(cls, model: ClipModel, timesteps: int, **others: Any) -> FeatureSetting:
        """Take the CLIP's part from a loaded model."""
        return cls(model.name, model.tag, model.weights_sha256, model.width, timesteps, **others)

    def serves(self, running: FeatureSetting) -> bool:
        """Whether features of a running recogniser are such, whatever its framer does."""
        return self._of_encoder == running._of_encoder

    @property
    def _of_encoder(self) -> tuple[str, str, str, int, int, str, str]:
        return (
            self.model, self.tag, self.weights_sha256, self.width, self.timesteps, self.normalisation, self.view
        )  # fmt: skip

    @property
    def timestep(self) -> str | None:
        """A timestep in words; None where it is a part of a recording."""
        if self.timestep_us is not None:
            return f"{self.timestep_us / 1000:g} ms"
        return f"{self.timestep_events} events" if self.timestep_events is not None else None


@dataclass(frozen=True)
class TaughtClass:
    """A class: what is shown, and the texts whose features were averaged."""

    label: str
    prompts: tuple[str, ...]


@dataclass(frozen=True)
class TaughtClasses:
    """Everything that a file of taught classes holds.

    Attributes
    ----------
    classifier : FewShotClassifier
        Fitted; its K classes are `classes`, in this order.
    classes : tuple of TaughtClass
    setting : FeatureSetting
    familiarity : Familiarity or None
        How much a window looks like the examples; None: every window counts as if it did.
    """

    classifier: FewShotClassifier
    classes: tuple[TaughtClass, ...]
    setting: FeatureSetting
    familiarity: Familiarity | None = None

    @property
    def shots(self) -> tuple[int, ...]:
        """How many examples each class had."""
        return self.classifier.figures.shots


def misfit(saved: FeatureSetting, running: FeatureSetting) -> str | None:
    """Say what of the running model and settings differs from those of the examples; None where all fits.

    Returns
    -------
    str or None
        Without a full stop: for a sentence that names the file.
    """
    if saved.width != running.width or (saved.model, saved.tag) != (running.model, running.tag):
        widths = f", width {saved.width} against {running.width}" if saved.width != running.width else ""
        return (
            f"it was taught with {saved.model} ({saved.tag}) and {running.model} ({running.tag}) is running{widths}: "
            "load that model, or teach again"
        )
    if saved.weights_sha256 != running.weights_sha256:
        return f"it was taught with other weights of {saved.model} ({saved.tag}): load those, or teach again"
    differing = [
        f"{words} {there} (now {here})"
        for words, there, here in (
            ("T =", saved.timesteps, running.timesteps),
            ("timesteps of", saved.timestep, running.timestep),
            ("threshold", saved.threshold, running.threshold),
            ("normalisation", saved.normalisation, running.normalisation),
            ("view", saved.view, running.view),
        )
        if there != here and there is not None and here is not None
    ]
    if not differing:
        return None
    return f"it was taught with {', '.join(differing)}: change the settings, or teach again"


def class_labels(classes: Sequence[TaughtClass]) -> tuple[str, ...]:
    """Give what is shown of each class."""
    return tuple(taught_class.label for taught_class in classes)


def places_of_rows(classes: Sequence[TaughtClass], rows: Sequence[ActiveRow]) -> tuple[int | None, ...]:
    """Find the class of each row, by its label, whatever the template is now; None where it was not taught."""
    places = {taught_class.label.casefold(): place for place, taught_class in enumerate(classes)}
    return tuple(places.get(row.label.casefold()) for row in rows)
