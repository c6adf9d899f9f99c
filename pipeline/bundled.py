"""Where the files that come with the program are, and where the user's own recordings go."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import platformdirs

ROOT = Path(__file__).resolve().parent.parent
"""The checkout, or site-packages: recordings/ and models/ lie beside pipeline/ in both."""
BUNDLED_RECORDINGS = ROOT / "recordings" / "bundled"
BUNDLED_MODELS = ROOT / "models"
TOUR = BUNDLED_RECORDINGS / "tour.aedat4"
"""What `main.py` plays when it is given nothing."""

GENERAL_PROMPTS = ("a person", "a hand", "a face", "a cup", "a bicycle", "a dog")
"""Prompts for a source of which nothing is known."""


@dataclass(frozen=True)
class TrueLabel:
    """What a recording shows in [start_us, end_us)."""

    start_us: int
    end_us: int
    label: str


@dataclass(frozen=True)
class BundledRecording:
    """A recording that comes with the program: what to call it, and how many different things it shows."""

    path: Path
    title: str
    things: int


def bundled_recordings() -> tuple[BundledRecording, ...]:
    """Give what comes with the program, the tour first, the others by name."""
    found = []
    for path in sorted(BUNDLED_RECORDINGS.glob("*.aedat4"), key=lambda path: (path != TOUR, path.name)):
        listing = path.with_suffix(".json")
        title = json.loads(listing.read_text(encoding="utf-8"))["title"] if listing.is_file() else path.stem
        found.append(BundledRecording(path, title, len({shown.label for shown in true_labels(path)})))
    return tuple(found)


def true_labels(recording: Path) -> tuple[TrueLabel, ...]:
    """Give the labels over time that stand in the .json beside a recording; none where there is no such file.

    They are in the order of their starts; those of several things shown at once overlap.
    """
    listing = recording.with_suffix(".json")
    if not listing.is_file():
        return ()
    entries = json.loads(listing.read_text(encoding="utf-8"))["labels"]
    return tuple(TrueLabel(entry["start_us"], entry["end_us"], entry["label"]) for entry in entries)


def default_prompts(recording: Path | None) -> tuple[str, ...]:
    """Prompts to start with: what a bundled recording shows, in that order, otherwise some everyday words."""
    if recording is not None and recording.resolve().parent == BUNDLED_RECORDINGS:
        shown = dict.fromkeys(entry.label for entry in true_labels(recording))
        if shown:
            return tuple(shown)
    return GENERAL_PROMPTS


def recordings_folder() -> Path:
    """Give the folder for the user's own recordings: ``recordings/`` of a checkout, else in the documents."""
    if (ROOT / "pyproject.toml").is_file():
        return ROOT / "recordings"
    return platformdirs.user_documents_path() / "NeuroCLIP Live"
