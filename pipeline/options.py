"""What the user asked for on the command line, checked; the window and the headless run start from it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from pipeline.capture.messages import FramerSettings
from pipeline.sources.base import NetworkSpec, SourceSpec
from pipeline.sources.camera_config import CameraConfig

View: TypeAlias = Literal["crop", "stretch", "fit"]
Normalisation: TypeAlias = Literal["clip", "reference"]


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
    something_else : bool
        Judge the row "something else" too; the window does so unless the user has switched it off there.
    camera_config : CameraConfig or None
        What the camera is set to; None: as it was kept for it.
    """

    source: SourceSpec
    prompts: tuple[str, ...]
    template: str
    model: str
    pretrained: str | None
    device: str
    precision: str
    framer: FramerSettings
    view: View
    normalisation: Normalisation
    speed: float | None
    loop: bool
    record_to: Path | None
    output: str | None
    something_else: bool = False
    camera_config: CameraConfig | None = None


def network_address(text: str) -> NetworkSpec:
    """Read HOST:PORT, [IPV6]:PORT or unix:PATH.

    Raises
    ------
    ValueError
        It is neither; one sentence for the user.
    """
    if text.startswith("unix:") and len(text) > len("unix:"):
        return NetworkSpec(unix_path=Path(text.removeprefix("unix:")))
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isdigit() or not 1 <= int(port) <= 65535:
        raise ValueError(f'"{text}" is neither HOST:PORT nor unix:PATH')
    return NetworkSpec(host=host, port=int(port))
