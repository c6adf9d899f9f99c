"""The framer: with the rate of events, and with the size of the sensor."""

from __future__ import annotations

from benchmarks.growth.curve import Curve, Line, median_s, some
from benchmarks.machine import one_core
from benchmarks.made_events import made_events
from pipeline.capture.messages import FramerSettings
from pipeline.events import Resolution
from pipeline.framer import Framer

TIMESTEP_US = 30_000
TIMESTEPS = 3
RATES = (0.1e6, 0.3e6, 1e6, 3e6, 10e6, 30e6, 100e6, 200e6)
RESOLUTIONS = (
    Resolution(128, 128), Resolution(346, 260), Resolution(640, 480), Resolution(1280, 720), Resolution(1920, 1080),
)  # fmt: skip


def by_rate(repeats: int, quick: bool) -> Curve:
    """Milliseconds for a timestep of 30 ms, 0.1 to 200 million events/s."""
    with one_core():
        lines = [
            Line(str(resolution), tuple((rate, _ms(resolution, rate, repeats)) for rate in some(RATES, quick)))
            for resolution in some(RESOLUTIONS[1:4], quick)
        ]
    return Curve(
        "Framer, one core: a timestep of 30 ms", "events/s", "ms a timestep", tuple(lines), limit=TIMESTEP_US / 1e3,
        remark="The line at 30 ms is real time.",
    )  # fmt: skip


def by_size(repeats: int, quick: bool) -> Curve:
    """Milliseconds for a timestep, 128 × 128 to 1920 × 1080."""
    with one_core():
        lines = [
            Line(
                f"{rate / 1e6:g} Mev/s",
                tuple((float(size.pixels), _ms(size, rate, repeats)) for size in some(RESOLUTIONS, quick)),
            )
            for rate in some((1e6, 10e6, 100e6), quick)
        ]
    return Curve(
        "Framer, one core: a timestep of 30 ms", "pixels of the sensor", "ms a timestep", tuple(lines),
        limit=TIMESTEP_US / 1e3,
    )  # fmt: skip


def _ms(resolution: Resolution, rate: float, repeats: int) -> float:
    events = made_events(round(rate * TIMESTEPS * TIMESTEP_US / 1e6), resolution, "clustered", rate=rate)

    def work() -> None:
        framer = Framer(resolution, FramerSettings(timestep_us=TIMESTEP_US))
        for _ in framer.push(events):
            pass
        framer.flush()

    return median_s(work, repeats) * 1e3 / TIMESTEPS
