"""Settings of cameras in TOML files: those that the user names, and those kept for each serial number."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from platformdirs import user_config_path

from pipeline.sources.camera_settings import Pixel, Setting, SettingError, Value, value_text

HOT_PIXELS = "hot_pixels"
MOST_HOT_PIXELS = 100_000


@dataclass(frozen=True)
class CameraConfig:
    """What a camera is set to when it is opened.

    Attributes
    ----------
    values : mapping of a setting's key to its value
        What is left out stays as the device has it. Not checked yet: only the open device knows what it offers.
    hot_pixels : tuple of (x, y)
        Pixels whose events are left out, as the sensor counts them, before anything is flipped.
    file : str
        Name of the file that it comes from, for messages; empty: none that the user has named.
    keep : bool
        Changes are kept for this camera, for the next time.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    hot_pixels: tuple[Pixel, ...] = ()
    file: str = ""
    keep: bool = True


def read_config(path: Path) -> CameraConfig:
    """Read a file that the user names.

    Raises
    ------
    SettingError
        It cannot be read, or is no TOML. What the settings are is checked when the camera is open.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingError(f"{path}: {error.strerror or error}; give a file with settings of a camera.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = error if isinstance(error, tomllib.TOMLDecodeError) else "it is not UTF-8 text"
        raise SettingError(f"{path} is no TOML file ({reason}): write one setting a line, as name = value.") from error
    hot = _pixels(entries.pop(HOT_PIXELS, []), path)
    return CameraConfig(entries, hot, file=path.name, keep=False)


def config_text(camera: str, settings: Iterable[Setting], hot_pixels: Iterable[Pixel] = ()) -> str:
    """Write all settings as a file that `read_config` reads, with what each can be set to."""
    lines = [f"# Settings of the camera {camera}. What is left out stays as the camera has it by itself."]
    group = ""
    for setting in settings:
        if setting.group != group:
            group = setting.group
            lines += ["", f"# {group}"]
        lines.append(f"{setting.key} = {value_text(setting.value)}  # {setting.offer}")
    if hot := list(hot_pixels):
        lines += ["", "# Pixels whose events are left out: [x, y]", f"{HOT_PIXELS} = {value_text(hot)}"]
    return "\n".join(lines) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    OSError
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def kept_file(camera: str, serial: str) -> Path:
    """Give the file in which the settings of this camera are kept."""
    name = "".join(letter if letter.isalnum() or letter in "-." else "_" for letter in f"{camera}_{serial}")
    return user_config_path("neuroclip-live", appauthor=False) / "cameras" / f"{name}.toml"


def kept(camera: str, serial: str) -> CameraConfig:
    """Give what was kept for a camera; nothing where there is none, or it cannot be read."""
    path = kept_file(camera, serial)
    if not serial or not path.is_file():
        return CameraConfig()
    try:
        config = read_config(path)
    except SettingError:  # costs no more than the memory of it
        return CameraConfig()
    return CameraConfig(config.values, config.hot_pixels)


def keep(camera: str, serial: str, values: Mapping[str, Value], hot_pixels: Iterable[Pixel]) -> None:
    """Keep what is not as the device has it; nothing is kept of a camera without a serial number.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    if not serial:
        return
    path, hot = kept_file(camera, serial), list(hot_pixels)
    if not values and not hot:
        path.unlink(missing_ok=True)
        return
    lines = [f"{key} = {value_text(value)}" for key, value in values.items()]
    if hot:
        lines.append(f"{HOT_PIXELS} = {value_text(hot)}")
    write_text(path, "\n".join(lines) + "\n")


def _pixels(value: Any, path: Path) -> tuple[Pixel, ...]:
    fits = (
        isinstance(value, list)
        and len(value) <= MOST_HOT_PIXELS
        and all(isinstance(each, list) and len(each) == 2 for each in value)
        and all(type(part) is int and part >= 0 for each in value for part in each)
    )
    if not fits:
        raise SettingError(f"{path.name}: {HOT_PIXELS} is a list of places of pixels, as [[12, 7], [300, 41]].")
    return tuple((int(x), int(y)) for x, y in value)
