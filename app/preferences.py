"""What the window remembers from one start to the next."""

from __future__ import annotations

from pathlib import Path
from typing import cast, get_args

import platformdirs
from PyQt6.QtCore import QSettings

from pipeline.sources.base import GroundKind, LightKind, NoiseKind

_SOMETHING_ELSE = "classes/something_else"
_CHOICES: dict[str, tuple[str, ...]] = {
    "simulation/ground": get_args(GroundKind),
    "simulation/light": get_args(LightKind),
    "simulation/noise": get_args(NoiseKind),
}
"""What else a key may hold makes no sense."""


def preferences_file() -> Path:
    """Give the file in the user's own folder for settings."""
    return platformdirs.user_config_path("neuroclip-live", appauthor=False) / "window.ini"


class Preferences:
    """Values that are kept; a file that cannot be read or written costs only the memory of them.

    Parameters
    ----------
    file : Path, optional
        None: nothing outlives the program.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._store = None if file is None else QSettings(str(file), QSettings.Format.IniFormat)
        self._something_else = self._read(_SOMETHING_ELSE, True)
        self._choices = self._read_choices()

    @property
    def something_else(self) -> bool:
        """Whether the row "something else" is judged."""
        return self._something_else

    @something_else.setter
    def something_else(self, on: bool) -> None:
        self._something_else = on
        self._write(_SOMETHING_ELSE, on)

    @property
    def ground(self) -> GroundKind | None:
        """Of the simulation; None: never chosen."""
        return cast("GroundKind | None", self._choices.get("simulation/ground"))

    @ground.setter
    def ground(self, kind: GroundKind) -> None:
        self._choose("simulation/ground", kind)

    @property
    def light(self) -> LightKind | None:
        """Of the simulation; None: never chosen."""
        return cast("LightKind | None", self._choices.get("simulation/light"))

    @light.setter
    def light(self, kind: LightKind) -> None:
        self._choose("simulation/light", kind)

    @property
    def noise(self) -> NoiseKind | None:
        """Of the simulation; None: never chosen."""
        return cast("NoiseKind | None", self._choices.get("simulation/noise"))

    @noise.setter
    def noise(self, kind: NoiseKind) -> None:
        self._choose("simulation/noise", kind)

    def _choose(self, key: str, value: str) -> None:
        self._choices[key] = value
        self._write(key, value)

    def _write(self, key: str, value: object) -> None:
        if self._store is not None:
            self._store.setValue(key, value)
            self._store.sync()

    def _read_choices(self) -> dict[str, str]:
        """Give what is kept and makes sense."""
        kept = {key: str(self._store.value(key, "")) for key in _CHOICES} if self._store is not None else {}
        return {key: value for key, value in kept.items() if value in _CHOICES[key]}

    def _read(self, key: str, default: bool) -> bool:
        value = default if self._store is None else self._store.value(key, default)
        # A file holds words, and perhaps the user's own.
        return value if isinstance(value, bool) else str(value).strip().lower() not in ("false", "0", "no", "off")
