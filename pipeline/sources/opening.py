"""From what the user asked for to an open source; each kind is imported when it is needed."""

from __future__ import annotations

from pipeline.sources.base import (
    CameraSpec,
    NetworkSpec,
    RecordingSpec,
    SimulationSpec,
    Source,
    SourceSpec,
    VideoSpec,
    WebcamSpec,
)


def open_source(spec: SourceSpec) -> Source:
    """Open a source.

    Raises
    ------
    SourceError
        It cannot be opened: one sentence for the user.
    """
    match spec:
        case RecordingSpec():
            from pipeline.sources.recording import RecordingSource

            return RecordingSource(spec)
        case CameraSpec():
            from pipeline.sources.camera_discovery import open_camera

            return open_camera(spec)
        case NetworkSpec():
            from pipeline.sources.network import NetworkSource

            return NetworkSource(spec)
        case SimulationSpec():
            from pipeline.sources.simulation import SimulationSource

            return SimulationSource(spec)
        case VideoSpec():
            from pipeline.sources.video import VideoSource

            return VideoSource(spec)
        case WebcamSpec():
            from pipeline.sources.webcam import WebcamSource

            return WebcamSource(spec)
