"""pyqtgraph's ImageView in its default use, while a model recognises flat out in a thread. A process of its own."""

from __future__ import annotations

import argparse
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.frame_feed import made_frames
from benchmarks.peers import peer
from pipeline.clip import load_model
from pipeline.threads import prepare_threads

PICTURES_A_SECOND = 60


def main() -> int:
    """Show pictures, and write when they were painted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--resolution", type=int, nargs=2, required=True)
    parser.add_argument("--model", default="neuroclip-mini")
    given = parser.parse_args()
    prepare_threads()
    pyqtgraph, core, model = peer("pyqtgraph"), peer("PyQt6.QtCore"), load_model(given.model, device="cpu")
    if pyqtgraph is None or core is None:
        return 2
    stop = threading.Event()
    thread = threading.Thread(target=_recognise, args=(model, stop), daemon=True)
    painted = _show(pyqtgraph, core, given, thread)
    stop.set()
    thread.join()
    given.to.write_text(json.dumps(painted), encoding="utf-8")
    return 0


def _recognise(model: Any, stop: threading.Event) -> None:
    frames = np.stack([frame.pixels for frame in made_frames(8)])
    while not stop.is_set():
        for frame in frames:
            model.encode_frames(frame[None])


def _show(pyqtgraph: Any, core: Any, given: argparse.Namespace, thread: threading.Thread) -> dict[str, Any]:
    application = pyqtgraph.mkQApp()
    view = pyqtgraph.ImageView()
    view.resize(1400, 900)
    view.show()
    width, height = given.resolution
    random = np.random.default_rng(0)
    pictures = [random.integers(0, 255, (height, width, 3), np.uint8) for _ in range(4)]
    painted: list[float] = []
    paint = pyqtgraph.ImageItem.paint

    def watched(self: Any, *arguments: Any) -> None:
        paint(self, *arguments)
        painted.append(time.monotonic())

    pyqtgraph.ImageItem.paint = watched
    timer = core.QTimer()
    timer.setTimerType(core.Qt.TimerType.PreciseTimer)
    timer.timeout.connect(lambda: view.setImage(pictures[len(painted) % len(pictures)]))
    timer.start(1000 // PICTURES_A_SECOND)
    thread.start()
    core.QTimer.singleShot(round(given.seconds * 1000), application.quit)
    start, thread_start = time.monotonic(), time.thread_time()
    application.exec()
    timer.stop()
    return {
        "seconds": time.monotonic() - start,
        "thread_s": time.thread_time() - thread_start,
        "pictures": painted,
    }


if __name__ == "__main__":
    sys.exit(main())
