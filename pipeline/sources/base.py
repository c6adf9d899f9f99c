"""The interface that every source of events keeps, and what it promises.

A source is opened, read until it ends, and closed, all in one thread of the
capture process. It never paces itself: `read` returns as soon as it has
something, or at the latest after about `READ_PATIENCE_S` with an empty batch. The
capture loop waits where a recording must be played at the pace of its time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pipeline.events import EventArray, Resolution

if TYPE_CHECKING:
    import dv_processing as dv
    import numpy as np
    import numpy.typing as npt

    from pipeline.sources.camera_controls import Controls

READ_PATIENCE_S = 0.01
"""A live source with nothing to give answers with an empty batch after this long."""

SourceKind: TypeAlias = Literal["recording", "camera", "network", "simulation", "video", "webcam"]


class SourceError(Exception):
    """The source cannot be opened or read. The text is one sentence for the user: what, where, what to do."""


class SourceLost(SourceError):
    """The source went away (camera unplugged, peer closed) and may come back: opening it again is worth a try.

    Parameters
    ----------
    text : str
    restarting : bool
        It is still there, but must be opened again to go on.
    """

    def __init__(self, text: str, *, restarting: bool = False) -> None:
        super().__init__(text)
        self.restarting = restarting


@dataclass(frozen=True)
class RecordingSpec:
    """A file to replay. `stream` names one event stream when the file has several (None: the first)."""

    path: Path
    stream: str | None = None


@dataclass(frozen=True)
class CameraSpec:
    """A camera on this machine. `serial` None: the first that is found."""

    serial: str | None = None


@dataclass(frozen=True)
class NetworkSpec:
    """A NetworkWriter of dv-processing: TCP (`host`, `port`), TLS (also the two files) or a UNIX socket."""

    host: str = ""
    port: int = 0
    unix_path: Path | None = None
    certificate_chain: Path | None = None
    private_key: Path | None = None

    def __str__(self) -> str:
        return f"unix:{self.unix_path}" if self.unix_path else f"{self.host}:{self.port}"


GroundKind: TypeAlias = Literal["plain", "textured"]
LightKind: TypeAlias = Literal["day", "dark"]
NoiseKind: TypeAlias = Literal["none", "usual", "strong"]


@dataclass(frozen=True)
class SimulationSpec:
    """A simulated scene. The same seed gives the same events.

    Ground, light and noise may be left open (None): the first of each is taken, of noise the usual, unless the window
    remembers another.
    """

    resolution: Resolution = Resolution(640, 480)
    seed: int = 0
    objects: tuple[str, ...] = ()
    """Names of the objects shown in turn; empty: all that there are."""
    pictures: tuple[Path, ...] = ()
    """Files that can be shown besides the program's own drawings (`pipeline.simulation.picture_file`)."""
    ground: GroundKind | None = None
    light: LightKind | None = None
    noise: NoiseKind | None = None


LARGEST_SENSOR = Resolution(640, 480)
"""Larger pictures of films and webcams are scaled down to fit."""


VIDEO_SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v")
"""Of films, as a file dialog offers them; others are tried too where a film is asked for."""


@dataclass(frozen=True)
class VideoSpec:
    """A film whose pictures become events."""

    path: Path
    most: Resolution = LARGEST_SENSOR


@dataclass(frozen=True)
class WebcamSpec:
    """An ordinary camera of this machine, 0 for the first; its pictures become events."""

    number: int = 0
    most: Resolution = LARGEST_SENSOR
    name: str = ""
    """As the camera calls itself, where that is known: numbers change when another one is unplugged."""


SourceSpec: TypeAlias = RecordingSpec | CameraSpec | NetworkSpec | SimulationSpec | VideoSpec | WebcamSpec


@dataclass(frozen=True)
class SourceInfo:
    """What is known of an open source; crosses from the capture process to the window."""

    kind: SourceKind
    name: str
    """For people: the file's name, the camera's model and serial, host and port."""
    resolution: Resolution
    camera: str = ""
    """The sensor's own name, where it is known (``DVXplorer``)."""
    serial: str = ""
    live: bool = True
    """False where the source has a beginning and an end and can be read as fast as one likes."""
    start_us: int = 0
    end_us: int = 0
    """Of a recording: time of its first event, and of its last plus one, in µs. 0 and 0 for a live source."""
    streams: tuple[str, ...] = ("events",)
    stream: str = "events"
    objects: tuple[str, ...] = ()
    """Of a simulation: names of what it can show. Its source is a `Steered` one."""
    shown: tuple[str, ...] = ()
    """Of those, what it shows in turn at first."""

    @property
    def seekable(self) -> bool:
        return not self.live


@dataclass(frozen=True)
class EventBatch:
    """Some events, in order of time.

    Attributes
    ----------
    events : EventArray, shape (n,); n may be 0
        Coordinates are inside the source's resolution.
    until_us : int
        Every event before this time has been given, in this batch or earlier, as far as the source knows:
        at least the last event's time plus one. A live source that gets no events moves it on with its
        clock, so that time passes in front of a still scene too. 0: the source cannot tell yet.
    store : dv.EventStore or None
        The same events as dv-processing holds them, when they came from there: its noise filters take them so.
    """

    events: EventArray
    until_us: int
    store: dv.EventStore | None = None


class Source(ABC):
    """An open source of events. Opening is the constructor's business and raises `SourceError`."""

    info: SourceInfo
    controls: Controls | None = None
    """What of it can be set; None: nothing."""
    waited_s: float | None = None
    """How long it has waited for events in all; None: it cannot tell. Where it never waits, events pile up."""

    @abstractmethod
    def read(self) -> EventBatch | None:
        """Give the next events; None at the end of a recording.

        Raises
        ------
        SourceLost
            A camera was unplugged, a peer has closed.
        SourceError
            The rest cannot be read (a damaged file): everything before was given.
        """

    def seek(self, time_us: int) -> None:
        """Go on reading at `time_us` (µs, the recording's own time); only where `info.seekable`."""
        raise SourceError(f"{self.info.name} is live and cannot be wound to {time_us} µs: play a recording instead.")

    def take_frame(self) -> npt.NDArray[np.uint8] | None:
        """Give the newest frame that the camera took beside the events, once; None: there is no new one.

        Returns
        -------
        uint8 (H, W), or (H, W, 3) in blue, green, red; at most 640 × 480; or None
        """
        return None

    def take_notice(self) -> str:
        """Give what the user should know of a source that works, in one sentence, once; empty: nothing."""
        return ""

    @abstractmethod
    def close(self) -> None:
        """Free the device, file or socket. May be called twice."""


class Steered(Source):
    """A source whose scene does what it is told (the simulation)."""

    @abstractmethod
    def choose(self, names: Sequence[str]) -> None:
        """Show these of `info.objects` in turn from now on; none: all. Names that it does not have are left out."""

    @abstractmethod
    def change(self, spec: SimulationSpec) -> None:
        """Go on with this scene and sensor from now on; resolution and seed stay.

        Raises
        ------
        SourceError
            One of its pictures cannot be read; all stays as it was.
        """

    @abstractmethod
    def drag(self, x: float, y: float, held: bool) -> None:
        """Draw the object's middle to this place (px of the sensor), and let go of it there unless it is held."""
