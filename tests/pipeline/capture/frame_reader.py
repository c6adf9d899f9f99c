"""A capture of a camera on the make-believe bus that records it and reads every frame, as a program of its own.

python -m tests.pipeline.capture.frame_reader RECORDING SECONDS reads for so long of the camera's time, from the first
event on, and writes a JSON object to stdout: ``frames`` (beginning and end in µs, segment, number of events), and what
was said (``said``).
"""

import json
import sys
from pathlib import Path

from pipeline.capture.messages import Failed, FramerSettings, Lost, Notice, Open, Record, Status
from pipeline.capture.supervisor import Capture
from pipeline.prediction import EventFrame
from pipeline.sources.base import CameraSpec


def main(recording: str, seconds: str) -> None:
    said: list[Status] = []
    frames: list[EventFrame] = []
    with Capture(said.append, pictures=False) as capture:
        capture.open(Open(CameraSpec(), FramerSettings(timestep_us=30_000), record_to=Path(recording)))
        while not _long_enough(frames, float(seconds)):
            assert not any(isinstance(status, Failed | Lost) for status in said), said
            capture.feed.wait(0.5)
            frames += [frame for frame in capture.feed.take() if frames or frame.events]
        capture.send(Record(None))
    told = [str(status) for status in said if isinstance(status, Notice | Failed | Lost)]
    rows = [[frame.start_us, frame.end_us, frame.segment, frame.events] for frame in frames]
    json.dump({"frames": rows, "said": told}, sys.stdout)


def _long_enough(frames: list[EventFrame], seconds: float) -> bool:
    return bool(frames) and frames[-1].end_us - frames[0].start_us >= seconds * 1e6


if __name__ == "__main__":
    main(*sys.argv[1:])
