"""The program's own window on a steady source, with a stopwatch at what it paints. Run as a process of its own.

python -m benchmarks.window_probe --to FILE --seconds 10 --rate 5000000 --resolution 640 480 --timestep-us 30000

As in `main.py`, the window is imported where it is shown: the capture process imports this module too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
import time
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.steady_source import open_steady
from pipeline.capture.messages import FramerSettings
from pipeline.capture.supervisor import Capture
from pipeline.events import Resolution
from pipeline.leaving import leave
from pipeline.options import Options
from pipeline.prediction import Prediction
from pipeline.sources.base import SimulationSpec
from pipeline.threads import prepare_threads

SETTLING_S = 2.0
"""After the first prediction, before anything counts."""
FEWEST_SEEN = 10
"""Labels and pictures, however long that takes."""
LOOK_AGAIN_S = 0.2
PATIENCE_S = 500.0


@dataclass
class Watch:
    """What was seen, all of it on the Qt thread; times are `time.monotonic`, s."""

    seconds: float
    began: float = 0.0
    thread_began: float = 0.0
    thread_ended: float = 0.0
    ended: float = 0.0
    waiting_us: int | None = None
    """End of the newest window whose label is not painted yet."""
    labels: list[tuple[float, float]] = field(default_factory=list)
    """When a label was painted, and how long after its window's end, s."""
    predictions: int = 0
    thinning: int = 1
    """k of the last prediction: every k-th event was judged."""
    event_rate: float = 0.0
    """Then, events/s."""
    pictures: list[float] = field(default_factory=list)
    """When the view of events was painted."""

    def predicted(self, prediction: Prediction) -> None:
        """A prediction has arrived and was given to the panels."""
        now = time.monotonic()
        if not self.began:
            self.began = now + SETTLING_S
            threading.Thread(target=self._end_in_time, daemon=True).start()
        self.predictions += now >= self.began
        self.waiting_us = prediction.end_us

    def _end_in_time(self) -> None:
        """End the program after the time given, or later where too little was seen; on a thread of its own."""
        time.sleep(SETTLING_S + self.seconds)
        while min(len(self.labels), len(self.pictures)) < FEWEST_SEEN:
            time.sleep(LOOK_AGAIN_S)
        os.kill(os.getpid(), signal.SIGTERM)

    def painted_label(self) -> None:
        """The hero was painted."""
        now = time.monotonic()
        if self.waiting_us is not None and self.began and now >= self.began:
            self.labels.append((now, now - self.waiting_us / 1e6))
        self.waiting_us = None

    def painted_picture(self) -> None:
        """The view of events was painted."""
        now = time.monotonic()
        if self.began and now >= self.began:
            self.pictures.append(now)
            if not self.thread_began:
                self.thread_began, self.began = time.thread_time(), now
            self.thread_ended, self.ended = time.thread_time(), now


def watch_window(watch: Watch) -> None:
    """Put the stopwatch into the window's classes, and the steady source into its capture process."""
    import app.controller
    from app.panels.events_view import EventsView
    from app.panels.hero import Hero

    vars(app.controller)["Capture"] = partial(Capture, opener=open_steady)
    arrived = app.controller.Controller._prediction_arrived
    paint_hero, paint_view = Hero.paintEvent, EventsView.paintEvent

    def prediction_arrived(self: Any, prediction: Prediction) -> None:
        arrived(self, prediction)
        numbers = self._capture.numbers()
        watch.thinning, watch.event_rate = numbers.thinning, numbers.event_rate
        watch.predicted(prediction)
        # Also where the answer is the same to the digit: the next painting is the label's.
        self._window.hero.update(0, 0, 1, 1)

    def hero_painted(self: Any, event: Any) -> None:
        paint_hero(self, event)
        watch.painted_label()

    def view_painted(self: Any, event: Any) -> None:
        paint_view(self, event)
        watch.painted_picture()

    app.controller.Controller._prediction_arrived = prediction_arrived  # type: ignore[method-assign]
    Hero.paintEvent = hero_painted  # type: ignore[method-assign]
    EventsView.paintEvent = view_painted  # type: ignore[method-assign]


def main() -> int:
    """Show the window, and write what was seen."""
    from app.application import TERMINATED, run_window

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--rate", type=int, required=True)
    parser.add_argument("--resolution", type=int, nargs=2, required=True)
    parser.add_argument("--timestep-us", type=int, default=30_000)
    parser.add_argument("--model", default="neuroclip-mini")
    given = parser.parse_args()
    prepare_threads(for_window=True)
    watch = Watch(given.seconds)
    watch_window(watch)
    giving_up = threading.Timer(PATIENCE_S + given.seconds, os._exit, (3,))
    giving_up.daemon = True
    giving_up.start()
    status = run_window(_options(given))
    given.to.write_text(
        json.dumps(
            {
                "seconds": watch.ended - watch.began,
                "thread_s": watch.thread_ended - watch.thread_began,
                "labels": watch.labels,
                "pictures": watch.pictures,
                "predictions": watch.predictions,
                "thinning": watch.thinning,
                "event_rate": watch.event_rate,
            }
        ),
        encoding="utf-8",
    )
    return 0 if status == TERMINATED else 1


def _options(given: argparse.Namespace) -> Options:
    return Options(
        source=SimulationSpec(Resolution(*given.resolution), seed=given.rate),
        prompts=("a person", "a cup", "a star", "a hand", "a dog", "a bicycle"),
        template="plain",
        model=given.model,
        pretrained=None,
        device="cpu",
        precision="auto",
        framer=FramerSettings(timestep_us=given.timestep_us),
        view="crop",
        normalisation="clip",
        speed=1.0,
        loop=False,
        record_to=None,
        output=None,
        something_else=False,
    )


if __name__ == "__main__":
    leave(main())
