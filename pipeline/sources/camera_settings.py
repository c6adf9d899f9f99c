"""What of a camera can be set: names, kinds, ranges and values. Knows no driver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal["switch", "number", "choice", "region"]
Value: TypeAlias = bool | int | str | tuple[int, ...]
"""Of a switch, a number, a choice (its key), a region (x, y, width, height in px)."""
Pixel: TypeAlias = tuple[int, int]
"""x and y of a pixel, from 0."""


class SettingError(Exception):
    """A setting cannot be as asked for. One sentence for the user: which, why, what is offered."""


@dataclass(frozen=True)
class Setting:
    """One thing that can be set, and what it is set to.

    Attributes
    ----------
    key : str
        Its name in files.
    title, explanation : str
        For people.
    group : str
        Heading under which the window shows it.
    default : Value
        As the device has it when it is opened; of a region the whole sensor.
    least, most, step : int
        Of a number.
    unit : str
        Of a number.
    choices : tuple of (key, text)
        Of a choice.
    only_if : (key, value) or None
        It counts only while another setting has this value.
    """

    key: str
    title: str
    group: str
    kind: Kind
    default: Value
    value: Value
    least: int = 0
    most: int = 0
    step: int = 1
    unit: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    explanation: str = ""
    only_if: tuple[str, Value] | None = None

    @property
    def is_default(self) -> bool:
        return self.value == self.default

    @property
    def offer(self) -> str:
        """What it can be set to, in words: ``a whole number from 0 to 17``."""
        match self.kind:
            case "switch":
                return "true or false"
            case "number":
                unit = f" {self.unit}" if self.unit else ""
                steps = f" in steps of {self.step}" if self.step > 1 else ""
                return f"a whole number from {self.least} to {self.most}{unit}{steps}"
            case "choice":
                return "one of " + ", ".join(f'"{key}"' for key, _ in self.choices)
            case "region":
                width, height = _size(self)
                return f"[x, y, width, height] within {width} × {height} pixels"

    def checked(self, value: object) -> Value:
        """Give a value as it is kept.

        Raises
        ------
        SettingError
            It is none that is offered.
        """
        fitting = _fitting(self, value)
        if fitting is None:
            raise SettingError(f"{self.key} = {value_text(value)} cannot be: it is {self.offer}.")
        return fitting


def setting_named(settings: Iterable[Setting], key: str, camera: str) -> Setting:
    """Give the setting of this name.

    Raises
    ------
    SettingError
        The camera has none.
    """
    there = list(settings)
    for setting in there:
        if setting.key == key:
            return setting
    offered = ", ".join(setting.key for setting in there) or "nothing"
    raise SettingError(f"{camera} has no setting {key}: it offers {offered}.")


def counts(setting: Setting, settings: Iterable[Setting]) -> bool:
    """Whether a setting has an effect while the others are as they are."""
    if setting.only_if is None:
        return True
    key, wanted = setting.only_if
    return any(each.key == key and each.value == wanted for each in settings)


def with_value(settings: Sequence[Setting], key: str, value: Value) -> tuple[Setting, ...]:
    """Give the settings with one of them changed."""
    return tuple(replace(each, value=value) if each.key == key else each for each in settings)


def value_text(value: object) -> str:
    """Write a value as TOML does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + "".join(_escaped(letter) for letter in value) + '"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(value_text(each) for each in value)}]"
    return str(value)


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return "\\" + letter
    return letter if letter.isprintable() else f"\\u{ord(letter):04X}" if ord(letter) < 0x10000 else "?"


def _size(region: Setting) -> tuple[int, int]:
    whole = region.default
    assert isinstance(whole, tuple)
    return whole[2], whole[3]


def _fitting(setting: Setting, value: object) -> Value | None:
    """Give the value where it fits; None where it does not."""
    match setting.kind:
        case "switch":
            return value if isinstance(value, bool) else None
        case "number":
            if isinstance(value, bool) or not isinstance(value, int) or not setting.least <= value <= setting.most:
                return None
            return setting.least + (value - setting.least) // setting.step * setting.step
        case "choice":
            return value if isinstance(value, str) and value in dict(setting.choices) else None
        case "region":
            return _region(setting, value)


def _region(setting: Setting, value: Any) -> tuple[int, ...] | None:
    if not isinstance(value, list | tuple) or len(value) != 4:
        return None
    if any(isinstance(each, bool) or not isinstance(each, int) for each in value):
        return None
    x, y, width, height = value
    most_width, most_height = _size(setting)
    inside = x >= 0 and y >= 0 and 0 < width <= most_width - x and 0 < height <= most_height - y
    return (x, y, width, height) if inside else None
