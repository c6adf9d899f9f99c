"""What the user asked for on the command line, checked; the window and the headless run start from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipeline.capture.messages import FramerSettings
from pipeline.sources.base import SourceSpec


@dataclass(frozen=True)
class Options:
    """One run of the program.

    Attributes
    ----------
    source : SourceSpec
    prompts : tuple of str
        Rows as the user wrote them.
    template : str
        A preset's name or a text with {}.
    framer : FramerSettings
        Timestep, threshold, T.
    speed : float or None
        Pace of a recording; None: as fast as possible.
    """

    source: SourceSpec
    prompts: tuple[str, ...]
    template: str
    model: str
    pretrained: str | None
    device: str
    precision: str
    framer: FramerSettings
    view: str
    normalisation: str
    speed: float | None
    loop: bool
    record_to: Path | None
    output: str | None
