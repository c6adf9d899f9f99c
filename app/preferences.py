"""What the window remembers from one start to the next."""

from __future__ import annotations

from pathlib import Path

import platformdirs
from PyQt6.QtCore import QSettings

_SOMETHING_ELSE = "classes/something_else"


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

    @property
    def something_else(self) -> bool:
        """Whether the row "something else" is judged."""
        return self._something_else

    @something_else.setter
    def something_else(self, on: bool) -> None:
        self._something_else = on
        if self._store is not None:
            self._store.setValue(_SOMETHING_ELSE, on)
            self._store.sync()

    def _read(self, key: str, default: bool) -> bool:
        value = default if self._store is None else self._store.value(key, default)
        # A file holds words, and perhaps the user's own.
        return value if isinstance(value, bool) else str(value).strip().lower() not in ("false", "0", "no", "off")
