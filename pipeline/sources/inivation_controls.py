"""What of iniVation's cameras can be set through dv-processing, found by what the opened camera has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

from pipeline.events import Resolution
from pipeline.sources.camera_controls import Control, Controls, choice, number, region, switch

MOST_CONTRAST = 17
MOST_DVS128_BIAS = (1 << 24) - 1
FILTER_TICK_US = 250
MOST_FILTER_TICKS = 4095
MOST_SKIP = 255
MOST_EXPOSURE_US = (1 << 22) - 1
MOST_FRAME_INTERVAL_US = (1 << 23) - 1
COARSE = 256
"""A bias of a DAVIS is a coarse and a fine value, written as one number: coarse × 256 + fine."""
MOST_DAVIS_BIAS = 8 * COARSE - 1
SENSITIVITY, READOUT, PICTURE, ON_CHIP, FRAMES, BIASES = (
    "Sensitivity", "Readout", "Picture", "Filters on the chip", "Frames", "Biases",
)  # fmt: skip
_POLARITIES = (
    ("NONE", "both", "Both"),
    ("ON_ONLY", "on", "ON only"),
    ("OFF_ONLY", "off", "OFF only"),
    ("FLATTEN_ON", "as_on", "All as ON"),
)
_PIXEL_BIASES = {
    "diff": "differencing",
    "on": "ON threshold",
    "off": "OFF threshold",
    "photoreceptor": "photoreceptor",
    "photoreceptorsourcefollower": "source follower",
    "refractory": "refractory period",
}
"""Of a DAVIS' biases those of its pixels, by their names in the library; others are of its readout, and break it."""


def inivation_controls(name: str, camera: Any, resolution: Resolution) -> Controls:
    """Find out what an opened camera offers.

    Parameters
    ----------
    name : str
        For people.
    camera : dv.io.camera.DVXplorer, DVXplorerM, DAVIS or DVS128
    resolution : Resolution, px
        Of its events.
    """
    parts = (_contrast, _readout, _picture, _chip_filters, _frames, _dvs128_biases, _davis_biases)
    return Controls(name, [control for part in parts for control in part(camera, resolution)])


def _contrast(camera: Any, resolution: Resolution) -> Iterator[Control]:
    if not hasattr(camera, "setContrastThresholdOn"):
        return
    for polarity in ("On", "Off"):
        yield number(
            f"contrast_{polarity.lower()}",
            f"Contrast threshold {polarity.upper()}",
            SENSITIVITY,
            int(getattr(camera, f"getContrastThreshold{polarity}")()),
            (0, MOST_CONTRAST),
            getattr(camera, f"setContrastThreshold{polarity}"),
            explanation="Lower is more sensitive, and noisier.",
        )


def _readout(camera: Any, resolution: Resolution) -> Iterator[Control]:
    if hasattr(camera, "setReadoutFPS"):
        yield _enumerated(
            "readout_rate", "Readout rate", camera, "ReadoutFPS", _readout_words,
            "How often a second the sensor is read at most.",
        )  # fmt: skip
    if hasattr(camera, "setGlobalHold"):
        yield switch(
            "global_hold", "Hold while reading", READOUT, bool(camera.getGlobalHold()), camera.setGlobalHold,
            explanation="Pixels keep their state while the sensor is read.",
        )  # fmt: skip
    if hasattr(camera, "setSubSampleHorizontal"):
        for way in ("Horizontal", "Vertical"):
            yield _enumerated(
                f"subsample_{way.lower()}", f"Subsampling, {way.lower()}", camera, f"SubSample{way}",
                lambda member: member.replace("_", " ").lower().capitalize(),
                f"Which pixels of a {'row' if way == 'Horizontal' else 'column'} send events.",
            )  # fmt: skip


def _readout_words(member: str) -> str:
    *kind, rate = member.split("_")
    return f"{rate} Hz, {', '.join(kind).lower()}"


def _enumerated(
    key: str, title: str, camera: Any, setter: str, words: Callable[[str], str], explanation: str
) -> Control:
    """Give a control for one of the library's enumerations."""
    now = getattr(camera, f"get{setter}")()
    members: dict[str, Any] = {member.lower(): value for member, value in type(now).__members__.items()}
    write = getattr(camera, f"set{setter}")
    return choice(
        key, title, READOUT, now.name.lower(), [(each, words(each.upper())) for each in members],
        lambda chosen: write(members[chosen]), explanation=explanation,
    )  # fmt: skip


def _picture(camera: Any, resolution: Resolution) -> Iterator[Control]:
    yield region(resolution, camera.setCropArea)
    for way in ("Horizontal", "Vertical"):
        yield switch(
            f"flip_{way.lower()}", f"Flip {way.lower()}ly", PICTURE,
            bool(getattr(camera, f"getFlip{way}")()), getattr(camera, f"setFlip{way}"),
        )  # fmt: skip
    now = camera.getFlatten()
    members = type(now).__members__
    names = {key: members[member] for member, key, _ in _POLARITIES}
    yield choice(
        "polarity", "Polarity", PICTURE, next(key for key, value in names.items() if value == now),
        [(key, text) for _, key, text in _POLARITIES], lambda chosen: camera.setFlatten(names[chosen]),
        explanation="Which events are sent.",
    )  # fmt: skip


def _chip_filters(camera: Any, resolution: Resolution) -> Iterator[Control]:
    for key, title, setter, explanation in (
        ("chip_background_filter", "Background filter", "BackgroundActivityFilter",
         "Leaves out events without another nearby for so long. 0: off."),
        ("chip_refractory_period", "Refractory period", "RefractoryPeriodFilter",
         "Leaves out events of a pixel that has just sent one. 0: off."),
    ):  # fmt: skip
        if hasattr(camera, f"set{setter}"):
            yield number(
                key, title, ON_CHIP, int(getattr(camera, f"get{setter}")()) * FILTER_TICK_US,
                (0, MOST_FILTER_TICKS * FILTER_TICK_US), partial(_write_ticks, getattr(camera, f"set{setter}")),
                step=FILTER_TICK_US, unit="µs", explanation=explanation,
            )  # fmt: skip
    if hasattr(camera, "setSkipFilter"):
        yield number(
            "skip_every", "Leave out every n-th event", ON_CHIP, int(camera.getSkipFilter()), (0, MOST_SKIP),
            camera.setSkipFilter, explanation="Limits the rate. 0: off.",
        )  # fmt: skip


def _write_ticks(write: Callable[[int], None], microseconds: int) -> None:
    write(microseconds // FILTER_TICK_US)


def _frames(camera: Any, resolution: Resolution) -> Iterator[Control]:
    if not hasattr(camera, "setFramesRunning"):
        return
    yield switch(
        "frames", "Frames", FRAMES, bool(camera.isFramesRunning()), camera.setFramesRunning,
        explanation="Pictures of the same pixels, shown beside the events; they cost USB bandwidth.",
    )  # fmt: skip
    yield number(
        "frame_interval", "Time between frames", FRAMES, _microseconds(camera.getFrameInterval()),
        (0, MOST_FRAME_INTERVAL_US), lambda us: camera.setFrameInterval(timedelta(microseconds=us)),
        unit="µs", step=1, explanation="0: as fast as the exposure allows.", only_if=("frames", True),
    )  # fmt: skip
    yield switch(
        "auto_exposure", "Automatic exposure", FRAMES, bool(camera.getAutoExposure()), camera.setAutoExposure,
        only_if=("frames", True),
    )  # fmt: skip
    yield number(
        "exposure", "Exposure", FRAMES, max(_microseconds(camera.getExposureDuration()), 1), (1, MOST_EXPOSURE_US),
        lambda us: camera.setExposureDuration(timedelta(microseconds=us)),
        unit="µs", explanation="While it is not automatic.", only_if=("auto_exposure", False),
    )  # fmt: skip


def _microseconds(duration: timedelta) -> int:
    return round(duration / timedelta(microseconds=1))


def _dvs128_biases(camera: Any, resolution: Resolution) -> Iterator[Control]:
    if not hasattr(camera, "setBias"):
        return
    for name, bias in type(camera).Bias.__members__.items():
        yield number(
            f"bias_{name.lower()}", name.replace("_", " "), BIASES, int(camera.getBias(bias)),
            (0, MOST_DVS128_BIAS), partial(camera.setBias, bias),
        )  # fmt: skip


def _davis_biases(camera: Any, resolution: Resolution) -> Iterator[Control]:
    if not hasattr(camera, "getSensorModel"):
        return
    model = str(camera.getSensorModel().name)
    family = "CDavis" if model == "CDAVIS" else f"Davis{model.removeprefix('DAVIS')[:3]}"
    biases = getattr(type(camera), f"{family}BiasCF", None)
    if biases is None:
        return
    read, write = getattr(camera, f"get{family}BiasCoarseFine"), getattr(camera, f"set{family}BiasCoarseFine")
    for name, bias in biases.__members__.items():
        words = _PIXEL_BIASES.get(name.lower())
        if words is None:
            continue
        coarse, fine = read(bias)
        yield number(
            f"bias_{words.lower().replace(' ', '_')}", words[0].upper() + words[1:], BIASES, coarse * COARSE + fine,
            (0, MOST_DAVIS_BIAS), partial(_write_coarse_fine, write, bias),
            explanation="Coarse × 256 + fine.",
        )  # fmt: skip


def _write_coarse_fine(write: Callable[[Any, int, int], None], bias: Any, value: int) -> None:
    write(bias, *divmod(value, COARSE))
