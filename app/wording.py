"""Pipeline values in the words of the window."""

from __future__ import annotations

from pipeline.prediction import ModelState, Prediction
from pipeline.sources.base import CameraSpec, NetworkSpec, RecordingSpec, SourceSpec, VideoSpec, WebcamSpec


def source_name(spec: SourceSpec) -> str:
    """Name a source before it is open, and its resolution and camera are known."""
    match spec:
        case RecordingSpec(path) | VideoSpec(path):
            return path.name
        case WebcamSpec(number, name=name):
            return name or f"Webcam {number}"
        case CameraSpec(serial):
            return serial or "Camera"
        case NetworkSpec():
            return str(spec)
        case _:
            return "Moving shapes"


def source_kind(spec: SourceSpec) -> str:
    """Give the source's kind as the top bar knows it."""
    match spec:
        case RecordingSpec():
            return "recording"
        case CameraSpec():
            return "camera"
        case NetworkSpec():
            return "network"
        case VideoSpec():
            return "video"
        case WebcamSpec():
            return "webcam"
        case _:
            return "simulation"


def model_title(state: ModelState) -> tuple[str, str]:
    """Name a model and its weights; the untrained one has no name of its own."""
    if state.status == "ready" and not state.trained and state.name == state.tag:
        return "Small model", state.tag
    return state.name, state.tag


def split_message(message: str) -> tuple[str, str]:
    """Part a message into a short title and the rest: at the first colon or full stop that leaves a title short."""
    for sign in (": ", "; ", ". "):
        title, found, rest = message.partition(sign)
        if found and len(title) <= 70:
            return title, rest[:1].upper() + rest[1:]
    return message, ""


def runner_up(prediction: Prediction) -> tuple[str, float] | None:
    """Give the second most probable class and its probability; None with fewer than two."""
    if len(prediction.probabilities) < 2:
        return None
    second = int(prediction.probabilities.argsort()[-2])
    return prediction.labels[second], float(prediction.probabilities[second])
