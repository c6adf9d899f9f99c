"""One event frame through the bundled model's image encoder, on one core."""

from __future__ import annotations

from collections.abc import Callable

import torch

import pipeline as nc
from benchmarks.frame_feed import made_frames
from benchmarks.machine import one_core, one_torch_thread
from benchmarks.measuring import OWN, Contender, Effort, StageResult, compare
from pipeline.model_choice import BUNDLED

TITLE = "One event frame through the bundled model, one core"


def measure(effort: Effort) -> StageResult:
    """Measure this program's way, resizing included, and open_clip's own building of the same model."""
    times = effort.size(100, 3)
    frame = made_frames(1)[0].pixels[None]
    model = nc.load_model(f"local-dir:{BUNDLED}", device="cpu", precision="fp32")
    with one_core(), one_torch_thread():
        figures = compare(
            "346 × 260, fp32",
            [
                Contender(OWN, lambda: _repeat(lambda: model.encode_frames(frame), times)),
                Contender("open_clip's module, resizing not counted", _peer(model.image_size, times)),
            ],
            effort,
            unit="ms",
            of_seconds=lambda seconds: seconds * 1e3 / times,
            more_is_better=False,
        )
    return StageResult(TITLE, tuple(figures))


def _peer(side: int, times: int) -> Callable[[], None]:
    import open_clip

    module = open_clip.create_model(f"local-dir:{BUNDLED}").eval()
    pixels = torch.zeros(1, 3, side, side)

    def run() -> None:
        with torch.inference_mode():
            _repeat(lambda: module.encode_image(pixels), times)

    return run


def _repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()
