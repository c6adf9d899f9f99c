"""The settings of something that is open, and how they are read and written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from pipeline.sources.camera_settings import Setting, SettingError, Value, counts, setting_named, value_text


@dataclass(frozen=True)
class Control:
    """A setting and what sets it.

    Attributes
    ----------
    setting : Setting
        As it is when the device has been opened.
    write : callable
        Takes a value that was checked; raises `RuntimeError`, `ValueError` or `OSError` where it is refused.
    """

    setting: Setting
    write: Callable[[Any], None]


class Controls:
    """What of one camera can be set.

    Parameters
    ----------
    camera : str
        Its name, for people.
    controls : sequence of Control
        One that counts only while another is set so follows that one.
    """

    def __init__(self, camera: str, controls: Sequence[Control]) -> None:
        self._camera = camera
        self._controls = {control.setting.key: control for control in controls}
        self._of_device = set(self._controls)

    def extend(self, others: Controls) -> None:
        """Offer these too, which are not of the device."""
        self._controls.update(others._controls)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """All of them with their present values."""
        return tuple(control.setting for control in self._controls.values())

    @property
    def changed(self) -> dict[str, Value]:
        """What is not as the device has it by itself."""
        return {each.key: each.value for each in self.settings if not each.is_default}

    def value(self, key: str, default: Value) -> Value:
        """Give the present value; `default` where there is no such setting."""
        control = self._controls.get(key)
        return default if control is None else control.setting.value

    def set(self, key: str, value: object) -> None:
        """Set one.

        Raises
        ------
        SettingError
            There is none of this name, it cannot be set so, or the device refuses; the old value stays.
        """
        setting = setting_named(self.settings, key, self._camera)
        fitting = setting.checked(value)
        if not counts(setting, self.settings) and setting.only_if is not None:
            other, wanted = setting.only_if
            raise SettingError(f"{key} has no effect unless {other} = {value_text(wanted)}: set that first.")
        self._write(setting, fitting)

    def set_all(self, values: Mapping[str, object]) -> None:
        """Set several; those that have no effect beside the others are left as they are.

        Raises
        ------
        SettingError
            Of the first that cannot be set; those before it are.
        """
        for key in values:
            setting_named(self.settings, key, self._camera)
        for key, control in list(self._controls.items()):
            if key in values:
                fitting = control.setting.checked(values[key])
                if counts(control.setting, self.settings) and fitting != control.setting.value:
                    self._write(control.setting, fitting)

    def reset(self) -> None:
        """Set all as the device has them by itself.

        Raises
        ------
        SettingError
            The device refused; the others are reset all the same.
        """
        refused: SettingError | None = None
        for control in list(self._controls.values()):
            setting = control.setting
            try:
                if not setting.is_default and counts(setting, self.settings):
                    self._write(setting, setting.default)
            except SettingError as error:
                refused = refused or error
        # What counts only while another is set so is the device's own business now.
        for key, control in self._controls.items():
            if not counts(control.setting, self.settings):
                self._controls[key] = replace(control, setting=replace(control.setting, value=control.setting.default))
        if refused is not None:
            raise refused

    def let_go(self) -> None:
        """Hold the device no longer: it is closed. What was set stays known, and can be changed no more."""

        def away(value: object) -> None:
            raise SettingError(f"{self._camera} is away: its settings can be changed when it is back.")

        for key in self._of_device:
            self._controls[key] = replace(self._controls[key], write=away)

    def take_over(self, again: Controls, values: Mapping[str, object]) -> None:
        """Go on with the same device opened anew, set as before.

        Parameters
        ----------
        again : Controls
            Of the device as it is now.
        values : mapping of key to value
            What it was set to.
        """
        self._controls.update(again._controls)
        for key, value in values.items():
            with suppress(SettingError):  # it stays as the device has it
                self.set_all({key: value})

    def _write(self, setting: Setting, value: Value) -> None:
        control = self._controls[setting.key]
        try:
            control.write(value)
        except (RuntimeError, ValueError, TypeError, OverflowError, OSError) as error:
            # What drivers say holds native stacks, and goes to the log with the rest that they print.
            raise SettingError(
                f"{self._camera} refused {setting.key} = {value_text(value)}: it stays {value_text(setting.value)}."
            ) from error
        self._controls[setting.key] = replace(control, setting=replace(setting, value=value))


def switch(key: str, title: str, group: str, value: bool, write: Callable[[bool], None], **more: Any) -> Control:
    """Give a control that is on or off."""
    return Control(Setting(key, title, group, "switch", value, value, **more), write)


def number(
    key: str, title: str, group: str, value: int, span: tuple[int, int], write: Callable[[int], None], **more: Any
) -> Control:
    """Give a control for a whole number in a span, both ends included."""
    least, most = span
    return Control(Setting(key, title, group, "number", value, value, least, most, **more), write)


def choice(
    key: str,
    title: str,
    group: str,
    value: str,
    choices: Sequence[tuple[str, str]],
    write: Callable[[str], None],
    **more: Any,
) -> Control:
    """Give a control for one of a few things."""
    return Control(Setting(key, title, group, "choice", value, value, choices=tuple(choices), **more), write)


def region(size: tuple[int, int], write: Callable[[tuple[int, int, int, int]], None]) -> Control:
    """Give the control for the part of a sensor of this size (px) that sends events; at first all of it."""
    whole = (0, 0, *size)
    return Control(
        Setting(
            "region", "Region of interest", "Picture", "region", whole, whole,
            unit="px", explanation="Only pixels in this rectangle send events.",
        ),
        write,
    )  # fmt: skip
