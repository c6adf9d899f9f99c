"""What happens to cameras while a program uses them, in words: for command lines and the control socket.

    unplug [SERIAL]
    plug-in [SERIAL] [address=N] [bus=2|3]
    fault NAME=VALUE ... [SERIAL]
    reset-clock [SERIAL]

Without a serial number it happens to all cameras.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import get_type_hints

from tests.cameras.event_camera import EventCamera
from tests.cameras.faults import Faults
from tests.cameras.usb_bus import USB2, USB3, UsbBus

_TRUTHS = {"yes": True, "1": True, "true": True, "no": False, "0": False, "false": False}
_BUSES = {"2": USB2, "3": USB3}


class ActionError(Exception):
    """The words make no sense. The text is one sentence."""


def perform(bus: UsbBus, cameras: Sequence[EventCamera], line: str) -> None:
    """Do what one line says.

    Raises
    ------
    ActionError
        It cannot be understood, or not be done.
    """
    verb, *words = line.split() or [""]
    settings = dict(word.split("=", 1) for word in words if "=" in word)
    chosen = _choose(cameras, [word for word in words if "=" not in word])
    try:
        for camera in chosen:
            _perform(bus, camera, verb, settings)
    except (KeyError, ValueError) as error:
        raise ActionError(f"«{line.strip()}» cannot be done: {error}") from error


def parse_faults(settings: dict[str, str]) -> dict[str, object]:
    """Give values of `Faults` from their texts.

    Raises
    ------
    ActionError
        No such fault, or no such value.
    """
    kinds = get_type_hints(Faults)
    values: dict[str, object] = {}
    for name, text in settings.items():
        field = name.replace("-", "_")
        if field not in kinds:
            known = ", ".join(each.name for each in dataclasses.fields(Faults))
            raise ActionError(f"There is no fault {name}, only {known}.")
        try:
            values[field] = _value(kinds[field], text)
        except (KeyError, ValueError) as error:
            raise ActionError(f"The fault {name} cannot be {text}.") from error
    return values


def _value(kind: object, text: str) -> object:
    if kind is bool:
        return _TRUTHS[text]
    if kind is float:
        return float(text)
    if kind is int:
        return int(text)
    if kind == int | None:
        return None if text in ("", "never") else int(text)
    allowed: tuple[str, ...] = kind.__args__  # type: ignore[attr-defined]  # a Literal
    if text not in allowed:
        raise ValueError(text)
    return text


def _choose(cameras: Sequence[EventCamera], serials: list[str]) -> list[EventCamera]:
    chosen = [camera for camera in cameras if not serials or camera.serial in serials]
    if len(chosen) < len(serials):
        there = ", ".join(camera.serial for camera in cameras)
        raise ActionError(f"No camera has the serial number {' or '.join(serials)}, only {there}.")
    return chosen


def _perform(bus: UsbBus, camera: EventCamera, verb: str, settings: dict[str, str]) -> None:
    if verb == "unplug":
        bus.unplug(camera)
    elif verb == "plug-in":
        number, address = settings.get("bus"), settings.get("address")
        bus.plug_in(
            camera,
            bus=None if number is None else _BUSES[number],
            address=None if address is None else int(address),
        )
    elif verb == "fault":
        bus.set_faults(camera, **parse_faults(settings))
    elif verb == "reset-clock":
        bus.do(camera.reset_clock)
    else:
        raise ActionError(f"There is no action {verb}, only unplug, plug-in, fault and reset-clock.")
