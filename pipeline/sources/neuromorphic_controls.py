"""What of a camera can be set through neuromorphic-drivers: found in the configuration of its model."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from importlib import import_module
from typing import Any

from pipeline.events import Resolution
from pipeline.sources.camera_controls import Control, Controls, choice, number, region, switch

RATE_PERIOD_US = 1000
MOST_RATE_KEV_S = 1_000_000
MASK_BITS = 64
ROWS_FROM_BELOW = ("PROPHESEE_EVK3_HD", "PROPHESEE_EVK4")
"""Whose rows the driver leaves out counted from the other end than the rows of their events (0.18)."""
SENSITIVITY, BIASES, READOUT, PICTURE, ON_CHIP, FRAMES = (
    "Sensitivity", "Biases", "Readout", "Picture", "Filters on the chip", "Frames",
)  # fmt: skip
_KNOWN = {
    "diff_on": (SENSITIVITY, "contrast_on", "Contrast threshold ON", "Lower is more sensitive, and noisier."),
    "diff_off": (SENSITIVITY, "contrast_off", "Contrast threshold OFF", "Lower is more sensitive, and noisier."),
    "on": (SENSITIVITY, "contrast_on", "Contrast threshold ON", "Lower is more sensitive, and noisier."),
    "off": (SENSITIVITY, "contrast_off", "Contrast threshold OFF", "Lower is more sensitive, and noisier."),
    "fo": (BIASES, "bias_fo", "Low-pass filter (fo)", "Bandwidth: what flickers faster is left out."),
    "hpf": (BIASES, "bias_hpf", "High-pass filter (hpf)", "What changes more slowly is left out."),
    "pr": (BIASES, "bias_pr", "Photoreceptor (pr)", ""),
    "refr": (BIASES, "bias_refr", "Dead time (refr)", "How long a pixel rests after an event."),
}
"""Biases by their names in the driver: group, key, title, explanation; others are called as the driver calls them."""
_MOST_US = {"exposure_us": 1_000_000, "frame_interval_us": 8_000_000}
_WORDS = {"mask_isolated": "Leave out isolated events", "refractory_period": "Refractory period"}


class _Configuration:
    """The configuration that the driver has, changed field by field."""

    def __init__(self, device: Any, module: Any, reopen: Callable[[Any], Any]) -> None:
        self.device, self.module = device, module
        self.now = module.Configuration()
        self._reopen = reopen

    def set(self, holder: Any, name: str, value: Any) -> None:
        """Change a field of the configuration, or of a part of it, and hand it to the driver."""
        before = getattr(holder, name)
        setattr(holder, name, value)
        try:
            self.device.update_configuration(self.now)
        except Exception:
            setattr(holder, name, before)
            raise

    def set_by_opening(self, name: str, value: Any) -> None:
        """Change a field that the driver hands to the camera only as it opens it."""
        before = getattr(self.now, name)
        setattr(self.now, name, value)
        try:
            self.device = self._reopen(self.now)
        except Exception:
            setattr(self.now, name, before)
            raise

    def writer(self, holder: Any, name: str) -> Callable[[Any], None]:
        return lambda value: self.set(holder, name, value)


def neuromorphic_controls(
    name: str, device: Any, resolution: Resolution, flips: dict[str, bool], reopen: Callable[[Any], Any]
) -> Controls:
    """Find out what an opened camera offers.

    Parameters
    ----------
    name : str
        For people.
    device : neuromorphic_drivers' device
    resolution : Resolution, px
    flips : dict
        Has ``horizontal`` and ``vertical``; changed in place, since the driver flips nothing.
    reopen : callable
        Opens the device anew with a configuration, and gives it.
    """
    module = import_module(f"neuromorphic_drivers.generated.devices.{device.name().name.lower()}")
    held = _Configuration(device, module, reopen)
    parts = (_biases, _readout, _picture, _limits, _frames)
    controls = [control for part in parts for control in part(held, resolution)]
    controls += [
        switch(f"flip_{way}", f"Flip {way}ly", PICTURE, flips[way], partial(flips.__setitem__, way)) for way in flips
    ]
    return Controls(name, sorted(controls, key=lambda control: _ORDER.index(control.setting.group)))


_ORDER = [SENSITIVITY, READOUT, PICTURE, ON_CHIP, FRAMES, BIASES]


def _biases(held: _Configuration, resolution: Resolution) -> Iterator[Control]:
    biases, bounds = getattr(held.now, "biases", None), held.device.biases_bounds()
    if not is_dataclass(biases):
        return
    for each in fields(biases):
        value, span = getattr(biases, each.name), getattr(bounds, each.name, None)
        group, key, title, explanation = _KNOWN.get(each.name, (BIASES, f"bias_{each.name}", each.name, ""))
        write = held.writer(biases, each.name)
        if isinstance(value, bool):
            yield switch(key, title, group, value, write, explanation=explanation)
        elif span is not None and not each.name.startswith("unknown"):
            least, most = int(span.minimum), int(span.maximum)
            if least < most:
                yield number(key, title, group, int(value), (least, most), write, explanation=explanation)


def _readout(held: _Configuration, resolution: Resolution) -> Iterator[Control]:
    for name, key, title, group in (
        ("readout_frames_per_second", "readout_rate", "Readout rate", READOUT),
        ("polarity_filter", "polarity", "Polarity", PICTURE),
    ):
        now = getattr(held.now, name, None)
        if isinstance(now, enum.Enum):
            yield _enumerated(held, name, key, title, group, now)


def _enumerated(held: _Configuration, name: str, key: str, title: str, group: str, now: enum.Enum) -> Control:
    members = {member.lower(): value for member, value in type(now).__members__.items()}
    write = held.writer(held.now, name)
    return choice(
        key, title, group, now.name.lower(),
        [(each, each.replace("_", " ").capitalize()) for each in members], lambda chosen: write(members[chosen]),
    )  # fmt: skip


def _picture(held: _Configuration, resolution: Resolution) -> Iterator[Control]:
    if hasattr(held.now, "region_of_interest"):
        write = held.writer(held.now, "region_of_interest")
        yield region(resolution, lambda place: write(held.module.RegionOfInterest(*place)))
    elif hasattr(held.now, "x_mask") and hasattr(held.now, "y_mask"):
        yield region(resolution, lambda place: _write_masks(held, resolution, place))


def _write_masks(held: _Configuration, resolution: Resolution, place: tuple[int, int, int, int]) -> None:
    """Leave out the columns and rows beside the region."""
    x, y, width, height = place
    if held.device.name().name in ROWS_FROM_BELOW:
        y = resolution.height - y - height
    before = held.now.x_mask
    held.now.x_mask = _mask(resolution.width, x, width, len(before))
    try:
        held.set(held.now, "y_mask", _mask(resolution.height, y, height, len(held.now.y_mask)))
    except Exception:
        held.now.x_mask = before
        raise


def _mask(size: int, first: int, count: int, words: int) -> tuple[int, ...]:
    """Give a bit for each line that is left out, the first one lowest, in words of 64."""
    bits = ((1 << size) - 1) & ~(((1 << count) - 1) << first)
    return tuple(bits >> MASK_BITS * word & (1 << MASK_BITS) - 1 for word in range(words))


def _limits(held: _Configuration, resolution: Resolution) -> Iterator[Control]:
    if hasattr(held.now, "rate_limiter"):
        limiter = held.module.RateLimiter
        yield number(
            "rate_limit", "Event rate at most", READOUT, 0, (0, MOST_RATE_KEV_S),
            lambda rate: held.set_by_opening("rate_limiter", limiter(RATE_PERIOD_US, rate) if rate else None),
            unit="kev/s", explanation="The sensor leaves out what is more. 0: no limit. Restarts the camera.",
        )  # fmt: skip
    if hasattr(held.now, "skip_events_every"):
        yield number(
            "skip_every", "Leave out every n-th event", ON_CHIP, int(held.now.skip_events_every), (0, 255),
            held.writer(held.now, "skip_events_every"), explanation="Limits the rate. 0: off.",
        )  # fmt: skip
    chip = getattr(held.now, "activity_filter", None)
    if is_dataclass(chip):
        for name, title in _WORDS.items():
            yield switch(
                f"chip_{name}", title, ON_CHIP, bool(getattr(chip, f"{name}_enable")),
                held.writer(chip, f"{name}_enable"),
            )  # fmt: skip
            yield number(
                f"chip_{name}_ticks", f"{title}: ticks", ON_CHIP, int(getattr(chip, f"{name}_tau")), (1, 4095),
                held.writer(chip, f"{name}_tau"), unit="× 250 µs", only_if=(f"chip_{name}", True),
            )  # fmt: skip


def _frames(held: _Configuration, resolution: Resolution) -> Iterator[Control]:
    for name, key, title in (
        ("frame_interval_us", "frame_interval", "Time between frames"),
        ("exposure_us", "exposure", "Exposure"),
    ):
        if hasattr(held.now, name):
            yield number(
                key, title, FRAMES, int(getattr(held.now, name)), (1, _MOST_US[name]), held.writer(held.now, name),
                unit="µs",
            )  # fmt: skip
