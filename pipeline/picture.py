"""Draws the last events for people: four renderings, in the colours of the window's theme.

What a pixel has seen is kept for all renderings at once, so that another one shows the moment it is chosen,
of a stream that is held too. Drawing is a look-up: for each pixel a number from its state, for the number a colour.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pipeline.capture.messages import Palette, Rendering
from pipeline.compiled import compiled, plain
from pipeline.events import NO_EVENTS, EventArray, Resolution

DECAY_US = 40_000
"""τ of `Rendering.DECAY`: after so many µs a pixel has 1/e of its colour."""
GAIN = 0.8
"""What one event adds to a pixel's colour, of the full colour's 1."""
POLARITY_US = 30_000
RECENCY_US = 200_000
MAX_DISORDER_US = 20_000
"""Time that goes back by more is another place in the recording: what was seen before is forgotten."""

_NEVER = -(1 << 61)
_SHIFT = 8
"""Ages are looked up in steps of 2^8 µs."""
_FADE_STEPS = 1 << 10
_LEVELS = 64
"""Steps of each polarity's intensity that have a colour."""
_RAMP = 256
_TONE = 0.6
"""Below 1 the faint end of a fading colour is lifted: it shows where things have been."""

_DARK_RAMP = (0x12203F, 0x1F3F7A, 0x4C6795, 0x8B9089, 0xCFC272, 0xFBF08E)
_LIGHT_RAMP = (0xD9E0D2, 0xA9C2B6, 0x5E97A0, 0x2C6286, 0x1A3566, 0x0D1638)
"""From about `RECENCY_US` ago to now; the background comes before."""
_DARK_BOTH = 0xF6F4EE
_LIGHT_BOTH = 0x1B2233
_MODEL_GREY = 127

Floats32 = npt.NDArray[np.float32]
Colours = npt.NDArray[np.uint32]


@compiled
def _see(
    events: EventArray,
    first: int,
    newest_us: int,
    width: int,
    stamps: npt.NDArray[np.int64],
    intensities: Floats32,
    fade: Floats32,
) -> tuple[np.int64, int]:
    """Add events to the state of their pixels, up to one that lies before `newest_us` by more than a little.

    A stamp is the last event's time, twice, plus its polarity.
    """
    columns = np.uint32(width)
    oldest = np.int64(fade.size - 1)
    gain = np.float32(GAIN)
    full = np.float32(1.0)
    for i in range(np.uint64(first), np.uint64(events.size)):
        event = events[i]
        time = event.timestamp
        if time < newest_us - MAX_DISORDER_US:
            return np.int64(i), newest_us
        newest_us = max(newest_us, time)
        pixel = np.uint32(event.y) * columns + np.uint32(event.x)
        polarity = np.uint32(event.polarity)
        age = min(max((time - (stamps[pixel] >> 1)) >> _SHIFT, 0), oldest)
        stamps[pixel] = 2 * time + polarity
        keep = fade[np.uint64(age)]
        place = 2 * pixel + polarity
        other = place ^ np.uint32(1)
        intensities[other] *= keep
        intensities[place] = min(intensities[place] * keep + gain, full)
    return np.int64(events.size), newest_us


@compiled
def _draw_decay(
    now_us: int,
    stamps: npt.NDArray[np.int64],
    intensities: Floats32,
    fade: Floats32,
    colours: Colours,
    out: Colours,
) -> None:
    """Colour by what is left of each polarity's intensity; `colours` is (off levels, on levels), flat."""
    oldest = np.int64(fade.size)
    for pixel in range(np.uint64(stamps.size)):
        age = (now_us - (stamps[pixel] >> 1)) >> _SHIFT
        if age >= oldest:
            out[pixel] = colours[0]
            continue
        left = fade[np.uint64(max(age, 0))] * np.float32(_LEVELS - 1)
        off = np.uint32(intensities[2 * pixel] * left + np.float32(0.5))
        on = np.uint32(intensities[2 * pixel + 1] * left + np.float32(0.5))
        out[pixel] = colours[off * np.uint32(_LEVELS) + on]


@compiled
def _draw_polarity(now_us: int, stamps: npt.NDArray[np.int64], colours: Colours, out: Colours) -> None:
    """Colour by the last event's polarity while it is young enough; `colours` is off, on, background."""
    since = 2 * (now_us - POLARITY_US)
    for pixel in range(np.uint64(stamps.size)):
        stamp = stamps[pixel]
        out[pixel] = colours[np.uint64(stamp & 1)] if stamp > since else colours[2]


@compiled
def _draw_recency(now_us: int, stamps: npt.NDArray[np.int64], colours: Colours, out: Colours) -> None:
    """Colour by the last event's age; `colours` is `_RAMP` of them from new to old, then the background."""
    steps = np.int64(colours.size - 1)
    scale = np.float32(steps) / np.float32(RECENCY_US)
    for pixel in range(np.uint64(stamps.size)):
        age = now_us - (stamps[pixel] >> 1)
        if age >= RECENCY_US:
            out[pixel] = colours[steps]
        else:
            out[pixel] = colours[np.uint64(np.float32(max(age, 0)) * scale)]


@compiled
def _draw_grey(pixels: npt.NDArray[np.uint8], out: Colours) -> None:
    for pixel in range(pixels.size):
        out[pixel] = np.uint32(0xFF000000) | (np.uint32(pixels[pixel]) * np.uint32(0x010101))


class PictureRenderer:
    """The picture of a stream of events.

    Parameters
    ----------
    resolution : Resolution
        Every event pushed must lie inside, with polarity 0 or 1: sources have checked that.
    rendering : Rendering
    palette : Palette
        A light background turns the renderings around: events are dark on it.
    """

    def __init__(self, resolution: Resolution, rendering: Rendering, palette: Palette) -> None:
        self._resolution = resolution
        self._stamps = np.full(resolution.pixels, 2 * _NEVER, np.int64)
        self._intensities = np.zeros(2 * resolution.pixels, np.float32)
        self._model_frame = np.full(resolution.pixels, _MODEL_GREY, np.uint8)
        self._newest_us = _NEVER
        ages_us = np.arange(_FADE_STEPS) * (1 << _SHIFT)
        self._fade = np.exp(-ages_us / DECAY_US).astype(np.float32)
        self._fade[-1] = 0.0
        self.set_rendering(rendering, palette)
        self._compile()

    def push(self, events: EventArray) -> None:
        """Take the next events, shape (n,). Where time jumps back, what was seen before is forgotten."""
        events = plain(events)
        position = 0
        while True:
            stopped, self._newest_us = _see(
                events, position, self._newest_us, self._resolution.width, self._stamps, self._intensities, self._fade
            )
            position = int(stopped)
            if position == len(events):
                return
            self._forget_events()

    def set_rendering(self, rendering: Rendering, palette: Palette) -> None:
        """Draw so from the next picture on."""
        self._rendering = rendering
        self._decay_colours = _decay_colours(palette)
        self._polarity_colours = _opaque(palette.off, palette.on, palette.background)
        self._recency_colours = _recency_colours(palette)

    def set_model_frame(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Copy the newest event frame, uint8 (H, W), for `Rendering.MODEL_FRAME`."""
        self._model_frame[:] = pixels.reshape(-1)

    def render(self, now_us: int, out: npt.NDArray[np.uint8]) -> None:
        """Draw the picture of this moment.

        Parameters
        ----------
        now_us : int
            The stream's own time, µs. Clearly before the newest event: the stream was wound back, and what was seen is
            forgotten.
        out : uint8 array (H, W, 4), C-contiguous
            Blue, green, red, 255.
        """
        if now_us < self._newest_us - MAX_DISORDER_US:
            self._forget_events()
        flat = out.reshape(-1).view(np.uint32)
        match self._rendering:
            case Rendering.DECAY:
                _draw_decay(now_us, self._stamps, self._intensities, self._fade, self._decay_colours, flat)
            case Rendering.POLARITY:
                _draw_polarity(now_us, self._stamps, self._polarity_colours, flat)
            case Rendering.RECENCY:
                _draw_recency(now_us, self._stamps, self._recency_colours, flat)
            case Rendering.MODEL_FRAME:
                _draw_grey(self._model_frame, flat)

    def clear(self) -> None:
        """Forget everything, the model's frame too."""
        self._forget_events()
        self._model_frame.fill(_MODEL_GREY)

    def _forget_events(self) -> None:
        self._stamps.fill(2 * _NEVER)
        self._intensities.fill(0.0)
        self._newest_us = _NEVER

    def _compile(self) -> None:
        """Compile or load every loop now rather than while the stream waits."""
        self.push(NO_EVENTS)
        wanted = self._rendering
        out = np.empty((self._resolution.height, self._resolution.width, 4), np.uint8)
        for self._rendering in Rendering:
            self.render(0, out)
        self._rendering = wanted


def _is_dark(palette: Palette) -> bool:
    return bool(_to_lab(_rgb(palette.background))[0] < 0.5)


def _decay_colours(palette: Palette) -> Colours:
    """Colours for each pair of intensities (off, on), `_LEVELS` each, flat.

    One polarity alone goes from the background to its colour. Where both are strong the hue gives way to
    a neutral as far from the background as the theme allows.
    """
    background = _to_lab(_rgb(palette.background))
    both = _to_lab(_rgb(_DARK_BOTH if _is_dark(palette) else _LIGHT_BOTH))
    levels = np.linspace(0.0, 1.0, _LEVELS)
    off, on = levels[:, None, None], levels[None, :, None]
    strength = 1 - (1 - off) * (1 - on)
    share_on = on / np.maximum(off + on, 1e-9)
    hue = _to_lab(_rgb(palette.off)) * (1 - share_on) + _to_lab(_rgb(palette.on)) * share_on
    colour = hue + (both - hue) * np.minimum(off, on)
    return _pack(background + (colour - background) * strength**_TONE)


def _recency_colours(palette: Palette) -> Colours:
    """`_RAMP` colours from an event now to one `RECENCY_US` ago, then the background."""
    ramp_colours = _DARK_RAMP if _is_dark(palette) else _LIGHT_RAMP
    stops = np.array([_to_lab(_rgb(colour)) for colour in (palette.background, *ramp_colours)])
    places = np.linspace(1.0, 0.0, _RAMP)
    at = np.linspace(0.0, 1.0, len(stops))
    ramp = np.stack([np.interp(places, at, stops[:, channel]) for channel in range(3)], axis=-1)
    return _pack(np.concatenate([ramp, stops[:1]]))


def _opaque(*colours: int) -> Colours:
    return np.array([0xFF000000 | colour for colour in colours], np.uint32)


def _rgb(colour: int) -> npt.NDArray[np.float64]:
    """0xRRGGBB as red, green, blue from 0 to 1."""
    return np.array([colour >> 16 & 255, colour >> 8 & 255, colour & 255]) / 255


# OKLab (Björn Ottosson, 2020): a mix of two colours that looks like one.
_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def _to_lab(rgb: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """SRGB (..., 3) from 0 to 1 to OKLab."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    lab: npt.NDArray[np.float64] = np.cbrt(linear @ _LMS.T) @ _LAB.T
    return lab


def _pack(lab: npt.NDArray[np.float64]) -> Colours:
    """OKLab (..., 3) to flat 0xFFRRGGBB, which lies in memory as blue, green, red, 255."""
    linear = np.clip((lab @ np.linalg.inv(_LAB).T) ** 3 @ np.linalg.inv(_LMS).T, 0.0, 1.0)
    rgb = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    levels = np.rint(rgb * 255).astype(np.uint32).reshape(-1, 3)
    packed: Colours = levels[:, 0] << 16 | levels[:, 1] << 8 | levels[:, 2] | np.uint32(0xFF000000)
    return packed
