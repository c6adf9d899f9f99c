"""What the application and its capture process say to each other.

Frozen data classes, pickled over a pipe. Event frames, pictures and the
continuously changing numbers do not go this way: they are in shared memory (`ring`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import TypeAlias

from pipeline.events import Resolution
from pipeline.sources.base import SimulationSpec, SourceInfo, SourceSpec
from pipeline.sources.camera_config import CameraConfig
from pipeline.sources.camera_settings import Pixel, Setting, Value


class Rendering(StrEnum):
    """How the view draws events."""

    DECAY = "decay"
    """Each polarity fades exponentially, τ = 40 ms."""
    POLARITY = "polarity"
    """The last 30 ms, the newest event of a pixel wins."""
    RECENCY = "recency"
    """Time surface: time of a pixel's last event, over 200 ms."""
    MODEL_FRAME = "model_frame"
    """The newest timestep's event frame, exactly as the model gets it: 127, 255, 0."""


@dataclass(frozen=True)
class Palette:
    """Colours of the picture, each 0xRRGGBB; they follow the window's theme."""

    background: int = 0x090B0E
    on: int = 0xFFC478
    off: int = 0x428CFF


@dataclass(frozen=True)
class FramerSettings:
    """How events become event frames: a fixed time (`timestep_us`) or, when given, a fixed number of events."""

    timestep_us: int = 30_000
    timestep_events: int | None = None
    threshold: int = 0
    timesteps: int = 10
    """Timesteps a window (T): a jump in time longer than a window and `MAX_GAP_US` starts a new segment."""


# --- application to capture process ---


@dataclass(frozen=True)
class Open:
    """Close what is open and open this instead. Answered by `Opened` or `Failed`."""

    spec: SourceSpec
    framer: FramerSettings
    speed: float | None = 1.0
    """Pace of a recording; None: as fast as the frames are taken (analysis: the source waits, nothing is skipped).
    A live source has no pace and waits for nobody."""
    loop: bool = False
    paused: bool = False
    record_to: Path | None = None
    patient: bool = False
    """Where it cannot be opened, `Lost` is the answer, and it is tried again and again."""
    camera: CameraConfig | None = None
    """What a camera is set to; None: as it was kept for it."""


@dataclass(frozen=True)
class Play:
    """Go on, or hold (a live source goes on in the background; only picture and frames stand still)."""

    playing: bool


@dataclass(frozen=True)
class Step:
    """While paused: one timestep on."""


@dataclass(frozen=True)
class Seek:
    """Go to this time of the recording (µs, its own clock)."""

    time_us: int


@dataclass(frozen=True)
class SetSpeed:
    speed: float | None


@dataclass(frozen=True)
class SetLoop:
    loop: bool


@dataclass(frozen=True)
class SetFramer:
    framer: FramerSettings


@dataclass(frozen=True)
class SetRendering:
    rendering: Rendering
    palette: Palette = field(default_factory=Palette)


@dataclass(frozen=True)
class Record:
    """Write every event from now on to this .aedat4 file; None ends the recording. Answered by `RecordingState`."""

    path: Path | None


@dataclass(frozen=True)
class KeepEvents:
    """Keep the events of the newest timesteps, or forget them. Answered by `Keeping` where they are kept."""

    on: bool


@dataclass(frozen=True)
class WriteWindows:
    """Write windows whose events are kept, each to a file (`kept_events.read_window`); others are passed over.

    Attributes
    ----------
    windows : tuple of (Path, int)
        The file, and the number of the window's first event frame.
    timesteps : int
        T.
    """

    windows: tuple[tuple[Path, int], ...]
    timesteps: int


@dataclass(frozen=True)
class ChooseObjects:
    """Of a simulation: show these in turn; none: all that it has."""

    names: tuple[str, ...]


@dataclass(frozen=True)
class ChangeScene:
    """Of a simulation: go on with this scene and sensor, without opening it anew; resolution and seed stay."""

    spec: SimulationSpec


@dataclass(frozen=True)
class DragObject:
    """Of a simulation: draw the object to this place (px of the sensor), and let go of it there unless it is held."""

    x: float
    y: float
    held: bool


@dataclass(frozen=True)
class SetCamera:
    """Set one thing of the camera that is open. Answered by `CameraState`, as the three that follow."""

    key: str
    value: Value


@dataclass(frozen=True)
class ResetCamera:
    """Set everything as the camera has it by itself."""


@dataclass(frozen=True)
class FindHotPixels:
    """Look for pixels that send without reason (the lens is covered), and leave their events out."""


@dataclass(frozen=True)
class ForgetHotPixels:
    """Leave out none any more."""


@dataclass(frozen=True)
class Close:
    """End the recording, close the source, end the process."""


Command: TypeAlias = (
    Open
    | Play
    | Step
    | Seek
    | SetSpeed
    | SetLoop
    | SetFramer
    | SetRendering
    | Record
    | KeepEvents
    | WriteWindows
    | ChooseObjects
    | ChangeScene
    | DragObject
    | SetCamera
    | ResetCamera
    | FindHotPixels
    | ForgetHotPixels
    | Close
)


# --- capture process to application ---


@dataclass(frozen=True)
class Opened:
    """The source is open; frames and pictures of this size follow."""

    info: SourceInfo


@dataclass(frozen=True)
class Failed:
    """Opening or reading ended in an error, one sentence for the user. The process lives on and can open another."""

    message: str
    opening: bool
    """True: it was never open. False: what came before the error was given."""
    goes_on: bool = False
    """True: only a setting was refused; the stream goes on as it was."""
    in_vain: bool = False
    """True: opening it once more would end in the same way."""


@dataclass(frozen=True)
class Lost:
    """A live source went away; the process keeps trying to open it again."""

    message: str
    restarting: bool = False
    """True: it is still there, and is only started again."""


@dataclass(frozen=True)
class Notice:
    """What the user should know of a source that goes on: one sentence."""

    message: str


@dataclass(frozen=True)
class CameraState:
    """How the open camera is set, after `Opened` and after each change."""

    settings: tuple[Setting, ...]
    hot_pixels: tuple[Pixel, ...] = ()
    """Left out, as the sensor counts them."""
    searching: bool = False
    """Hot pixels are being looked for."""
    message: str = ""
    """What came of what was asked for last, in one sentence; empty: nothing to say."""
    failed: bool = False
    """`message` says why something could not be set."""
    keeps: bool = True
    """Changes are kept for this camera."""


@dataclass(frozen=True)
class Ended:
    """A recording was played to its end (and does not loop). `frames` is the number of the last frame put, plus one."""

    frames: int


@dataclass(frozen=True)
class Overview:
    """Event rate over a whole recording, for the timeline: events per bin, `len(counts)` equal bins of its duration."""

    counts: tuple[int, ...]


@dataclass(frozen=True)
class RecordingState:
    """Where every event is being written; `path` None: nowhere. `message` says why it ended by itself."""

    path: Path | None
    events: int = 0
    bytes: int = 0
    message: str = ""


@dataclass(frozen=True)
class Keeping:
    """From this event frame on the events of timesteps are kept."""

    first_index: int


@dataclass(frozen=True)
class Crashed:
    """Said by the supervisor: the process hung or died. What was recorded up to then is readable."""

    message: str


Status: TypeAlias = (
    Opened | Failed | Lost | Notice | CameraState | Ended | Overview | RecordingState | Keeping | Crashed
)


@dataclass(frozen=True)
class CaptureNumbers:
    """A reading of the numbers in shared memory; rates are over about the last second of the wall clock."""

    position_us: int = 0
    """Stream time that the picture shows, µs."""
    events_total: int = 0
    event_rate: float = 0.0
    """events/s of wall clock"""
    frames_put: int = 0
    dropped_events: int = 0
    """Neither judged nor drawn, since more came than this machine can take in; recordings have them."""
    thinning: int = 1
    """k: every k-th event is judged and drawn now."""
    recorded_events: int = 0
    recorded_bytes: int = 0
    resolution: Resolution = Resolution(0, 0)
    playing: bool = False
    resident_bytes: int = 0
