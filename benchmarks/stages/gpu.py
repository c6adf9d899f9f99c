"""A window on a GPU, from the frame's bytes in the machine's memory to its logits there, with the adapter.

What is to be kept on a present GPU: half of ViT-B-16's windows within 3 ms, of ViT-L-14's within 6 ms, and five times
the windows of the reference's way, which encodes all T frames of each window in fp32.
"""

from __future__ import annotations

import copy
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pipeline as nc
from benchmarks.frame_feed import made_frames
from benchmarks.measuring import OWN, Contender, Effort, Figure, StageResult, compare
from benchmarks.random_models import random_folder
from pipeline.cuda_frames import STEADY, SingleFrames
from pipeline.few_shot.spiking import SpikingClassifier, SpikingSettings
from pipeline.few_shot.taught import TaughtClass, TaughtClasses
from pipeline.model_building import build_model
from pipeline.model_choice import BUNDLED, plan_model
from pipeline.model_errors import Following
from pipeline.prediction import EventFrame, Prediction
from pipeline.prompts import PRESETS, PromptList
from pipeline.recogniser import Recogniser
from pipeline.torch_clip import TorchClip

TITLE = "Windows judged on a GPU with the adapter, one new frame each, T = 10"
NO_GPU = (
    "No CUDA GPU is on this machine. Where one is, this measures it: `uv run --group bench python -m benchmarks gpu`."
)
TIMESTEPS = 10
PROMPTS = ("a person", "a cup", "a star", "a hand", "a dog", "a bicycle", "an umbrella", "a key", "a fish", "a tree")
ARCHITECTURES = ("ViT-B-16", "ViT-L-14")
PLAIN = f"{OWN}, without a graph"
REFERENCE = "the reference's way: T frames, fp32"
SHARES = (50, 99)
"""Per cent of the windows that are ready within a figure."""


def measure(effort: Effort) -> StageResult:
    """Measure ViT-B-16 and ViT-L-14 with random weights, or, if quick, the bundled model; nothing without a GPU."""
    if not torch.cuda.is_available():
        return StageResult(TITLE, (), skipped=NO_GPU)
    device = torch.device("cuda", torch.cuda.current_device())
    rates = Rates.of(device, effort)
    figures: list[Figure] = []
    remarks = [f"The GPU: {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}."]
    with tempfile.TemporaryDirectory() as folder:
        for name in (BUNDLED.name,) if effort.quick else ARCHITECTURES:
            place = BUNDLED if effort.quick else random_folder(name, Path(folder) / name)
            measured, said = measure_model(name, place, device, rates, effort)
            figures += measured
            remarks += said
    return StageResult(TITLE, tuple(figures), tuple(remarks))


def measure_model(
    name: str, place: Path, device: torch.device, rates: Rates, effort: Effort
) -> tuple[list[Figure], list[str]]:
    """Measure one model; gives figures and remarks.

    Parameters
    ----------
    name : str
    place : Path
        Its folder.
    device : torch.device
    rates : Rates
        Of this device.
    effort : Effort
    """
    work = _Work(place, device, effort)
    clocked = work.contenders()
    figures = compare(
        f"{name}, {len(PROMPTS)} classes",
        [Contender(who, each, each.remark) for who, each in clocked.items()],
        effort,
        unit="windows/s",
        of_seconds=lambda seconds: 1 / seconds,
    )
    for share in SHARES:
        figures += [_within(name, share, figure, clocked[figure.contender]) for figure in figures[: len(clocked)]]
    median = next(each.median for each in figures[len(clocked) :] if each.contender == OWN)
    assert median is not None
    return figures, [work.floor(name, rates, median)]


def _within(name: str, share: int, figure: Figure, clocked: _Clocked) -> Figure:
    """Give within how many ms so many per cent of a contender's windows were ready, round by round."""
    # The first round does not count.
    values = tuple(float(np.percentile(each, share)) * 1e3 for each in clocked.rounds[1:]) if figure.values else ()
    return replace(figure, case=f"{name}, p{share} of a window", unit="ms", values=values, more_is_better=False)


@dataclass
class _Clocked:
    """Judges windows, and keeps how long each took."""

    judge: Callable[[], object]
    windows: int
    remark: str = ""
    rounds: list[list[float]] = field(default_factory=list)

    def __call__(self) -> float:
        """Judge a round of windows; gives the mean seconds of one."""
        durations = []
        for _ in range(self.windows):
            start = time.perf_counter()
            self.judge()
            durations.append(time.perf_counter() - start)
        self.rounds.append(durations)
        return sum(durations) / len(durations)


def _by_torch(place: Path, device: torch.device, precision: str) -> TorchClip:
    """Load a model as on a GPU; a processor's might be computed by something else."""
    following = Following()
    plan = plan_model(str(place), None, following=following)
    return build_model(plan, device, precision, deterministic=True, following=following)


class _Work:
    """One model on a device, taught ten classes, and a stream of frames that has no end."""

    def __init__(self, place: Path, device: torch.device, effort: Effort) -> None:
        self._place, self._device = place, device
        self._windows = effort.size(200, 3)
        self._frames = made_frames(effort.size(60, TIMESTEPS))
        self._model = _by_torch(place, device, "auto")
        self._classifier = _taught_at_random(self._model)

    def contenders(self) -> dict[str, _Clocked]:
        """Give this program, with a graph where there is one, and the other ways, each begun."""
        single = self._model.single_frames
        own = self._own(single)
        graph = "CUDA graph" if single is not None and single.by_graph else "no graph"
        return {
            OWN: _Clocked(own, self._windows, f"{self._model.precision}, {graph}"),
            PLAIN: _Clocked(self._own(None), self._windows, self._model.precision),
            REFERENCE: _Clocked(self._reference(), self._windows),
        }

    def _own(self, single: SingleFrames | None) -> Callable[[], object]:
        recogniser, stream = Recogniser(self._model, timesteps=TIMESTEPS), self._stream()
        recogniser.set_prompts(PromptList.of(PROMPTS, PRESETS["class"]))
        classes = tuple(TaughtClass(label, (label,)) for label in recogniser.labels)
        recogniser.set_taught(TaughtClasses(self._classifier, classes, recogniser.feature_setting))

        def judge() -> object:
            self._model.single_frames = single
            return recogniser.push([next(stream)])

        # The first window's frames are encoded together; a graph is made after some that come one by one.
        for _ in range(TIMESTEPS + 2 * STEADY):
            prediction = judge()
        if not isinstance(prediction, Prediction) or not prediction.taught:
            raise RuntimeError("the adapter has judged no window")
        return judge

    def _stream(self) -> Iterator[EventFrame]:
        """Give the frames again and again, numbered on."""
        for index in count():
            yield replace(self._frames[index % len(self._frames)], index=index)

    def _reference(self) -> Callable[[], torch.Tensor]:
        """Encode all T frames of each window as they are; the adapter works on the device, too."""
        exact = _by_torch(self._place, self._device, "fp32")
        adapter = copy.deepcopy(self._classifier.adapter).to(self._device)
        texts = torch.from_numpy(self._classifier.prompts).to(self._device)
        start = count()

        def judge() -> torch.Tensor:
            first = next(start)
            window = [self._frames[(first + step) % len(self._frames)].pixels for step in range(TIMESTEPS)]
            images = exact.preprocessing(
                np.stack(window), normalisation="reference", view="stretch", device=self._device, dtype=torch.float32
            )
            with torch.inference_mode():
                features: torch.Tensor = exact.module.encode_image(images)  # type: ignore[operator]
                return nc.adapter_logits(adapter(features[None]), texts, exact.scale).cpu()

        return judge

    def floor(self, name: str, rates: Rates, median_ms: float) -> str:
        """Say how fast the image tower's weights can be read, and its operations be done, and how near that is."""
        visual: Any = self._model.module.visual
        weights = sum(int(parameter.nbytes) for parameter in visual.parameters())
        side, dtype = self._model.image_size, next(visual.parameters()).dtype
        operations = tower_operations(visual, torch.zeros(1, 3, side, side, dtype=dtype, device=self._device))
        reading_ms, computing_ms = weights / rates.bytes_a_s * 1e3, operations / rates.operations_a_s * 1e3
        times = median_ms / max(reading_ms, computing_ms)
        return (
            f"{name} in {self._model.precision}: the image tower's {weights / 1e6:.0f} MB of weights are read in "
            f"{reading_ms:.2f} ms at the {rates.bytes_a_s / 1e9:,.0f} GB/s of a copy within the device, its "
            f"{operations / 1e9:.1f} G operations take {computing_ms:.2f} ms at the "
            f"{rates.operations_a_s / 1e12:.1f} T/s of a large matrix product in half precision; half of the windows "
            f"take {median_ms:.2f} ms, {times:.1f} times the longer of the two, or less."
        )


def _taught_at_random(model: nc.ClipModel) -> SpikingClassifier:
    """Give an adapter of ten classes: how fast it is does not depend on what it has learnt."""
    random = np.random.default_rng(0)
    examples = random.standard_normal((2 * len(PROMPTS), TIMESTEPS, model.width), np.float32)
    labels = np.arange(2 * len(PROMPTS)) % len(PROMPTS)
    classifier = SpikingClassifier(model.scale, SpikingSettings(epochs=1))
    return classifier.fit(examples, labels, model.encode_texts(PROMPTS).numpy())


@dataclass(frozen=True)
class Rates:
    """What bounds every encoder on a device.

    Attributes
    ----------
    bytes_a_s : float
        Memory read and written by a copy within the device.
    operations_a_s : float
        Multiplications and additions of a matrix product in half precision (fp32 where a device has none).
    """

    bytes_a_s: float
    operations_a_s: float

    @classmethod
    def of(cls, device: torch.device, effort: Effort) -> Rates:
        """Measure both: the best of a few."""
        source = torch.zeros(effort.size(1 << 30, 1 << 22), dtype=torch.uint8, device=device)
        target = torch.empty_like(source)
        copying_s = _quickest(lambda: target.copy_(source), device)
        side = effort.size(8192, 256)
        left = torch.ones(side, side, dtype=torch.float16 if device.type == "cuda" else torch.float32, device=device)
        product_s = _quickest(lambda: left @ left, device)
        return cls(2 * source.nbytes / copying_s, 2 * side**3 / product_s)


def _quickest(work: Callable[[], object], device: torch.device, times: int = 5, together: int = 10) -> float:
    """Give the seconds of one run, of several that follow each other without a pause."""
    durations = []
    for _ in range(times + 1):
        start = time.perf_counter()
        for _ in range(together):
            work()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        durations.append((time.perf_counter() - start) / together)
    return min(durations[1:])


def tower_operations(visual: torch.nn.Module, image: torch.Tensor) -> int:
    """Count the multiplications and additions of matrix products, convolutions and attention for these pictures."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    # Attention as one operation, which torch takes where nothing is learned, is not counted.
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
            visual(image)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    return int(counter.get_total_flops())
