"""The recogniser with the bundled model: with the number of timesteps in a window, and of prompts."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pipeline as nc
from benchmarks.frame_feed import made_frames
from benchmarks.growth.curve import Curve, Line, median_s, some
from pipeline.clip import ClipModel
from pipeline.model_choice import BUNDLED
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser

TIMESTEPS = (1, 2, 5, 10, 20, 50, 100)
PROMPTS = (1, 10, 100, 1_000, 10_000)
WINDOWS = 10


def by_timesteps(repeats: int, quick: bool) -> Curve:
    """Milliseconds for the next window, T from 1 to 100."""
    model = _model()
    counts = some(TIMESTEPS, quick)
    kept = tuple((float(count), _next_window_ms(model, count, 10, repeats)) for count in counts)
    anew = tuple((float(count), _whole_window_ms(model, count, repeats)) for count in counts)
    return Curve(
        "A window judged: each has one frame that the one before had not", "T, timesteps a window", "ms a window",
        (Line("this program", kept), Line("all T frames encoded for each window", anew)),
    )  # fmt: skip


def by_prompts(repeats: int, quick: bool) -> Curve:
    """Milliseconds for the next window, and for one more prompt, with 1 to 10,000 prompts."""
    model = _model()
    counts = some(PROMPTS, quick)
    judged = tuple((float(count), _next_window_ms(model, 10, count, repeats)) for count in counts)
    typed = tuple((float(count), _one_more_ms(model, count, repeats)) for count in counts)
    return Curve(
        "Prompts", "prompts", "ms", (Line("next window judged", judged), Line("one more prompt, then judged", typed))
    )


def _model() -> ClipModel:
    return nc.load_model(str(BUNDLED), device="cpu", deterministic=False)


def _rows(count: int) -> PromptList:
    return PromptList.of([f"a thing number {number}" for number in range(count)], PRESETS["plain"])


def _filled(model: ClipModel, timesteps: int, prompts: int) -> tuple[Recogniser, Callable[[], object]]:
    """Give a recogniser with a whole window, and what judges the next one."""
    recogniser = Recogniser(model, timesteps=timesteps)
    recogniser.set_prompts(_rows(prompts))
    frames = iter(made_frames(timesteps + 1000))
    recogniser.push(list(itertools.islice(frames, timesteps)))
    return recogniser, lambda: recogniser.push([next(frames)])


def _next_window_ms(model: ClipModel, timesteps: int, prompts: int, repeats: int) -> float:
    _, judge = _filled(model, timesteps, prompts)
    return median_s(lambda: [judge() for _ in range(WINDOWS)], repeats) * 1e3 / WINDOWS


def _whole_window_ms(model: ClipModel, timesteps: int, repeats: int) -> float:
    frames = made_frames(timesteps)
    recogniser = Recogniser(model, timesteps=timesteps)
    recogniser.set_prompts(_rows(10))
    return median_s(lambda: recogniser.analyse(frames) or recogniser.finish(), repeats) * 1e3


def _one_more_ms(model: ClipModel, prompts: int, repeats: int) -> float:
    recogniser, judge = _filled(model, 10, prompts)
    more = itertools.count(prompts + 1)

    def work() -> None:
        recogniser.set_prompts(_rows(next(more)))
        judge()

    return median_s(work, repeats) * 1e3
