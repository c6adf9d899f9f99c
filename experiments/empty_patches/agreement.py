"""What leaving out empty patches changes: the windows of recordings, judged as the program judges them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from experiments.evaluate_recordings import whole_truth
from pipeline.bundled import TrueLabel, true_labels
from pipeline.capture.messages import FramerSettings
from pipeline.clip import ClipModel
from pipeline.framer import Framer
from pipeline.prediction import EventFrame, Floats
from pipeline.prompts import PromptList, Template
from pipeline.reading import read_recording
from pipeline.recogniser import Recogniser

TEMPLATE = "plain"
"""As the command line has it where nothing else is said."""

Tower = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Judged:
    """What a tower made of a recording.

    Attributes
    ----------
    labels : tuple of str
        Of each window in order; empty where nothing moves.
    right : tuple of bool
        Of the windows in which one thing, and no other, is shown from their first microsecond to their last.
    features : float32 (frames, C)
    """

    labels: tuple[str, ...]
    right: tuple[bool, ...]
    features: Floats

    def same_as(self, other: Judged) -> list[bool]:
        """Tell of each window that has a label in one of both whether it has the same in the other."""
        pairs = zip(self.labels, other.labels, strict=True)
        return [mine == others for mine, others in pairs if mine or others]

    def cosines(self, other: Judged) -> Floats:
        """Give the cosine of each frame's features to the other's."""
        lengths = np.linalg.norm(self.features, axis=1) * np.linalg.norm(other.features, axis=1)
        return np.asarray((self.features * other.features).sum(axis=1) / lengths, np.float32)


def together(each: Sequence[Judged]) -> Judged:
    """Give what was made of several recordings as if it were one."""
    return Judged(
        tuple(label for one in each for label in one.labels),
        tuple(right for one in each for right in one.right),
        np.concatenate([one.features for one in each]),
    )


@dataclass(frozen=True)
class Shown:
    """A recording as the recogniser gets it: its event frames, and what it truly shows."""

    name: str
    frames: tuple[EventFrame, ...]
    truth: tuple[TrueLabel, ...]

    @property
    def pixels(self) -> npt.NDArray[np.uint8]:
        """All frames, uint8 (N, H, W)."""
        return np.stack([frame.pixels for frame in self.frames])


def shown_by(recording: Path) -> Shown:
    """Read a recording and cut it into timesteps at the program's own settings."""
    read = read_recording(recording)
    framer = Framer(read.resolution, FramerSettings())
    frames = [replace(frame, pixels=frame.pixels.copy()) for frame in framer.push(read.events)]
    last = framer.flush()
    if last is not None:
        frames.append(replace(last, pixels=last.pixels.copy()))
    return Shown(recording.stem, tuple(frames), true_labels(recording))


def judge(model: ClipModel, shown: Shown, tower: Tower) -> Judged:
    """Let the program judge every window of a recording, its true labels for prompts; a tower computes the frames.

    The model keeps the tower.
    """
    features: list[Floats] = []

    def noted(pictures: Floats) -> Floats:
        features.append(tower(pictures))
        return features[-1]

    model.use_image_tower(noted, "fp32")
    recogniser = Recogniser(model, timesteps=FramerSettings().timesteps)
    prompts = dict.fromkeys(label.label for label in shown.truth)
    recogniser.set_prompts(PromptList.of(prompts, Template.named_or_text(TEMPLATE)))
    recogniser.prepare_bank()
    predictions = [*recogniser.analyse(shown.frames), *recogniser.finish()]
    labels = tuple("" if each.best is None else each.labels[each.best] for each in predictions)
    true = [whole_truth(shown.truth, each.start_us, each.end_us) for each in predictions]
    right = tuple(label == truth for label, truth in zip(labels, true, strict=True) if truth)
    return Judged(labels, right, np.concatenate(features))
