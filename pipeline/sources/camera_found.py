"""What is known of a camera that is plugged in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipeline.events import Resolution
from pipeline.sources.usb_cameras import Driver


@dataclass(frozen=True)
class CameraFound:
    """A camera that is plugged in."""

    model: str
    serial: str
    firmware: str
    address: str
    """USB bus and device number (``1:5``), or its address on the network."""
    maker: str = ""
    driver: Driver = "dv-processing"
    resolution: Resolution | None = None
    """px; None where only opening it would tell."""
    speed: str = ""
    """Of the connection, for people (``USB 3 (5 Gbit/s)``); empty where it is not known."""
    slow: bool = False
    """In a USB 2 port, though made for USB 3."""
    obstacle: str = ""
    """Why it cannot be opened, in one sentence for the user; empty: nothing that is known."""

    @property
    def label(self) -> str:
        """Its model and serial number, for people."""
        return f"{self.model} {self.serial}".strip()

    @classmethod
    def from_json(cls, entry: dict[str, Any]) -> CameraFound:
        """Read what ``json`` made of `dataclasses.asdict`."""
        size = entry.pop("resolution")
        return cls(**entry, resolution=Resolution(*size) if size else None)
